"""What the figures of a quality report are called, what they mean, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wording:
    """Name of a figure and one sentence that says what it is."""

    label: str
    meaning: str


WORDINGS = {
    "xgb_c2st": Wording(
        "XGB-C2ST",
        "Boosted trees try to tell synthetic rows from the real ones: 1 when they cannot, 0 when "
        "they always can.",
    ),
    "xgb_c2st_train_at_holdout_n": Wording(
        "XGB-C2ST at the holdout's size",
        "The same with as many rows as the holdout has, so that it compares with the next figure.",
    ),
    "xgb_c2st_holdout": Wording(
        "XGB-C2ST against holdout",
        "The same against real rows the generator never saw; clearly lower means rows were copied.",
    ),
    "xgb_c2st_ceiling": Wording(
        "XGB-C2ST of real rows",
        "Real rows against holdout rows: what a perfect generator would score.",
    ),
    "lr_c2st": Wording(
        "Logistic C2ST",
        "A linear model tries to tell them apart. Easy to satisfy: never judge by it alone.",
    ),
    "nash_gap": Wording(
        "Nash gap",
        "What a converged critic gains over guessing, on rows it was not trained on.",
    ),
    "shape_error_pct": Wording(
        "Shape error",
        "Mean difference of single columns. Independent columns satisfy it perfectly.",
    ),
    "trend_error_pct": Wording(
        "Trend error",
        "Mean difference of the dependence of pairs of columns that are strongly associated.",
    ),
    "one_way": Wording("1-way marginals", "Distance of the distributions of single columns."),
    "two_way": Wording("2-way marginals", "Distance of the joint distributions of two columns."),
    "three_way": Wording(
        "3-way marginals", "Distance of the joint distributions of three columns."
    ),
    "correlation_difference": Wording(
        "Correlation difference", "Mean difference of the strength of dependence over all pairs."
    ),
    "mle": Wording(
        "Trained on synthetic, tested on real",
        "What a predictor that learned from synthetic rows is worth on real ones.",
    ),
    "mle_real": Wording(
        "Trained on real, tested on real", "The same predictor, trained on the real rows."
    ),
    "alpha_precision": Wording(
        "Alpha-precision", "Whether synthetic rows lie where real rows are typical."
    ),
    "beta_recall": Wording("Beta-recall", "Whether synthetic rows reach all kinds of real rows."),
    "authenticity": Wording(
        "Authenticity", "Share of synthetic rows that are no closer to a real row than its own kin."
    ),
    "dcr_share": Wording(
        "DCR share",
        "Share of synthetic rows closer to a row the generator saw than to one it did not; "
        "one half is ideal, more means copying.",
    ),
    "exact_copies": Wording(
        "Exact copies", "Synthetic rows that equal a real row in every column."
    ),
    "singletons": Wording(
        "Singletons", "Values held by one single real row that occur among the synthetic rows."
    ),
    "frechet": Wording(
        "Frechet distance", "Distance of the tables in a fixed embedding: the FID of tables."
    ),
    "diversity": Wording(
        "Diversity", "How many different kinds of rows there are, like the Inception Score."
    ),
    "rare_coverage": Wording(
        "Rare categories found", "Share of the real table's rare categories that occur."
    ),
    "rare_frequency_error": Wording(
        "Error of rare categories", "How far the frequency of rare categories is off."
    ),
    "constraint_violations": Wording(
        "Rows that break a rule", "Rows that break a rule which every real row keeps."
    ),
    "worst_subgroup": Wording(
        "Worst subgroup", "Largest shape error within a group of rows by one or two categories."
    ),
    "diagnostic_validity": Wording(
        "Valid cells", "Cells within the range and the categories of the real column (sdmetrics)."
    ),
    "diagnostic_structure": Wording(
        "Same structure", "Whether columns and types are those of the real table (sdmetrics)."
    ),
}

NOTHING = "\N{EN DASH}"

# The figures of the summary; all others follow further down.
KEY_FIGURES = (
    "xgb_c2st", "xgb_c2st_holdout", "shape_error_pct", "trend_error_pct", "mle",
    "alpha_precision", "beta_recall", "authenticity", "dcr_share",
)  # fmt: skip


def wording(name: str) -> Wording:
    """Name and meaning of a figure; a plain name for one without an entry."""
    return WORDINGS.get(name, Wording(name.replace("_", " ").capitalize(), ""))


def number(value: float | None, unit: str = "") -> str:
    """A figure as text: three decimals, percentages with two, large ones with four digits."""
    if value is None:
        return NOTHING
    if "%" in unit:
        return f"{value:.2f} %"
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.1f}"
    return f"{value:.3f}"


def percent(value: float | None) -> str:
    """A percentage of rows; small shares keep two decimals."""
    if value is None:
        return NOTHING
    if value in (0, 100):
        return f"{value:.0f} %"
    return f"{value:.1f} %" if abs(value) >= 10 else f"{value:.2f} %"


def interval(found: dict[str, Any]) -> str:
    """The 95 % interval of a figure."""
    if not found.get("ci"):
        return NOTHING
    low, high = found["ci"]
    return f"{number(low, found['unit'])} to {number(high, found['unit'])}"


def better(name: str, direction: str) -> str:
    """Which way is better, in a word."""
    return "near 0.5" if name == "dcr_share" else direction


def shown_unit(unit: str) -> str:
    """The unit beside a figure's name, where it says more than the name does."""
    return unit if unit.startswith(("RMSE", "mean", "AUC")) else ""
