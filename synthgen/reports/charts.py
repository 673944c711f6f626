"""The charts of a report as inline SVG: plain data in, escaped markup out.

Three series look different in form as well as in colour, for prints and for eyes that see fewer
colours: real is a filled area or bar, synthetic a solid line or disc, holdout a dashed line or
diamond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from synthgen.reports.binning import number_label
from synthgen.reports.svg import diamond, dot, fitted, line, path, rect, svg, text
from synthgen.reports.wording import number, percent

_WIDTH = 320
_LABEL, _VALUE = 112, 42
_ROW = 17
_PLOT = 96

Bar = dict[str, Any]


def column_chart(found: dict[str, Any]) -> Markup:
    """The distribution of one column, all tables overlaid."""
    parts: list[Markup] = []
    top = 4.0
    if found["bins"]:
        parts += _histogram(found, top)
        top += _PLOT + 26
    if found["bars"]:
        parts += _bars(found["bars"], top)
        top += _ROW * len(found["bars"]) + 2
    if not parts:
        parts, top = [text(0, 16, "no value in the real table", "muted")], 24.0
    return svg(_WIDTH, top, _spoken(found), parts)


def _spoken(found: dict[str, Any]) -> str:
    """What the picture shows: where the tables differ most."""
    bars = found["bars"] + found["bins"]
    if not bars:
        return f"Distribution of {found['column']}: no values"
    worst = max(bars, key=lambda bar: abs(bar["real_pct"] - bar["synthetic_pct"]))
    return (
        f"Distribution of {found['column']}. Largest difference at {worst['label']}: "
        f"real {percent(worst['real_pct'])}, synthetic {percent(worst['synthetic_pct'])}"
    )


def _histogram(found: dict[str, Any], top: float) -> list[Markup]:
    bins = found["bins"]
    low, high = bins[0]["low"], bins[-1]["high"]
    scale = _WIDTH / (high - low)
    tallest = max(_density(b, role) for b in bins for role in _ROLES)
    base = top + _PLOT

    def outline(role: str) -> list[tuple[float, float]]:
        points = [(0.0, base)]
        for b in bins:
            y = base - _PLOT * _density(b, role) / tallest if tallest else base
            points += [((b["low"] - low) * scale, y), ((b["high"] - low) * scale, y)]
        return [*points, (float(_WIDTH), base)]

    parts = [path(outline("real"), "real", closed=True)]
    if bins[0]["holdout_pct"] is not None:
        parts.append(path(outline("holdout"), "holdout"))
    parts += [path(outline("synthetic"), "synthetic"), line(0, base, _WIDTH, base, "axis")]
    middle = bins[len(bins) // 2]["low"]
    place = (middle - low) * scale
    # The end bins are open: the labels are where they begin and end in the picture.
    labels = [(0.0, low, "start"), (float(_WIDTH), high, "end")]
    if _WIDTH * 0.25 < place < _WIDTH * 0.75:
        labels.append((place, middle, "middle"))
    for x, value, anchor in labels:
        parts.append(text(x, base + 14, number_label(value, found["reading"]), "tick", anchor))
        parts.append(line(x, base, x, base + 3, "axis"))
    return parts


_ROLES = ("real", "synthetic", "holdout")


def _density(found: Bar, role: str) -> float:
    share = found[f"{role}_pct"]
    return share / (found["high"] - found["low"]) if share else 0.0


def _bars(bars: Sequence[Bar], top: float) -> list[Markup]:
    room = _WIDTH - _LABEL - _VALUE - 12
    largest = max((bar[f"{role}_pct"] or 0.0) for bar in bars for role in _ROLES) or 1.0
    parts = []
    for index, bar in enumerate(bars):
        y = top + _ROW * index + _ROW / 2
        x = {role: _LABEL + room * (bar[f"{role}_pct"] or 0.0) / largest for role in _ROLES}
        parts.append(fitted(_LABEL - 6, y + 4, bar["label"], _LABEL - 6, "tick", "end"))
        parts.append(rect(_LABEL, y - 5, x["real"] - _LABEL, 10, "real"))
        if bar["holdout_pct"] is not None:
            parts.append(diamond(x["holdout"], y, 4.4, "holdout"))
        parts.append(line(_LABEL, y, x["synthetic"], y, "synthetic thin"))
        parts.append(dot(x["synthetic"], y, 3.1, "synthetic-dot"))
        parts.append(text(_WIDTH, y + 4, percent(bar["synthetic_pct"]), "tick num", "end"))
    parts.append(line(_LABEL, top, _LABEL, top + _ROW * len(bars), "axis"))
    return parts


def interval_chart(found: dict[str, Any], label: str) -> Markup:
    """A figure as a dot with its interval, and the holdout's as a diamond."""
    width, y = 150, 9
    value, ci, baseline = found["value"], found["ci"], found["baseline"]
    if value is None:
        return Markup("")
    shown = [v for v in (value, baseline, *(ci or ())) if v is not None]
    low, high = min(0.0, *shown), _top(max(shown), found["unit"])

    def x(at: float) -> float:
        return float(6 + (width - 12) * (at - low) / (high - low))

    parts = [line(6, y, width - 6, y, "track")]
    parts += [line(x(end), y - 3, x(end), y + 3, "track") for end in (low, high)]
    if ci:
        parts.append(line(x(ci[0]), y, x(ci[1]), y, "synthetic wide"))
    if baseline is not None:
        parts.append(diamond(x(baseline), y, 5, "holdout"))
    parts.append(dot(x(value), y, 3.8, "synthetic-dot"))
    title = f"{label}: {number(value, found['unit'])} on a scale from {low:g} to {high:g}"
    if baseline is not None:
        title += f"; real rows {number(baseline, found['unit'])}"
    return svg(width, 18, title, parts, "dots")


