"""Watchdogs over an adversarial run: what goes wrong, in words, and what to do about it.

Each reads the history of evaluations (dicts with ``step``, ``critic_loss``, ``generator_loss``,
``generator_gradient``, ``critic_accuracy``, ``diversity`` and ``score``) and returns a warning or
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

Entry = dict[str, float]

COLLAPSED_DIVERSITY = 0.5
WON_ACCURACY = 0.98
FADED_GRADIENT = 0.02
WORSE_SCORE = 1.5
IN_A_ROW = 3


def mode_collapse(history: Sequence[Entry]) -> str | None:
    """The generator covers few of the values that real rows have.

    ``diversity`` is the effective number of values in synthetic columns over that in real ones.
    """
    recent = history[-IN_A_ROW:]
    if len(recent) < IN_A_ROW or any(e["diversity"] >= COLLAPSED_DIVERSITY for e in recent):
        return None
    return (
        f"mode collapse: synthetic columns use {recent[-1]['diversity']:.0%} of the variety of "
        "the real ones. Raise pac, use loss=wasserstein or loss=relativistic, or lower "
        "learning_rate."
    )


def vanishing_gradients(history: Sequence[Entry]) -> str | None:
    """The critic has won and teaches the generator nothing more."""
    recent = history[-IN_A_ROW:]
    strongest = max((e["generator_gradient"] for e in history), default=0.0)
    if len(recent) < IN_A_ROW or any(
        e["critic_accuracy"] < WON_ACCURACY or e["generator_gradient"] > FADED_GRADIENT * strongest
        for e in recent
    ):
        return None
    return (
        f"vanishing gradients: the critic tells {recent[-1]['critic_accuracy']:.0%} of held-out "
        "rows apart and the generator's gradient has faded. Use loss=wasserstein or "
        "loss=non-saturating, raise penalty_strength, or set critic_steps=1."
    )


def divergence(history: Sequence[Entry]) -> str | None:
    """The score has been getting much worse than it was."""
    recent = history[-IN_A_ROW:]
    best = min((e["score"] for e in history), default=0.0)
    if len(history) <= IN_A_ROW or any(e["score"] < WORSE_SCORE * best for e in recent):
        return None
    return (
        f"divergence: the score rose from {best:.4f} to {recent[-1]['score']:.4f} (lower is "
        "better); the best weights are kept. Lower learning_rate, raise penalty_strength, or set "
        "spectral_norm=true."
    )


WATCHDOGS = (mode_collapse, vanishing_gradients, divergence)


def watch(history: Sequence[Entry]) -> list[str]:
    """Warnings of all watchdogs."""
    return [warning for dog in WATCHDOGS if (warning := dog(history))]
