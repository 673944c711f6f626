"""How well raw draws of `benchmarks/molecules.py`'s models follow conditions on properties.

python benchmarks/molecule_conditions.py --sets qm9 --time-limit-s 3600

Of logP, five values that test molecules have; of QED the range .8 to .9 where test molecules reach
it, else their best fifth. Nothing is filtered. A model that is not there yet is fitted first.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from molecules import FOLDER, SETS, fitted

from harness import machine
from harness.places import RESULTS
from synthgen import MolGen
from synthgen.chemistry import parse, properties

_DRAWN, _TARGETS = 1_000, (0.05, 0.25, 0.5, 0.75, 0.95)
_QED, _LEAST_SHARE, _BEST = (0.8, 0.9), 0.01, 0.8


def main() -> None:
    """Measure each set; write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["qm9", "zinc"], choices=sorted(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--time-limit-s", type=float, default=3600, help="of each fit")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "molecule-conditions")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = []
    for name in wanted.sets:
        train, test = SETS[name]()
        for seed in wanted.seeds:
            model, record = fitted(name, train, seed, wanted, "full")
            row = {"set": name, "seed": seed, "fit_s": record["fit_s"], "steps": record["steps"]}
            found.append(row | measured_on(model(), test))
            write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def measured_on(model: MolGen, test: list[str]) -> dict[str, Any]:
    """Errors of logP, and the share of QED inside its range."""
    some = [text for text in test[:: max(1, len(test) // 2_000)] if parse(text)]
    known = np.array([properties(text, ["logP", "QED"]) for text in some])
    targets = np.quantile(known[:, 0], _TARGETS)
    errors = [float(np.abs(drawn(model, "logP", t) - t).mean()) for t in targets]
    inside = np.mean((known[:, 1] >= _QED[0]) & (known[:, 1] <= _QED[1]))
    low, high = _QED if inside >= _LEAST_SHARE else np.quantile(known[:, 1], (_BEST, 1.0))
    reached = drawn(model, "QED", (float(low), float(high)))
    real = np.mean((known[:, 1] >= low) & (known[:, 1] <= high))
    return {
        "logP": [float(t) for t in targets],
        "logP_errors": errors,
        "logP_mae": float(np.mean(errors)),
        "logP_std": float(known[:, 0].std()),
        "QED": [float(low), float(high)],
        "QED_inside": float(np.mean((reached >= low) & (reached <= high))),
        "QED_inside_real": float(real),
    }


def drawn(model: MolGen, name: str, value: Any) -> np.ndarray:
    """The property (n,) of raw draws with a condition on it."""
    texts = model.sample(_DRAWN, where={name: value}, seed=1)["smiles"]
    return np.array([properties(text, [name])[0] for text in texts])


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "rows": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        "# Conditions on properties of molecules\n",
        machine.line(described),
        f"{_DRAWN:,} raw, valid draws for each condition, none filtered. Test molecules: the "
        "spread of their logP, and the share of them inside the range of QED.\n",
        "| set | seed | logP wanted | mean absolute error, mean | std of test molecules "
        "| QED wanted | inside % | of test molecules % |",
        "|---|--:|---|---|--:|---|--:|--:|",
    ]
    for row in found:
        targets = ", ".join(f"{t:.2f}" for t in row["logP"])
        errors = ", ".join(f"{e:.2f}" for e in row["logP_errors"])
        lines.append(
            f"| {row['set']} | {row['seed']} | {targets} | {errors}: {row['logP_mae']:.3f} "
            f"| {row['logP_std']:.2f} | {row['QED'][0]:.2f} to {row['QED'][1]:.2f} "
            f"| {100 * row['QED_inside']:.1f} | {100 * row['QED_inside_real']:.1f} |"
        )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
