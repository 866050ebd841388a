"""Newton's method and its truncated form: exact on quadratics, downhill everywhere, counted as the protocol counts."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from optbench.optimizers.newton import newton, newton_cg
from tests.optimizers.machines import WIDTH, case, drive, function, lanes, problem, quadratic

SADDLE = function(lambda x: 0.5 * x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4 + 3.0 * x[0] * x[1])


def test_newton_solves_a_quadratic_in_one_step():
    of, a, b = quadratic()
    log = drive(newton, of, case("quadratic")[1], 24)
    # One gradient, ten products of cost 2, one trial.
    assert log.accepted[0] == 1 + 2 * 10 + 1 - 1
    assert (log.steps[21], log.steps[22], log.hvps[22]) == (0, 1, 10)
    np.testing.assert_allclose(log.x[22], np.linalg.solve(a, b), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(log.directions[1:11], np.eye(10))
    assert not log.directions[11:22].any()


def test_newton_s_factor_is_the_hessian_plus_a_diagonal_that_is_zero_where_it_may():
    """After the last column L D L' - H is diagonal and not negative, and zero for a positive definite H."""
    rng = np.random.default_rng(11)
    a = rng.normal(size=(10, 10))
    of = function(lambda x: 0.5 * jnp.sum(x * (jnp.asarray(a + a.T) @ x)) + jnp.sum(x**3) / 6)
    changed = []
    for shift in (0.0, 2.0, 20.0):
        starts = shift + rng.normal(size=(WIDTH, 10))
        states = lanes(newton, of, starts, 21).state
        for i, x in enumerate(starts):
            h, g = np.asarray(of.hessian(x)), np.asarray(of.value_and_grad(x)[1])
            order = np.argsort(states.order[i])
            assert sorted(states.order[i]) == list(range(10))
            factor = np.asarray(states.columns[i]) + np.eye(10)
            assert np.array_equal(factor[np.ix_(order, order)], np.tril(factor[np.ix_(order, order)]))
            change = factor @ np.diag(states.pivots[i]) @ factor.T - h
            assert np.abs(change - np.diag(np.diag(change))).max() < 1e-11
            assert np.all(np.diag(change) > -1e-11)
            assert np.all(np.asarray(states.pivots[i]) > 0)
            changed.append(np.abs(change).max() > 1e-11)
            assert changed[-1] != np.all(np.linalg.eigvalsh(h) > 0)
            np.testing.assert_allclose(states.stage.d[i], np.linalg.solve(h + change, -g), rtol=1e-6)
    assert 3 <= sum(changed) <= 6


@pytest.mark.parametrize("rule", [newton, newton_cg], ids=lambda rule: rule.name)
@pytest.mark.parametrize("start", [(0.1, 0.05), (0.0, 1e-3), (-2.0, 0.5)])
def test_saddles_are_left_for_a_minimum(rule, start):
    log = drive(rule, SADDLE, np.array(start), 120)
    # x = -3y and y^2 = 11
    np.testing.assert_allclose(np.abs(log.after[-1]), [3 * np.sqrt(11), np.sqrt(11)], rtol=1e-8)


@pytest.mark.parametrize("rule", [newton, newton_cg], ids=lambda rule: rule.name)
def test_convergence_is_faster_than_linear(rule):
    of = problem("rosenbrock", 2)
    log = drive(rule, of, np.array([0.5, 0.5]), 120)
    iterates = np.concatenate([log.x[:1], log.after[log.accepted]])
    away = np.linalg.norm(iterates - 1, axis=1)
    assert away[-1] < 1e-9
    last = np.flatnonzero(away > 1e-7)[-1]
    assert away[last + 1] < 1e-3 * away[last]


def test_newton_tries_newton_s_step_first():
    of, _ = case("beale")
    log = drive(newton, of, np.array([2.8, 0.4]), 60)
    compared = 0
    for begin in [0, *log.accepted[:-1]]:
        x, trial = log.after[begin], log.points[begin + 1 + 2 * 2]
        g, h = np.asarray(of.value_and_grad(x)[1]), np.asarray(of.hessian(x))
        if np.all(np.linalg.eigvalsh(h) > 0.1) and np.linalg.norm(g) > 1e-8:
            np.testing.assert_allclose(trial - x, np.linalg.solve(h, -g), rtol=1e-6)
            compared += 1
    assert compared >= 4
    assert np.abs(log.after[-1] - [3, 0.5]).max() < 1e-10


def test_newton_cg_solves_a_quadratic_in_dim_products_where_it_is_asked_to_be_exact():
    """Near the minimum of a flat function sqrt|g| is 1e-7: the inner iteration must run to its end."""
    _, a, b = quadratic()
    tiny = 1e-16
    of = function(lambda x: tiny * (0.5 * jnp.sum(x * (jnp.asarray(a) @ x)) - jnp.sum(b * x)))
    log = drive(newton_cg, of, case("quadratic")[1], 23)
    assert log.accepted[0] == 1 + 2 * 10 + 1 - 1
    assert log.hvps[-1] == 10
    np.testing.assert_allclose(log.after[-1], np.linalg.solve(a, b), rtol=1e-5, atol=1e-5)


def test_newton_cg_stops_at_its_forcing_term_and_not_before():
    of, a, _ = quadratic()
    log = drive(newton_cg, of, case("quadratic")[1], 90)
    moves = log.accepted
    begins = np.concatenate([[0], moves[:-1]])
    checked = 0
    for begin, end in zip(begins, moves, strict=True):
        g = np.asarray(of.value_and_grad(log.x[end])[1])
        length = np.linalg.norm(g)
        if length < 1e-6:
            break
        target = min(0.5, np.sqrt(length)) * length
        first = np.flatnonzero(
            log.points[begin + 1 : end + 1].any(axis=1) & (log.points[begin + 1 : end + 1] != log.x[end]).any(axis=1)
        )
        d = log.points[begin + 1 + first[0]] - log.x[end]
        products = int(log.hvps[end] - log.hvps[begin])
        assert np.linalg.norm(a @ d + g) <= target * (1 + 1e-6) or products == 10
        # The iterate before the last inner one lies in a smaller Krylov space, where no point has a residual below.
        krylov = np.linalg.qr(np.stack([np.linalg.matrix_power(a, j) @ g for j in range(products)], axis=1))[0]
        assert np.linalg.norm(krylov @ (krylov.T @ d) - d) < 1e-6 * np.linalg.norm(d)
        checked += 1
    assert checked >= 4


def test_newton_cg_follows_the_gradient_where_the_curvature_along_it_is_negative():
    bump = function(lambda x: -jnp.sum(jnp.exp(-0.5 * x * x)))
    x0 = np.array([2.0, 1.5])
    log = drive(newton_cg, bump, x0, 5, {"lr": 1.0})
    g = np.asarray(bump.value_and_grad(x0)[1])
    np.testing.assert_allclose(log.points[3], x0 - g, rtol=1e-12)
    assert log.hvps[3] == 1
