"""What Adagrad's accumulator does to its rate over 10^5 steps: the closed form behind the suite claims-long."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog

STEPS, LR = 100_000, 0.5
TIMES = np.array([1_000, 10_000, 100_000])


def effective(gradient, x0=1.0, lr=LR):
    """Returns step over gradient at each step: ``lr/sqrt(G + eps)``, of the rule itself."""
    rule = catalog.optimizer("adagrad")
    hyper = rule.resolve({"lr": lr})

    def step(carry, noise):
        params, state, point = carry
        grad = gradient(point, noise)
        moved, state, point = rule.update(params, state, jnp.float64(0.0), grad, hyper)
        return (moved, state, point), ((params - moved) / grad)[0]

    with jax.enable_x64(True):
        x = jnp.full(1, x0, jnp.float64)
        noise = jnp.asarray(np.random.default_rng(0).standard_normal((STEPS, 1)))
        return np.asarray(jax.lax.scan(step, (x, rule.init(x, hyper), x), noise)[1])[TIMES - 1]


@pytest.mark.parametrize("s", [0.1, 3.0])
def test_under_stationary_noise_the_rate_falls_as_one_over_the_root_of_time(s):
    """G is a sum of t squares of mean s^2, so that the rate is lr/(s sqrt t) to within sqrt(2/t)/2."""
    found = effective(lambda x, noise: s * noise)
    expected = LR / (s * np.sqrt(TIMES))
    assert np.all(np.abs(found / expected - 1) <= 4 * np.sqrt(0.5 / TIMES))
    assert found[2] / found[1] == pytest.approx(10**-0.5, rel=0.03)


def test_without_noise_gradients_vanish_and_the_rate_stays():
    """On x^2/2 from 1 the continuous limit is x^2 = 1 - 4 lr sqrt(G): the rate ends at 4 lr^2 and moves no more."""
    found = effective(lambda x, noise: x, lr=0.02)
    assert found[2] == pytest.approx(found[1], rel=1e-6)
    assert found[2] == pytest.approx(4 * 0.02**2, rel=0.1)
