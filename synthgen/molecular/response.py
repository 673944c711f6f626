"""One column given features: what it is expected to be, and how far it is off.

Boosted trees are fitted five times, each without a fifth of the molecules. What the trees say of
the molecules that they did not see tells how far they are off: residuals of molecules that trees
know are too small. New molecules get the mean of the five (cross-fitting, as in the jackknife+ of
Barber et al., *Predictive inference with the jackknife+*, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, ndtr, ndtri

from synthgen.adversarial.trees import EnsembleOptions, TreeCritic
from synthgen.encoding.column import ColumnEncoder, Interval
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.quantiles import MIN_ROWS

FOLDS = 5
_MIN_LEAF = 10
_ENSEMBLE = EnsembleOptions(
    max_trees=200, learning_rate=0.15, max_leaves=16, min_rows=_MIN_LEAF, max_features=0.5
)
# ranks nearer to 0 and 1 than this are not told apart
_EDGE = 1e-3
# a feature that stands for a missing cell: below all normal scores
_MISSING = -8.0
_LEVELS, _MAX_STRATA, _STRATUM_ROWS = 41, 40, 50

Ensemble = tuple[TreeCritic, ...]


@dataclass(frozen=True)
class Noise:
    """How far a normal score is off its expectation, by the expectation.

    Attributes:
        at: (n_strata,) expectations, ascending.
        residual: (n_strata, 41) quantiles of score minus expectation at even levels, each the mean
            of at least 5 molecules.
    """

    at: np.ndarray
    residual: np.ndarray

    @classmethod
    def of(cls, expected: np.ndarray, score: np.ndarray) -> Noise:
        """Of molecules (n,) that the expectation was made without."""
        order = np.argsort(expected, kind="stable")
        expected, score = expected[order], score[order]
        n = len(order)
        strata = int(np.clip(n // _STRATUM_ROWS, 1, _MAX_STRATA))
        # strata overlap: each is twice as wide as they are apart
        edges = np.linspace(0, n, strata + 1)
        middle, half = (edges[1:] + edges[:-1]) / 2, n / strata
        at, residual = [], []
        for centre in middle:
            rows = slice(max(0, int(centre - half)), min(n, int(np.ceil(centre + half))))
            at.append(expected[rows].mean())
            residual.append(_smooth_quantiles(score[rows] - expected[rows]))
        return cls(np.maximum.accumulate(at), np.array(residual))

    def scores(self, expected: np.ndarray) -> np.ndarray:
        """Quantiles (n, 41) of the score, ascending, of molecules with an expectation (n,)."""
        place = np.interp(expected, self.at, np.arange(len(self.at)))
        low = np.minimum(place.astype(int), max(len(self.at) - 2, 0))
        high = np.minimum(low + 1, len(self.at) - 1)
        share = (place - low)[:, None]
        return np.asarray(
            expected[:, None] + (1 - share) * self.residual[low] + share * self.residual[high]
        )


def _smooth_quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles (41,) at even levels, each the mean of 5 neighbours or of all there are."""
    values = np.sort(values)
    n = len(values)
    at = (np.linspace(0, 1, _LEVELS) * (n - 1)).round().astype(int)
    width = min(MIN_ROWS, n)
    first = np.clip(at - width // 2, 0, n - width)
    return np.asarray(np.mean([values[first + k] for k in range(width)], axis=0))


@dataclass(frozen=True)
class Drawn:
    """Cells of a column.

    Shape:
        codes: (n,) of the column's encoder.
        ranks: (n,) in [0, 1], of cells that carry a value.
    """

    codes: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True)
