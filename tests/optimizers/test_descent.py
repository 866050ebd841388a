"""Gradient descent with searches: the steps of small cases by hand, and both conditions at every accepted step."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from optbench.optimizers.descent import gd_armijo, gd_wolfe
from tests.optimizers.machines import case, drive, function

PARABOLA = function(lambda x: 0.5 * jnp.sum(x * x))


def accepted_steps(rule, of, x0, calls, hyper):
    """Yields the value and slope at both ends of each accepted step, and the step, from fresh evaluations."""
    log = drive(rule, of, x0, calls, hyper)
    for call in log.accepted:
        f, g = of.value_and_grad(log.x[call])
        new_f, new_g = of.value_and_grad(log.after[call])
        move = log.after[call] - log.x[call]
        alpha = np.linalg.norm(move) / np.linalg.norm(g)
        np.testing.assert_allclose(move, -alpha * g, rtol=1e-6, atol=1e-9 * np.abs(move).max())
        yield float(f), float(new_f), float(-g @ g), float(-g @ new_g), float(alpha)


def test_backtracking_by_hand():
    """On x^2/2 a step alpha leads from x to (1 - alpha) x, and passes at c1 = 1/4 up to alpha = 1.5."""
    log = drive(gd_armijo, PARABOLA, [1.0], 9, {"lr": 8.0, "c1": 0.25, "shrink": 0.5, "growth": 3.0})
    # 8, 4 and 2 are too long; 1 lands on the minimum, where trials grow without moving.
    assert log.points[:, 0].tolist() == [1, -7, -3, -1, 0, 0, 0, 0, 0]
    assert log.steps.tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4]
    log = drive(gd_armijo, PARABOLA, [1.0], 9, {"lr": 0.25, "c1": 0.25, "shrink": 0.5, "growth": 2.0})
    # 0.25, 0.5 and 1 pass in turn.
    assert log.points[:4, 0].tolist() == [1, 0.75, 0.375, 0]
    assert log.x[:5, 0].tolist() == [1, 1, 0.75, 0.375, 0]


def test_steps_grow_while_they_pass_up_to_a_limit():
    slide = function(lambda x: -jnp.sum(x))
    assert drive(gd_armijo, slide, [0.0], 6, {"lr": 1.0}).points[:, 0].tolist() == [0, 1, 3, 7, 15, 31]
    log = drive(gd_armijo, slide, [0.0], 9, {"lr": 1.0, "growth": 1e10})
    np.testing.assert_allclose(np.diff(log.points[:, 0]), [1, 1e10, 1e20, *[1e30] * 5], rtol=1e-9)


@pytest.mark.parametrize(("c1", "of"), [(1e-4, "beale"), (0.3, "beale"), (0.3, "quadratic")])
def test_the_armijo_condition_holds_at_every_accepted_step(c1, of):
    steps = list(accepted_steps(gd_armijo, *case(of), 80, {"lr": 0.1, "c1": c1}))
    assert len(steps) >= 25
    assert all(new_f <= f + c1 * alpha * s + 1e-14 * abs(f) for f, new_f, s, _, alpha in steps)
    assert any(new_f > f + 0.6 * alpha * s for f, new_f, s, _, alpha in steps), "another c1 would reject some"


@pytest.mark.parametrize("c2", [0.9, 0.1])
@pytest.mark.parametrize("of", ["beale", "quadratic", "rosenbrock-10"])
def test_both_wolfe_conditions_hold_at_every_accepted_step(c2, of):
    steps = list(accepted_steps(gd_wolfe, *case(of), 80, {"lr": 1e-3, "c2": c2}))
    assert len(steps) >= 20
    assert all(new_f <= f + 1e-4 * alpha * s + 1e-14 * abs(f) for f, new_f, s, _, alpha in steps)
    assert all(abs(new_s) <= -c2 * s * (1 + 1e-6) for _, _, s, new_s, _ in steps)


def test_the_first_trial_predicts_the_last_decrease():
    of, x0 = case("quadratic")
    log = drive(gd_wolfe, of, x0, 60, {"lr": 1e-3, "c2": 0.9})
    moves = log.accepted
    last, now = log.x[moves], log.after[moves]
    g, new_g = (np.stack([of.value_and_grad(x)[1] for x in points]) for points in (last, now))
    alpha = np.linalg.norm(now - last, axis=1) / np.linalg.norm(g, axis=1)
    trial = alpha * (g * g).sum(axis=1) / (new_g * new_g).sum(axis=1)
    np.testing.assert_allclose(log.points[moves[:-1] + 1], (now - trial[:, None] * new_g)[:-1], rtol=1e-9, atol=1e-12)
