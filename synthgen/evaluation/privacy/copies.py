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
    """The same of rows whose numbers are all within a hundredth of the ranks."""
    others = ("members", "controls", "reference")
    points = {role: _strict(people, role) for role in ("synthetic", *others)}
    keys = {role: _category_keys(people, role) for role in points}
    everybody = [np.concatenate([held[role] for role in others]) for held in (points, keys)]
    sides = [(points[role], keys[role]) for role in ("members", "controls")]
    hits = [_near(*side, points["synthetic"], keys["synthetic"]) > 0 for side in sides]
    # each is near to itself
    lonely = [_near(*side, everybody[0], everybody[1]) <= 1 for side in sides]
    whole = [row_hashes(getattr(people, role)) for role in ("members", "controls")]
    return _of_attacked(hits, (lonely[0], lonely[1]), held_once(*whole))


def _near(
    points: np.ndarray, keys: np.ndarray, among: np.ndarray, among_keys: np.ndarray
) -> np.ndarray:
    """How many of ``among`` (m, d) are near each point (n, d) and have its key: (n,)."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(radius=_NEAR, metric="chebyshev", algorithm="kd_tree")
    # equal in every category first: few rows are left to compare
    order = np.argsort(among_keys, kind="stable")
    sorted_keys = among_keys[order]
    low = np.searchsorted(sorted_keys, keys, "left")
    high = np.searchsorted(sorted_keys, keys, "right")
    found = np.zeros(len(keys), np.int64)
    for key in np.unique(keys[high > low]):
        rows = np.flatnonzero(keys == key)
        same = among[order[low[rows[0]] : high[rows[0]]]]
        if not same.shape[1]:
            found[rows] = len(same)
            continue
        near = finder.fit(same).radius_neighbors(points[rows], return_distance=False)
        found[rows] = [len(one) for one in near]
    return found


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


def _strict(people: People, role: str) -> np.ndarray:
    """Ranks (n, n_numbers) of numbers; missing far away from all."""
    scales = people.embedding.scales
    cells = people.numbers[role]
    ranks = [s.place(cells[:, j]) for j, s in enumerate(scales) if s is not None]
    return np.nan_to_num(np.stack(ranks, 1), nan=-9.0) if ranks else np.empty((len(cells), 0))


def _category_keys(people: People, role: str) -> np.ndarray:
    """One number (n,) for the categories of a row."""
    kept = [j for j, scale in enumerate(people.embedding.scales) if scale is None]
    codes = pd.DataFrame(
        people.codes[role][:, kept] if kept else np.zeros((len(people.codes[role]), 1))
    )
    return pd.util.hash_pandas_object(codes, index=False).to_numpy()