class Odds:
    """Which cells have a code: slope times what trees say, plus intercept, is its log odds.

    Trees stop early on few rows and say too little; both numbers are fitted to what they say of
    molecules that they did not see (Platt scaling, 1999).
    """

    trees: Ensemble
    line: np.ndarray

    @classmethod
    def fit(
        cls, is_code: np.ndarray, features: np.ndarray, fold: np.ndarray, rng: np.random.Generator
    ) -> Odds | None:
        """Of rows (n,) that have the code; ``None`` where a fold has not both kinds."""
        from sklearn.linear_model import LogisticRegression

        held = [np.bincount(fold[side], minlength=FOLDS) for side in (is_code, ~is_code)]
        if min(part.min() for part in held) < 1 or is_code.sum() < MIN_ROWS:
            return None
        found, said = [], np.zeros(len(features))
        for k in range(FOLDS):
            sides = [(side & (fold == k), side & (fold != k)) for side in (is_code, ~is_code)]
            judging, learned = (tuple(features[side[i]] for side in sides) for i in (0, 1))
            found.append(TreeCritic.fit(learned, judging, rng, _ENSEMBLE))
            said[fold == k] = found[-1].logit(features[fold == k])
        line = LogisticRegression(C=10.0).fit(said[:, None], is_code)
        # trees that are wrong more often than right tell nothing
        slope = max(float(line.coef_[0, 0]), 0.0)
        return cls(tuple(found), np.array([slope, float(line.intercept_[0])]))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Probability (n,) of the code."""
        return np.asarray(expit(self.line[0] * _mean(self.trees, features) + self.line[1]))


@dataclass(frozen=True)
class Response:
    """p(column | features).

    Attributes:
        encoder: Cells as codes, and ranks of those that are numbers.
        odds: For each code; of two codes for the second alone, of one for none. ``None`` for a
            code that too few rows hold: it comes as often as in the data.
        mean: Trees of the normal score of a number; empty for categories.
        noise: What is added to it.
    """

    encoder: ColumnEncoder
    odds: tuple[Odds | None, ...]
    mean: Ensemble
    noise: Noise | None

    @classmethod
    def fit(
        cls,
        encoder: ColumnEncoder,
        held: Drawn,
        features: np.ndarray,
        fold: np.ndarray,
        rng: np.random.Generator,
    ) -> Response:
        """Learn a column.

        Args:
            encoder: Of the column.
            held: Its cells.
            features: (n, n_features) without gaps.
            fold: (n,) 0..4, which fifth of the molecules a row belongs to.
            rng: Seeds the trees.
        """
        # what nearly all molecules have alike takes time and tells nothing
        kept = np.flatnonzero((features != np.median(features, axis=0)).sum(axis=0) >= _MIN_LEAF)
        kept = kept if len(kept) else np.zeros(1, np.int64)
        features = features[:, kept]
        odds = []
        for code in _told_apart(encoder):
            one = Odds.fit(held.codes == code, features, fold, rng)
            odds.append(one and replace(one, trees=_placed(one.trees, kept)))
        rows = np.flatnonzero(encoder.has_value[held.codes])
        if len(rows) < MIN_ROWS:
            return cls(encoder, tuple(odds), (), None)
        score, x, part = _score(held.ranks[rows]), features[rows], fold[rows]
        expected, mean = score.copy(), []
        for k in np.unique(part):
            out = part == k
            within = ~out if (~out).any() else out
            trees = TreeCritic.regress(
                (x[within], score[within]), (x[out], score[out]), rng, _ENSEMBLE
            )
            expected[out] = trees.logit(x[out])
            mean.append(trees)
        return cls(encoder, tuple(odds), _placed(mean, kept), Noise.of(expected, score))

    def draw(self, features: np.ndarray, within: Interval | None, u: np.ndarray) -> Drawn:
        """Cells of molecules with ``features`` (n, n_features).

        Args:
            features: Without gaps.
            within: What cells may be.
            u: (n, 2) uniform numbers.
        """
        share = self._allowed(features, within)
        codes = (share.cumsum(axis=1) < u[:, :1] * share.sum(axis=1, keepdims=True)).sum(axis=1)
        codes = np.minimum(codes, self.encoder.n_codes - 1).astype(np.int32)
        if self.noise is None:
            return Drawn(codes, np.zeros(len(codes)))
        scores = self.noise.scores(_mean(self.mean, features))
        low, high = self._levels(scores, within)
        level = low + u[:, 1] * (high - low)
        ranks = ndtr(_at(scores, level * (_LEVELS - 1)))
        if within is not None:
            ranks = ranks.clip(within.low_rank, within.high_rank)
        return Drawn(codes, ranks)

    def probability(self, features: np.ndarray, within: Interval) -> np.ndarray:
        """Probability (n,) that the cell of a molecule is within an interval."""
        share = self._shares(features)[:, within.codes]
        if self.noise is not None:
            scores = self.noise.scores(_mean(self.mean, features))
            low, high = self._levels(scores, within)
            share = np.where(self.encoder.has_value[within.codes], (high - low)[:, None], 1) * share
        return np.asarray(share.sum(axis=1))

    def feature(self, cells: Drawn) -> np.ndarray:
        """The column (n,) float32 as a feature of the next ones."""
        if not isinstance(self.encoder, NumericEncoder):
            return cells.codes.astype(np.float32)
        # of a value that many rows hold the middle of its ranks
        quantiles = self.encoder.quantiles
        score = _score(quantiles.rank(quantiles(cells.ranks)))
        missing = cells.codes >= self.encoder.n_present
        return np.where(missing, _MISSING, score).astype(np.float32)

    def _shares(self, features: np.ndarray) -> np.ndarray:
        """Probability (n, n_codes) of each code."""
        share = self.encoder.share
        found = np.tile(share, (len(features), 1))
        for code, odds in zip(_told_apart(self.encoder), self.odds, strict=True):
            if odds is not None:
                found[:, code] = odds(features)
        if len(share) == 2:
            found[:, 0] = 1 - found[:, 1]
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _allowed(self, features: np.ndarray, within: Interval | None) -> np.ndarray:
        share = self._shares(features)
        if within is None:
            return share
        allowed = np.isin(np.arange(self.encoder.n_codes), within.codes)
        return np.where(allowed, share + 1e-12, 0.0)

    def _levels(self, scores: np.ndarray, within: Interval | None) -> tuple[np.ndarray, np.ndarray]:
        """Levels (n,) of the noise between which cells are within an interval."""
        if within is None:
            return np.zeros(len(scores)), np.ones(len(scores))
        ends = (ndtri(rank) for rank in (within.low_rank, within.high_rank))
        low, high = (_level(scores, end) for end in ends)
        return low, high

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Named arrays that, with the encoder, are the response."""
        arrays = {
            f"{part}.{name}": array
            for part, trees in self._parts().items()
            for name, array in trees.to_arrays().items()
        }
        arrays |= {f"odds.{j}.line": one.line for j, one in enumerate(self.odds) if one}
        if self.noise is not None:
            arrays |= {"noise.at": self.noise.at, "noise.residual": self.noise.residual}
        return arrays

    def _parts(self) -> dict[str, TreeCritic]:
        groups = {f"odds.{j}": one.trees for j, one in enumerate(self.odds) if one}
        groups |= {"mean": self.mean}
        return {f"{name}.{k}": one for name, held in groups.items() for k, one in enumerate(held)}

    @classmethod
    def from_arrays(
        cls, encoder: ColumnEncoder, arrays: dict[str, np.ndarray], n_features: int
    ) -> Response:
        """Inverse of `to_arrays`.

        Raises:
            ValueError: If they do not fit, or hold what no fit gives.
        """
        left = dict(arrays)

        def ensemble(name: str) -> Ensemble:
            found = []
            for k in range(FOLDS):
                prefix = f"{name}.{k}."
                part = {key: left.pop(key) for key in list(left) if key.startswith(prefix)}
                if part:
                    part = {key.removeprefix(prefix): array for key, array in part.items()}
                    found.append(TreeCritic.from_arrays(part, n_features))
            return tuple(found)

        odds: list[Odds | None] = []
        for j in range(len(_told_apart(encoder))):
            trees = ensemble(f"odds.{j}")
            line = left.pop(f"odds.{j}.line") if trees else np.zeros(2)
            if line.shape != (2,) or not np.isfinite(line).all():
                raise ValueError("odds that are none")
            odds.append(Odds(trees, line) if trees else None)
        mean, noise = ensemble("mean"), None
        if mean:
            noise = Noise(left.pop("noise.at"), left.pop("noise.residual"))
            strata = len(noise.at)
            if noise.at.ndim != 1 or not strata or noise.residual.shape != (strata, _LEVELS):
                raise ValueError("noise of a wrong shape")
            if not (np.isfinite(noise.at).all() and np.isfinite(noise.residual).all()):
                raise ValueError("noise that is not finite")
        if left or bool(mean) != bool(encoder.has_value.any()):
            raise ValueError(f"arrays that do not belong there: {', '.join(sorted(left))}")
        return cls(encoder, tuple(odds), mean, noise)


