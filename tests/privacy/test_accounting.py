"""Composition against closed forms and against Opacus's own accountant."""

import pytest

from synthgen.errors import InvalidInputError
from synthgen.privacy.accounting import Gaussian, epsilon, least_noise, spent_epsilon


def test_one_gaussian_costs_what_balle_and_wang_say():
    # their condition, solved for epsilon 1 and delta 1e-5, gives 3.7306
    assert spent_epsilon([Gaussian(3.7306)], 1e-5) == pytest.approx(1.0, abs=1e-3)


def test_gaussians_compose_by_their_precisions():
    four = [Gaussian(8.0)] * 4
    assert spent_epsilon(four, 1e-6) == pytest.approx(spent_epsilon([Gaussian(4.0)], 1e-6))
    assert spent_epsilon([Gaussian(8.0, times=4)], 1e-6) == spent_epsilon(four, 1e-6)


@pytest.mark.parametrize(("noise", "rate", "steps"), [(1.1, 0.01, 1000), (5.0, 0.06, 400)])
def test_sampled_gaussians_agree_with_the_accountant_of_opacus(noise, rate, steps):
    from opacus.accountants import PRVAccountant

    other = PRVAccountant()
    other.history = [(noise, rate, steps)]
    found = epsilon([Gaussian(noise, rate, steps)], 1e-5)
    assert found.pld == pytest.approx(other.get_epsilon(1e-5), rel=0.02)
    assert found.pld <= found.rdp


def test_the_least_noise_spends_the_budget_and_no_more():
    others = [Gaussian(12.0)]
    noise = least_noise(others, lambda n: Gaussian(n, 0.05, 100), 1.0, 1e-5)
    spent = spent_epsilon([*others, Gaussian(noise, 0.05, 100)], 1e-5)
    assert 0.98 < spent <= 1.0


def test_nothing_is_left_of_a_spent_budget():
    with pytest.raises(InvalidInputError, match="leaves nothing"):
        least_noise([Gaussian(1.0)], Gaussian, 1.0, 1e-5)
