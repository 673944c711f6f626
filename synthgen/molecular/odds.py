"""Log odds that a drawn molecule is a real one, by the critic and by how likely it was drawn.

A critic sees graphs, and learns from some of them what kinds of molecules come too often. That one
molecule comes too often it cannot know, but the generator can: at the optimum the log odds are
log p_real - log p_drawn (Goodfellow et al., 2014, proposition 1), and the second term is the
likelihood that the molecule was drawn with. So both are features of a logistic regression on
molecules that neither has learned from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

# nats to which log likelihoods are scaled: those of molecules, to about one
_NATS = 10.0
_FEATURES = 3


class Odds:
    """Log odds of a logit and a log likelihood; see the module.

    Args:
        coefficients: (4,) the intercept, and those of the logit, the log likelihood in tens of
            nats, and its square.

    Raises:
        ValueError: If they are not.
    """

    def __init__(self, coefficients: ArrayLike) -> None:
        self.coefficients = np.asarray(coefficients, np.float64)
        if self.coefficients.shape != (1 + _FEATURES,) or not np.isfinite(self.coefficients).all():
            raise ValueError("odds: not four numbers")

    @classmethod
    def of(cls, real: tuple[np.ndarray, np.ndarray], drawn: tuple[np.ndarray, np.ndarray]) -> Odds:
        """From logits and log likelihoods of real and of drawn molecules."""
        return cls(log_odds(_features(*real), _features(*drawn)))

    def __call__(self, logit: np.ndarray, log_likelihood: np.ndarray) -> np.ndarray:
        """Log odds (n,)."""
        intercept, *rest = self.coefficients
        return np.asarray(_features(logit, log_likelihood) @ rest + intercept)


def log_odds(real: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Intercept and coefficients (1 + k,) of a logistic regression on features (n, k) of both.

    As if there were as many real molecules as drawn ones.
    """
    is_real = np.repeat([1, 0], [len(real), len(drawn)])
    fitted = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=1000)
    fitted.fit(np.concatenate([real, drawn]), is_real)
    return np.asarray(np.r_[fitted.intercept_, fitted.coef_[0]])


def _features(logit: np.ndarray, log_likelihood: np.ndarray) -> np.ndarray:
    scaled = log_likelihood / _NATS
    return np.column_stack([logit, scaled, scaled**2]).astype(np.float64)
