"""Predictions on quadratics against simulated steps, SciPy's Lyapunov solver and the closed forms of the literature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from optbench.analysis.quadratics.theory import Quadratic, edge, excess, iteration, quadratic, radius, stationary

CURVATURES = np.array([0.01, 0.05, 0.3, 1.0])
RULES = [("sgd", 0.0), ("momentum", 0.3), ("momentum", 0.9), ("nag", 0.3), ("nag", 0.9)]


def steps(rule, lr, beta, curvatures, x, count, noise=None):
    """Runs the notes' formulas, without matrices: yields x after each step."""
    a = np.zeros_like(x)
    for k in range(count):
        n = 0.0 if noise is None else noise[k]
        if rule == "sgd":
            x = x - lr * (curvatures * x + n)
        elif rule == "momentum":
            a = beta * a + curvatures * x + n
            x = x - lr * a
        else:
            a = beta * a + curvatures * (x - lr * beta * a) + n
            x = x - lr * a
        yield x


def matrices(rule, lr, beta, curvatures=CURVATURES):
    lr = np.atleast_1d(np.float64(lr))
    return iteration(rule, lr, np.full(len(lr), beta), curvatures)


@pytest.mark.parametrize(("rule", "beta"), RULES)
def test_matrix_makes_the_steps_of_the_notes(rule, beta):
    x0, lr = np.array([1.0, -2.0, 0.5, 3.0]), 0.7
    state = np.stack([x0, np.zeros(4)], -1)
    for x in steps(rule, lr, beta, CURVATURES, x0, 25):
        state = np.einsum("mij,mj->mi", matrices(rule, lr, beta)[0], state)
        np.testing.assert_allclose(state[:, 0], x, rtol=1e-12)


@pytest.mark.parametrize(("rule", "beta"), RULES)
def test_radius_is_the_factor_of_one_step_in_the_long_run(rule, beta):
    lrs = np.linspace(0.1, 1.2, 12) * edge(rule, beta, 1.0)
    for lr, rho in zip(lrs, radius(matrices(rule, lrs, beta)), strict=True):
        # By Gelfand's formula, from powers: no eigenvalue is computed.
        power = 2**14
        grown = max(np.linalg.norm(np.linalg.matrix_power(m / rho, power)) for m in matrices(rule, lr, beta)[0])
        # A defective eigenvalue adds a factor of the number of steps.
        assert 0.1 < grown < 10 * power


@pytest.mark.parametrize("ratio", [10.0, 100.0, 1000.0])
def test_best_radii_are_those_of_the_literature(ratio):
    curvatures, root = np.array([1.0 / ratio, 1.0]), np.sqrt(ratio)
    smallest = curvatures[0]
    # Polyak 1964, theorem 9 with its remark; Lessard, Recht, Packard 2016, section 2.2 and their appendix A.
    assert radius(matrices("sgd", 2 / (1 + smallest), 0.0, curvatures))[0] == pytest.approx((ratio - 1) / (ratio + 1))
    best = (root - 1) / (root + 1)
    lr = 4 / (1 + np.sqrt(smallest)) ** 2
    # Both ends are critically damped there, where rounding enters an eigenvalue by its root.
    assert radius(matrices("momentum", lr, best**2, curvatures))[0] == pytest.approx(best, rel=1e-6)
    assert radius(matrices("nag", 1.0, best, curvatures))[0] == pytest.approx(1 - 1 / root, rel=1e-6)
    root = np.sqrt(3 * ratio + 1)
    tuned = radius(matrices("nag", 4 / (3 + smallest), (root - 2) / (root + 2), curvatures))[0]
    assert tuned == pytest.approx(1 - 2 / root, rel=1e-6)


