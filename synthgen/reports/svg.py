"""Parts of inline SVG; everything that comes from data is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup


def svg(width: float, height: float, title: str, parts: Iterable[Markup], css: str = "") -> Markup:
    """A picture with a text alternative, as wide as it is drawn or as its place allows."""
    return Markup(
        '<svg class="chart {css}" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-label="{title}"><title>{title}</title>{body}</svg>'
    ).format(css=css, w=f"{width:g}", h=f"{height:g}", title=title, body=Markup("").join(parts))


def text(x: float, y: float, words: str, css: str = "", anchor: str = "start") -> Markup:
    """One line of text."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        _n(x), _n(y), css, anchor, words
    )


def fitted(x: float, y: float, words: str, width: float, css: str, anchor: str) -> Markup:
    """Text cut to about ``width``, with all of it as a tooltip where it was cut."""
    most = max(3, int(width / 6.1))
    if len(words) <= most:
        return text(x, y, words, css, anchor)
    return Markup("<g><title>{}</title>{}</g>").format(
        words, text(x, y, words[: most - 1].rstrip() + "…", css, anchor)
    )


def rect(x: float, y: float, width: float, height: float, css: str) -> Markup:
    """A rectangle; without a size it is nothing."""
    if width <= 0 or height <= 0:
        return Markup("")
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>').format(
        _n(x), _n(y), _n(width), _n(height), css
    )


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    """A straight line."""
    return Markup('<path d="M{} {}L{} {}" class="{}"/>').format(_n(x1), _n(y1), _n(x2), _n(y2), css)


def path(points: Iterable[tuple[float, float]], css: str, closed: bool = False) -> Markup:
    """Straight lines from point to point."""
    steps = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return Markup('<path d="M{}{}" class="{}"/>').format(steps, "Z" if closed else "", css)


def dot(x: float, y: float, radius: float, css: str) -> Markup:
    """A disc."""
    return Markup('<circle cx="{}" cy="{}" r="{}" class="{}"/>').format(
        _n(x), _n(y), _n(radius), css
    )


def diamond(x: float, y: float, radius: float, css: str) -> Markup:
    """A square on its tip."""
    tips = [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)]
    return path(tips, css, closed=True)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