def _placed(trees: Sequence[TreeCritic], kept: np.ndarray) -> Ensemble:
    """Trees fitted on the features ``kept``, as trees on all of them."""
    return tuple(replace(one, feature=kept[one.feature].astype(np.int32)) for one in trees)


def _told_apart(encoder: ColumnEncoder) -> range:
    """Codes that trees are fitted for."""
    n = encoder.n_codes
    return range(1, 2) if n == 2 else range(n if n > 2 else 0)


def _mean(trees: Ensemble, features: np.ndarray) -> np.ndarray:
    """What the trees of all folds say (n,) on average."""
    return np.asarray(np.mean([one.logit(features) for one in trees], axis=0), np.float64)


def _score(rank: np.ndarray) -> np.ndarray:
    return np.asarray(ndtri(np.clip(rank, _EDGE, 1 - _EDGE)))


def _at(scores: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Scores (n,) at a place (n,) among the levels of each row."""
    low = np.minimum(place.astype(int), _LEVELS - 2)
    rows, share = np.arange(len(scores)), place - low
    return np.asarray((1 - share) * scores[rows, low] + share * scores[rows, low + 1])


def _level(scores: np.ndarray, end: float) -> np.ndarray:
    """Level (n,) in [0, 1] at which each row's scores (n, 41) reach ``end``; inverse of `_at`."""
    below = (scores < end).sum(axis=1)
    low = np.clip(below - 1, 0, _LEVELS - 2)
    rows = np.arange(len(scores))
    left, right = scores[rows, low], scores[rows, low + 1]
    gap = np.maximum(right - left, 1e-12)
    share = np.clip((end - left) / gap, 0, 1)
    return np.asarray((low + share) / (_LEVELS - 1))
