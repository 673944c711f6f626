"""A real private fit, audited in one run by many canaries at once.

Each canary is a row whose cells come from rows of their own, and a fair coin says whether it is
among the rows of the fit. Who was in is then guessed from the model that was released: the canaries
whose likelihood is highest above that of independent columns were, the lowest were not (Steinke,
Nasr and Jagielski, *Privacy Auditing with One (1) Training Run*, 2023, algorithm 1). A fit is sound
if no more guesses come right than its epsilon allows; one run of a sound fit proves little more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from synthgen import frames
from synthgen.audit.bounds import one_run_lower_bound
from synthgen.audit.mechanisms import Audit
from synthgen.encoding.bought import CellRows, encode
from synthgen.errors import InvalidInputError
from synthgen.privacy.declared import declared_schema
from synthgen.privacy.mechanisms import entropy
from synthgen.synthesizer import SynthGen
from synthgen.tabular.private.likelihood import DPAR

# shares of the canaries that are guessed, half of them in and half out: few sure ones, or many
_GUESSED = (0.02, 0.1, 0.5)
_FEWEST = 100


def audit_fit(data: Any, synth: SynthGen, schema: Any, canaries: int = 1000) -> Audit:
    """What one fit shows of its canaries.

    Args:
        data: The table that is fitted, canaries beside it.
        synth: How; with epsilon, of the model ``dp-ar``. It is fitted here.
        schema: Declared.
        canaries: How many there are; a half of them is in.

    Raises:
        InvalidInputError: If it has no epsilon, or another model; or for a handful of canaries.
    """
    if synth.epsilon is None or synth.delta is None or synth.model not in ("auto", DPAR.name):
        raise InvalidInputError(
            f"a fit is audited with epsilon and delta, and of model {DPAR.name!r} (or 'auto'): "
            f"got epsilon={synth.epsilon!r}, delta={synth.delta!r}, model={synth.model!r}"
        )
    if canaries < _FEWEST:
        raise InvalidInputError(
            f"{canaries} canaries prove nothing; take {_FEWEST} or more, 1,000 for example"
        )
    frame, _ = frames.read(data)
    declared, _ = declared_schema(schema)
    declared.validate_frame(frame)
    rng = entropy()
    own = mixed(frame, canaries, rng)
    is_in = rng.random(canaries) < 0.5
    together = pd.concat([frame, own[is_in]], ignore_index=True).astype(frame.dtypes)
    synth.fit(together, schema=declared)
    order = np.argsort(surprise(synth, own))
    claims = len(_GUESSED)
    bounds = []
    for share in _GUESSED:
        k = max(int(share * canaries / 2), 1)
        right = int(is_in[order[-k:]].sum() + (~is_in[order[:k]]).sum())
        bounds.append(one_run_lower_bound(2 * k, right, synth.delta, canaries, claims))
    return Audit(f"one fit, {canaries:,} canaries", synth.epsilon, max(bounds), None)


def mixed(frame: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows (n) whose every cell comes from a row of its own."""
    return pd.DataFrame(
        {name: frame[name].iloc[rng.integers(len(frame), size=n)].array for name in frame}
    )


def surprise(synth: SynthGen, rows: pd.DataFrame) -> np.ndarray:
    """Log likelihood (n,) of rows under a fitted model, less that of independent columns."""
    completion, model = synth.completion_, synth.generator_
    assert isinstance(model, DPAR)
    learned = np.array(completion.plan.modelled)
    held = encode(CellRows.of(rows, synth.schema_), completion.full).columns(learned)
    codes = torch.as_tensor(held.codes).long()
    alone = sum(share.log_softmax(0)[codes[:, j]] for j, share in enumerate(model.chain.log_share))
    return np.asarray(model.log_likelihood(held) - torch.as_tensor(alone).double().numpy())
