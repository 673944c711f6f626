"""Watchdogs bark at histories that are bad, and only then."""

from __future__ import annotations

from synthgen.adversarial.watchdog import divergence, mode_collapse, vanishing_gradients, watch

HEALTHY = {
    "critic_accuracy": 0.7,
    "generator_gradient": 1.0,
    "diversity": 0.95,
    "score": 0.1,
}


def history(*changes: dict[str, float]) -> list[dict[str, float]]:
    return [HEALTHY | {"step": float(i)} | change for i, change in enumerate(changes)]


def test_a_healthy_run_is_left_alone() -> None:
    assert watch(history(*[{}] * 10)) == []
    assert watch([]) == []


def test_mode_collapse_is_named_with_a_remedy() -> None:
    warning = mode_collapse(history({}, *[{"diversity": 0.1}] * 3))
    assert warning is not None and "10% of the variety" in warning and "pac" in warning


def test_one_bad_evaluation_is_not_a_collapse() -> None:
    assert mode_collapse(history({}, {"diversity": 0.1}, {}, {"diversity": 0.1})) is None


def test_a_critic_that_has_won() -> None:
    won = {"critic_accuracy": 1.0, "generator_gradient": 0.001}
    warning = vanishing_gradients(history({}, won, won, won))
    assert warning is not None and "100% of held-out rows" in warning
    # a sure critic that still teaches is no trouble
    sure = {"critic_accuracy": 1.0}
    assert vanishing_gradients(history({}, sure, sure, sure)) is None


def test_divergence() -> None:
    worse = {"score": 0.4}
    warning = divergence(history({}, worse, worse, worse))
    assert warning is not None and "0.1000 to 0.4000" in warning
    assert divergence(history({}, worse, {}, worse)) is None
