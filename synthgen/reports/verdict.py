"""The verdict in words: fixed thresholds over the figures, each sentence with its figure.

It judges likeness and use. It never says that a table is anonymous: no figure here could.
"""

from __future__ import annotations

from typing import Any

from synthgen.evaluation.quality import Judgement
from synthgen.evaluation.result import MetricResult
from synthgen.reports.wording import number

# Least score, headline, what the trees can do; scores are relative to real rows' own.
_LEVELS = (
    (0.9, "Very close to the real table", "can hardly tell synthetic rows from real ones"),
    (0.7, "Close to the real table", "tell some synthetic rows from real ones"),
    (0.4, "Resembles the real table, with visible gaps", "tell many synthetic rows from real ones"),
    (0.0, "Unlike the real table", "tell most synthetic rows from real ones"),
)
# Two real samples differ by chance too; beyond these margins it is no chance.
_COPY_GAP = 0.1
_DCR_IDEAL, _DCR_MARGIN = 0.5, 0.05
_AUTHENTICITY_GAP = 0.15
_COPIES_FACTOR, _COPIES_LEAST = 3.0, 0.01
_USE_GAP = 0.05
_TREND_MARGIN = 2.0  # percent
_CHANCE_MARGIN = 1.5


def verdict(found: Judgement) -> dict[str, Any]:
    """The verdict.

    Returns:
        ``{"headline", "points"}``; each point is ``{"tone", "text"}`` with the tone ``"good"``,
        ``"note"`` or ``"problem"``.
    """
    level, likeness = _likeness(found.metrics)
    copied = _copied(found.metrics)
    points = [likeness, *copied, *_dependencies(found), *_use(found), *_rules(found)]
    points += [{"tone": "note", "text": text} for text in _unknown(found)]
    headline = _LEVELS[level][1] if level is not None else "Not enough rows for a verdict"
    if copied:
        headline = "Real rows seem to be copied"
    return {"headline": headline, "points": points}


def _likeness(metrics: dict[str, MetricResult]) -> tuple[int | None, dict[str, str]]:
    held, plain = metrics.get("xgb_c2st_holdout"), metrics.get("xgb_c2st")
    judged = next((m for m in (held, plain) if m is not None and m.value is not None), None)
    if judged is None or judged.value is None:
        why = plain.reason if plain is not None else "it was not measured"
        return None, _point("note", f"Whether trees can tell the tables apart is not known: {why}.")
    ceiling = judged.baseline if judged.baseline else 1.0
    relative = judged.value / ceiling
    level = next(i for i, (least, _, _) in enumerate(_LEVELS) if relative >= least or not least)
    against = " against unseen real rows" if judged is held else ""
    beside = f"; real rows score {number(ceiling)}" if judged.baseline else ""
    text = f"Boosted trees {_LEVELS[level][2]}: XGB-C2ST {number(judged.value)}{against}{beside}."
    return level, _point(("good", "good", "note", "problem")[level], text)


def _copied(metrics: dict[str, MetricResult]) -> list[dict[str, str]]:
    """Signs that rows of the real table were given away."""
    points = []
    train, held = (_value(metrics, f"xgb_c2st_{n}") for n in ("train_at_holdout_n", "holdout"))
    if train is not None and held is not None and train - held > _COPY_GAP:
        points.append(
            f"Synthetic rows resemble the rows the generator saw (XGB-C2ST {number(train)}) more "
            f"than unseen real rows ({number(held)})."
        )
    share = metrics.get("dcr_share")
    if share is not None and share.value is not None and share.n:
        low = share.ci[0] if share.ci else share.value
        if low > _DCR_IDEAL and share.value > _DCR_IDEAL + _DCR_MARGIN:
            points.append(
                f"{share.value:.1%} of synthetic rows are closer to a row the generator saw than "
                "to an unseen one; half would be ideal."
            )
    authenticity = metrics.get("authenticity")
    if authenticity is not None and authenticity.value is not None:
        # Without a holdout: rows of one distribution have about one half.
        usual = 0.5 if authenticity.baseline is None else authenticity.baseline
        if authenticity.value < usual - _AUTHENTICITY_GAP:
            points.append(
                f"Authenticity is {number(authenticity.value)} where unseen real rows have about "
                f"{number(usual)}: many synthetic rows sit right beside a real one."
            )
    points += _exact(metrics.get("exact_copies"))
    return [_point("problem", text) for text in points]


