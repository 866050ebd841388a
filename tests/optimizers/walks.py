"""Rules driven by their contract alone, lanes side by side, and functions by hand to drive them on.

``walk`` keeps what every call sees: the judged iterate before it and the point at which it asked.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

WEIGHTS = np.array([1.0, 4.0, 9.0])
CENTER = np.array([1.0, -2.0, 0.5])


def quadratic(x):
    d = x - CENTER
    return 0.5 * (WEIGHTS * d * d).sum()


def quadratic_grad(x):
    return WEIGHTS * (x - CENTER)


def rosenbrock(x):
    return 100 * (x[1] - x[0] * x[0]) ** 2 + (1 - x[0]) ** 2


def rosenbrock_grad(x):
    valley = x[1] - x[0] * x[0]
    return np.array([-400 * x[0] * valley - 2 * (1 - x[0]), 200 * valley])


def quartic(x):
    return 0.25 * (x * x * x * x).sum() - 0.5 * x[0] * x[1] + x[0]


def quartic_grad(x):
    return x**3 + np.array([1 - 0.5 * x[1], -0.5 * x[0]])


#: Function -> itself (for NumPy and JAX), its gradient by hand, a start, a rate at which paths are tame.
FUNCTIONS = {
    "quadratic": (quadratic, quadratic_grad, (4.0, 3.0, -2.0), 0.05),
    "rosenbrock": (rosenbrock, rosenbrock_grad, (-1.2, 1.0), 4e-4),
    "quartic": (quartic, quartic_grad, (1.5, -1.0), 0.005),
}


def walk(rule, f, x0, hypers, calls):
    """Drives a rule in lanes.

    Args:
        rule: The rule.
        f: A JAX function of one point.
        x0: Start of all lanes.
        hypers: Full hyperparameters of each lane.
        calls: Gradients.

    Returns:
        Judged iterates (lanes, calls + 1, dim), points asked at (lanes, calls, dim), the last point included
        in neither.
    """
    x0 = jnp.asarray(x0, jnp.float64)

    def lane(hyper):
        def call(carry, _):
            params, state, point = carry
            at = point[0] if rule.curved else point
            value, grad = jax.value_and_grad(f)(at)
            seen = (grad, jax.jvp(jax.grad(f), (at,), (point[1],))[1]) if rule.curved else grad
            return rule.update(params, state, value, seen, hyper), (params, at)

        point = (x0, jnp.zeros_like(x0)) if rule.curved else x0
        last, (judged, points) = jax.lax.scan(call, (x0, rule.init(x0, hyper), point), length=calls)
        return jnp.concatenate([judged, last[0][None]]), points

    stacked = {name: jnp.array([hyper[name] for hyper in hypers], jnp.float64) for name in rule.hyper}
    judged, points = jax.jit(jax.vmap(lane))(stacked)
    return np.asarray(judged), np.asarray(points)


class Asked:
    """A gradient by hand that remembers where it was asked."""

    def __init__(self, grad):
        self.grad, self.points = grad, []

    def __call__(self, x):
        self.points.append(x)
        return self.grad(x)


def agree(found, expected, tolerance=1e-10):
    """Asserts that two paths agree relative to the largest coordinate of each point, and still move."""
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert np.isfinite(expected).all()
    assert np.abs(np.diff(expected, axis=0)).max() > 0
    error = np.abs(found - expected).max(axis=-1) / np.abs(expected).max(axis=-1)
    assert error.max() < tolerance, (error.max(), error.argmax())
