"""Properties as normal scores, and conditions on them as bounds of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from synthgen.errors import ConditionError, ModelFileError

_LEVELS = 101
_EDGE = 0.002


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

    def between(self, low: float, high: float) -> tuple[float, float]:
        """Normal scores between which values from ``low`` to ``high`` lie.

        Whole numbers are all scores that are nearest to them; what no value of the data is beyond
        has no end.
        """
        half = 0.0 if self.decimals else 0.5
        first, last = self.score(np.array([low - half, high + half])).tolist()
        if low == high and self.decimals:
            return first, last
        least, most = self.quantiles[[0, -1]]
        return first if low > least else -np.inf, last if high < most else np.inf

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


def decimals_of(values: np.ndarray) -> int:
    """Decimals that tell all values apart from their roundings, 8 at most."""
    return next((d for d in range(8) if np.allclose(values, values.round(d), atol=1e-9)), 8)


def bounds(where: Mapping[str, Any], properties: list[Property]) -> np.ndarray:
    """Between which normal scores (n_properties, 2) float32 properties are wanted; NaN where not.

    Both are the same where a number is wanted that is not whole.

    Args:
        where: Property -> a number, or a (low, high) range.
        properties: What conditions can be on.

    Raises:
        ConditionError: Of a property that is not there, or a value that the data does not reach.
    """
    found = np.full((len(properties), 2), np.nan, np.float32)
    places = {one.name: j for j, one in enumerate(properties)}
    for name, value in where.items():
        if name not in places:
            raise ConditionError(f"no property {name!r}; there is {', '.join(places)}")
        j = places[name]
        found[j] = properties[j].between(*asked(name, value, properties[j]))
    return found


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
