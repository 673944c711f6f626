"""The noise: its law, and that nobody can repeat it."""

import numpy as np
import pytest
from scipy.stats import chisquare

from synthgen.privacy.mechanisms import discrete_gaussian, entropy, release_threshold


@pytest.mark.parametrize("sigma", [0.5, 2.0, 40.0])
def test_counts_get_the_discrete_gaussian(sigma):
    drawn = discrete_gaussian(sigma, 200_000)
    k = np.arange(-int(4 * sigma) - 1, int(4 * sigma) + 2)
    law = np.exp(-0.5 * (k / sigma) ** 2)
    law /= np.exp(-0.5 * (np.arange(-2000, 2001) / sigma) ** 2).sum()
    held = np.array([(drawn == value).sum() for value in k])
    enough = law * len(drawn) > 20
    expected = law[enough] * held[enough].sum() / law[enough].sum()
    assert chisquare(held[enough], expected).pvalue > 1e-4
    assert drawn.dtype == np.int64


def test_noise_never_repeats_and_no_seed_reaches_it():
    np.random.seed(0)  # noqa: NPY002
    first = discrete_gaussian(1e6, 8)
    np.random.seed(0)  # noqa: NPY002
    assert (first != discrete_gaussian(1e6, 8)).any()
    assert entropy().bit_generator.state != entropy().bit_generator.state


@pytest.mark.parametrize("delta", [0.01, 0.1])
def test_a_value_of_one_row_passes_the_threshold_with_probability_delta_at_most(delta):
    sigma, n = 20.0, 200_000
    published = (1 + discrete_gaussian(sigma, n) >= release_threshold(sigma, delta)).mean()
    assert published <= delta + 4 * np.sqrt(delta / n)
    # and not much below it, or nothing would ever be published
    assert published > 0.7 * delta
