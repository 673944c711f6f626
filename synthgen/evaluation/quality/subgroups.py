"""Fidelity inside groups of rows: an average hides the group whose rows are all wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from synthgen.evaluation.auc import auc_with_error
from synthgen.evaluation.extras import need
from synthgen.evaluation.features import Floats, TableFeatures, read_as
from synthgen.evaluation.quality.binning import Binning, Ints
from synthgen.evaluation.quality.thinning import thin
from synthgen.evaluation.result import MetricResult

FEWEST_ROWS = 100
_MOST_LEVELS = 50
_MOST_COLUMNS = 12
_MOST_TRAINED = 50_000
_LISTED = 12
_USELESS = 8
_FEWEST_OF_CLASS = 20


@dataclass(frozen=True)
class Subgroup:
    """Rows that share a value in one or two categorical columns.

    Attributes:
        columns: The columns.
        values: Their values.
        n_real: Real rows of the group.
        n_synthetic: Synthetic rows of the group.
        real_pct: Their share of the real table.
        synthetic_pct: Their share of the synthetic table.
        shape_error_pct: Mean over the other columns of the total variation distance at ten
            quantile bins, inside the group; 100 when no synthetic row belongs to it.
        chance_pct: What two samples of those sizes of one distribution would show.
        holdout_shape_error_pct: The same error of holdout rows.
        worst_column: The column with the largest error.
        mle: AUC on the group's holdout rows of a model trained on the synthetic table.
        mle_real: The same of a model trained on the real table.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]
    n_real: int
    n_synthetic: int
    real_pct: float
    synthetic_pct: float
    shape_error_pct: float
    chance_pct: float
    holdout_shape_error_pct: float | None
    worst_column: str | None
    mle: float | None = None
    mle_real: float | None = None

    @property
    def text(self) -> str:
        """The group in words."""
        return " and ".join(f"{c} is {v}" for c, v in zip(self.columns, self.values, strict=True))

    @property
    def excess_pct(self) -> float:
        """Error beyond chance."""
        return self.shape_error_pct - self.chance_pct


@dataclass(frozen=True)
class Subgroups:
    """The shape error of the worst group, and the worst groups.

    Those whose shape error most exceeds chance, worst first; then, where utility is known, those
    that lose most of it.
    """

    worst: MetricResult
    groups: tuple[Subgroup, ...]


def subgroups(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    target: Any = None,
    fewest_rows: int = FEWEST_ROWS,
    seed: int = 0,
) -> Subgroups:
    """Compare the tables inside every group of one and two categorical columns.

    Groups have at least ``fewest_rows`` real rows; columns at most 50 levels, and of more than 12
    such columns the first 12 are used. With a holdout and a target of two classes, the listed
    groups also say how useful the synthetic table is for them.

    Raises:
        MissingExtraError: If a target is given and xgboost is not installed.
        InvalidInputError: If the columns differ.
    """
    n = min(len(real), len(synthetic))
    by = [name for name in real.columns if _groups_by(real[name])][:_MOST_COLUMNS]
    binning = Binning.of(real)
    tables = [binning.codes(table) for table in (real, synthetic)]
    held = None if holdout is None else binning.codes(holdout)
    places = [list(real.columns).index(name) for name in by]
    found: list[Subgroup] = []
    for size in (1, 2):
        for chosen in combinations(places, size):
            found += _of(binning, chosen, tables[0], tables[1], held, fewest_rows)
    found.sort(key=lambda group: (-group.excess_pct, group.text))
    if not found:
        reason = f"no value of a categorical column has {fewest_rows} real rows"
        return Subgroups(MetricResult(None, "lower", n, "%", reason=reason), ())
    if holdout is not None and target is not None:
        found = _with_utility(found, real, synthetic, holdout, target, seed)
    listed = found[:_LISTED]
    useless = [group for group in found[_LISTED:] if group.mle is not None]
    listed += sorted(useless, key=lambda group: (group.mle or 0.0) - (group.mle_real or 0.0))[
        :_USELESS
    ]
    worst = listed[0]
    reason = f"{worst.text}; {worst.chance_pct:.1f} % would be chance"
    value = MetricResult(
        worst.shape_error_pct,
        "lower",
        min(worst.n_real, worst.n_synthetic),
        "%",
        None,
        worst.holdout_shape_error_pct,
        reason,
    )
    return Subgroups(value, tuple(listed))


def _groups_by(column: pd.Series) -> bool:
    return read_as(column) in ("category", "boolean") and 2 <= column.nunique() <= _MOST_LEVELS


def _of(
    binning: Binning,
    chosen: tuple[int, ...],
    real: Ints,
    synthetic: Ints,
    holdout: Ints | None,
    fewest_rows: int,
) -> list[Subgroup]:
    """Every group of the chosen columns with enough real rows."""
    keys = [_keys(binning, chosen, table) for table in (real, synthetic)]
    names = [str(column.name) for column in binning.features.columns]
    groups, counts = np.unique(keys[0], return_counts=True)
    groups = groups[counts >= fewest_rows]
    if not len(groups):
        return []
    others = [index for index in range(len(names)) if index not in chosen]
    errors, chance = _errors(binning, others, groups, (keys[0], real), (keys[1], synthetic))
    held = None
    if holdout is not None:
        key = _keys(binning, chosen, holdout)
        held = _errors(binning, others, groups, (keys[0], real), (key, holdout))[0]
    found = []
    for row, group in enumerate(groups):
        values = _values(binning, chosen, int(group))
        if values is None or not others:
            continue
        n_real, n_synthetic = (int((key == group).sum()) for key in keys)
        worst = int(np.argmax(errors[row] - chance[row]))
        empty = not n_synthetic
        found.append(
            Subgroup(
                tuple(names[index] for index in chosen),
                values,
                n_real,
                n_synthetic,
                100 * n_real / len(real),
                100 * n_synthetic / len(synthetic),
                100.0 if empty else 100 * float(errors[row].mean()),
                0.0 if empty else 100 * float(chance[row].mean()),
                None if held is None else 100 * float(held[row].mean()),
                None if empty else names[others[worst]],
            )
        )
    return found


