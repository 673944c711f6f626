"""What actions bring to a property, and its running sum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from synthgen.chemistry import properties, represented
from synthgen.molecular.actions import Vocabulary, actions_of
from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import replay
from synthgen.molecular.properties import Property
from synthgen.molecular.prospects import Tally
from synthgen.molecular.representation import Molecules
from synthgen.molecular.tally import contributions

NAMES = ["logP", "TPSA", "rings", "weight"]


def test_the_sum_of_what_actions_bring_is_nearly_the_property_of_new_molecules(
    qm9: pd.Series,
) -> None:
    sequences = [actions_of(represented(text)[0]) for text in qm9]
    vocabulary, rare = Vocabulary.of(sequences, Molecules())
    kept = [i for i in range(len(qm9)) if i not in rare]
    codes = vocabulary.codes([sequences[i] for i in kept])
    computed = np.array([properties(qm9.iloc[i], NAMES) for i in kept])
    held = [Property.of(name, True, computed[:, k]) for k, name in enumerate(NAMES)]
    scores = np.stack([one.score(computed[:, k]) for k, one in enumerate(held)], 1)
    unknown = np.column_stack([scores, np.full(len(scores), np.nan, np.float32)])
    rules, n_atoms = Rules.of(vocabulary, torch.device("cpu")), len(vocabulary.atoms)
    n = len(codes) * 4 // 5
    found = contributions(codes[:n], unknown[:n], rules, n_atoms, np.random.default_rng(0))
    tally = Tally(5, n_atoms, len(vocabulary))
    tally.keep(*found)

    new = torch.as_tensor(codes[n:].astype(np.int64))
    steps, _ = replay(new, rules)
    reached = tally(steps)
    assert reached.shape == (len(new), codes.shape[1], 5)
    last = reached[:, -1].numpy()
    explained = 1 - ((last[:, :4] - scores[n:]) ** 2).mean(0) / scores[n:].var(0)
    assert (explained > [0.8, 0.9, 0.85, 0.5]).all(), explained
    assert (last[:, 4] == 0).all(), "of what nobody knows nothing is learned"
    # step by step, as molecules are drawn, it is the same sum
    so_far = tally.begin.expand(len(new), -1)
    for k in range(new.shape[1] - 1):
        assert torch.allclose(so_far, reached[:, k], atol=1e-4)
        so_far = tally.after(so_far, steps.atom[:, k, 0], new[:, k])
