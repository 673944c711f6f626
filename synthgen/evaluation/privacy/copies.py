"""Copies: train rows that stand in the release, whole or nearly, more often than others would.

Of rows that several people share a copy says nothing, and of rows among many that are like them
little: a generator that remembers nobody makes them too, so often that chance hides a few copies.
Attacked are rows that stand alone: exactly copied, those that differ from all others of the train
table and the holdout in two columns or more; nearly, those that no other is near to. Where hardly
any row stands alone, those are attacked that are there once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import Risk, excess, lacking, worst
from synthgen.evaluation.quality.align import row_hashes

Masks = tuple[np.ndarray, np.ndarray]
# a row this near in every number, by rank, and equal in every category is nearly the same
_NEAR = 0.01
_FEW = 50
_MISSING = -9.0
# rows of a table that stand alone, below which those are attacked that are there once
_ENOUGH = 1_000


def exact_copies(train: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame) -> Risk:
    """Excess share of train rows that the release holds, over that of holdout rows."""
    released = np.unique(row_hashes(synthetic))
    whole = [row_hashes(table) for table in (train, holdout)]
    hits = [np.isin(hashes, released) for hashes in whole]
    return _of_attacked(hits, unlike_others(train, holdout), held_once(*whole))


def copies(train: np.ndarray, synthetic: np.ndarray, holdout: np.ndarray, *, what: str) -> Risk:
    """Excess share of values (n,) of single train records that the release (m,) holds.

    Args:
        train, synthetic, holdout: Values to compare; two records that share one tell of neither.
        what: They are, in words.
    """
    released = np.unique(synthetic)
    sides = zip((train, holdout), held_once(train, holdout), strict=True)
    return _excess([np.isin(side[once], released) for side, once in sides], what)


def unlike_others(train: pd.DataFrame, holdout: pd.DataFrame) -> Masks:
    """Which rows (n,) and (m,) differ from every other row of both in two columns or more."""
    cells = np.stack(
        [
            np.concatenate([row_hashes(table[[name]]) for table in (train, holdout)])
            for name in train
        ],
        axis=1,
    )
    # sums that wrap around: what is left of one without a column stands for all other columns
    cells *= np.random.default_rng(0).integers(0, 2**63, cells.shape[1], np.uint64) * 2 + 1
    whole = cells.sum(axis=1)
    alone = np.ones(len(whole), bool)
    for j in range(cells.shape[1]):
        alone &= _held_once(whole - cells[:, j])
    return alone[: len(train)], alone[len(train) :]


def near_copies(people: People) -> Risk:
    """The same of rows whose numbers are all within a hundredth of the ranks.

    Copies are few and soon found, so all rows are attacked.
    """
    from sklearn.neighbors import KDTree

    everybody = people.everybody()
    points = _points(everybody)
    sides = [points["members"], points["controls"]]

    def near(among: np.ndarray) -> list[np.ndarray]:
        tree = KDTree(among, metric="chebyshev")
        return [tree.query_radius(side, _NEAR, count_only=True) for side in sides]

    hits = [count > 0 for count in near(points["synthetic"])]
    # each is near to itself
    alone = [count <= 1 for count in near(np.concatenate(sides))]
    whole = [row_hashes(table) for table in (everybody.members, everybody.controls)]
    return _of_attacked(hits, (alone[0], alone[1]), held_once(*whole))


def identifier_copies(tables: Sequence[pd.DataFrame]) -> Risk:
    """Excess share of identifiers and texts of the train table that the release holds.

    Args:
        tables: Train, synthetic and holdout table, of the columns whose cells a generator invents.
    """
    if not tables or not len(tables[0].columns):
        return lacking("no column of identifiers or free text is in all tables")
    return worst(
        {
            str(name): copies(
                *(table[name].dropna().map(str).to_numpy(object) for table in tables),
                what="values that one person has",
            )
            for name in tables[0].columns
        }
    )


def held_once(train: np.ndarray, holdout: np.ndarray) -> Masks:
    """Whether each value (n,) and (m,) stands nowhere else, in neither of both.

    Of these a train and a holdout record may be exchanged, were it not for the generator.
    """
    single = _held_once(np.concatenate([train, holdout]))
    return single[: len(train)], single[len(train) :]


def _held_once(values: np.ndarray) -> np.ndarray:
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(count[inverse.reshape(-1)] == 1)


def _of_attacked(hits: list[np.ndarray], alone: Masks, once: Masks) -> Risk:
    """Excess of hits among the rows that stand alone, or that are there once."""
    is_enough = min(int(mask.sum()) for mask in alone) >= _ENOUGH
    masks, what = (
        (alone, "rows that stand alone") if is_enough else (once, "rows that one person has")
    )
    return _excess([hit[mask] for hit, mask in zip(hits, masks, strict=True)], what)


def _excess(hits: list[np.ndarray], what: str) -> Risk:
    if min(map(len, hits)) < _FEW:
        return lacking(f"there are fewer than {_FEW} {what}")
    (a, n), (b, m) = ((int(hit.sum()), len(hit)) for hit in hits)
    return excess(a, n, b, m, normalized=False, unit="excess share", baseline=0.0)


def _points(people: People) -> dict[str, np.ndarray]:
    """Ranks of numbers, missing far away from all, and one more for the categories.

    Shape:
        (n, n_numbers + 1) of each table; rows of other categories are 1 or more apart in the last.
    """
    scales = people.embedding.scales
    kept = [j for j, scale in enumerate(scales) if scale is None]
    keys = {
        role: pd.util.hash_pandas_object(pd.DataFrame(codes[:, kept]), index=False).to_numpy()
        if kept
        else np.zeros(len(codes), np.uint64)
        for role, codes in people.codes.items()
    }
    known = np.unique(np.concatenate(list(keys.values())))
    found = {}
    for role, cells in people.numbers.items():
        ranks = [s.place(cells[:, j]) for j, s in enumerate(scales) if s is not None]
        ranks = [np.nan_to_num(rank, nan=_MISSING) for rank in ranks]
        found[role] = np.stack([*ranks, np.searchsorted(known, keys[role]).astype(float)], axis=1)
    return found
