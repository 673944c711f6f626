from __future__ import annotations

import numpy as np
import pytest

from synthgen.molecular.aims import Aims


def overshooting(wanted: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    j = int(known[0].argmax())
    rows = np.flatnonzero(rng.random(len(wanted)) < 0.9)
    return rows, 1.3 * wanted[rows, j] + 0.2 + rng.normal(0, 0.3, len(rows))


def test_what_overshoots_is_wished_for_less() -> None:
    aims = Aims.of(overshooting, 2, [1])
    wanted = np.array([[0.5, -1.0], [0.5, 0.2], [0.5, 1.5]], np.float32)
    found = aims(wanted, np.ones_like(wanted))
    assert found[:, 1] == pytest.approx((wanted[:, 1] - 0.2) / 1.3, abs=0.06)
    assert found[:, 0] == pytest.approx(0.5)  # of it nothing is known


def test_what_is_not_wished_for_stays() -> None:
    wanted = np.full((4, 2), 0.7, np.float32)
    assert np.array_equal(Aims.of(overshooting, 2, [0])(wanted, np.zeros_like(wanted)), wanted)


def test_without_time_wishes_stay_as_they_are() -> None:
    late = Aims.of(overshooting, 2, [0, 1], in_time=lambda: False)
    assert np.array_equal(late.reached, Aims.straight(2).reached)


@pytest.mark.parametrize(
    "reached", [np.zeros(27), np.full((1, 27), np.nan), np.linspace(1, 0, 27)[None]]
)
def test_what_is_no_curve_is_refused(reached: np.ndarray) -> None:
    with pytest.raises(ValueError, match="reached"):
        Aims(reached)
