"""The spectral density: Gauss's rule to the last moment, degenerate spectra, errors, and the smoothed curve."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import measures
from optbench.core.keys import generator
from optbench.errors import UsageError
from optbench.measures.probes import signs
from optbench.measures.spectrum import HESSIAN_SPECTRUM
from optbench.measures.subject import Subject
from optbench.report.figures.measures.density import density, variance
from tests.measures.quadratics import quadratic, symmetric

N = 48


def at(matrix):
    return quadratic(matrix), np.ones(len(matrix))


@pytest.mark.parametrize("steps", [1, 2, 6])
def test_nodes_and_weights_integrate_every_polynomial_up_to_twice_the_steps(steps):
    matrix = symmetric(np.linspace(-1, 1, N))
    found = measures.spectral_density(*at(matrix), steps, 1, seed=4)
    z = signs(generator("spectrum probe", 4, 0), N)
    for power in range(2 * steps):
        exact = z @ np.linalg.matrix_power(matrix, power) @ z / N
        assert found.weights @ found.nodes**power == pytest.approx(exact, abs=1e-14)
    beyond = z @ np.linalg.matrix_power(matrix, 2 * steps) @ z / N
    assert abs(found.weights @ found.nodes ** (2 * steps) - beyond) > 1e-8
    assert len(found.nodes) == steps


@pytest.mark.parametrize(
    ("spectrum", "distinct"),
    [
        ([1.0] * 24 + [5.0] * 24, 2),
        ([1.0] * N, 1),
        ([0.0] * N, 1),
        ([-3.0] * 16 + [0.0] * 16 + [2.0] * 16, 3),
        ([7.0] + [0.0] * 47, 2),
    ],
)
def test_a_spectrum_of_few_values_ends_after_as_many_steps(spectrum, distinct):
    """There matfree 0.6.3 may go on and find values far outside: findings/matfree-lanczos-after-breakdown.sh."""
    found = measures.spectral_density(*at(symmetric(spectrum)), steps=20, probes=3)
    assert found.sizes.tolist() == [distinct] * 3
    assert found.hvps == 3 * distinct + 1
    values = np.unique(spectrum)
    np.testing.assert_allclose(found.nodes.reshape(3, distinct), np.tile(values, (3, 1)), atol=1e-13)
    assert found.weights.sum() == pytest.approx(1, rel=1e-14)


def test_two_clusters_have_half_of_the_mass_each():
    matrix = np.diag(np.r_[np.linspace(0.9, 1.1, 24), np.linspace(4.9, 5.1, 24)])
    found = measures.spectral_density(*at(matrix), steps=10, probes=2)
    # Signs weigh all coordinates alike, which are eigenvectors here.
    assert found.weights[found.nodes < 3].sum() == pytest.approx(0.5, abs=1e-12)


def test_more_probes_and_steps_leave_the_first_probes_as_they_are():
    matrix = symmetric(np.linspace(-1, 2, N))
    few, many = (measures.spectral_density(*at(matrix), 8, probes, seed=1) for probes in (2, 5))
    assert np.array_equal(few.nodes, many.nodes[:16])
    np.testing.assert_allclose(few.weights * 2, many.weights[:16] * 5, rtol=1e-14)
    assert not np.array_equal(few.nodes, measures.spectral_density(*at(matrix), 8, 2, seed=2).nodes)


def test_the_mean_eigenvalue_is_within_its_error_which_shrinks_with_probes():
    matrix = symmetric(np.r_[np.geomspace(1e-3, 1, N - 3), 5, 6, 7])
    spread = {}
    for probes in (8, 32):
        found = [measures.spectral_density(*at(matrix), 3, probes, seed) for seed in range(40)]
        errors = np.array([one.mean - np.trace(matrix) / N for one in found])
        said = np.array([one.standard_error for one in found])
        spread[probes] = np.sqrt(np.mean(said**2))
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(spread[probes], rel=0.3)
        assert np.mean(np.abs(errors) <= 3 * said) >= 0.95
    assert spread[8] / spread[32] == pytest.approx(2, rel=0.2)
    assert measures.spectral_density(*at(matrix), 3, 1).standard_error is None


@pytest.mark.parametrize("spectrum", [np.linspace(-1, 2, N), np.ones(N), 1e2 * np.linspace(0, 1, N)])
def test_the_smoothed_curve_integrates_to_one(spectrum):
    found = measures.spectral_density(*at(symmetric(spectrum)))
    width = np.sqrt(variance(found.nodes))
    grid = np.arange(found.nodes.min() - 8 * width, found.nodes.max() + 8 * width, width / 3)
    assert np.trapezoid(density(grid, found.nodes, found.weights), grid) == pytest.approx(1, abs=1e-12)


def test_the_measure_stores_raw_nodes_and_weights():
    matrix = symmetric(np.linspace(-1, 2, N))
    found = HESSIAN_SPECTRUM.take(Subject(*at(matrix)), **HESSIAN_SPECTRUM.resolve({"steps": 5, "probes": 3}))
    same = measures.spectral_density(*at(matrix), 5, 3)
    assert np.array_equal(found.grid, same.nodes)
    assert np.array_equal(found.values, same.weights)
    assert (found.estimate, found.standard_error) == (same.mean, same.standard_error)
    assert found.details == {
        "sizes": [5, 5, 5],
        "n_params": N,
        "largest": same.nodes.max(),
        "smallest": same.nodes.min(),
        "hvps": 16,
    }


@pytest.mark.parametrize("arguments", [{"steps": 0}, {"probes": 0}])
def test_what_cannot_be_measured_is_refused(arguments):
    (name,) = arguments
    with pytest.raises(UsageError, match=f"{name} must be a whole number from 1 on; got 0"):
        measures.spectral_density(*at(np.eye(3)), **arguments)
