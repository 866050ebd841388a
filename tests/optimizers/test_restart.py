"""Adaptive restarts against transcriptions, restart by restart, and what the paper says of quadratics."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from tests.optimizers.walks import FUNCTIONS, Asked, agree, walk

STEPS = 300


def momentum_restart(f, grad, W, steps, restarts, *, lr, beta):
    a, last = 0.0 * W, W
    for t in range(steps):
        g = grad(W)
        if t and g @ (W - last) > 0:
            a = 0.0 * a
            restarts.append(t)
        a, last = beta * a + g, W
        W = W - lr * a
        yield W


def momentum_restart_value(f, grad, W, steps, restarts, *, lr, beta):
    a, last = 0.0 * W, W
    for t in range(steps):
        if t and f(W) > f(last):
            a = 0.0 * a
            restarts.append(t)
        a, last = beta * a + grad(W), W
        W = W - lr * a
        yield W


def nag_restart(f, grad, W, steps, restarts, *, lr, beta):
    """In the paper's letters: x moves from y, momentum is beta (x - x_last), a restart takes y = x."""
    x, y = W, W
    for t in range(steps):
        g = grad(y)
        last, x = x, y - lr * g
        if g @ (x - last) > 0:
            y = x
            restarts.append(t)
        else:
            y = x + beta * (x - last)
        yield x


def fista_restart(f, grad, W, steps, restarts, *, lr):
    x, y, theta = W, W, 1.0
    for t in range(steps):
        g = grad(y)
        last, x = x, y - lr * g
        if g @ (x - last) > 0:
            y, theta = x, 1.0
            restarts.append(t)
        else:
            new = max(np.roots([1.0, theta**2, -(theta**2)]))
            y = x + theta * (1 - theta) / (theta**2 + new) * (x - last)
            theta = new
        yield x


RULES = {
    "momentum_restart": momentum_restart,
    "momentum_restart_value": momentum_restart_value,
    "nag_restart": nag_restart,
    "fista_restart": fista_restart,
}


def choices(name, lr):
    if name == "fista_restart":
        return [{"lr": lr}, {"lr": 0.4 * lr}]
    return [{"lr": lr, "beta": 0.95}, {"lr": lr, "beta": 0.8}, {"lr": 0.4 * lr, "beta": 0.99}]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", RULES)
def test_iterates_points_and_restarts_are_the_papers(name, function):
    f, grad, x0, lr = FUNCTIONS[function]
    hypers = choices(name, lr)
    judged, points = walk(catalog.optimizer(name), f, x0, hypers, STEPS)
    seen = []
    for lane, hyper in enumerate(hypers):
        restarts, asked = [], Asked(grad)
        expected = [np.array(x0), *RULES[name](f, asked, np.array(x0), STEPS, restarts, **hyper)]
        # A test that a rounding decides may fall either way, once the run stands still at the minimum.
        still = np.linalg.norm(np.diff(expected, axis=0), axis=1) < 1e-7
        n = int(still.argmax()) if still.any() else STEPS
        assert n >= 30
        agree(judged[lane, :n], expected[:n])
        agree(points[lane, :n], asked.points[:n])
        seen += [t for t in restarts if t < n]
    assert seen, "no lane restarts, so nothing of it is compared"


@pytest.mark.parametrize("name", RULES)
def test_lanes_restart_on_their_own(name):
    f, _, x0, lr = FUNCTIONS["quadratic"]
    hypers = choices(name, lr)
    together, _ = walk(catalog.optimizer(name), f, x0, hypers, 100)
    alone, _ = walk(catalog.optimizer(name), f, x0, hypers[-1:], 100)
    np.testing.assert_allclose(together[-1], alone[0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["nag_restart", "momentum_restart"])
def test_too_much_momentum_does_no_harm(name):
    """Condition 1,000 and beta 0.999: rippling without restarts, steady with them."""
    weights = np.array([1e-3, 0.03, 1.0])

    def f(x):
        return 0.5 * jnp.sum(weights * x * x)

    hyper = {"lr": 0.9, "beta": 0.999}
    plain, _ = walk(catalog.optimizer(name.removesuffix("_restart")), f, [1.0, 1.0, 1.0], [hyper], 1500)
    restarted, _ = walk(catalog.optimizer(name), f, [1.0, 1.0, 1.0], [hyper], 1500)
    values = [0.5 * (weights * x[0, -1] ** 2).sum() for x in (plain, restarted)]
    assert values[1] < 1e-4 * values[0]


def test_without_restarts_fistas_momentum_grows_as_the_paper_has_it():
    """On a slope nothing leads uphill: the k-th momentum is near (k - 1)/(k + 2)."""
    judged, points = walk(catalog.optimizer("fista_restart"), lambda x: jnp.sum(x), [0.0], [{"lr": 1.0}], 200)
    moves = np.diff(judged[0, :, 0])
    betas = (points[0, 1:, 0] - judged[0, 1:-1, 0]) / moves[:-1]
    k = np.arange(1, 200)
    assert betas[0] == 0
    np.testing.assert_allclose(betas[20:], ((k - 1) / (k + 2))[20:], atol=0.01)