def _exact(copies: MetricResult | None) -> list[str]:
    if copies is None or copies.value is None:
        return []
    as_percent = "%" in copies.unit
    share = copies.value / 100 if as_percent else copies.value
    usual = (copies.baseline or 0.0) / (100 if as_percent else 1)
    if share > max(_COPIES_LEAST, _COPIES_FACTOR * usual):
        beside = f"; {usual:.1%} of unseen real rows do" if copies.baseline is not None else ""
        return [f"{share:.1%} of synthetic rows equal a real row in every column{beside}."]
    return []


def _dependencies(found: Judgement) -> list[dict[str, str]]:
    measured = found.metrics.get("trend_error_pct"), found.metrics.get("two_way")
    if all(m is None or m.value is None for m in measured):
        return []
    compared = found.metrics.get("two_way")
    rows = compared.n if compared is not None and compared.n else 1
    broken = [pair for pair in found.broken_pairs if _is_broken(pair, rows)]
    if not broken:
        return [_point("good", "No dependence of two columns differs by more than chance allows.")]
    named = [f"{pair['one']} and {pair['other']}" for pair in broken[:3]]
    rest = len(broken) - len(named)
    more = f"; and {rest} more pair{'s' * (rest > 1)}" if rest else ""
    return [_point("problem", f"Dependencies are broken: {'; '.join(named)}{more}.")]


def _is_broken(pair: dict[str, Any], rows: int) -> bool:
    """Whether the difference is more than two samples of one distribution would show."""
    # Their expected distance over 100 equal cells, in percent: 40 sqrt(2 cells / rows).
    if pair["two_way_error_pct"] > _CHANCE_MARGIN * 40 * (200 / rows) ** 0.5:
        return True
    error, held = pair["trend_error_pct"], pair["holdout_trend_error_pct"]
    return error is not None and held is not None and bool(error > 2 * held + _TREND_MARGIN)


def _use(found: Judgement) -> list[dict[str, str]]:
    made, real = found.metrics.get("mle"), found.metrics.get("mle_real")
    if made is None or real is None or made.value is None or real.value is None:
        return []
    worse = real.value - made.value if made.direction == "higher" else made.value - real.value
    # An AUC is worth something above one half only; an error relative to its size.
    scale = 1.0 if made.direction == "higher" else max(real.value, 1e-12)
    tone = "good" if worse / scale <= _USE_GAP else "problem"
    text = (
        f"A predictor of {found.target} that learned from synthetic rows reaches {made.unit} "
        f"{number(made.value)} on real rows; one that learned from real rows {number(real.value)}."
    )
    return [_point(tone, text)]


def _rules(found: Judgement) -> list[dict[str, str]]:
    broken = [c for c in found.constraints if (c.get("synthetic_pct") or 0) > 0.1]
    if not broken:
        return []
    plural = "s are" if len(broken) > 1 else " is"
    return [
        _point("note", f"{len(broken)} rule{plural} broken that every real row keeps; see below.")
    ]


def _unknown(found: Judgement) -> list[str]:
    texts = []
    if found.rows.get("holdout") is None:
        texts.append(
            "No holdout was given, so copying cannot be recognized and no figure has its baseline."
        )
    few = [role for role, count in found.rows.items() if count is not None and count < 50]
    if few:
        texts.append(f"Few rows ({', '.join(few)}): below 50 a figure is mostly chance.")
    return texts


def _value(metrics: dict[str, MetricResult], name: str) -> float | None:
    return metrics[name].value if name in metrics else None


def _point(tone: str, text: str) -> dict[str, str]:
    return {"tone": tone, "text": text}
