"""Nonlinear conjugate gradients are conjugate gradients where the function is quadratic and the search exact."""

from __future__ import annotations

import numpy as np

from optbench.optimizers.conjugate import nonlinear_cg
from tests.optimizers.machines import case, drive, quadratic


def linear_cg(a, b, x):
    """Yields the iterates of Hestenes and Stiefel's method on A x = b."""
    r = b - a @ x
    p = r
    yield x
    for _ in b:
        alpha = (r @ r) / (p @ a @ p)
        x, new_r = x + alpha * p, r - alpha * a @ p
        p, r = new_r + (new_r @ new_r) / (r @ r) * p, new_r
        yield x


def test_a_quadratic_of_ten_dimensions_takes_ten_steps():
    of, a, b = quadratic()
    x0 = case("quadratic")[1]
    log = drive(nonlinear_cg, of, x0, 60, {"lr": 1e-2, "c2": 1e-9})
    iterates = np.concatenate([log.x[:1], log.after[log.accepted]])
    expected = np.stack(list(linear_cg(a, b, x0)))
    np.testing.assert_allclose(iterates[:11], expected, atol=1e-5)
    np.testing.assert_allclose(iterates[10], np.linalg.solve(a, b), atol=1e-5)
    assert np.abs(iterates[8] - iterates[10]).max() > 1e-3, "nine steps would not have done"


def test_directions_descend_and_both_conditions_hold():
    of, x0 = case("rosenbrock-10")
    log = drive(nonlinear_cg, of, x0, 100)
    restarts = 0
    for call in log.accepted:
        move = log.after[call] - log.x[call]
        (f, g), (new_f, new_g) = of.value_and_grad(log.x[call]), of.value_and_grad(log.after[call])
        assert g @ move < 0
        assert new_f <= f + 1e-4 * (g @ move)
        assert abs(new_g @ move) <= -0.1 * (g @ move) * (1 + 1e-6)
        restarts += np.linalg.norm(move + g * np.linalg.norm(move) / np.linalg.norm(g)) < 1e-9 * np.linalg.norm(move)
    assert len(log.accepted) >= 25
    assert 1 <= restarts < len(log.accepted) / 2


def test_the_direction_is_polak_s_and_ribiere_s():
    of, x0 = case("rosenbrock")
    log = drive(nonlinear_cg, of, x0, 40)
    g, d = None, None
    shares = []
    for call in log.accepted[:12]:
        new_g = np.asarray(of.value_and_grad(log.x[call])[1])
        beta = 0.0 if g is None else max(0.0, new_g @ (new_g - g) / (g @ g))
        d = -new_g if g is None or new_g @ (-new_g + beta * d) >= 0 else -new_g + beta * d
        g = new_g
        move = log.after[call] - log.x[call]
        np.testing.assert_allclose(move / np.linalg.norm(move), d / np.linalg.norm(d), atol=1e-8)
        shares.append(beta)
    assert sum(beta > 0 for beta in shares) >= 5
