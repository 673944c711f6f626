"""Linkability: do two parts of a person's record lead to the same synthetic row?

The second risk of opinion 05/2014, attacked as by Giomi et al. (2023), section 4.2: an attacker who
holds some columns from one source and others from another links both if their nearest synthetic
rows are the same.
"""

from __future__ import annotations

import numpy as np

from synthgen.evaluation.privacy.people import People, neighbours
from synthgen.evaluation.privacy.risk import Risk, excess, lacking
from synthgen.evaluation.quality.embedding import MixedEmbedding

ATTACKS = 4_000


def linkability(people: People, k: int = 1) -> Risk:
    """Excess of links of train rows over those of holdout rows."""
    names = list(people.synthetic.columns)
    if len(names) < 2:
        return lacking("a table of one column has no two parts")
    rng = people.rng("linkability")
    order = rng.permutation(len(names))
    parts = [[names[i] for i in sorted(half)] for half in np.array_split(order, 2)]
    linked = {"members": np.zeros(0, bool), "controls": np.zeros(0, bool)}
    found: dict[str, list[np.ndarray]] = {role: [] for role in linked}
    for part in parts:
        columns = people.synthetic[part]
        embedding = MixedEmbedding.of(columns)
        synthetic = embedding.points(columns)
        for role in linked:
            rows = getattr(people, role)[part].iloc[:ATTACKS]
            found[role].append(neighbours(embedding.points(rows), synthetic, k)[1])
    for role, (one, other) in found.items():
        linked[role] = (one[:, :, None] == other[:, None, :]).any(axis=(1, 2))
    return excess(
        int(linked["members"].sum()),
        len(linked["members"]),
        int(linked["controls"].sum()),
        len(linked["controls"]),
        normalized=True,
        unit="excess success",
        baseline=0.0,
        parts={"columns": [[str(name) for name in part] for part in parts]},
    )
