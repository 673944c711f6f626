"""Heatmaps of the dependence of pairs of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from synthgen.reports.svg import fitted, rect, svg, text

MOST_COLUMNS = 30
_CELL = 14
_LABEL = 128
# One path for each shade: a cell is then a few characters, not an element of its own.
_SHADES = 10
# Where a shade is full. Differences are small where a generator is any good.
_FULL = {"real": 1.0, "synthetic": 1.0, "difference": 0.5}

Association = dict[str, Any]


def chosen_columns(associations: Sequence[Association]) -> list[str]:
    """At most `MOST_COLUMNS` in the table's order: those that depend most, or changed most."""
    order = list(dict.fromkeys(a[end] for a in associations for end in ("one", "other")))
    if len(order) <= MOST_COLUMNS:
        return order
    weight = dict.fromkeys(order, 0.0)
    for a in associations:
        real, synthetic = abs(a["real"] or 0.0), abs(a["synthetic"] or 0.0)
        for end in ("one", "other"):
            weight[a[end]] = max(weight[a[end]], real, 2 * abs(real - synthetic))
    kept = sorted(order, key=weight.__getitem__, reverse=True)[:MOST_COLUMNS]
    return [name for name in order if name in kept]


def heatmaps(associations: Sequence[Association], names: Sequence[str]) -> list[dict[str, Any]]:
    """Pictures of the real table, the synthetic one, and the difference, each with a title."""
    cells = {frozenset((a["one"], a["other"])): _strengths(a) for a in associations}
    titles = {"real": "Real rows", "synthetic": "Synthetic rows", "difference": "Difference"}
    return [
        {
            "title": title,
            "svg": _matrix(
                f"{title}: strength of dependence of {len(names)} columns",
                names,
                [[cells.get(frozenset((a, b)), {}).get(which) for b in names] for a in names],
                _FULL[which],
            ),
        }
        for which, title in titles.items()
    ]


def _strengths(found: Association) -> dict[str, float]:
    """What the three pictures show of a pair; nothing where a strength is not known."""
    if found["real"] is None or found["synthetic"] is None:
        return {}
    real, synthetic = float(found["real"]), float(found["synthetic"])
    difference = abs(synthetic) - abs(real)
    if real * synthetic < 0:
        # A change of sign is a loss of all of it.
        difference = -abs(real - synthetic)
    return {"real": abs(real), "synthetic": abs(synthetic), "difference": difference}


def _matrix(
    title: str, names: Sequence[str], values: list[list[float | None]], full: float
) -> Markup:
    shades: dict[str, list[str]] = {}
    size = len(names) * _CELL
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if i != j and (shade := _shade(value, full)):
                x, y = _LABEL + j * _CELL, 18 + i * _CELL
                shades.setdefault(shade, []).append(f"M{x} {y}h{_CELL}v{_CELL}h-{_CELL}z")
    parts = [rect(_LABEL, 18, size, size, "ground")]
    for shade, cells in sorted(shades.items()):
        sign, _, level = shade.partition(" ")
        parts.append(
            Markup('<path class="{}" fill-opacity="{}" d="{}"/>').format(
                sign, f"{int(level) / _SHADES:.1f}", "".join(cells)
            )
        )
    for i, name in enumerate(names):
        middle = 18 + i * _CELL + _CELL / 2
        parts.append(fitted(_LABEL - 22, middle + 4, name, _LABEL - 26, "tick", "end"))
        parts.append(text(_LABEL - 4, middle + 4, str(i + 1), "tick faint", "end"))
        across = _LABEL + i * _CELL + _CELL / 2
        parts.append(text(across, 13, str(i + 1), "tick faint", "middle"))
    return svg(_LABEL + size + 1, size + 20, title, parts, "matrix")


def _shade(value: float | None, full: float) -> str:
    if value is None:
        return ""
    level = round(min(1.0, abs(value) / full) * _SHADES)
    return f"{'less' if value < 0 else 'more'} {level}" if level else ""
