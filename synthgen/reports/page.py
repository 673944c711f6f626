"""A report's plain dict as one HTML page: charts inline, styles inline, no script, no request."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from synthgen.reports import charts, heatmap, wording

_LISTED = 20
_STEP = "step"


def render(report: dict[str, Any]) -> str:
    """The page of a quality report, `QualityReport.to_dict`."""
    return environment().get_template("quality.html").render(_view(report))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates of the reports, everything escaped."""
    found = Environment(
        loader=PackageLoader("synthgen.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters |= {"percent": wording.percent, "count": _count}
    return found


def _view(report: dict[str, Any]) -> dict[str, Any]:
    figures = {
        name: _figure(name, found)
        for name, found in report.items()
        if isinstance(found, dict) and "direction" in found
    }
    names = heatmap.chosen_columns(report["associations"])
    n_columns = len({a[end] for a in report["associations"] for end in ("one", "other")})
    return {
        "report": report,
        "rows": report["rows"],
        "key_figures": [figures[name] for name in wording.KEY_FIGURES if name in figures],
        "figures": list(figures.values()),
        "utility": [figures[name] for name in ("mle", "mle_real") if name in figures],
        "columns": _columns(report),
        "heatmaps": heatmap.heatmaps(report["associations"], names) if len(names) > 1 else [],
        "heatmap_left_out": n_columns - len(names),
        "telling": _telling(report["telling_columns"]),
        "curves": _curves(report["history"]),
        "listed": _LISTED,
    }


def _figure(name: str, found: dict[str, Any]) -> dict[str, Any]:
    words = wording.wording(name)
    unit = found["unit"]
    return {
        "name": name,
        "label": words.label,
        "meaning": words.meaning,
        "value": wording.number(found["value"], unit),
        "interval": wording.interval(found),
        "baseline": wording.number(found["baseline"], unit),
        "better": wording.better(name, found["direction"]),
        "unit": wording.shown_unit(unit),
        "n": found["n"],
        "reason": found["reason"],
        "known": found["value"] is not None,
        "chart": charts.interval_chart(found, words.label),
    }


def _columns(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Every column's picture beside its figures, the worst first."""
    drawn = {found["column"]: found for found in report["distributions"]}
    order = [c for c in report["columns"] if c["column"] in drawn]
    return [
        c | {"chart": charts.column_chart(drawn[c["column"]]), "shown": drawn[c["column"]]}
        for c in order
    ]


def _telling(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    largest = max((row["gain_share"] for row in found), default=0.0) or 1.0
    return [
        row | {"chart": charts.share_chart(row["gain_share"], largest, row["column"])}
        for row in found[:_LISTED]
    ]


def _curves(history: dict[str, list[float | None]]) -> list[dict[str, Any]]:
    """A chart for every figure of the training run."""
    if not history:
        return []
    length = len(next(iter(history.values())))
    steps = [float(s) for s in history.get(_STEP, range(length)) if s is not None]
    if len(steps) != length:
        return []
    return [
        {"title": name.replace("_", " "), "svg": charts.curve_chart(name, steps, values)}
        for name, values in history.items()
        if name != _STEP and any(v is not None for v in values)
    ]


def _count(value: int | None) -> str:
    return wording.NOTHING if value is None else f"{value:,}"
