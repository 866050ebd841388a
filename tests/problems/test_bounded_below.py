"""f_star holds on all of R^n, or the function is tagged ``box_only`` (protocol.md, section 1)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from optbench.core.keys import generator
from optbench.problems.problem import Problem
from optbench.records import ESCAPE_GAP

from .shelf import by_name, cases, quick

STEPS = 300
RATES = (1e-2, 1e-1, 1.0, 10.0)
DIMS = (2, 6)


def far_starts(problem, count):
    """Returns starts in ten times the box."""
    width = problem.bounds[:, 1] - problem.bounds[:, 0]
    u = generator("far", problem.label).random((count, problem.dim)) - 0.5
    return problem.center + 10.0 * width * u


def momentum_lowest(problem, starts):
    """Returns the lowest value that momentum meets from each start, at several rates, in normalized units."""

    def run(x0, rate):
        def step(carry, _):
            x, velocity, lowest = carry
            value, grad = problem.value_and_grad(x)
            velocity = 0.9 * velocity + grad * (problem.width / 10.0) / problem.f_scale
            lowest = jnp.where(jnp.isfinite(value), jnp.minimum(lowest, value), lowest)
            return (x - rate * (problem.width / 10.0) * velocity, velocity, lowest), None

        (_, _, lowest), _ = jax.lax.scan(step, (x0, jnp.zeros_like(x0), problem.f(x0)), length=STEPS)
        return lowest

    rates = jnp.asarray(np.resize(RATES, len(starts)))
    return np.asarray(jax.jit(jax.vmap(run))(jnp.asarray(starts), rates))


def lbfgs_lowest(problem, starts, evaluations):
    """Returns the lowest value that L-BFGS meets from each start."""
    value_and_grad = quick(problem.value_and_grad)
    lowest = np.full(len(starts), np.inf)
    for k, x0 in enumerate(starts):

        def objective(x, k=k):
            value, grad = map(np.asarray, value_and_grad(x))  # at once: NumPy is quicker with its own numbers
            if np.isfinite(value):
                lowest[k] = min(lowest[k], value)
            # The line search of scipy needs numbers; what is not finite is only somewhere not to go.
            return float(np.nan_to_num(value, nan=1e300)), np.nan_to_num(grad)

        minimize(objective, x0, jac=True, method="L-BFGS-B", options={"maxfun": evaluations})
    return lowest


@pytest.mark.parametrize(("name", "dim"), cases(DIMS))
def test_momentum_and_lbfgs_stay_above_f_star_unless_tagged(name, dim):
    problem = Problem(by_name(name), dim)
    below = problem.f_star - ESCAPE_GAP * problem.f_scale
    lowest = momentum_lowest(problem, far_starts(problem, 1000))
    with np.errstate(all="ignore"):
        quasi = lbfgs_lowest(problem, far_starts(problem, 100 if dim == 2 else 25), 40)
    escaped = bool(np.any(lowest < below) or np.any(quasi < below))
    if "box_only" not in problem.tags:
        assert not escaped
    elif dim == 2:
        # In higher dimension the tag holds as well, but all coordinates must escape together to show it.
        assert escaped


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dim"), cases((2,)))
def test_lbfgs_from_a_thousand_starts_stays_above_f_star_unless_tagged(name, dim):
    problem = Problem(by_name(name), dim)
    with np.errstate(all="ignore"):
        lowest = lbfgs_lowest(problem, far_starts(problem, 1000), 200)
    escaped = bool(np.any(lowest < problem.f_star - ESCAPE_GAP * problem.f_scale))
    assert escaped == ("box_only" in problem.tags)
