from __future__ import annotations

import numpy as np
import pytest

from synthgen.molecular.aims import Aims


def overshooting(wanted: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    own = known.argmax(axis=1)
    rows = np.flatnonzero(rng.random(len(wanted)) < 0.9)
    return rows, 1.3 * wanted[rows, own[rows]] + 0.2 + rng.normal(0, 0.3, len(rows))


def test_what_overshoots_is_wished_for_less() -> None:
    aims = Aims.of(overshooting, 2, [1])
    wanted = np.array([[0.5, -1.0], [0.5, 0.2], [0.5, 1.5]], np.float32)
    found = aims(wanted, np.ones_like(wanted))
    assert found[:, 1] == pytest.approx((wanted[:, 1] - 0.2) / 1.3, abs=0.06)
    assert found[:, 0] == pytest.approx(0.5)  # of it nothing is known


def test_what_is_not_wished_for_stays() -> None:
    wanted = np.full((4, 2), 0.7, np.float32)
    assert np.array_equal(Aims.of(overshooting, 2, [0])(wanted, np.zeros_like(wanted)), wanted)


def test_each_property_has_its_own_curve() -> None:
    aims = Aims.of(overshooting, 3, [0, 2])
    assert np.array_equal(aims.reached[1], Aims.straight(3).reached[1])
    assert np.allclose(aims.reached[0], aims.reached[2], atol=0.15)


@pytest.mark.parametrize(
    "reached", [np.zeros(27), np.full((1, 27), np.nan), np.linspace(1, 0, 27)[None]]
)
def test_what_is_no_curve_is_refused(reached: np.ndarray) -> None:
    with pytest.raises(ValueError, match="reached"):
        Aims(reached)
