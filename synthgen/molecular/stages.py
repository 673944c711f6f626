"""The stages of a fit: what is held out, the warm start, and the rounds against the critic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.molecular.adversary import Adversary, watch
from synthgen.molecular.construction import Rules
from synthgen.molecular.examples import Examples
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.warmstart import GraphGANConfig, WarmStart, batch_rows
from synthgen.training.checkpoint import Stage
from synthgen.training.loop import Budget, TrainingRecord, train
from synthgen.training.run import Run, StageClock

_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.05, 5_000
# real molecules that a critic learns from, at most
_CRITIC_MOLECULES = 50_000
# evaluations of the warm start, and molecules between them at most
_EVALUATIONS, _EVALUATED_EVERY = 60, 100_000


@dataclass(frozen=True)
class Parts:
    """Codes and scores, to train on and held out; texts to teach a critic and to judge it.

    Those that judge are the molecules held out, in their order.
    """

    train: tuple[np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, np.ndarray]
    learned: list[str]
    judging: list[str]


def split(examples: Examples, rng: np.random.Generator) -> Parts:
    """The orders of one molecule on one side."""
    molecule = examples.molecule
    chosen = rng.permutation(int(molecule.max()) + 1)
    n = max(1, min(int(len(chosen) * _HELD_OUT_SHARE), _MAX_HELD_OUT))
    is_held_out = np.isin(molecule, chosen[:n])
    # of a molecule that is held out the canonical order is enough
    first = np.r_[True, molecule[1:] != molecule[:-1]]
    train, held_out = (
        (examples.codes[rows], examples.scores[rows])
        for rows in (~is_held_out, is_held_out & first)
    )
    learned = [examples.texts[m] for m in chosen[n:][:_CRITIC_MOLECULES]]
    judging = [examples.texts[m] for m in molecule[is_held_out & first]]
    return Parts(train, held_out, learned, judging)


def warm_start(
    config: GraphGANConfig,
    network: ActionNetwork,
    rules: Rules,
    parts: Parts,
    later: float,
    run: Run,
) -> TrainingRecord:
    """Train the network by likelihood; its best weights are in it."""
    batch = batch_rows(config, parts.train[0])
    steps = run.max_steps or config.max_steps or _planned_steps(len(parts.train[0]), batch)
    stage = run.stage("training")
    clock = StageClock(stage.start, run.deadline, later)
    trainer = WarmStart(
        config, network, rules, parts.train, parts.held_out, run.streams, steps, clock.used
    )
    budget = Budget(
        max_steps=steps,
        patience=steps,
        evaluate_every=int(np.clip(steps // _EVALUATIONS, 20, max(_EVALUATED_EVERY // batch, 20))),
        deadline=clock.deadline,
        ending=lambda: (trainer.schedule.total, trainer.schedule.reason),
    )
    best, record = train(trainer, budget, run.progress, stage=stage)
    network.load_state_dict(best)
    return record


def against(
    adversary: Adversary, rounds: int, stage: Stage, run: Run, record: TrainingRecord
) -> None:
    """Adversarial rounds, of which ``record`` is told."""
    budget = Budget(
        max_steps=rounds,
        patience=rounds,
        evaluate_every=1,
        deadline=run.deadline,
        ending=lambda: (adversary.rounds if adversary.ended else 0, adversary.ended),
    )
    best, taught = train(adversary, budget, run.progress, watch, stage)
    adversary.network.load_state_dict(best)
    record.follow(taught)


def _planned_steps(n: int, batch: int) -> int:
    """Steps of a run without a time limit: about 30 passes, within bounds."""
    return int(np.clip(30 * n / batch, 600, 60_000))
