"""Polyak's and Barzilai and Borwein's step sizes against transcriptions, optax and closed forms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optbench import catalog
from tests.optimizers.walks import FUNCTIONS, WEIGHTS, agree, walk

STEPS = 250
CLIPS = {"lr_min": 1e-10, "lr_max": 1e10}


def polyak(f, grad, W, *, lr, lr_max, lower_bound):
    g = grad(W[-1])
    return W[-1] - lr * min(max(f(W[-1]) - lower_bound, 0) / (g @ g), lr_max) * g


def polyak_told(f, grad, W, *, lr, lower_bound):
    g = grad(W[-1])
    return W[-1] - lr * max(f(W[-1]) - lower_bound, 0) / (g @ g) * g


def secant(long):
    def step(f, grad, W, *, lr, lr_min, lr_max):
        g, size, t = grad(W[-1]), lr, len(W) - 1
        if t:
            s, y = W[-1] - W[-2], g - grad(W[-2])
            if s @ y <= 0:
                size = np.linalg.norm(s) / np.linalg.norm(y)
            elif long(t):
                size = s @ s / (s @ y)
            else:
                size = s @ y / (y @ y)
            size = min(max(size, lr_min), lr_max)
        return W[-1] - size * g

    return step


#: Rule -> the next iterate from all iterates so far. These dynamics are chaotic: at step sizes beyond stability a
#: rounding grows to the size of the path, so each step is compared from where the rule itself stands.
RULES = {
    "polyak": polyak,
    "polyak_told": polyak_told,
    "barzilai_borwein": secant(lambda t: True),
    "barzilai_borwein_short": secant(lambda t: False),
    "barzilai_borwein_alternating": secant(lambda t: t % 2 == 1),
}
F_STAR = {"quadratic": 0.0, "rosenbrock": 0.0, "quartic": -1.05}


def choices(name, function, lr):
    if name == "polyak":
        return [
            {"lr": 0.5, "lr_max": 20 * lr, "lower_bound": F_STAR[function] - 0.5},
            {"lr": 0.1, "lr_max": 1.0, "lower_bound": -3.0},
            {"lr": 1.0, "lr_max": lr, "lower_bound": F_STAR[function]},
        ]
    if name == "polyak_told":
        return [{"lr": 0.3, "lower_bound": F_STAR[function]}, {"lr": 0.05, "lower_bound": -2.0}]
    return [{"lr": lr, **CLIPS}, {"lr": 0.3 * lr, "lr_min": lr, "lr_max": 2 * lr}, {"lr": 0.1 * lr, **CLIPS}]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", RULES)
def test_every_step_is_the_papers(name, function):
    f, grad, x0, lr = FUNCTIONS[function]
    hypers = choices(name, function, lr)
    judged, points = walk(catalog.optimizer(name), f, x0, hypers, STEPS)
    assert np.array_equal(points, judged[:, :-1])
    compared = 0
    for lane, hyper in enumerate(hypers):
        for t in range(STEPS):
            moved = np.linalg.norm(judged[lane, t] - judged[lane, max(t - 1, 0)])
            if t and name.startswith("barzilai") and moved < 1e-3:
                continue  # a difference of gradients that cancels has no ten digits to compare
            expected = RULES[name](f, grad, judged[lane, : t + 1], **hyper)
            error = np.abs(judged[lane, t + 1] - expected).max() / max(np.abs(expected).max(), moved)
            assert error < 1e-10, (lane, t, error)
            compared += 1
    assert compared >= (80 if name.startswith("barzilai") and function == "quadratic" else 200)


def test_it_is_optax_polyak_sgd():
    f, _, x0, _ = FUNCTIONS["rosenbrock"]
    hyper = {"lr": 0.5, "lr_max": 4e-4, "lower_bound": -0.1}
    judged, _ = walk(catalog.optimizer("polyak"), f, x0, [hyper], 300)
    transform = optax.polyak_sgd(max_learning_rate=4e-4, scaling=0.5, f_min=-0.1, variant="sps+")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):

        @jax.jit
        def run(x):
            def move(carry, _):
                x, state = carry
                value, grad = jax.value_and_grad(f)(x)
                updates, state = transform.update(grad, state, x, value=value)
                return (optax.apply_updates(x, updates), state), x

            return jax.lax.scan(move, (x, transform.init(x)), length=300)[1]

        expected = np.asarray(run(jnp.array(x0)))
    agree(judged[0, :-1], expected)


def test_told_the_minimum_it_reaches_it():
    f, _, x0, _ = FUNCTIONS["quadratic"]
    judged, _ = walk(catalog.optimizer("polyak_told"), f, x0, [{"lr": 1.0, "lower_bound": 0.0}], 2000)
    assert f(judged[0, -1]) < 1e-28
    distances = np.linalg.norm(judged[0] - judged[0, -1], axis=1)
    assert (np.diff(distances[:100]) < 0).all(), "the distance to the minimizer falls in each step"


def test_on_a_cone_it_arrives_at_once():
    """For f = |x|, as sharp as convex functions get, one step is exact."""
    judged, _ = walk(
        catalog.optimizer("polyak_told"),
        lambda x: jnp.sqrt(jnp.sum(x * x)),
        [3.0, 4.0],
        [{"lr": 1.0, "lower_bound": 0.0}],
        1,
    )
    np.testing.assert_allclose(judged[0, 1], 0, atol=1e-15)


@pytest.mark.parametrize("name", ["polyak", "polyak_told"])
def test_below_the_bound_and_at_zero_gradients_it_stands_still(name):
    rule, x = catalog.optimizer(name), np.array([1.0, 2.0])
    hyper = {key: np.float64(value) for key, value in rule.resolve({"lower_bound": 5.0}).items()}
    for value, grad in ((4.0, [1.0, 1.0]), (6.0, [0.0, 0.0])):
        moved, _, _ = rule.update(x, (), np.float64(value), jnp.array(grad), hyper)
        assert np.array_equal(moved, x)


def test_who_is_told_and_who_is_ranked():
    told, guess = catalog.optimizer("polyak_told"), catalog.optimizer("polyak")
    assert (told.hyper["lower_bound"].told, told.ranked) == ("f_star", False)
    assert (guess.hyper["lower_bound"].told, guess.ranked) == ("", True)
    assert guess.hyper["lower_bound"].allows(-1e6)


@pytest.mark.parametrize("name", [name for name in RULES if name.startswith("barzilai")])
def test_in_one_dimension_a_quadratic_takes_two_steps(name):
    rule = catalog.optimizer(name)
    hypers = [{"lr": lr, **CLIPS} for lr in (1e-3, 0.1, 3.0)]
    judged, _ = walk(rule, lambda x: 1.75 * jnp.sum((x - 2.0) ** 2), [7.0], hypers, 5)
    np.testing.assert_allclose(judged[:, 2, 0], 2.0, rtol=1e-11)
    np.testing.assert_allclose(judged[:, 3:, 0], 2.0, rtol=1e-14)


def test_sizes_are_inverse_rayleigh_quotients():
    """On a quadratic every size lies between the inverse curvatures, the short one never above the long one."""
    f, grad, x0, lr = FUNCTIONS["quadratic"]
    for name in ("barzilai_borwein", "barzilai_borwein_short"):
        judged, _ = walk(catalog.optimizer(name), f, x0, [{"lr": lr, **CLIPS}], 8)
        gradients = np.array([grad(x) for x in judged[0, :-1]])
        sizes = -(np.diff(judged[0], axis=0) * gradients).sum(axis=1) / (gradients**2).sum(axis=1)
        assert (sizes[1:] >= 1 / WEIGHTS.max() - 1e-9).all()
        assert (sizes[1:] <= 1 / WEIGHTS.min() + 1e-9).all()
        g = gradients[:-1]
        power = 1 if name == "barzilai_borwein" else 2
        quotient = (WEIGHTS ** (power - 1) * g * g).sum(axis=1) / (WEIGHTS**power * g * g).sum(axis=1)
        np.testing.assert_allclose(sizes[1:], quotient, rtol=1e-7)


def test_where_the_curvature_is_negative_the_size_is_the_mean_of_both():
    """On -x'Dx/2 the exact step sizes are negative; the fallback's is |s| / |y|."""
    rule = catalog.optimizer("barzilai_borwein")
    d = np.array([1.0, 3.0])
    judged, _ = walk(rule, lambda x: -0.5 * jnp.sum(d * x * x), [1.0, 1.0], [{"lr": 0.1, **CLIPS}], 2)
    first = np.array([1.0, 1.0]) + 0.1 * d
    s, y = 0.1 * d, -0.1 * d * d
    np.testing.assert_allclose(judged[0, 1], first, rtol=1e-15)
    np.testing.assert_allclose(judged[0, 2], first + np.linalg.norm(s) / np.linalg.norm(y) * d * first, rtol=1e-12)


def test_where_nothing_changes_the_size_is_the_first_one():
    rule = catalog.optimizer("barzilai_borwein")
    judged, _ = walk(rule, lambda x: jnp.sum(x), [0.0, 0.0], [{"lr": 0.25, **CLIPS}], 4)
    np.testing.assert_allclose(judged[0, :, 0], [0, -0.25, -0.5, -0.75, -1.0])
