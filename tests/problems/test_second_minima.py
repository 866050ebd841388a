"""f_second: descent from many starts ends in no other minimum below it."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.optimize import minimize

from optbench.core.keys import generator
from optbench.problems.problem import Problem

from .shelf import by_name, cases


def ends(problem, count):
    """Returns the values of the local minima in which bounded L-BFGS ends, the global ones left out."""
    value_and_grad = jax.jit(problem.value_and_grad)
    hessian = jax.jit(jax.hessian(problem.f))
    low, high = (problem.landscape.start_bounds or problem.landscape.bounds)(problem.dim).T
    rng = generator("multistart", problem.label)
    found = []
    for _ in range(count):
        x0 = low + (high - low) * rng.random(problem.dim)

        def objective(x):
            value, grad = value_and_grad(x)
            return float(value), np.asarray(grad)

        options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10}
        result = minimize(objective, x0, jac=True, method="L-BFGS-B", bounds=problem.bounds, options=options)
        inside = np.all((result.x > problem.bounds[:, 0]) & (result.x < problem.bounds[:, 1]))
        gap = result.fun - problem.f_star
        still = np.abs(result.jac).max() * problem.width < 1e-5 * problem.f_scale
        if inside and still and gap > 1e-6 * problem.f_scale + 1e-9:
            curvature = np.linalg.eigvalsh(hessian(result.x))
            if curvature[0] > 1e-6 * abs(curvature[-1]):
                found.append(result.fun)
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dim"), cases((2, 4)))
def test_no_minimum_is_known_below_f_second(name, dim):
    problem = Problem(by_name(name), dim)
    found = ends(problem, 300)
    if problem.f_second is None:
        assert found.size == 0
    elif found.size:
        assert found.min() >= problem.f_second - 1e-6 * (problem.f_second - problem.f_star)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dim"),
    [
        ("rosenbrock", 4),
        ("rosenbrock", 10),
        ("mccormick", 2),
        ("three_hump_camel", 2),
        ("six_hump_camel", 2),
        ("ackley", 2),
        ("rastrigin", 2),
        ("levy", 2),
        ("levy", 4),
        ("styblinski_tang", 2),
        ("schwefel", 2),
        ("michalewicz", 2),
        ("goldstein_price", 2),
        ("periodic", 2),
        ("cosine_mixture", 2),
        ("wavy", 2),
        ("levy_montalvo_2", 2),
        ("bohachevsky_1", 2),
        ("bohachevsky_2", 2),
        ("bohachevsky_3", 2),
        ("aluffi_pentini", 2),
        ("hartmann_3", 3),
        ("hartmann_6", 6),
        ("shekel_5", 4),
    ],
)
def test_f_second_is_met(name, dim):
    problem = Problem(by_name(name), dim)
    found = ends(problem, 400)
    assert found.min() == pytest.approx(problem.f_second, abs=1e-6 * (problem.f_second - problem.f_star))
