"""Linkability: do two parts of a person's record lead to the same synthetic row?

The second risk of opinion 05/2014, attacked as by Giomi et al. (2023), section 4.2: an attacker who
holds some columns from one source and others from another links both if their nearest synthetic
rows are the same.
"""

from __future__ import annotations

import numpy as np

from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import Risk, excess, lacking
from synthgen.evaluation.quality.embedding import MixedEmbedding, neighbours

ATTACKS = 4_000


def linkability(people: People, k: int = 1) -> Risk:
    """Excess of links of train rows over those of holdout rows."""
    names = list(people.synthetic.columns)
    if len(names) < 2:
        return lacking("a table of one column has no two parts")
    rng = people.rng("linkability")
    order = rng.permutation(len(names))
    parts = [[names[i] for i in sorted(half)] for half in np.array_split(order, 2)]
    found: dict[str, list[np.ndarray]] = {"members": [], "controls": []}
    for part in parts:
        columns = people.synthetic[part]
        embedding = MixedEmbedding.of(columns)
        synthetic = embedding.points(columns)
        for role, nearest in found.items():
            rows = getattr(people, role)[part].iloc[:ATTACKS]
            nearest.append(neighbours(embedding.points(rows), synthetic, k)[1])
    members, controls = (
        (one[:, :, None] == other[:, None, :]).any(axis=(1, 2)) for one, other in found.values()
    )
    return excess(
        int(members.sum()),
        len(members),
        int(controls.sum()),
        len(controls),
        normalized=True,
        unit="excess success",
        baseline=0.0,
        parts={"columns": [[str(name) for name in part] for part in parts]},
    )
