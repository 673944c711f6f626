"""`evaluate_molecules`: how good generated molecules are, as figures, JSON and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup

from synthgen.chemistry import picture
from synthgen.evaluation.molecules.judge import COMPARED, Molecules, judge
from synthgen.evaluation.result import MetricResult
from synthgen.reports.page import environment
from synthgen.reports.report import Report
from synthgen.reports.versions import versions

_SHOWN = 24
_BINS = 30
_PACKAGES = ("numpy", "rdkit", "fcd")
LABELS = {
    "validity": ("Validity", "share of rows that are one whole molecule, nothing repaired"),
    "uniqueness": ("Uniqueness", "share of valid rows left without repetitions"),
    "novelty": ("Novelty", "share of different molecules that the train set lacks"),
    "fcd": ("Frechet ChemNet distance", "distance of ChemNet's activations"),
    "nspdk": ("NSPDK", "discrepancy of pairs of neighbourhoods in the graphs"),
    "snn": ("SNN", "Tanimoto similarity to the nearest compared molecule"),
    "frag": ("Frag", "cosine similarity of BRICS fragments"),
    "scaf": ("Scaf", "cosine similarity of Murcko scaffolds"),
    "intdiv": ("Internal diversity", "1 - mean Tanimoto similarity of all pairs"),
    "filters": ("Filters", "share that passes the PAINS and Brenk filters"),
    "w1_logp": ("W1 of logP", "Wasserstein-1 distance"),
    "w1_sa": ("W1 of SA", "Wasserstein-1 distance"),
    "w1_qed": ("W1 of QED", "Wasserstein-1 distance"),
    "w1_weight": ("W1 of weight", "Wasserstein-1 distance, in daltons"),
}


@dataclass(frozen=True)
class MoleculeReport(Report):
    """What was measured about generated molecules; shows new ones, and no molecule given.

    Attributes:
        metrics: Every figure by name.
        contents: What the files hold: plain dicts and lists.
    """

    metrics: dict[str, MetricResult]
    contents: dict[str, Any] = field(repr=False)

    def to_html(self) -> str:
        """The report as one HTML page that loads nothing."""
        pictures = [
            {"smiles": text, "svg": Markup(picture(text))} for text in self.contents["shown"]
        ]
        page = environment().get_template("molecules.html")
        return page.render(report=self.contents, labels=LABELS, pictures=pictures)


def evaluate_molecules(
    train: Sequence[Any],
    synthetic: Sequence[Any],
    *,
    holdout: Sequence[Any] | None = None,
    seed: int = 0,
    jobs: int = 1,
    told: Callable[[str], None] = lambda stage: None,
) -> MoleculeReport:
    """Judge generated molecules against real ones.

    Args:
        train: SMILES that the generator was fitted on.
        synthetic: SMILES as they were drawn, valid or not.
        holdout: SMILES it never saw; without them it is compared with the train molecules.
        seed: Of the thinning of large sets.
        jobs: Processes.
        told: Called with each stage that begins.

    Raises:
        InvalidInputError: If a set has no valid molecule.
    """
    told("reading molecules")
    known, made = (Molecules.of(smiles, seed, jobs) for smiles in (train, synthetic))
    unseen = None if holdout is None else Molecules.of(holdout, seed, jobs)
    found = judge(known, made, unseen, told=told)
    raw = {*known.valid, *(unseen.valid if unseen else ())}
    new = [smiles for smiles in dict.fromkeys(made.smiles) if smiles not in raw]
    contents = {
        **{name: result.to_dict() for name, result in found.items()},
        "rows": {
            "train": len(train),
            "synthetic": len(synthetic),
            "holdout": None if holdout is None else len(holdout),
        },
        "shown": new[:_SHOWN],
        "histograms": _histograms(made, unseen or known) if made.smiles else [],
        "made": {"versions": versions(_PACKAGES), "seed": seed},
    }
    return MoleculeReport(found, contents)


def _histograms(made: Molecules, goal: Molecules) -> list[dict[str, Any]]:
    """Shares of equal bins, real and synthetic, of each property."""
    found = []
    for k, name in enumerate(COMPARED):
        real, synthetic = goal.numbers[:, k], made.numbers[:, k]
        low, high = (float(np.quantile(real, level)) for level in (0.005, 0.995))
        edges = np.linspace(low, high, _BINS + 1)
        shares = [
            (np.histogram(values.clip(edges[0], edges[-1]), edges)[0] / len(values)).tolist()
            for values in (real, synthetic)
        ]
        top = max(map(max, shares)) or 1.0
        found.append(
            {
                "name": name,
                "low": low,
                "high": high,
                "real": shares[0],
                "synthetic": shares[1],
                "top": top,
            }
        )
    return found
