"""Numbers, dates and durations: atoms for repeated values, modes for the rest.

A value that many rows share (0 in capital-gain) is an atom: a code and no value. A cell that is the
same as another one of its row may be a copy: again a code and no value. Every other value is
mode-specifically normalized: the code of a Gaussian mode and ``(x - mean) / (4 std)`` inside it (Xu
et al., *Modeling Tabular Data using Conditional GAN*, 2019, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from typing_extensions import override

from synthgen.cells import Cells
from synthgen.encoding.column import ColumnEncoder, Interval, protected_share, stored, stored_number
from synthgen.encoding.copies import NO_COPIES, Copies, converted
from synthgen.encoding.mixture import Mixture
from synthgen.encoding.quantiles import MIN_ROWS, Points, StepQuantiles
from synthgen.encoding.summary import NumericSummary, offset
from synthgen.errors import ConditionError
from synthgen.schema import Column

VALUE_SCALE = 4.0


@dataclass(frozen=True)
class NumericEncoder(ColumnEncoder):
    """Codes: atoms ascending, then modes ascending, then copies, then missing.

    Attributes:
        atoms: (n_atoms,) float64 values relative to ``origin``.
        modes: The Gaussian modes of all other values that are no copies, relative to ``origin``.
        quantiles: Protected quantile function of the same values.
        origin: Integer subtracted before values become floats.
        step: Decoded values are multiples of it; 0 for no rounding.
        copies: Which columns a cell may be the same as.
    """

    kind: ClassVar[str] = "numeric"

    atoms: np.ndarray
    modes: Mixture
    quantiles: StepQuantiles
    origin: int
    step: float
    copies: Copies = NO_COPIES

    @classmethod
    def fit(
        cls,
        column: Column,
        summary: NumericSummary,
        atoms: np.ndarray,
        modes: Mixture,
        sources: Sequence[str | int] = (),
    ) -> NumericEncoder:
        """Encoder of a column whose ``atoms`` and ``modes`` were found (see `find_atoms`).

        Args:
            sources: Columns of which the summary counted copies.
        """
        points, rest = summary.total, summary.points.without(atoms)
        counts = points.count[np.searchsorted(points.value, atoms)].astype(np.float64)
        copied = [own.without(atoms).n for own in summary.copied]
        other = len(atoms) or any(copied)
        spread = modes.weight * rest.n if rest.n >= MIN_ROWS or not other else np.zeros(0)
        if not len(spread):
            # values of fewer than `MIN_ROWS` rows leave no trace, not even their mean
            rest, modes = rest.without(rest.value), Mixture(*np.zeros((3, 0)))
        held = np.r_[counts, spread, copied, [summary.missing] * bool(summary.missing)]
        return cls(
            column,
            protected_share(np.ceil(held)),
            bool(summary.missing),
            atoms,
            modes,
            StepQuantiles.fit(rest),
            summary.origin,
            rounding_step(column),
            _copies(points, sources),
        )

    @property
    @override
    def has_value(self) -> np.ndarray:
        codes = np.arange(self.n_codes)
        return (codes >= len(self.atoms)) & (codes < self.first_copy)

    @property
    @override
    def is_copy(self) -> np.ndarray:
        codes = np.arange(self.n_codes)
        return (codes >= self.first_copy) & (codes < self.n_present)

    @property
    def first_copy(self) -> int:
        """The code of the first source; the others follow."""
        return len(self.atoms) + len(self.modes.weight)

    @property
    def has_own(self) -> bool:
        """Whether a present cell may be anything else than a copy."""
        return self.first_copy > 0

    @override
    def encode(
        self, cells: Cells, rng: np.random.Generator, same_as: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes (n,) int32 and values (n,) float32; -1 for a cell that no code can stand for.

        Args:
            same_as: (n,) which source a cell is the same as, -1 for none.
        """
        codes = np.full(len(cells.values), self.n_codes - 1 if self.has_missing else -1, np.int32)
        values = np.zeros(len(codes), np.float32)
        present = np.flatnonzero(~cells.missing)
        x = offset(cells.values[present], self.origin)
        code = np.full(len(x), -1, np.int32)
        if len(self.atoms):
            at = np.abs(self.atoms[_nearest(self.atoms, x)] - x) <= 1e-9 * np.abs(x)
            code[at] = _nearest(self.atoms, x[at])
        if same_as is not None:
            copy = (code < 0) & (same_as[present] >= 0)
            code[copy] = self.first_copy + same_as[present[copy]]
        rest = code < 0
        if rest.any() and len(self.modes.weight):
            mode, value = self._into_modes(x[rest], rng)
            code[rest] = len(self.atoms) + mode
            values[present[rest]] = value
        elif rest.any() and len(self.atoms):
            code[rest] = _nearest(self.atoms, x[rest])
        elif rest.any() and self.copies.sources:
            code[rest] = self.first_copy
        codes[present] = code
        return codes, values

    def _into_modes(self, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw the mode of each value from its posterior, and normalize inside it."""
        # equal values share their posterior: most columns repeat values
        distinct, inverse = np.unique(x, return_inverse=True)
        cumulative = self.modes.responsibilities(distinct).cumsum(axis=1)
        u = rng.random(len(x))
        mode = np.zeros(len(x), np.int32)
        for k in range(cumulative.shape[1] - 1):
            mode += u > cumulative[inverse, k]
        value = (x - self.modes.mean[mode]) / (VALUE_SCALE * self.modes.std[mode])
        return mode, np.clip(value, -1.0, 1.0).astype(np.float32)

    def continuous(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Number (n,) relative to ``origin`` that codes and values stand for, before rounding.

        Copies and missing cells give 0.
        """
        others = np.zeros(self.n_codes - self.first_copy)
        centre = np.r_[self.atoms, self.modes.mean, others]
        scale = np.r_[np.zeros(len(self.atoms)), VALUE_SCALE * self.modes.std, others]
        return np.asarray(centre[codes] + scale[codes] * values.astype(np.float64))

    @override
    def ranks(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        return self.quantiles.rank(self.continuous(codes, values))

    @override
    def decode(self, codes: np.ndarray, ranks: np.ndarray, rng: np.random.Generator) -> Cells:
        return Cells(self._restored(self.numbers(codes, ranks)), codes >= self.n_present)

    def numbers(self, codes: np.ndarray, ranks: np.ndarray) -> np.ndarray:
        """Numbers (n,) relative to ``origin`` that will be decoded; missing cells give 0.

        A copy gives a number of the column's own, which is decoded where its source's cannot be.
        """
        centre = np.r_[self.atoms, np.zeros(self.n_codes - len(self.atoms))]
        own = self.has_value
        if own.any():
            own = own | self.is_copy
        elif len(self.atoms):
            centre[self.is_copy] = self.atoms[np.argmax(self.share[: len(self.atoms)])]
        x: np.ndarray = centre[codes]
        rest = np.flatnonzero(own[codes])
        if len(rest):
            # onto the observed support: a repeated value comes back exactly, a rare one never
            x[rest] = self._rounded(self.quantiles(ranks[rest]))
        return x

    def copied(self, source: Cells, column: Column) -> Cells:
        """Cells (n,) of a source as this column's; missing where they cannot be any of them."""
        found = converted(source, column, self.column)
        low, high = self.ends()
        return Cells(found.values, found.missing | (found.values < low) | (found.values > high))

    def emittable(self, x: np.ndarray, direction: int) -> np.ndarray:
        """The number nearest to each x (n,) that a cell may be decoded to; NaN if there is none.

        Args:
            x: Numbers relative to ``origin``.
            direction: +1 for numbers not below x, -1 for numbers not above it.
        """
        sign = float(direction)
        atoms = np.sort(sign * self.atoms)
        best = np.append(atoms, np.inf)[np.searchsorted(atoms, sign * x)]
        if self.has_value.any():
            q = self.quantiles
            low, high = (np.sort(sign * self._rounded(end)) for end in (q.low, q.high)[::direction])
            at = np.minimum(np.searchsorted(high, sign * x), len(high) - 1)
            inside = np.maximum(low[at], sign * self._rounded(x, direction))
            best = np.minimum(best, np.where(high[at] >= sign * x, inside, np.inf))
        return np.where(np.isfinite(best), sign * best, np.nan)

    def _rounded(self, x: np.ndarray, direction: int = 0) -> np.ndarray:
        """The nearest multiple of ``step``, or the next one in a direction."""
        if not self.step:
            return x
        shift = self.origin % self.step if self.origin else 0
        steps = (x + shift) / self.step
        whole = np.round(steps)
        if direction:
            # a number that is a multiple but for the last bit stays
            off = np.abs(steps - whole) > 1e-9 * np.maximum(1.0, np.abs(steps))
            whole = np.where(off, np.ceil(steps * direction) * direction, whole)
        rounded = whole * self.step - shift
        decimals = self.column.decimals
        return np.round(rounded, decimals) if decimals is not None else rounded

    def _restored(self, x: np.ndarray) -> np.ndarray:
        if self.column.kind == "float":
            return x
        return np.asarray(np.rint(x).astype(np.int64) + self.origin)

    @override
    def codes_of(self, value: object) -> np.ndarray:
        if value is None:
            if not self.has_missing:
                raise ConditionError(f"column {self.column.name!r} was never missing when fitted")
            return np.array([self.n_codes - 1])
        x = self.number(value)
        matches = np.flatnonzero(np.isclose(self.atoms, x, rtol=1e-9, atol=0))
        return matches if len(matches) else self.between(value, value).codes

    @override
    def between(self, low: object, high: object) -> Interval:
        least = -np.inf if low is None else self.number(low)
        most = np.inf if high is None else self.number(high)
        if least > most:
            raise ConditionError(
                f"column {self.column.name!r}: the range {low!r} to {high!r} is upside down; "
                "give the smaller end first"
            )
        slack = 1e-9 * np.abs(self.atoms)
        codes = np.flatnonzero((self.atoms >= least - slack) & (self.atoms <= most + slack))
        ranks = self._rank_interval(least, most) if self.has_value.any() else None
        copies = self._copies_between(least, most)
        if least == most and (len(codes) or ranks is not None):
            # hardly any copy is this very number: drawing until one is would take too long
            copies = copies[:0]
        if ranks is None and not len(codes) and not len(copies):
            ends = self._ends()
            raise ConditionError(
                f"column {self.column.name!r}: nothing is generated from {low!r} to {high!r}; "
                f"its values lie between {ends[0]} and {ends[1]}"
            )
        if ranks is None:
            return Interval(np.r_[codes, copies])
        return Interval(np.r_[codes, np.flatnonzero(self.has_value), copies], *ranks)

    def _copies_between(self, least: float, most: float) -> np.ndarray:
        """Copy codes (k,), if what they copy may lie in a range; whether it does, the row says."""
        within = self.copies.sources and most >= self.copies.low and least <= self.copies.high
        return np.flatnonzero(self.is_copy) if within else np.zeros(0, np.int64)

    def _rank_interval(self, least: float, most: float) -> tuple[float, float] | None:
        """Ranks, in single precision, whose decoded values are exactly those of the range."""

        def value(rank: float) -> float:
            return float(self._rounded(self.quantiles(np.array([rank])))[0])

        def first(holds: Callable[[float], bool]) -> np.float32 | None:
            """The smallest rank for which ``holds``, which from there on is true."""
            if not holds(1.0):
                return None
            # single precision numbers from 0 to 1 are in the order of their bits
            low, high = -1, int(np.float32(1.0).view(np.int32))
            while high - low > 1:
                middle = (low + high) // 2
                good = holds(float(np.int32(middle).view(np.float32)))
                low, high = (low, middle) if good else (middle, high)
            return np.float32(np.int32(high).view(np.float32))

        slack = 1e-9 * max(abs(least), abs(most)) if np.isfinite([least, most]).all() else 0.0
        start = first(lambda rank: value(rank) >= least - slack)
        beyond = first(lambda rank: value(rank) > most + slack)
        end = np.float32(1.0) if beyond is None else np.nextafter(beyond, np.float32(-1))
        if start is None or end < start:
            return None
        return float(start), float(end)

    def ends(self) -> np.ndarray:
        """The smallest and largest value generated, as cells hold them; NaN if there is none."""
        ends = list(self.atoms[[0, -1]]) if len(self.atoms) else []
        if self.copies.sources:
            ends += self._rounded(np.array([self.copies.low, self.copies.high])).tolist()
        if self.has_value.any():
            ends += self._rounded(self.quantiles(np.array([0.0, 1.0]))).tolist()
        if not ends:
            return np.full(2, np.nan)
        return self._restored(np.array([min(ends), max(ends)]))

    def _ends(self) -> list[str]:
        """The smallest and largest value generated, as a person writes them."""
        values = self.ends()
        if np.isnan(values.astype(np.float64)).any():
            return ["nothing", "nothing"]
        if self.column.kind == "datetime":
            return [str(np.datetime64(int(v), self.column.unit or "ns")) for v in values]
        if self.column.kind == "duration":
            return [str(np.timedelta64(int(v), self.column.unit or "ns")) for v in values]
        return [f"{v:g}" if self.column.kind == "float" else str(v) for v in values]

    def number(self, value: object) -> float:
        """A condition's value relative to ``origin``."""
        kind, unit = self.column.kind, self.column.unit or "ns"
        try:
            if kind == "datetime":
                moment = pd.Timestamp(value)  # type: ignore[arg-type]
                if moment.tzinfo is None and self.column.zone:
                    moment = moment.tz_localize(self.column.zone)
                plain = moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment
                return float(int(plain.to_datetime64().astype(f"M8[{unit}]").astype(np.int64))
                             - self.origin)  # fmt: skip
            if kind == "duration":
                span = pd.Timedelta(value).to_timedelta64()  # type: ignore[arg-type]
                return float(int(span.astype(f"m8[{unit}]").astype(np.int64)) - self.origin)
            return float(value) - self.origin  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise ConditionError(
                f"column {self.column.name!r} holds {kind} values; cannot compare it with {value!r}"
            ) from None

    @override
    def to_dict(self) -> dict[str, Any]:
        modes = {name: getattr(self.modes, name).tolist() for name in ("weight", "mean", "std")}
        return {
            "share": self.share.tolist(),
            "has_missing": self.has_missing,
            "atoms": self.atoms.tolist(),
            "modes": modes,
            "quantiles": self.quantiles.to_dict(),
            "origin": self.origin,
            "step": self.step,
        } | ({"copies": self.copies.to_dict()} if self.copies.sources else {})

    @classmethod
    @override
    def from_dict(cls, column: Column, data: dict[str, Any]) -> NumericEncoder:
        modes = (stored(data["modes"], name) for name in ("weight", "mean", "std"))
        encoder = cls(
            column,
            stored(data, "share"),
            data["has_missing"],
            stored(data, "atoms"),
            Mixture(*modes),
            StepQuantiles.from_dict(data["quantiles"]),
            stored_number(data, "origin"),
            stored_number(data, "step"),
            Copies.from_dict(data["copies"]) if "copies" in data else NO_COPIES,
        )
        if encoder.n_present != encoder.first_copy + len(encoder.copies.sources):
            raise ValueError(f"column {column.name!r} has a wrong number of codes")
        return encoder


def rounding_step(column: Column) -> float:
    """Unit that decoded values are multiples of, from the column's format."""
    if column.kind == "float":
        return 0.0 if column.decimals is None else 10.0**-column.decimals
    return float(column.resolution or 1)


def _copies(points: Points, sources: Sequence[str | int]) -> Copies:
    """Copy codes of a column with these values, copied or not."""
    if not sources:
        return NO_COPIES
    q = StepQuantiles.fit(points)
    return Copies(tuple(sources), float(q.low[0]), float(q.high[-1]))


def _nearest(sorted_values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Index of the nearest of ``sorted_values`` (k,) for each x (n,)."""
    right = np.searchsorted(sorted_values, x).clip(1, max(len(sorted_values) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(sorted_values) - 1)
    nearer = np.abs(sorted_values[right] - x) < np.abs(sorted_values[left] - x)
    return np.where(nearer, right, left).astype(np.int32)
