"""Molecules drawn per second, and the memory of drawing many, at the sizes of QM9 and ZINC250k.

python benchmarks/drawing.py [--many 1000000] [--model qm9=PATH]

Models of the default sizes are fitted on some of the molecules first, for as many steps as give
molecules of the right size; a model of a longer fit can be named instead. The parts are measured
with one thread and no processes; what a second gives, with all that is allowed.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from molecules import SETS

from harness import machine
from harness.places import RESULTS, WORK
from peers.measured import Measured, measured
from synthgen import MolGen
from synthgen.molecular.critic import Graphs, logits
from synthgen.molecular.decoding import decode
from synthgen.molecular.drawing import draw
from synthgen.seeds import Streams

FOLDER = WORK / "drawing"
DRAWN = 8192
GOAL_PER_S = 1000


def main() -> None:
    """Fit what is not there, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["qm9", "zinc"], choices=sorted(SETS))
    parser.add_argument("--model", nargs="*", default=[], metavar="SET=PATH", help="fitted ones")
    parser.add_argument("--molecules", type=int, default=20_000, help="of a fit")
    parser.add_argument("--max-steps", type=int, default=400, help="of a fit")
    parser.add_argument("--rows", type=int, default=16_384, help="for the rate")
    parser.add_argument("--many", type=int, default=100_000, help="for the memory; 0 leaves it out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "drawing", help="without ending")
    wanted = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in wanted.model)
    found = [
        row(name, Path(given[name]) if name in given else fitted(name, wanted), wanted)
        for name in wanted.sets
    ]
    write(wanted.out, found, wanted)
    print(wanted.out.with_suffix(".md").read_text())


def fitted(name: str, wanted: argparse.Namespace) -> Path:
    """A model of some molecules of a set."""
    path = FOLDER / f"{name}-{wanted.molecules}-{wanted.max_steps}.synthgen"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        options = {"orders": 0, "adversary": "none", "critic_steps": 200, "dropout": 0.0}
        train = SETS[name]()[0]
        some = np.random.default_rng(0).permutation(len(train))[: wanted.molecules]
        model = MolGen(max_steps=wanted.max_steps, seed=0, model_options=options, device="cpu")
        model.fit([train[i] for i in some]).save(path)
    return path


def row(name: str, path: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    """What one model's draws take."""
    model = MolGen.load(path)
    facts = {"set": name, "model": path.name, "trained_steps": model.training_["steps"]}
    torch.set_num_threads(1)
    facts |= parts(model)
    torch.set_num_threads(wanted.threads)
    rate = {}
    for critic in (True, False):
        if not critic:
            model.generator_.critic = None
        rows = wanted.rows
        rate[f"critic_{'on' if critic else 'off'}"] = taken(
            rows, measured(lambda rows=rows: model.sample(rows, seed=1))[1]
        )
    facts["rate"] = rate
    model = MolGen.load(path)
    facts["memory"] = {
        f"{n:,}": taken(n, measured(lambda n=n: drained(model, n))[1])
        for n in ((wanted.many // 5, wanted.many) if wanted.many else ())
    }
    return facts


def parts(model: MolGen) -> dict[str, Any]:
    """Milliseconds of processor for each molecule drawn."""
    generator = model.generator_
    held, vocabulary = generator.representation, generator.vocabulary
    found: dict[str, float] = {}
    codes, took = measured(
        lambda: draw(generator.network, generator.rules, DRAWN, Streams(0)).codes
    )
    found["network"] = took.cpu_s
    decoded, took = measured(lambda: decode(codes, vocabulary, held, relations=True, jobs=1))
    found["molecules"] = took.cpu_s
    if generator.critic is not None:
        critic = generator.critic
        found["critic"] = measured(
            lambda: logits(critic, Graphs.of(decoded.relations, held), torch.device("cpu"))
        )[1].cpu_s
    return {
        "actions": float((codes != 0).sum(1).mean() + 1),
        "unique": len(decoded.texts) / DRAWN,
        "cpu_ms": {part: 1000 * seconds / DRAWN for part, seconds in found.items()},
    }


def drained(model: MolGen, n: int) -> None:
    """Draw ``n`` molecules and keep none."""
    assert sum(map(len, model.sample_batches(n, seed=2))) == n


def taken(n: int, took: Measured) -> dict[str, float]:
    """Rates by the wall and by the processor, and the peak."""
    return {
        "molecules": n,
        "per_s": n / took.wall_s,
        "per_cpu_s": n / took.cpu_s,
        "wall_s": took.wall_s,
        "cpu_s": took.cpu_s,
        "peak_mb": took.peak_mb,
    }


def write(target: Path, found: list[dict[str, Any]], wanted: argparse.Namespace) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "threads": wanted.threads, "rows": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        "# Drawing of molecules\n",
        machine.line(described),
        _LEGEND.format(threads=wanted.threads),
        "| | actions | network ms | molecules ms | critic ms | critic on: per s | per CPU s | "
        "off: per s | per CPU s |",
        "|---|" + "--:|" * 8,
    ]
    for one in found:
        ms = [f"{one['cpu_ms'].get(part, 0):.3f}" for part in ("network", "molecules", "critic")]
        rates = [
            f"{one['rate'][kind][unit]:.0f}"
            for kind in ("critic_on", "critic_off")
            for unit in ("per_s", "per_cpu_s")
        ]
        lines.append(f"| {one['set']} | {one['actions']:.1f} | {' | '.join([*ms, *rates])} |")
    if any(one["memory"] for one in found):
        lines += ["\n## Memory\n", "| | molecules | peak MB | per s |", "|---|--:|--:|--:|"]
        for one in found:
            for n, took in one["memory"].items():
                lines.append(
                    f"| {one['set']} | {n} | {took['peak_mb']:.0f} | {took['per_s']:.0f} |"
                )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


_LEGEND = f"""Milliseconds are of processor, for each molecule drawn, on one thread: the network
and its masks; the strict round trip to SMILES with what the critic sees; the critic. With the
critic two molecules are drawn for each one kept. Rates are of kept molecules, with {{threads}}
threads; by the wall they tell of the machine's other work too. The goal is {GOAL_PER_S:,} a second
on two cores: {GOAL_PER_S // 2} for each second of processor.
"""


if __name__ == "__main__":
    main()
