"""Sine and cosine against mpmath, and their derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from optbench.problems import trigonometry

FUNCTIONS = {"sin": mpmath.sin, "cos": mpmath.cos}


def oracle(name, x):
    with mpmath.workdps(50):
        return np.array([float(FUNCTIONS[name](mpmath.mpf(float(value)))) for value in x])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0, 10.0, 1e3, 1e6])
def test_error_is_a_few_units_in_the_last_place(name, scale):
    x = np.random.default_rng(0).uniform(-scale, scale, 1500)
    expected = oracle(name, x)
    found = np.asarray(jax.jit(getattr(trigonometry, name))(jnp.asarray(x)))
    assert np.all(np.abs(found - expected) <= 4 * np.spacing(np.abs(expected)) + 2e-17 * scale * (scale > 1e3))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_multiples_of_quarter_turns(name):
    x = np.arange(-4000, 4001) * (np.pi / 4)
    x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])
    found = jax.jit(getattr(trigonometry, name))(jnp.asarray(x))
    np.testing.assert_allclose(found, oracle(name, x), rtol=3e-16, atol=3e-17)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_of_first_and_second_order(name):
    def f(x):
        return getattr(trigonometry, name)(x)

    x = jnp.linspace(-20.0, 20.0, 101)
    first, second = {"sin": (jnp.cos, lambda x: -jnp.sin(x)), "cos": (lambda x: -jnp.sin(x), lambda x: -jnp.cos(x))}[
        name
    ]
    np.testing.assert_allclose(jax.vmap(jax.grad(f))(x), first(x), atol=1e-15)
    np.testing.assert_allclose(jax.vmap(jax.grad(jax.grad(f)))(x), second(x), atol=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_not_finite_is_nan_and_single_precision_stays(name):
    f = getattr(trigonometry, name)
    assert np.isnan(np.asarray(f(jnp.array([np.inf, -np.inf, np.nan])))).all()
    assert f(jnp.float32(1.0)).dtype == jnp.float32
