"""Sums over coordinates are found wherever a function hides them, and nothing else is changed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from optbench import catalog
from optbench.engine.landscapes.sums import FEW, pinned_sums

LANES, DIM = 3, FEW + 5
pytestmark = pytest.mark.skipif(jax.default_backend() != "cpu", reason="accelerators keep their sums")


@jax.custom_jvp
def _squares(x):
    return jnp.sum(x * x)


@_squares.defjvp
def _squares_jvp(primals, tangents):
    return _squares(*primals), 2.0 * jnp.sum(primals[0] * tangents[0])


def _looped(x):
    return lax.fori_loop(0, 3, lambda i, total: total + jnp.sum(x) * i, 0.0)


#: Functions of a point, and how many of their sums are replaced.
FUNCTIONS = {
    "plain": (lambda x: jnp.sum(x * x), 1),
    "two": (lambda x: jnp.sum(x) * jnp.sum(jnp.cos(x[1:])), 2),
    "jitted": (jax.jit(lambda x: 1.0 + jnp.sum(jnp.exp(x))), 1),
    "own derivative": (_squares, 1),
    "constant": (lambda x: jnp.sum(x * np.arange(DIM)) + 3.0, 1),
    "few": (lambda x: jnp.sum(x[:FEW]), 0),
    "all of it": (lambda x: jnp.sum(jnp.outer(x, x)), 0),
    "in a loop": (_looped, 0),
    "largest": (lambda x: jnp.max(x), 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_are_the_same(name):
    function, replaced = FUNCTIONS[name]
    x = np.random.default_rng(0).standard_normal((LANES, DIM))
    found = []

    def pin(terms):
        found.append(terms.shape)
        return terms

    np.testing.assert_allclose(pinned_sums(jax.vmap(function), pin)(x), jax.vmap(function)(x), rtol=1e-14)
    assert len(found) == replaced
    # One array of the terms of both halves.
    assert all(shape in {(LANES, DIM // 2), (LANES, (DIM - 1) // 2)} for shape in found)
    if name == "in a loop":
        return
    both = jax.vmap(jax.value_and_grad(function))
    for one, other in zip(pinned_sums(both, pin)(x), both(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


@pytest.mark.parametrize("name", ["sphere", "rosenbrock", "rastrigin", "griewank", "ackley"])
def test_functions_of_the_catalog_keep_values_and_gradients_under_jit(name):
    problem = catalog.problem(name, 20)
    x = np.array([problem.starts(0, "report", i)[0] for i in range(4)])
    arguments = (x, *[np.float64(value) for value in problem.theta])
    axes = (0, *[None] * len(problem.theta))
    both = jax.vmap(jax.value_and_grad(problem.landscape.f), in_axes=axes)
    for one, other in zip(jax.jit(pinned_sums(both, lambda x: x))(*arguments), both(*arguments), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