def _keys(binning: Binning, chosen: tuple[int, ...], codes: Ints) -> Ints:
    key = codes[:, chosen[0]]
    for index in chosen[1:]:
        key = key * binning.sizes[index] + codes[:, index]
    return key


def _values(binning: Binning, chosen: tuple[int, ...], key: int) -> tuple[str, ...] | None:
    """The group's values in words; none where one is missing or unseen."""
    found: list[str] = []
    for index in reversed(chosen):
        key, code = divmod(key, binning.sizes[index])
        column, edges = binning.features.columns[index], binning.edges[index]
        if column.vocabulary is not None:
            if code >= len(column.vocabulary):
                return None
            found.append(str(column.vocabulary[code]))
        else:  # a boolean: false lies below the only edge
            if edges is None or code > len(edges):
                return None
            found.append("true" if code else "false")
    return tuple(reversed(found))


_Keyed = tuple[Ints, Ints]


def _errors(
    binning: Binning, others: list[int], groups: Ints, one: _Keyed, other: _Keyed
) -> tuple[Floats, Floats]:
    """Total variation distance of every column in every group, and its mean under chance.

    Shape:
        (n_groups, n_others) each
    """
    gaps, chances = np.empty((2, len(groups), len(others)))
    for place, index in enumerate(others):
        size = binning.sizes[index]
        counts = [_counts(groups, keys, codes[:, index], size) for keys, codes in (one, other)]
        totals = [np.maximum(1, table.sum(axis=1, keepdims=True)) for table in counts]
        shares = [table / total for table, total in zip(counts, totals, strict=True)]
        gaps[:, place] = np.abs(shares[0] - shares[1]).sum(axis=1) / 2
        pooled = (counts[0] + counts[1]) / (totals[0] + totals[1])
        # Mean absolute value of a normal difference: sqrt(2 / pi) of its standard deviation.
        spread = np.sqrt(pooled * (1 - pooled) * (1 / totals[0] + 1 / totals[1]))
        chances[:, place] = np.sqrt(2 / np.pi) * spread.sum(axis=1) / 2
    return gaps, chances


def _counts(groups: Ints, keys: Ints, cells: Ints, size: int) -> Ints:
    place = np.clip(np.searchsorted(groups, keys), 0, len(groups) - 1)
    inside = groups[place] == keys
    flat = np.bincount(place[inside] * size + cells[inside], minlength=len(groups) * size)
    return flat.reshape(len(groups), size)


def _with_utility(
    groups: list[Subgroup],
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame,
    target: Any,
    seed: int,
) -> list[Subgroup]:
    """Groups with the AUC of either model on their holdout rows, for a target of two classes."""
    classes = sorted(real[target].dropna().unique(), key=str)
    if len(classes) != 2:
        return groups
    features = TableFeatures.of(real.drop(columns=target))
    holdout = holdout[holdout[target].notna()].reset_index(drop=True)
    judged = features.matrix(holdout)
    scores = [
        _scores(features, thin(table, _MOST_TRAINED, seed), target, classes, judged, seed)
        for table in (synthetic, real)
    ]
    positive = (holdout[target] == classes[1]).to_numpy(dtype=bool)
    texts = {str(name): _texts(holdout[name]) for name in holdout.columns if name != target}
    found = []
    for group in groups:
        if str(target) in group.columns:
            found.append(group)
            continue
        inside = np.ones(len(holdout), dtype=bool)
        for name, value in zip(group.columns, group.values, strict=True):
            inside &= texts[name] == value
        aucs = [None if s is None else _auc(s[inside], positive[inside]) for s in scores]
        found.append(replace(group, mle=aucs[0], mle_real=aucs[1]))
    return found


def _texts(cells: pd.Series) -> Any:
    texts = cells.astype(object).map(str)
    return (texts.str.lower() if read_as(cells) == "boolean" else texts).to_numpy()


def _scores(
    features: TableFeatures,
    table: pd.DataFrame,
    target: Any,
    classes: list[Any],
    judged: Floats,
    seed: int,
) -> Floats | None:
    table = table[table[target].isin(classes)]
    label = (table[target] == classes[1]).to_numpy(dtype=bool)
    if not label.any() or label.all():
        return None
    classifier = need("xgboost", "utility in subgroups").XGBClassifier
    model = classifier(n_estimators=200, max_depth=6, learning_rate=0.1, random_state=seed)
    model.fit(features.matrix(table), label.astype(int))
    return np.asarray(model.predict_proba(judged)[:, 1], dtype=np.float64)


def _auc(score: Floats, positive: Any) -> float | None:
    if min(int(positive.sum()), int((~positive).sum())) < _FEWEST_OF_CLASS:
        return None
    return auc_with_error(score[positive], score[~positive])[0]
