"""Properties as normal scores, and conditions as wishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from synthgen.errors import ConditionError, ModelFileError
from synthgen.molecular.representation import Representation

_LEVELS = 101
_EDGE = 0.002
# the middle part of a wanted range that is wished for, so that near misses are inside
_MIDDLE = 0.6


@dataclass(frozen=True)
class Property:
    """A number beside each molecule, by the quantiles of the data.

    Attributes:
        name: What conditions call it.
        computed: Whether it follows from the molecule.
        quantiles: (101,) at even levels; strictly the data's own, each the mean of its neighbours'
            ranks, so that none is the value of a single row.
        decimals: Of the data; 0 for whole numbers.
    """

    name: str
    computed: bool
    quantiles: np.ndarray
    decimals: int

    @classmethod
    def of(cls, name: str, computed: bool, values: np.ndarray) -> Property:
        """Of values (n,), NaN where unknown."""
        known = np.sort(values[np.isfinite(values)])
        level = np.linspace(0, 1, _LEVELS)
        # means of at least 5 neighbours
        width = max(5, len(known) // (2 * _LEVELS))
        at = np.clip((level * (len(known) - 1)).round().astype(int), 0, max(len(known) - 1, 0))
        quantiles = [known[max(0, i - width // 2) : i + width // 2 + 1].mean() for i in at]
        return cls(name, computed, np.maximum.accumulate(quantiles), decimals_of(known))

    def score(self, values: np.ndarray) -> np.ndarray:
        """Normal scores (n,) float32 of values; NaN stays."""
        level = np.linspace(0, 1, _LEVELS)
        q, inverse = np.unique(self.quantiles, return_inverse=True)
        # a value that many rows hold has the middle of its levels
        middle = np.bincount(inverse, level) / np.bincount(inverse)
        rank = np.interp(values, q, middle)
        found = ndtri(rank.clip(_EDGE, 1 - _EDGE))
        return np.asarray(np.where(np.isnan(values), np.nan, found), np.float32)

    def rank(self, value: float) -> float:
        """Share of the data below a value."""
        return float(ndtr(self.score(np.array([value]))[0]))

    def value(self, rank: np.ndarray) -> np.ndarray:
        """Values at ranks (n,)."""
        return np.asarray(np.interp(rank, np.linspace(0, 1, _LEVELS), self.quantiles))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "computed": self.computed,
            "quantiles": [float(q) for q in self.quantiles],
            "decimals": self.decimals,
        }

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Property:
        """Inverse of `to_dict`.

        Raises:
            ModelFileError: If it is not a property.
        """
        try:
            quantiles = np.array(found["quantiles"], np.float64)
            ordered = bool((np.diff(quantiles) >= 0).all() and np.isfinite(quantiles).all())
            if quantiles.shape != (_LEVELS,) or not ordered:
                raise ValueError("quantiles that are none")
            name, decimals = str(found["name"]), int(found["decimals"])
            return cls(name, bool(found["computed"]), quantiles, decimals)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"encoding.json: not a property ({error}); the file is damaged"
            ) from None


@dataclass(frozen=True)
class Appraisal:
    """Normal scores (n, n_properties) float32 of texts; NaN where a property is not computed."""

    properties: list[Property]
    representation: Representation

    @property
    def computed(self) -> list[int]:
        """Places of the properties that follow from a text."""
        return [j for j, one in enumerate(self.properties) if one.computed]

    def __call__(self, texts: Sequence[str], places: Sequence[int] | None = None) -> np.ndarray:
        """Of the properties at ``places``, which are computed; the others are NaN."""
        places = self.computed if places is None else places
        names = [self.properties[j].name for j in places]
        computed = np.array(
            [self.representation.properties(text, names) for text in texts], np.float64
        )
        found = np.full((len(texts), len(self.properties)), np.nan, np.float32)
        for k, j in enumerate(places):
            found[:, j] = self.properties[j].score(computed[:, k])
        return found


def decimals_of(values: np.ndarray) -> int:
    """Decimals that tell all values apart from their roundings, 8 at most."""
    return next((d for d in range(8) if np.allclose(values, values.round(d), atol=1e-9)), 8)


def wishes(
    where: Mapping[str, Any] | None,
    properties: list[Property],
    n: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Normal scores (n, n_properties) float32 wished for, and 1 where there is a wish.

    Args:
        where: Property -> a number, or a (low, high) range.
        properties: What there is to wish for.
        n: Molecules.
        rng: Draws from ranges.

    Raises:
        ConditionError: Of a property that is not there, or a value that the data does not reach.
    """
    wanted = np.zeros((n, len(properties)), np.float32)
    known = np.zeros((n, len(properties)), np.float32)
    places = {one.name: j for j, one in enumerate(properties)}
    for name, value in (where or {}).items():
        if name not in places:
            raise ConditionError(f"no property {name!r}; there is {', '.join(places)}")
        j = places[name]
        low, high = asked(name, value, properties[j])
        if low == high:
            scores = np.full(n, properties[j].score(np.array([low]))[0])
        else:
            scores = properties[j].score(_within(low, high, properties[j], n, rng))
        wanted[:, j], known[:, j] = scores, 1.0
    return wanted, known


def asked(name: str, value: Any, of: Property) -> tuple[float, float]:
    """The lowest and the highest value that a condition allows.

    Raises:
        ConditionError: If it is not a number or a range, or the data does not reach it.
    """
    pair = value if isinstance(value, tuple | list) else (value, value)
    numbers = [v for v in pair if isinstance(v, int | float | np.number) and np.isfinite(v)]
    if len(pair) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:
        raise ConditionError(f"{name}: expected a number or a range (low, high), got {value!r}")
    low, high = float(numbers[0]), float(numbers[1])
    least, most = float(of.quantiles[0]), float(of.quantiles[-1])
    if high < least or low > most:
        raise ConditionError(
            f"{name}: nothing between {low:g} and {high:g}; the molecules it was fitted on have "
            f"{least:g} to {most:g}"
        )
    return max(low, least), min(high, most)


def limits(where: Mapping[str, Any], properties: list[Property]) -> dict[str, tuple[float, float]]:
    """What conditions on computed properties allow; what tables hold beside is not computed.

    Raises:
        ConditionError: If a single number is asked for where hardly any molecule has just that.
    """
    found = {}
    for one in properties:
        if one.name in where and one.computed:
            low, high = asked(one.name, where[one.name], one)
            if low == high and one.decimals:
                raise ConditionError(
                    f"{one.name}: no molecule has exactly {low:g}; with strict give a range "
                    "(low, high)"
                )
            found[one.name] = (low, high)
    return found


def _within(low: float, high: float, of: Property, n: int, rng: np.random.Generator) -> np.ndarray:
    """Values inside a range, as frequent as in the data, drawn to its middle."""
    least, most = of.rank(low), of.rank(high)
    values = of.value(least + rng.random(n) * (most - least)).clip(low, high)
    centre = (low + high) / 2
    return np.asarray(centre + _MIDDLE * (values - centre))
