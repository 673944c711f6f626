"""What each action brings to a property: a linear model of whole molecules, told step by step.

Many properties are nearly sums over atoms and bonds: Crippen's logP is one by definition, weight,
surface and counts of rings are. So a ridge regression on how often each action was taken at each
kind of atom explains most of them, and its running sum says how far a molecule has come.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from sklearn.linear_model import Ridge

from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import replay

# molecules that the regression sees, those of a batch, and its penalty
_MOST, _BATCH, _PENALTY = 20_000, 2_000, 3.0
# molecules with a value below which nothing is learned of a property
_LEAST = 50


def contributions(
    codes: np.ndarray, scores: np.ndarray, rules: Rules, n_atoms: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Normal scores of nothing, and what actions bring, as `Tally` keeps them.

    Args:
        codes: (n, length) actions.
        scores: (n, n_properties), NaN where unknown.
        rules: Of the vocabulary.
        n_atoms: Kinds of atoms.
        rng: Chooses among many molecules.
    """
    n_actions, n_properties = len(rules.kind), scores.shape[1]
    rows = np.sort(rng.permutation(len(codes))[:_MOST])
    counts = sparse.vstack(
        [_counts(codes[rows[k : k + _BATCH]], rules, n_atoms) for k in range(0, len(rows), _BATCH)]
    )
    begin = np.zeros(n_properties, np.float32)
    brings = np.zeros((counts.shape[1], n_properties), np.float32)
    for j in range(n_properties):
        known = np.flatnonzero(np.isfinite(scores[rows, j]))
        if len(known) < _LEAST:
            continue
        fitted = Ridge(alpha=_PENALTY, solver="sparse_cg").fit(
            counts[known], scores[rows[known], j].astype(np.float64)
        )
        begin[j], brings[:, j] = fitted.intercept_, fitted.coef_
    return begin, brings.reshape(n_atoms + 1, n_actions, n_properties)


def _counts(codes: np.ndarray, rules: Rules, n_atoms: int) -> sparse.csr_matrix:
    """(n, (n_atoms + 1) n_actions): how often each action was taken at each kind of atom."""
    action = torch.as_tensor(codes.astype(np.int64), device=rules.kind.device)
    here = replay(action, rules)[0].atom[:, :, 0].cpu().numpy()
    row, step = np.nonzero(codes)
    column = here[row, step] * len(rules.kind) + codes[row, step]
    shape = (len(codes), (n_atoms + 1) * len(rules.kind))
    return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape)
