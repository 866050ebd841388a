"""Least squares: the normal equations, and bias and variance of the predictions in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.engine.retraining.least_squares import design, fitted, truth_at


def test_points_are_evenly_spaced():
    found = design((-1.0, 3.0), 5, 4)
    assert found.points.tolist() == [-1.0, 0.0, 1.0, 2.0, 3.0]
    assert found.test_points.tolist() == [-0.5, 0.5, 1.5, 2.5]
    assert design((0.0, 1.0), 1, 1).test_points.tolist() == [0.5]


def test_functions():
    x = np.array([0.0, 0.25, 0.5, 2.0])
    np.testing.assert_allclose(truth_at("sine", x), [0.0, 1.0, 0.0, 0.0], atol=1e-15)
    assert truth_at((1.0, -2.0, 0.5), x).tolist() == [1.0, 0.53125, 0.125, -1.0]


@pytest.mark.parametrize("degree", [0, 1, 4, 9])
def test_a_fit_solves_the_normal_equations(degree):
    rng = np.random.default_rng(degree)
    points = np.sort(rng.uniform(-2.0, 5.0, 30))
    y, at = rng.standard_normal(30), np.linspace(-2.0, 5.0, 7)
    # An orthonormal basis of the same polynomials, from QR of powers of a scaled variable.
    scaled = np.concatenate([points, at]) / 5.0
    powers = np.vander(scaled, degree + 1)
    q, r = np.linalg.qr(powers[:30])
    expected = powers[30:] @ np.linalg.solve(r, q.T @ y)
    np.testing.assert_allclose(fitted(points, y, degree)(at), expected, rtol=1e-7, atol=1e-9)


def test_one_point_gives_a_constant():
    assert fitted(np.array([3.0]), np.array([7.0]), 0)(np.array([-1.0, 9.0])).tolist() == pytest.approx([7.0, 7.0])