@pytest.mark.parametrize(("rule", "beta"), RULES)
@pytest.mark.parametrize("largest", [1.0, 25.0])
def test_edge_is_where_the_radius_passes_1(rule, beta, largest):
    border = edge(rule, beta, largest)
    below, above = radius(matrices(rule, [border * 0.9999, border * 1.0001], beta, CURVATURES * largest))
    assert below < 1.0 < above
    start = np.ones(4)
    for share, grows in ((0.99, False), (1.01, True)):
        *_, end = steps(rule, share * border, beta, CURVATURES * largest, start, 4_000)
        assert (np.abs(end).max() > 1.0) == grows


@pytest.mark.parametrize(("rule", "beta"), RULES)
def test_stationary_variance_is_scipys_and_that_of_the_closed_form(rule, beta):
    lrs, spread = np.array([0.05, 0.5, 0.9]) * edge(rule, beta, 1.0), 0.4
    found = stationary(matrices(rule, lrs, beta), lrs * spread)
    for i, lr in enumerate(lrs):
        kick = (lr * spread) ** 2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
        solved = [solve_discrete_lyapunov(m, kick)[0, 0] for m in matrices(rule, lr, beta)[0]]
        np.testing.assert_allclose(found[i], solved, rtol=1e-8)
        pull = lr * CURVATURES
        if rule == "nag":
            # x is an autoregression of order 2 with coefficients (1 + beta)(1 - l) and -beta (1 - l).
            held = beta * (1 - pull)
            closed = (lr * spread) ** 2 * (1 + held) / ((1 - held) * pull * (2 - pull + 2 * held))
        else:
            closed = lr * spread**2 * (1 + beta) / ((1 - beta) * CURVATURES * (2 * (1 + beta) - pull))
        np.testing.assert_allclose(found[i], closed, rtol=1e-9)


@pytest.mark.parametrize(("rule", "beta"), RULES)
def test_simulated_noise_leaves_the_predicted_loss(rule, beta):
    given = Quadratic(np.array([0.2, 1.0]), 0.3, 5.0)
    lr, rng = 0.6 * edge(rule, beta, 1.0), np.random.default_rng(7)
    chains, forgotten, count = 4000, 200, 260
    noise = 0.3 * rng.standard_normal((count, chains, 2))
    losses = [
        2.5 * (x**2 @ given.curvatures)
        for k, x in enumerate(steps(rule, lr, beta, given.curvatures, np.zeros((chains, 2)), count, noise))
        if k >= forgotten
    ]
    means = np.mean(losses, axis=0)
    expected = excess(given, matrices(rule, lr, beta, given.curvatures), np.array([lr]))[0]
    error = means.std(ddof=1) / np.sqrt(chains)
    assert error < 0.02 * expected
    assert abs(means.mean() - expected) < 3.5 * error


def test_beyond_the_edge_no_loss_is_stationary():
    given = Quadratic(CURVATURES, 0.1, 1.0)
    lrs = np.array([1.99, 2.01])
    assert np.isfinite(excess(given, matrices("sgd", lrs, 0.0), lrs)).tolist() == [True, False]


def test_units_change_rates_and_not_predictions():
    problem = {"width": 20.0, "f_scale": 50.0, "spectrum": {"eigenvalues": [2.0, 8.0], "noise_spread": 0.5}}
    raw, normalized = quadratic(problem, "raw"), quadratic(problem, "normalized")
    # z = x / 2 and phi = f / 50: x' = x - lr g becomes z' = z - lr (50/4) dphi/dz.
    assert raw is not None
    assert normalized is not None
    assert normalized.largest * 50 / 4 == pytest.approx(raw.largest)
    lr = np.array([0.1])
    for rule, beta in (("sgd", 0.0), ("nag", 0.8)):
        ours = excess(raw, matrices(rule, lr, beta, raw.curvatures), lr)
        theirs = excess(normalized, matrices(rule, lr * 50 / 4, beta, normalized.curvatures), lr * 50 / 4)
        assert ours == pytest.approx(theirs)


def test_what_has_no_known_spectrum_has_no_theory():
    assert quadratic({}, "raw") is None
    assert quadratic({"spectrum": None}, "raw") is None
    assert quadratic({"spectrum": {"eigenvalues": [1.0], "noise_spread": None}}, "raw") is None
