"""Relations in words, for people who read a schema."""

from __future__ import annotations

from synthgen.schema import Relation


def describe(relation: Relation) -> str:
    """What the relation says of every row (of a partial copy: of some), on one line."""
    names = [str(name) for name in relation.columns]
    if relation.kind == "copy":
        return " = ".join(names) + " in every row"
    if relation.kind == "dependency":
        if relation.mutual:
            return f"{names[0]} and {names[1]} decide each other"
        return f"{names[0]} decides {_listed(names[1:])}"
    if relation.kind == "sum":
        return _sum(relation, names)
    if relation.kind == "partial_copy":
        return f"{names[1]} = {names[0]} in some rows"
    if relation.kind == "ordering":
        return " <= ".join(names)
    return f"{_listed(names)} are missing in the same rows"


def confidence(relation: Relation) -> str:
    """How sure it is that new rows keep it, on one line; of a partial copy, how often it holds."""
    if relation.rows is not None and relation.share is not None:
        return f"in {relation.share:.0%} of {relation.rows:,} rows, far more than by chance"
    if relation.rows is None or relation.break_rate_below is None:
        return "declared"
    return (
        f"no exception in {relation.rows:,} rows: fewer than "
        f"{100 * relation.break_rate_below:.2g} % of new rows break it (95 % confidence)"
    )


def _sum(relation: Relation, names: list[str]) -> str:
    factors = relation.factors
    if relation.constant and all(factor == -1 for factor in factors):
        return f"{' + '.join(names)} = {relation.constant:g}"
    terms = []
    for factor, name in zip(factors, names[1:], strict=True):
        size = name if abs(factor) == 1 else f"{abs(factor):.9g} * {name}"
        terms.append((factor < 0, size))
    if relation.constant:
        terms.append((relation.constant < 0, f"{abs(relation.constant):.9g}"))
    terms.sort(key=lambda term: term[0])
    first, *others = terms
    text = "".join(f" {'-' if negative else '+'} {size}" for negative, size in others)
    return f"{names[0]} = {'-' if first[0] else ''}{first[1]}{text}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
