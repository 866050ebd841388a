"""L-BFGS against the dense formula, the finite end on quadratics, and scipy's counts."""

from __future__ import annotations

import numpy as np
import scipy.optimize

from optbench.optimizers.line_search import BRACKET, MAX_TRIALS
from optbench.optimizers.quasi_newton import lbfgs
from tests.optimizers.machines import WIDTH, case, drive, function, lanes, problem, quadratic, textbook


def dense_inverse(pairs):
    """Returns H of Nocedal and Wright 2006, equation 7.19, multiplied out."""
    s, y = pairs[-1]
    h = np.eye(len(s)) * (s @ y) / (y @ y)
    for s, y in pairs:
        v = np.eye(len(s)) - np.outer(y, s) / (s @ y)
        h = v.T @ h @ v + np.outer(s, s) / (s @ y)
    return h


def test_directions_are_those_of_the_dense_formula_with_ten_pairs():
    of, x0 = case("rosenbrock-10")
    log = drive(lbfgs, of, x0, 45)
    pairs, compared = [], 0
    for before, call in zip(log.accepted[:-1], log.accepted[1:], strict=True):
        x, new_x = log.x[before], log.after[before]
        g, new_g = (np.asarray(of.value_and_grad(point)[1]) for point in (x, new_x))
        pairs = [*pairs, (new_x - x, new_g - g)][-10:]
        d = -dense_inverse(pairs) @ new_g
        move = log.after[call] - log.x[call]
        np.testing.assert_allclose(move / np.linalg.norm(move), d / np.linalg.norm(d), atol=1e-7)
        np.testing.assert_allclose(log.points[before + 1], new_x + d, rtol=1e-6, atol=1e-6)
        compared += 1
    assert compared > 20, "pairs must have been dropped"


def test_the_first_step_tries_lr_along_the_gradient_of_length_one_at_most():
    of, x0 = case("quadratic")
    g = np.asarray(of.value_and_grad(x0)[1])
    assert np.linalg.norm(g) > 1
    log = drive(lbfgs, of, x0, 2, {"lr": 0.25})
    np.testing.assert_allclose(log.points[1], x0 - 0.25 * g / np.linalg.norm(g), rtol=1e-12)
    near = np.linalg.solve(*quadratic()[1:]) + 1e-3
    g = np.asarray(of.value_and_grad(near)[1])
    assert np.linalg.norm(g) < 1
    np.testing.assert_allclose(drive(lbfgs, of, near, 2).points[1], near - g, rtol=1e-12)


def test_a_quadratic_of_ten_dimensions_takes_ten_steps_of_exact_searches():
    of, a, b = quadratic()
    log = drive(lbfgs, of, case("quadratic")[1], 60, {"c2": 1e-9})
    iterates = np.concatenate([log.x[:1], log.after[log.accepted]])
    away = np.abs(iterates - np.linalg.solve(a, b)).max(axis=1)
    assert away[10] < 1e-6
    assert away[8] > 1e-3


def test_both_conditions_hold_at_every_accepted_step():
    of, x0 = case("rosenbrock-10")
    log = drive(lbfgs, of, x0, 80)
    for call in log.accepted:
        move = log.after[call] - log.x[call]
        (f, g), (new_f, new_g) = of.value_and_grad(log.x[call]), of.value_and_grad(log.after[call])
        assert new_f <= f + 1e-4 * (g @ move)
        assert abs(new_g @ move) <= -0.9 * (g @ move) * (1 + 1e-9)
    assert len(log.accepted) >= 40


def test_pairs_are_forgotten_where_the_curvature_is_negative():
    ridge = function(lambda x: 50 * x[0] ** 2 - 0.5 * x[1] ** 2 + 3 * x[0] * x[1])
    x0 = np.array([1.0, 1e-3])
    log = drive(lbfgs, ridge, x0, 60)
    points, _, x, steps = textbook(lbfgs, ridge, x0, log.points)
    assert np.array_equal(log.steps, steps)
    np.testing.assert_allclose(log.points, points, rtol=1e-8)
    assert np.abs(x[-1]).max() > 1e10, "searches must have ended by their number of trials"


def test_a_last_trial_of_negative_curvature_is_taken_and_all_pairs_are_forgotten():
    of, x0 = case("quadratic")
    log = drive(lbfgs, of, x0, 8)
    state, x = log.state, log.after[-1]
    assert np.count_nonzero(state.memory.weights_memory) >= 4
    last = state._replace(line=state.line._replace(trials=np.int32(MAX_TRIALS - 1), phase=np.int32(BRACKET)))
    hyper = {key: np.float64(value) for key, value in lbfgs.defaults().items()}
    older = np.asarray(state.memory.diff_updates_memory)[0]
    for share in (0.0, 1.0, 10.0, 100.0):
        across = older - (older @ state.d) / (state.d @ state.d) * state.d
        g = 1.5 * state.memory.updates + share * across
        moved, after, point = lbfgs.update(x, last, state.line.f - 1e3, g, hyper)
        np.testing.assert_allclose(moved, log.state.line.alpha * state.d + x, rtol=1e-12)
        assert not np.any(after.memory.weights_memory)
        np.testing.assert_allclose(point, moved - g, rtol=1e-12)


def test_it_needs_as_many_evaluations_as_scipy_s_to_within_a_factor_of_two():
    of, rng = problem("rosenbrock", 10), np.random.default_rng(8)
    ours, theirs = [], []
    starts = rng.uniform(-2, 2, size=(2, WIDTH, 10))
    logs = [lanes(lbfgs, of, block, 150) for block in starts]
    for x0, iterates in zip(
        starts.reshape(-1, 10), np.concatenate([log.after for log in logs], axis=1).swapaxes(0, 1), strict=True
    ):
        values = np.array([of.value_and_grad(x)[0] for x in iterates])
        # Evaluations until the value is below 1e-8, or until the run sits in the local minimum near 4.
        ours.append(int(np.argmax(values - (values[-1] if values[-1] > 1 else 0) < 1e-8)) + 1)
        seen = []

        def count(x, seen=seen):
            value, grad = of.value_and_grad(x)
            seen.append(float(value))
            return seen[-1], np.asarray(grad)

        scipy.optimize.minimize(count, x0, jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-10})
        theirs.append(int(np.argmax(np.array(seen) - (min(seen) if min(seen) > 1 else 0) < 1e-8)) + 1)
    assert min(ours) > 1
    assert 0.5 < np.median(ours) / np.median(theirs) < 2, (ours, theirs)
