"""How fast the generator of molecules learns: Muon in small batches, AdamW in large ones.

python benchmarks/learning.py --threads 1

Each arm sees the same molecules as often, with the same schedule; said is the loss of held-out
molecules in nats a molecule, at a quarter of the way, half of it and the end, and the processor
time. A run that has finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from molecules import SETS
from torch import Tensor

from harness import machine
from harness.places import RESULTS, WORK
from synthgen.molecular.actions import Vocabulary
from synthgen.molecular.construction import Rules
from synthgen.molecular.featurize import featurize
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.representation import Molecules
from synthgen.molecular.warmstart import GraphGANConfig, WarmStart, sizes
from synthgen.seeds import Streams

FOLDER = WORK / "learning"
HELD_OUT, MOLECULES, SPLIT_SEED = 1_000, 40_000, 0
MOMENTS = (0.25, 0.5, 1.0)
ARMS = {
    "muon": "Muon, batches of about 4,000 actions (default)",
    "adamw-small": "AdamW, the same batches",
    "muon-large": "Muon, batches of 512 molecules",
    "adamw": "AdamW, batches of 512 molecules",
}
_ADAMW_RATE = 1e-3


def main() -> None:
    """Learn with every arm; write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["qm9", "zinc"], choices=sorted(SETS))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seen", type=int, default=76_800, help="molecules, repeated or not")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "learning", help="without ending")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for name in wanted.sets:
        vocabulary, codes, scores = encoded(name)
        for seed in wanted.seeds:
            for arm in wanted.arms:
                path = FOLDER / f"{name}-{arm}-{wanted.seen}-s{seed}.json"
                if not path.exists():
                    run = learned(arm, vocabulary, codes, scores, seed, wanted.seen)
                    path.write_text(json.dumps({"set": name, "arm": arm, "seed": seed, **run}))
                found.append(json.loads(path.read_text()))
                print(found[-1], flush=True)
                write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def encoded(name: str) -> tuple[Vocabulary, np.ndarray, np.ndarray]:
    """Vocabulary, codes and normal scores of logP and QED of some train molecules of a set."""
    path, held = FOLDER / f"{name}.npz", Molecules()
    texts = SETS[name]()[0]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(texts))[:MOLECULES]
    if not path.exists():
        read = featurize(
            [texts[i] for i in order], held, names=["logP", "QED"], jobs=os.cpu_count() or 1
        )
        vocabulary, _ = Vocabulary.of([one for orders in read.sequences for one in orders], held)
        molecule, codes = vocabulary.encode(read.sequences)
        computed = read.computed[molecule]
        scores = (computed - computed.mean(0)) / computed.std(0)
        np.savez(path, codes=codes, scores=scores.astype(np.float32))
        path.with_suffix(".json").write_text(json.dumps(vocabulary.to_dict()))
    arrays = np.load(path)
    words = json.loads(path.with_suffix(".json").read_text())
    return Vocabulary.from_dict(words, held), arrays["codes"], arrays["scores"]


def learned(
    arm: str, vocabulary: Vocabulary, codes: np.ndarray, scores: np.ndarray, seed: int, seen: int
) -> dict[str, Any]:
    """Losses at every moment, and the processor time of a step."""
    batch = 512 if arm in ("adamw", "muon-large") else None
    config = GraphGANConfig(batch_size=batch, adversary="none", critic="none")
    if arm.startswith("adamw"):
        config = config.model_copy(update={"learning_rate": _ADAMW_RATE})
    torch.manual_seed(seed)
    network = ActionNetwork(
        len(vocabulary), len(vocabulary.atoms), scores.shape[1], vocabulary.max_length,
        sizes(config, 10 * MOLECULES),
    )  # fmt: skip
    rules = Rules.of(vocabulary, torch.device("cpu"))
    parts = [(codes[at], scores[at]) for at in (slice(HELD_OUT, None), slice(HELD_OUT))]
    trainer = WarmStart(config, network, rules, parts[0], parts[1], Streams(seed), 1)
    steps = seen // trainer.batch_size
    trainer = WarmStart(config, network, rules, parts[0], parts[1], Streams(seed), steps)
    if arm.startswith("adamw"):
        trainer.optimizer = adamw(network.parameters(), config)
    losses, spent = [], 0.0
    for step in range(1, steps + 1):
        started = time.process_time()
        trainer.step()
        spent += time.process_time() - started
        if step in [max(1, int(moment * steps)) for moment in MOMENTS]:
            losses.append(trainer.evaluate()["score"])
    return {
        "batch": trainer.batch_size,
        "steps": steps,
        "losses": losses,
        "cpu_s": spent,
        "threads": torch.get_num_threads(),
        "commit": machine.commit(),
    }


def adamw(parameters: Iterable[Tensor], config: GraphGANConfig) -> torch.optim.Optimizer:
    """AdamW as it is used for transformers: matrices decay."""
    held = list(parameters)
    groups = [
        {"params": [p for p in held if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in held if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    target.with_suffix(".json").write_text(
        json.dumps({"machine": described, "runs": found}, indent=1) + "\n"
    )
    lines = ["# Learning molecules\n", machine.line(described), _LEGEND]
    for name in dict.fromkeys(run["set"] for run in found):
        lines += [f"\n## {name}\n", "| | seeds | a quarter | half | end | steps | CPU s |"]
        lines.append("|---|--:|--:|--:|--:|--:|--:|")
        for arm, label in ARMS.items():
            runs = [run for run in found if (run["set"], run["arm"]) == (name, arm)]
            if runs:
                losses = " | ".join(
                    _spread(list(each)) for each in zip(*(r["losses"] for r in runs), strict=True)
                )
                cpu = mean(run["cpu_s"] for run in runs)
                lines.append(
                    f"| {label} | {len(runs)} | {losses} | {runs[0]['steps']} | {cpu:.0f} |"
                )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _spread(values: list[float]) -> str:
    return f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


_LEGEND = f"""Loss of {HELD_OUT:,} held-out molecules, nats a molecule, after a quarter of the
steps, half of them and all, of {MOLECULES:,} train molecules; every arm sees as many. AdamW at its
usual rate."""


if __name__ == "__main__":
    main()
