"""Numbers, dates and durations: atoms for repeated values, modes for the rest.

A value that many rows share (0 in capital-gain) is an atom: a code and no value. Every other
value is mode-specifically normalized: the code of a Gaussian mode and ``(x - mean) / (4 std)``
inside it (Xu et al., *Modeling Tabular Data using Conditional GAN*, 2019, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from typing_extensions import override

from synthgen.cells import Cells
from synthgen.encoding.column import ColumnEncoder, Interval, protected_share
from synthgen.encoding.mixture import Mixture
from synthgen.encoding.quantiles import MIN_ROWS, Points, StepQuantiles
from synthgen.errors import ConditionError
from synthgen.schema import Column

MAX_DISCRETE = 32
SPIKE_SHARE = 0.01
SPIKE_RATIO = 3.0
_WINDOW = 10
VALUE_SCALE = 4.0
_EXACT_FLOAT = 2**52


@dataclass(frozen=True)
class NumericSummary:
    """Distinct values with counts, relative to ``origin``; merging is associative.

    Attributes:
        points: The values and their counts.
        missing: Number of missing cells.
        origin: Integer subtracted from every value.
        only_repeated: Whether values that fewer than `MIN_ROWS` rows hold were left out.
    """

    points: Points
    missing: int
    origin: int
    only_repeated: bool = False

    @classmethod
    def of(cls, cells: Cells, origin: int | None = None) -> NumericSummary:
        """Summary of integer, float, datetime or duration cells.

        ``origin`` keeps large integers exact as floats; give the first batch's to the others.
        """
        held = cells.values[~cells.missing]
        if origin is None:
            origin = _origin(held)
        return cls(Points.of(_offset(held, origin)), int(cells.missing.sum()), origin)

    def merge(self, other: NumericSummary) -> NumericSummary:
        """Summary of both batches together."""
        if self.origin != other.origin:
            raise ValueError("summaries of one column need one origin")
        return NumericSummary(
            self.points.merge(other.points), self.missing + other.missing, self.origin
        )

    def repeated(self) -> NumericSummary:
        """Without values that fewer than `MIN_ROWS` rows hold; as it is if there are only such."""
        rare = (self.points.count < MIN_ROWS) | (self.points.distinct > 1)
        if rare.all():
            return self
        points = self.points.without(self.points.value[rare])
        return NumericSummary(points, self.missing, self.origin, only_repeated=True)


@dataclass(frozen=True)
class NumericEncoder(ColumnEncoder):
    """Codes: atoms ascending, then modes ascending, then missing.

    Attributes:
        atoms: (n_atoms,) float64 values relative to ``origin``.
        modes: The Gaussian modes of all other values, relative to ``origin``.
        quantiles: Protected quantile function of all other values.
        origin: Integer subtracted before values become floats.
        step: Decoded values are multiples of it; 0 for no rounding.
    """

    kind: ClassVar[str] = "numeric"

    atoms: np.ndarray
    modes: Mixture
    quantiles: StepQuantiles
    origin: int
    step: float

    @classmethod
    def fit(
        cls, column: Column, summary: NumericSummary, atoms: np.ndarray, modes: Mixture
    ) -> NumericEncoder:
        """Encoder of a column whose ``atoms`` and ``modes`` were found (see `find_atoms`)."""
        points = summary.points
        at = np.searchsorted(points.value, atoms)
        rest = points.without(atoms)
        quantiles = StepQuantiles.fit(rest)
        counts = points.count[at].astype(np.float64)
        spread = modes.weight * rest.n if rest.n >= MIN_ROWS or not len(atoms) else np.zeros(0)
        if not len(spread):
            modes = Mixture(*np.zeros((3, 0)))
        held = np.r_[counts, spread, [summary.missing] * bool(summary.missing)]
        return cls(
            column,
            protected_share(np.ceil(held)),
            bool(summary.missing),
            atoms,
            modes,
            quantiles,
            summary.origin,
            rounding_step(column),
        )

    @property
    @override
    def has_value(self) -> np.ndarray:
        codes = np.arange(self.n_codes)
        return (codes >= len(self.atoms)) & (codes < self.n_present)

    @override
    def encode(self, cells: Cells, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        codes = np.full(len(cells.values), self.n_codes - 1 if self.has_missing else -1, np.int32)
        values = np.zeros(len(codes), np.float32)
        present = np.flatnonzero(~cells.missing)
        x = _offset(cells.values[present], self.origin)
        code = np.full(len(x), -1, np.int32)
        if len(self.atoms):
            at = np.abs(self.atoms[_nearest(self.atoms, x)] - x) <= 1e-9 * np.abs(x)
            code[at] = _nearest(self.atoms, x[at])
        rest = code < 0
        if rest.any() and len(self.modes.weight):
            mode, value = self._into_modes(x[rest], rng)
            code[rest] = len(self.atoms) + mode
            values[present[rest]] = value
        elif rest.any() and len(self.atoms):
            code[rest] = _nearest(self.atoms, x[rest])
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

        Missing cells give 0.
        """
        centre = np.r_[self.atoms, self.modes.mean, np.zeros(int(self.has_missing))]
        scale = np.r_[
            np.zeros(len(self.atoms)), VALUE_SCALE * self.modes.std, np.zeros(int(self.has_missing))
        ]
        return np.asarray(centre[codes] + scale[codes] * values.astype(np.float64))

    @override
    def ranks(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        return self.quantiles.rank(self.continuous(codes, values))

    @override
    def decode(self, codes: np.ndarray, ranks: np.ndarray, rng: np.random.Generator) -> Cells:
        return Cells(self._restored(self.numbers(codes, ranks)), codes >= self.n_present)

    def numbers(self, codes: np.ndarray, ranks: np.ndarray) -> np.ndarray:
        """Numbers (n,) relative to ``origin`` that will be decoded; missing cells give 0."""
        centre = np.r_[self.atoms, np.zeros(self.n_codes - len(self.atoms))]
        x: np.ndarray = centre[codes]
        rest = np.flatnonzero(self.has_value[codes])
        if len(rest):
            # onto the observed support: a repeated value comes back exactly, a rare one never
            x[rest] = self._rounded(self.quantiles(ranks[rest]))
        return x

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
        if ranks is None and not len(codes):
            ends = self._ends()
            raise ConditionError(
                f"column {self.column.name!r}: nothing is generated from {low!r} to {high!r}; "
                f"its values lie between {ends[0]} and {ends[1]}"
            )
        if ranks is None:
            return Interval(codes)
        return Interval(np.r_[codes, np.flatnonzero(self.has_value)], *ranks)

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
        }

    @classmethod
    @override
    def from_dict(cls, column: Column, data: dict[str, Any]) -> NumericEncoder:
        modes = (np.asarray(data["modes"][name], np.float64) for name in ("weight", "mean", "std"))
        return cls(
            column,
            np.asarray(data["share"], np.float64),
            data["has_missing"],
            np.asarray(data["atoms"], np.float64),
            Mixture(*modes),
            StepQuantiles.from_dict(data["quantiles"]),
            data["origin"],
            data["step"],
        )


