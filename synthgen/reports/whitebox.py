"""Attacks on a model itself: by its likelihood, plain and held against shadow models.

What is rare is unlikely whether it was learned or not. A shadow model, fitted like the one under
attack on rows that are not attacked, says how likely a row is to a model that never saw it (Watson
et al., *On the Importance of Difficulty Calibration in Membership Inference Attacks*, 2022).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from synthgen import frames
from synthgen.evaluation.features import Floats
from synthgen.evaluation.privacy.people import FEWEST_ROWS, MOST_ATTACKS
from synthgen.schema import Schema

# of the rows that are known to the attacker, those that one shadow model learns
_LEARNED = 0.8
Scores = dict[str, Floats]


def likelihood_attacks(
    model: Any, train: Any, holdout: Any, seed: int, shadows: int
) -> dict[str, Scores]:
    """Scores of ``members`` (n,) and ``controls`` (m,) by attack.

    Args:
        model: A fitted `SynthGen` with likelihoods.
        train: What it was fitted on.
        holdout: Rows that it never saw; half of them make the shadow models, where there are any.
        seed: Of everything random.
        shadows: How many shadow models.

    Raises:
        InvalidInputError: If the model has no likelihood.
    """
    rng = np.random.default_rng([seed, *b"likelihood"])
    known, unseen = (frames.read(table)[0] for table in (train, holdout))
    order = rng.permutation(len(unseen))
    half = len(unseen) // 2 if shadows else 0
    attacked = {
        "members": known.iloc[np.sort(rng.permutation(len(known))[:MOST_ATTACKS])],
        "controls": unseen.iloc[np.sort(order[half:][:MOST_ATTACKS])],
    }
    own = {role: model.log_likelihood(rows) for role, rows in attacked.items()}
    found = {"likelihood": own}
    if shadows:
        reference = unseen.iloc[order[:half]]
        usual = {role: np.zeros(len(rows)) for role, rows in attacked.items()}
        for _ in range(shadows):
            shadow = _shadow(model, reference, rng)
            for role, rows in attacked.items():
                usual[role] += shadow.log_likelihood(rows) / shadows
        found["likelihood against shadow models"] = {r: own[r] - usual[r] for r in own}
    return found


def _shadow(model: Any, reference: pd.DataFrame, rng: np.random.Generator) -> Any:
    """A model like ``model`` of other rows."""
    n = max(int(_LEARNED * len(reference)), min(len(reference), FEWEST_ROWS))
    rows = reference.iloc[rng.permutation(len(reference))[:n]]
    record, ledger = model.training_, model.privacy_
    options = model.generator_.config()
    settings: dict[str, Any] = {
        "seed": int(rng.integers(2**31)),
        "max_steps": record["steps"],
        "model_options": options,
        "progress": False,
    }
    # what holds between columns of the train rows need not hold in these
    schema = Schema(columns=model.schema_.columns, frame=model.schema_.frame)
    if ledger is not None:
        settings |= {"epsilon": ledger["epsilon"], "delta": ledger["delta"]}
        schema = model.schema_
    return type(model)(record["model"], **settings).fit(rows, schema=schema)
