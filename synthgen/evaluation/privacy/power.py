"""What these attacks would have found: planted leaks in this very table.

An attack that finds nothing shows something only if it would have found a leak. Releases are made
from train rows with a share of their cells exchanged for cells of other rows, each column on its
own; they keep every column's distribution and pass distance checks. The attack on rare cells is run
on them as on the release.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from synthgen.evaluation.privacy.membership import rarity_matching
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import auc

EXCHANGED = (0.5, 0.6, 0.7, 0.8)
_ATTACKS = 2_000


def planted_leaks(people: People) -> list[dict[str, Any]]:
    """Per share of exchanged cells the AUC of the attack, and its interval."""
    found = []
    for share in EXCHANGED:
        rows = exchanged(people.train, share, people.seed)
        leaky = replace(
            people,
            synthetic=rows.iloc[: len(people.synthetic)],
            members=people.train.iloc[: min(_ATTACKS, len(rows), len(people.synthetic))],
            controls=people.controls.iloc[:_ATTACKS],
        )
        score = rarity_matching(leaky)
        risk = auc(score["members"], score["controls"])
        found.append({"exchanged": share, "auc": risk.value, "ci": list(risk.interval() or ())})
    return found


def exchanged(table: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Rows with that share of cells from independent donors, each column on its own."""
    rng = np.random.default_rng([seed, int(1000 * share)])
    return pd.DataFrame(
        {
            name: column.where(
                rng.random(len(column)) >= share,
                column.iloc[rng.permutation(len(column))].reset_index(drop=True),
            )
            for name, column in table.reset_index(drop=True).items()
        }
    )
