"""Gradients: against differences and complex steps, and finite wherever a run may stand."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .oracle import gradient
from .shelf import by_name, cases, defaults, quick

#: Not analytic as written (roots of squares, absolute values): compared with differences in 50 digits instead.
NOT_ANALYTIC = {
    *("sum_of_powers", "ackley", "schwefel", "drop_wave", "eggholder", "two_wells"),
    *("two_wells_sum", "two_wells_isotropic", "two_wells_sum_from_both", "two_wells_isotropic_from_both"),
    *("different_powers", "schwefel_2_20", "schwefel_2_21", "lessard_cycle"),
}

#: Points where a root or an absolute value has a kink.
KINKS = {
    "eggholder": [(0.0, -47.0), (-94.0, 0.0), (47.0, 0.0), (100.0, 53.0), (-100.0, 3.0)],
    "cliff": [(1.0, 0.0), (-1.0, 1.0)],
    "drop_wave": [(1e-200, 0.0)],
    "lessard_cycle": [(1.0,), (2.0,)],
    "salomon": [(1e-200, 0.0)],
    "schwefel_2_20": [(0.0, 50.0), (-50.0, 0.0)],
    "schwefel_2_21": [(50.0, 50.0), (-50.0, 50.0)],
    "maxq": [(5.0, 5.0), (-5.0, 5.0)],
}


def sample(landscape, dim, count):
    """Returns random points of the box, from which each function's starts are drawn."""
    rule = landscape.start_bounds or landscape.bounds
    low, high = rule(dim).T
    return low + (high - low) * np.random.default_rng(7).random((count, dim))


@functools.cache
def gradients(name, dim):
    """Returns points, the minimizers last, and the gradients there."""
    landscape = by_name(name)
    theta = defaults(landscape)
    points = np.concatenate([sample(landscape, dim, 100), landscape.x_star(dim, *theta)])
    return points, np.asarray(quick(jax.vmap(jax.grad(lambda x: landscape.f(x, *theta))))(points))


@pytest.mark.parametrize(("name", "dim"), cases((2, 5)))
def test_gradient_equals_central_differences(name, dim):
    landscape = by_name(name)
    theta = defaults(landscape)
    points, grad = gradients(name, dim)
    step = 1e-6
    f = quick(jax.vmap(lambda x: landscape.f(x, *theta)))
    for i in range(dim):
        shift = step * np.eye(dim)[i]
        up, down = np.asarray(f(points + shift)), np.asarray(f(points - shift))
        rounding = 1e-15 * np.maximum(1.0, np.maximum(np.abs(up), np.abs(down)) + np.abs(grad).max(1)) / step
        slack = 1e-4 * np.abs(grad).max(axis=1) + 100 * rounding + 1e-5
        if name in {"ackley", "salomon", "schwefel_2_20", "schwefel_2_21"}:
            assert grad[-1, i] == 0.0, "the convention at the tip of the cone"
        assert np.all(np.abs((up - down) / (2 * step) - grad[:, i]) <= slack)


@pytest.mark.parametrize(("name", "dim"), [case for case in cases((2, 5)) if case[0] not in NOT_ANALYTIC])
def test_gradient_equals_complex_step(name, dim):
    landscape = by_name(name)
    theta = defaults(landscape)
    points, grad = gradients(name, dim)
    step = 1e-30
    # A complex point beside real constants is the promotion that strict mode exists to forbid.
    with jax.numpy_dtype_promotion("standard"):
        f = quick(jax.vmap(lambda x: landscape.f(x, *theta)))
        exact = np.stack([np.asarray(f(points + 1j * step * row)).imag / step for row in np.eye(dim)], axis=1)
    scale = np.abs(exact).max(axis=1, keepdims=True)
    assert np.all(np.abs(grad - exact) <= 1e-11 * scale + 1e-12)


@pytest.mark.parametrize(("name", "dim"), [case for case in cases((2,)) if case[0] in NOT_ANALYTIC])
def test_gradient_equals_high_precision_differences(name, dim):
    landscape = by_name(name)
    theta = defaults(landscape)
    points = sample(landscape, dim, 100)
    if name != "ackley":
        points = np.concatenate([points, landscape.x_star(dim, *theta)])
    grad = np.asarray(quick(jax.vmap(jax.grad(lambda x: landscape.f(x, *theta))))(points))
    for point, ours in zip(points, grad, strict=True):
        exact = np.array([float(g) for g in gradient(name, point, *theta)])
        assert np.all(np.abs(ours - exact) <= 1e-10 * np.abs(exact).max() + 1e-11)


@pytest.mark.parametrize(("name", "dim"), cases((2, 30)))
def test_gradient_is_finite_where_it_might_not_be(name, dim):
    landscape = by_name(name)
    theta = defaults(landscape)
    low, high = landscape.bounds(dim).T
    rng = np.random.default_rng(3)
    corners = list(itertools.product(*zip(low, high, strict=True))) if dim <= 4 else []
    corners += list(np.where(rng.random((50, dim)) < 0.5, low, high))
    special = [np.zeros(dim), 0.5 * (low + high), np.full(dim, 1e-20), np.full(dim, -1e-20), np.full(dim, 1e-300)]
    axes = [np.eye(dim)[i] * high for i in range(dim)]
    points = np.array(
        [*corners, *special, *axes, *(KINKS.get(name, []) if dim == 2 else []), *landscape.x_star(dim, *theta)]
    )
    value, grad = quick(jax.vmap(jax.value_and_grad(lambda x: landscape.f(x, *theta))))(points)
    assert bool(jnp.all(jnp.isfinite(value)))
    assert bool(jnp.all(jnp.isfinite(grad)))


@pytest.mark.parametrize(("name", "dim"), cases((2, 30)))
def test_gradient_vanishes_at_the_minimum(name, dim):
    if name == "eggholder":
        pytest.skip("its minimum lies on the edge of the box")
    landscape = by_name(name)
    theta = defaults(landscape)
    low, high = landscape.bounds(dim).T
    value, grad = quick(jax.vmap(jax.value_and_grad(lambda x: landscape.f(x, *theta))))(
        np.concatenate([low[None], landscape.x_star(dim, *theta)])
    )
    corner, grad = abs(float(value[0])) + 1.0, grad[1:]
    assert float(jnp.abs(grad).max()) * float((high - low).max()) <= 1e-9 * corner
