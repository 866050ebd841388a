"""The function on which optimally tuned heavy ball cycles: against NumPy's arithmetic and the paper's fractions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.problems.problem import Problem
from optbench.problems.quadratics import lessard_cycle

#: Curvatures of the function, and what is optimal for quadratics that have them (Polyak 1964).
SMALL, LARGE = 1.0, 25.0
ROOT = np.sqrt(LARGE / SMALL)
HEAVY_BALL = {"lr": 4 / (np.sqrt(LARGE) + np.sqrt(SMALL)) ** 2, "beta": ((ROOT - 1) / (ROOT + 1)) ** 2}
NESTEROV = {"lr": 1 / LARGE, "beta": (ROOT - 1) / (ROOT + 1)}
#: The three points between which heavy ball runs: 792, -2208 and 2592 over 1225.
CYCLE = np.array([-2208.0, 792.0, 2592.0]) / 1225.0


def slope(x):
    """The derivative in its three pieces, as the paper has it."""
    return np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))


def by_hand(x, lr, beta, steps, *, ahead=False):
    """Heavy ball, or Nesterov's method with the gradient ahead, in NumPy; returns all iterates."""
    x, velocity, path = np.array(x, float), np.zeros_like(x), []
    for _ in range(steps):
        velocity = beta * velocity + slope(x - lr * beta * velocity if ahead else x)
        x = x - lr * velocity
        path.append(x)
    return np.array(path)


def by_rule(name, hyper, x0, steps):
    """The iterates of one of our rules on the function, without the engine."""
    rule = catalog.optimizer(name)
    given = rule.resolve(hyper)
    f = jax.value_and_grad(lambda x: lessard_cycle.f(x))

    def step(carry, _):
        params, state, point = carry
        value, grad = f(point)
        params, state, point = rule.update(params, state, value, grad, given)
        return (params, state, point), params

    with jax.enable_x64(True):
        x = jnp.asarray(x0, jnp.float64)
        return np.asarray(jax.lax.scan(step, (x, rule.init(x, given), x), length=steps)[1])


def test_curvatures_and_pieces():
    points = np.linspace(-4, 4, 401)
    problem = Problem(lessard_cycle, 1)
    grad = np.array([problem.value_and_grad([x])[1][0] for x in points])
    np.testing.assert_allclose(grad, slope(points), rtol=1e-14, atol=1e-14)
    rise = np.diff(slope(points)) / np.diff(points)
    assert rise.min() == pytest.approx(SMALL)
    assert rise.max() == pytest.approx(LARGE)


def test_optimal_heavy_ball_is_the_papers():
    assert (HEAVY_BALL["lr"], HEAVY_BALL["beta"]) == pytest.approx((1 / 9, 4 / 9))


def test_every_start_ends_in_the_cycle_of_heavy_ball():
    low, high = lessard_cycle.start_bounds(1)[0]
    path = by_hand(np.linspace(low, high, 400), **HEAVY_BALL, steps=1000)
    np.testing.assert_allclose(np.sort(path[-3:], axis=0), np.repeat(CYCLE[:, None], 400, axis=1), rtol=1e-12)
    # A little outside of the range it converges, so that the range is where the paper has it.
    outside = by_hand(np.array([low - 0.05, high + 0.05]), **HEAVY_BALL, steps=1000)
    assert np.abs(outside[-1]).max() < 1e-10


def test_gradient_descent_and_nesterovs_method_converge():
    starts = np.linspace(*lessard_cycle.start_bounds(1)[0], 400)
    assert np.abs(by_hand(starts, 2 / (SMALL + LARGE), 0.0, 400)[-1]).max() < 1e-12
    assert np.abs(by_hand(starts, **NESTEROV, steps=400, ahead=True)[-1]).max() < 1e-12


@pytest.mark.parametrize(
    ("name", "hyper", "ahead"),
    [("momentum", HEAVY_BALL, False), ("nag", NESTEROV, True), ("sgd", {"lr": 1 / 13}, False)],
)
def test_our_rules_do_what_numpy_does(name, hyper, ahead):
    expected = by_hand(np.array([3.3]), hyper["lr"], hyper.get("beta", 0.0), 60, ahead=ahead)
    np.testing.assert_allclose(by_rule(name, hyper, [3.3], 60), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("instance", [0, 1])
def test_starts_lie_where_heavy_ball_cycles(instance):
    problem = Problem(lessard_cycle, 1, instance)
    starts = np.array([problem.starts(0, "report", k)[0] for k in range(50)]) - problem.x_star[0]
    assert np.all((starts >= 3.07) & (starts <= 3.46))
