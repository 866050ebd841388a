"""Minima of finite sums against closed forms and other solvers."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.optimize import minimize

from optbench.problems.finite_sums import deep_linear, matrix_factorization
from optbench.problems.finite_sums.digits import images
from optbench.problems.problem import Problem
from tests.problems.test_finite_sums import (
    case,
    operands,
    point,
    posed,
)


@pytest.mark.parametrize("dim", [pytest.param(2, marks=pytest.mark.slow), 10, 40])
def test_least_squares_against_the_normal_equations(dim):
    problem = posed("least_squares", dim)
    rows, targets = problem.data
    x, residual, rank, _ = np.linalg.lstsq(rows, targets)
    assert rank == dim
    assert np.allclose(problem.x_star[0], x, rtol=0, atol=1e-12)
    assert problem.f_star - problem.frame().offset == pytest.approx(residual[0] / (2 * len(rows)), rel=1e-12)
    assert problem.f_star - problem.frame().offset == pytest.approx(0.125, rel=1e-12)
    spectrum = np.linalg.eigvalsh(rows.T @ rows / len(rows))
    assert np.allclose(spectrum, np.geomspace(1e-2, 1.0, dim), rtol=1e-10)
    z = point(problem)
    grad = jax.grad(problem.landscape.f)(z, *operands(problem))
    assert np.allclose(grad, rows.T @ (rows @ z - targets) / len(rows), rtol=1e-12, atol=1e-13)
    # The terms disagree at the minimum: their gradients do not vanish one by one.
    assert np.sqrt(np.mean((rows @ x - targets) ** 2)) == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "dim"), [("logistic_regression", 10), ("robust_regression", 10), case("digits_logistic", 65, slow=True)]
)
def test_minimum_agrees_with_scipy_from_another_start(name, dim):
    problem = posed(name, dim)
    low, high = problem.bounds.T
    value_and_grad = jax.jit(problem.value_and_grad)

    def objective(x):
        value, grad = value_and_grad(x)
        return float(value), np.asarray(grad)

    start = np.random.default_rng(0).uniform(low, high)
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 0.0, "gtol": 1e-9}
    )
    assert found.fun == pytest.approx(problem.f_star, rel=1e-11)
    assert found.fun >= problem.f_star - 1e-14
    assert np.abs(found.x - problem.x_star[0]).max() < 1e-4


def test_logistic_minimum_in_high_precision():
    problem = posed("logistic_regression", 2)
    signed, shift = problem.data
    with mp.workdps(40):
        w = [mpf(float(a)) - mpf(float(b)) for a, b in zip(problem.x_star[0], shift, strict=True)]
        total, slope = mpf(0), [mpf(0), mpf(0)]
        for row in signed.tolist():
            e = mp.exp(-sum(mpf(a) * b for a, b in zip(row, w, strict=True)))
            total += mp.log(1 + e)
            slope = [s - mpf(a) * e / (1 + e) for s, a in zip(slope, row, strict=True)]
        l2, n = mpf(problem.theta[1]), len(signed)
        exact = total / n + l2 * sum(v * v for v in w) / 4
        assert all(abs(s / n + l2 * v / 2) < mpf("1e-15") for s, v in zip(slope, w, strict=True))
        own = problem.landscape.f_star(2, 1, *problem.theta)
        assert abs(mpf(own) - exact) <= mpf("1e-14") * exact


@pytest.mark.slow
def test_softmax_minimum_in_extended_precision():
    problem = posed("digits_softmax", 650)
    pixels, labels = images()
    w = (problem.x_star[0] - problem.data[2]).astype(np.longdouble)
    scores = pixels.astype(np.longdouble) @ w.reshape(10, 65).T
    behind = np.exp(scores - scores[np.arange(1797), labels][:, None])
    exact = np.log1p(behind.sum(axis=1) - 1).mean() + problem.theta[0] * (w @ w) / 2
    own = problem.landscape.f_star(650, 1, *problem.theta)
    assert abs(own - exact) <= 1e-14 * exact
    # Enough of the digits are told apart for the minimum to mean something.
    assert np.mean(scores.argmax(axis=1) == labels) > 0.97


@pytest.mark.parametrize("dim", [2, 10, 40, 100])
def test_factorization_minimum_is_the_discarded_spectrum(dim):
    problem = posed("matrix_factorization", dim)
    n, rank = matrix_factorization.shape(dim)
    assert dim == 2 * n * rank
    assert problem.data[0].shape == (n, n)
    # The eigenvalues of M'M, not its singular values: another algorithm than the one under test.
    discarded = np.sort(np.linalg.eigvalsh(problem.data[0].T @ problem.data[0]))[: n - rank]
    assert problem.f_star - problem.frame().offset == pytest.approx(discarded.sum() / n**2, rel=1e-9, abs=1e-14)
    assert Problem(problem.landscape, dim, 1, parameters={"noise": 0.0}).f_star == pytest.approx(
        problem.frame().offset, abs=1e-25
    )


@pytest.mark.parametrize("dim", [3, 10, 12, 40, 300])
def test_deep_linear_minimum_is_that_of_least_squares(dim):
    problem = posed("deep_linear", dim)
    p, h = deep_linear.shape(dim)
    assert dim == h * p + 2 * h * h
    assert p >= h
    inputs, targets = problem.data
    residual = targets - inputs @ np.linalg.lstsq(inputs, targets)[0]
    exact = 0.5 * np.sum(residual**2) / len(inputs)
    assert problem.f_star - problem.frame().offset == pytest.approx(exact, rel=1e-12)
    assert exact == pytest.approx(0.5 * h * 0.2**2 * (1 - p / len(inputs)), rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["matrix_factorization", "deep_linear"])
def test_products_of_matrices_have_no_minimum_below(name):
    problem = posed(name, 10)
    value_and_grad = jax.jit(problem.value_and_grad)
    ends = []
    for k in range(20):
        start = problem.starts(7, "report", k)[0]
        found = minimize(
            lambda x: tuple(np.asarray(v, np.float64) for v in value_and_grad(x)),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 0.0, "gtol": 1e-9, "maxiter": 3000},
        )
        ends.append(found.fun - problem.f_star)
    assert min(ends) >= -1e-13
    assert np.median(ends) < 1e-10
