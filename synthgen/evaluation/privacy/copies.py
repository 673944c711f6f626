"""Copies: train rows that stand in the release, whole or nearly, more often than others would.

Of rows that several people share a copy says nothing: rows are attacked that the train table and
the holdout hold once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import Risk, excess, lacking, worst
from synthgen.evaluation.quality.align import row_hashes

# a row this near in every number, by rank, and equal in every category is nearly the same
_NEAR = 0.01
_FEW = 50


def exact_copies(train: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame) -> Risk:
    """Excess share of train rows that the release holds, over that of holdout rows."""
    hashes = [row_hashes(table) for table in (train, synthetic, holdout)]
    return copies(*hashes, what="rows that one person has")


def copies(train: np.ndarray, synthetic: np.ndarray, holdout: np.ndarray, *, what: str) -> Risk:
    """Excess share of values (n,) of single train records that the release (m,) holds.

    Args:
        train, synthetic, holdout: Values to compare; two records that share one tell of neither.
        what: They are, in words.
    """
    released = np.unique(synthetic)
    sides = zip((train, holdout), held_once(train, holdout), strict=True)
    return _excess([np.isin(side[once], released) for side, once in sides], what)


def near_copies(people: People) -> Risk:
    """The same of rows whose numbers are all within a hundredth of the ranks."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(radius=_NEAR, metric="chebyshev", algorithm="kd_tree")
    points = {role: _strict(people, role) for role in ("synthetic", "members", "controls")}
    # equal in every category first: few rows are left to compare
    keys = {role: _category_keys(people, role) for role in points}
    order = np.argsort(keys["synthetic"], kind="stable")
    sorted_keys = keys["synthetic"][order]
    hits = []
    for role in ("members", "controls"):
        found = np.zeros(len(keys[role]), bool)
        low = np.searchsorted(sorted_keys, keys[role], "left")
        high = np.searchsorted(sorted_keys, keys[role], "right")
        for key in np.unique(keys[role][high > low]):
            rows = np.flatnonzero(keys[role] == key)
            among = points["synthetic"][order[low[rows[0]] : high[rows[0]]]]
            if not among.shape[1]:
                found[rows] = True
                continue
            near = finder.fit(among).radius_neighbors(points[role][rows], return_distance=False)
            found[rows] = [len(one) > 0 for one in near]
        hits.append(found)
    whole = [row_hashes(getattr(people, role)) for role in ("members", "controls")]
    alone = [hit[once] for hit, once in zip(hits, held_once(*whole), strict=True)]
    return _excess(alone, "rows that one person has")


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


def held_once(train: np.ndarray, holdout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each value (n,) and (m,) stands nowhere else, in neither of both.

    Of these a train and a holdout record may be exchanged, were it not for the generator.
    """
    _, inverse, count = np.unique(
        np.concatenate([train, holdout]), return_inverse=True, return_counts=True
    )
    single = count[inverse.reshape(-1)] == 1
    return single[: len(train)], single[len(train) :]


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
