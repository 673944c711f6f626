from __future__ import annotations

import pytest

from synthgen.training.schedule import Schedule


def rates(schedule: Schedule, n: int) -> list[float]:
    found = []
    for _ in range(n):
        schedule.due()
        found.append(schedule.rate())
        schedule.stepped()
    return found


def test_up_constant_and_down_to_zero() -> None:
    found = rates(Schedule(1000), 1001)
    assert found[:100] == pytest.approx([(k + 1) / 100 for k in range(100)])
    assert found[100:700] == [1.0] * 600
    assert found[700:] == pytest.approx([1 - k / 300 for k in range(301)])


def test_the_clock_gives_a_run_that_its_steps_repeat() -> None:
    used = 0.0
    clocked = Schedule(10_000, lambda: used)
    found = rates(clocked, 350)
    used = 0.61
    found += rates(clocked, 150)
    assert clocked.reason == "time"
    assert clocked.total == 500
    assert found == pytest.approx(rates(Schedule(500), 500))


def test_convergence_leaves_a_quarter_of_the_steps() -> None:
    schedule = Schedule(10_000)
    rates(schedule, 800)
    schedule.converged()
    assert (schedule.total, schedule.reason) == (1000, "converged")
    assert not schedule.due()
    assert rates(schedule, 201)[-1] == 0


def test_being_due_is_said_once() -> None:
    schedule = Schedule(10)
    said = []
    for _ in range(10):
        said.append(schedule.due())
        schedule.stepped()
    assert said == [False] * 7 + [True] + [False] * 2