def _top(largest: float, unit: str) -> float:
    if "%" in unit:
        return next((end for end in (2, 5, 10, 25, 50, 100) if largest <= end), largest)
    if largest <= 1:
        return 1.0
    return next((e for e in (2, 5, 10, 20, 50, 100) if largest <= e), largest * 1.1)


def share_chart(share: float, largest: float, label: str) -> Markup:
    """A share as a bar; the largest one fills its rail."""
    width = 120.0
    parts = [
        rect(0, 3, width, 8, "rail"),
        rect(0, 3, width * share / largest, 8, "synthetic-fill"),
    ]
    return svg(width, 14, f"{label}: {percent(100 * share)}", parts, "dots")


def curve_chart(name: str, steps: Sequence[float], values: Sequence[float | None]) -> Markup:
    """One figure of a training run over its steps."""
    points = [(s, v) for s, v in zip(steps, values, strict=True) if v is not None]
    if not points:
        return Markup("")
    ends = [min(v for _, v in points), max(v for _, v in points)]
    first, last = min(steps), max(steps)
    left, width, base = 52.0, _WIDTH - 52.0 - 4, 88.0

    def place(step: float, value: float) -> tuple[float, float]:
        across = (step - first) / (last - first) if last > first else 0.5
        up = (value - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else 0.5
        return left + width * across, base - 78 * up

    drawn = [place(*point) for point in points]
    parts = [line(left, base, _WIDTH, base, "axis"), line(left, 6, left, base, "axis")]
    parts += [path(drawn, "synthetic"), dot(*drawn[-1], 3, "synthetic-dot")]
    heights = (base, 14.0) if ends[0] != ends[1] else (base - 35,)
    for y, value in zip(heights, ends, strict=False):
        parts.append(text(left - 5, y, f"{value:.3g}", "tick num", "end"))
    for x, step, anchor in ((left, first, "start"), (float(_WIDTH), last, "end")):
        parts.append(text(x, base + 14, number_label(step, "number"), "tick", anchor))
    title = f"{name} over training steps: from {points[0][1]:.4g} to {points[-1][1]:.4g}"
    return svg(_WIDTH, base + 20, title, parts)
