"""A critic of boosted trees, kept as arrays: the log odds that a row is real.

At the optimum a critic trained on real against synthetic rows, equally many of both, has the logit
log p_real(x) / p_synthetic(x) (Goodfellow et al., 2014, proposition 1), so that its exponential is
the weight that turns synthetic rows into real ones. scikit-learn grows the trees; what is kept of
them is five arrays, which a model file can hold and which execute nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from synthgen.threads import in_batches

_CHUNK = 1024
_SHARED_CELLS = 500_000


@dataclass(frozen=True)
class EnsembleOptions:
    """How boosted trees are grown; ``max_features`` is the share that a split looks at."""

    max_trees: int = 400
    learning_rate: float = 0.1
    max_leaves: int = 31
    min_rows: int = 20
    max_features: float = 1.0

    def arguments(self, rng: np.random.Generator) -> dict[str, Any]:
        """As scikit-learn calls them."""
        return {
            "learning_rate": self.learning_rate,
            "max_iter": self.max_trees,
            "max_leaf_nodes": self.max_leaves,
            "min_samples_leaf": self.min_rows,
            "l2_regularization": 1.0,
            "max_features": self.max_features,
            "early_stopping": True,
            "n_iter_no_change": 10,
            "random_state": int(rng.integers(2**31)),
        }


@dataclass(frozen=True)
class TreeCritic:
    """An ensemble of decision trees; all nodes of all trees stand in one list.

    Shape:
        roots: (n_trees,) int32 index of each tree's root.
        feature: (n_nodes,) int32 column that a node looks at, 0 in a leaf.
        threshold: (n_nodes,) float32; rows up to it go left.
        left, right: (n_nodes,) int32 children; a leaf is its own child.
        value: (n_nodes,) float32 logit of a leaf.
        depth: Steps from a root to the deepest leaf.
        baseline: Logit added to every row.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    depth: int
    baseline: float

    @classmethod
    def fit(
        cls,
        learned: tuple[np.ndarray, np.ndarray],
        judging: tuple[np.ndarray, np.ndarray],
        rng: np.random.Generator,
        options: EnsembleOptions | None = None,
    ) -> TreeCritic:
        """Train until rows that judge gain no more.

        Args:
            learned: Real and synthetic rows (n, n_features) without gaps to learn from.
            judging: Real and synthetic rows that decide how many trees there are. Where the
                generator knows the rows that are learned from, these must be ones it does not.
            rng: Seeds the trees.
            options: Of the ensemble.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(**(options or EnsembleOptions()).arguments(rng))
        rows, label, weight = _labelled(*learned)
        rows_val, label_val, weight_val = _labelled(*judging)
        # on few rows cores wait for each other longer than they work
        with threadpool_limits(1 if rows.size < _SHARED_CELLS else None):
            model.fit(
                rows,
                label,
                sample_weight=weight,
                X_val=rows_val,
                y_val=label_val,
                sample_weight_val=weight_val,
            )
        # it stops some trees after the last that was of use
        return cls._of(model, int(np.argmax(model.validation_score_)))

    @classmethod
    def regress(
        cls,
        learned: tuple[np.ndarray, np.ndarray],
        judging: tuple[np.ndarray, np.ndarray],
        rng: np.random.Generator,
        options: EnsembleOptions | None = None,
    ) -> TreeCritic:
        """Trees whose ``logit`` is the expected number instead; train as in `fit`.

        Args:
            learned: Rows (n, n_features) without gaps, and the number (n,) of each.
            judging: The same, of rows that decide how many trees there are.
            rng: Seeds the trees.
            options: Of the ensemble.
        """
        from sklearn.ensemble import HistGradientBoostingRegressor

        model = HistGradientBoostingRegressor(**(options or EnsembleOptions()).arguments(rng))
        with threadpool_limits(1 if learned[0].size < _SHARED_CELLS else None):
            model.fit(*learned, X_val=judging[0], y_val=judging[1])
        return cls._of(model, int(np.argmax(model.validation_score_)))

    @classmethod
    def _of(cls, model: object, n_trees: int) -> TreeCritic:
        """The arrays of the first trees of a fitted ensemble."""
        predictors = model._predictors[: max(n_trees, 1)]  # type: ignore[attr-defined]
        trees = [of_tree[0].nodes for of_tree in predictors]
        sizes = np.array([len(nodes) for nodes in trees], np.int64)
        roots = np.cumsum(sizes) - sizes
        nodes = np.concatenate(trees)
        offset = np.repeat(roots, sizes)
        leaf = nodes["is_leaf"].astype(bool)
        here = np.arange(len(nodes))
        return cls(
            roots.astype(np.int32),
            np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
            np.where(leaf, 0.0, nodes["num_threshold"]).astype(np.float32),
            np.where(leaf, here, nodes["left"] + offset).astype(np.int32),
            np.where(leaf, here, nodes["right"] + offset).astype(np.int32),
            np.where(leaf & (n_trees > 0), nodes["value"], 0.0).astype(np.float32),
            int(nodes["depth"].max()),
            float(np.ravel(model._baseline_prediction)[0]),  # type: ignore[attr-defined]
        )

    def logit(self, rows: np.ndarray) -> np.ndarray:
        """Log odds (n,) float32 of rows (n, n_features) without gaps."""
        feature, threshold, left, right, value, roots = (
            torch.from_numpy(np.ascontiguousarray(array))
            for array in (
                self.feature.astype(np.int64),
                self.threshold,
                self.left,
                self.right,
                self.value,
                self.roots,
            )
        )
        logits = np.full(len(rows), self.baseline, np.float32)

        def part(batch: slice) -> None:
            x = torch.from_numpy(np.ascontiguousarray(rows[batch], np.float32))
            at = roots.expand(len(x), -1)
            for _ in range(self.depth):
                goes_left = x.gather(1, feature[at]) <= threshold[at]
                at = torch.where(goes_left, left[at], right[at])
            logits[batch] += value[at].sum(dim=1).numpy()

        in_batches(part, len(rows), _CHUNK, torch.device("cpu"))
        return logits

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Named arrays that are the critic."""
        scalars = {"depth": np.array([self.depth], np.int32)}
        scalars["baseline"] = np.array([self.baseline], np.float32)
        names = ("roots", "feature", "threshold", "left", "right", "value")
        return {name: getattr(self, name) for name in names} | scalars

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], n_features: int) -> TreeCritic:
        """Inverse of `to_arrays`.

        Raises:
            ValueError: If an index points nowhere, or a number is not finite.
        """
        found = {name: np.asarray(array) for name, array in arrays.items()}
        n = len(found["feature"])
        limits = {"feature": n_features, "left": n, "right": n, "roots": n}
        for name, limit in limits.items():
            index = found[name]
            if index.dtype != np.int32 or index.ndim != 1:
                raise ValueError(f"tree critic: {name} must be a list of int32")
            if len(index) and not (index.min() >= 0 and index.max() < limit):
                raise ValueError(f"tree critic: {name} points outside 0..{limit - 1}")
        for name in ("threshold", "value", "baseline"):
            if not np.isfinite(found[name]).all():
                raise ValueError(f"tree critic: {name} is not finite")
        if any(len(found[name]) != n for name in ("threshold", "left", "right", "value")):
            raise ValueError("tree critic: lists of nodes differ in length")
        depth = int(found["depth"][0])
        if not 0 <= depth <= 64:
            raise ValueError(f"tree critic: a depth of {depth} is not between 0 and 64")
        names = ("roots", "feature", "threshold", "left", "right", "value")
        lists = {name: found[name] for name in names}
        return cls(**lists, depth=depth, baseline=float(found["baseline"][0]))