def find_atoms(points: Points, every: bool = False) -> np.ndarray:
    """Values (k,) that deserve a code of their own.

    All of them on demand, or where few distinct values cover the column; otherwise the spikes:
    values that at least `SPIKE_SHARE` of the rows hold and that stand out `SPIKE_RATIO`-fold from
    the values around them.
    """
    if not points.n:
        return np.zeros(0)
    if every:
        return points.value
    held = (points.count >= MIN_ROWS) & (points.distinct == 1)
    if held.sum() <= MAX_DISCRETE and points.count[held].sum() > points.n - MIN_ROWS:
        return np.asarray(points.value[held])
    padded = np.pad(points.count.astype(np.float64), _WINDOW, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _WINDOW + 1)
    heavy = np.flatnonzero(points.count >= SPIKE_SHARE * points.n)
    spike = np.zeros(len(points.count), bool)
    spike[heavy] = points.count[heavy] >= SPIKE_RATIO * np.median(around[heavy], axis=1)
    return np.asarray(points.value[held & spike])


def rounding_step(column: Column) -> float:
    """Unit that decoded values are multiples of, from the column's format."""
    if column.kind == "float":
        return 0.0 if column.decimals is None else 10.0**-column.decimals
    return float(column.resolution or 1)


def _origin(held: np.ndarray) -> int:
    """0, or a middle value where integers are too large for float64 or are ticks of a date."""
    if held.dtype.kind != "i" or not len(held):
        return 0
    # a rounded mean, so that no cell's exact value is stored
    mean = int(held.astype(np.float64).mean())
    return 0 if np.abs(held.astype(np.float64)).max() < _EXACT_FLOAT else mean


def _offset(values: np.ndarray, origin: int) -> np.ndarray:
    return (values - origin if origin else values).astype(np.float64)


def _nearest(sorted_values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Index of the nearest of ``sorted_values`` (k,) for each x (n,)."""
    right = np.searchsorted(sorted_values, x).clip(1, max(len(sorted_values) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(sorted_values) - 1)
    nearer = np.abs(sorted_values[right] - x) < np.abs(sorted_values[left] - x)
    return np.where(nearer, right, left).astype(np.int32)