def _labelled(real: np.ndarray, synthetic: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rows, whether they are real, and weights under which both kinds count the same."""
    rows = np.concatenate([real, synthetic]).astype(np.float32)
    sizes = [len(real), len(synthetic)]
    weight = np.repeat([len(rows) / (2 * size) for size in sizes], sizes)
    return rows, np.repeat([1, 0], sizes), weight


def systematic(weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """``n`` distinct indices, each included with probability proportional to its weight.

    Systematic sampling of a shuffled list (Madow, 1949); a probability is at most 1, and what is
    cut off there goes to the others in proportion.
    """
    order = rng.permutation(len(weight))
    share = _inclusion(weight[order], n)
    edge = np.cumsum(share)
    edge *= n / edge[-1]
    taken = np.searchsorted(edge, np.arange(n) + rng.random(), side="right")
    return np.asarray(order[np.minimum(taken, len(order) - 1)])


def _inclusion(weight: np.ndarray, n: int) -> np.ndarray:
    """Probabilities (len(weight),) that sum to ``n``."""
    share: np.ndarray = np.asarray(weight, np.float64) * (n / weight.sum())
    for _ in range(20):
        over = share >= 1
        if not (share > 1).any() or over.all():
            break
        rest = n - over.sum()
        share = np.where(over, 1.0, share)
        free = share[~over].sum()
        share[~over] *= rest / free if free > 0 else 0
    return share.clip(max=1.0)
