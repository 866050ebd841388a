"""Extreme eigenvalues: degenerate spectra, multiplicities, bounds, vectors, budgets, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigsh

from optbench import measures
from optbench.errors import UsageError
from optbench.measures.extreme_eigenvalues import HESSIAN_BOTTOM, HESSIAN_TOP
from optbench.measures.subject import Subject
from tests.measures.quadratics import quadratic, symmetric

#: Of one size, so that they share a program, but for those of one parameter.
SPECTRA = {
    "two values": [1.0] * 20 + [5.0] * 20,
    "identity": [1.0] * 40,
    "zero": [0.0] * 40,
    "one parameter": [3.0],
    "one parameter, negative": [-2.0],
    "rank one": [7.0] + [0.0] * 39,
    "minus rank one": [-7.0] + [0.0] * 39,
    "indefinite": list(np.linspace(-2, 3, 40)),
    "threefold top": [3.0] * 3 + list(np.linspace(-1, 2, 37)),
    "threefold at both ends": [4.0] * 3 + list(np.linspace(-1, 2, 34)) + [-2.0] * 3,
    "outliers": [10.0, 9.0, 8.0, *np.linspace(0, 0.1, 37)],
    "tiny": list(1e-12 * np.linspace(1, 2, 40)),
    "huge": list(1e12 * np.linspace(-1, 2, 40)),
}


def ends(spectrum, k, which):
    rising = np.sort(spectrum)
    found = {"largest": rising[::-1][:k], "smallest": rising[:k]}
    return found[which] if which in found else np.concatenate([*found.values()])


@pytest.mark.parametrize("which", ["largest", "smallest", "both"])
@pytest.mark.parametrize(("name", "k"), [(name, k) for name in SPECTRA for k in (1, 2, 4) if k <= len(SPECTRA[name])])
def test_extreme_eigenvalues_come_as_often_as_they_are(name, k, which):
    spectrum = SPECTRA[name]
    found = measures.eigenvalues(quadratic(symmetric(spectrum)), np.ones(len(spectrum)), k, which, tol=1e-8)
    size = np.abs(spectrum).max()
    np.testing.assert_allclose(found.values, ends(spectrum, k, which), rtol=0, atol=1e-13 * size)
    assert found.converged
    assert (found.residuals <= 1e-8 * np.maximum(np.abs(found.values), 1e-4 * size)).all()


@pytest.mark.parametrize("name", [name for name in SPECTRA if name not in ("tiny", "huge")])
def test_a_loss_in_float32_gives_eigenvalues_to_its_rounding_and_bounds_that_hold(name):
    spectrum = SPECTRA[name]
    k = min(4, len(spectrum))
    loss = quadratic(symmetric(spectrum), dtype=np.float32)
    found = measures.eigenvalues(loss, np.ones(len(spectrum)), k, "both", tol=1e-4)
    errors = np.abs(found.values - ends(spectrum, k, "both"))
    assert found.converged
    assert (errors <= 1e-6 * max(np.abs(spectrum).max(), 1e-300)).all()
    assert (errors <= found.residuals + 1e-300).all()


def test_a_space_ends_where_its_residual_has_vanished():
    """A spectrum of two values is seen after two steps: one product more than that, for the comparison."""
    found = measures.eigenvalues(quadratic(symmetric(SPECTRA["two values"])), np.ones(40), which="both")
    np.testing.assert_allclose(found.values, [5.0, 1.0], rtol=1e-14)
    assert found.hvps == 3
    assert measures.eigenvalues(quadratic(np.eye(40)), np.ones(40)).hvps == 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-6])
def test_the_residual_is_that_of_the_vector_and_bounds_the_error(tol, seed):
    spectrum = np.r_[np.geomspace(1e-3, 10, 150), -0.5]
    matrix = symmetric(spectrum, seed)
    found = measures.eigenvalues(quadratic(matrix), np.ones(len(spectrum)), 3, tol=tol, seed=seed, vectors=True)
    for value, residual, vector in zip(found.values, found.residuals, found.vectors, strict=True):
        np.testing.assert_allclose(np.linalg.norm(vector), 1, rtol=1e-12)
        # The spaces after the first are clear of vectors that have residuals of their own.
        np.testing.assert_allclose(np.linalg.norm(matrix @ vector - value * vector), residual, rtol=1e-6, atol=1e-13)
        assert residual <= tol * abs(value)
        assert np.abs(spectrum - value).min() <= residual
    assert found.values[0] <= spectrum.max() * (1 + 1e-14)


def test_an_eigenvalue_agrees_with_scipy():
    spectrum = np.r_[np.linspace(-3, 2, 200), 2.1, 2.5]
    matrix = symmetric(spectrum)
    found = measures.eigenvalues(quadratic(matrix), np.ones(202), 3, "largest", tol=1e-10)
    theirs = eigsh(LinearOperator(matrix.shape, matvec=lambda v: matrix @ v, dtype=float), 3, which="LA", tol=0)[0]
    np.testing.assert_allclose(found.values, theirs[::-1], rtol=1e-12)


def test_a_search_that_is_cut_off_says_so_and_its_bound_still_holds():
    spectrum = np.linspace(0, 1, 300)
    found = measures.eigenvalues(quadratic(symmetric(spectrum)), np.ones(300), 2, tol=1e-12, max_hvps=12)
    assert not found.converged
    assert found.hvps == 12
    assert found.values.shape == (2,)
    assert all(np.abs(spectrum - value).min() <= bound for value, bound in zip(*found[:2], strict=True))
    assert found.values[0] < 1 - 1e-6


def test_seeds_differ_in_their_start_alone():
    matrix = symmetric(np.linspace(0, 1, 50))
    first, again, other = (measures.eigenvalues(quadratic(matrix), np.ones(50), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.residuals, again.residuals)
    assert not np.array_equal(first.residuals, other.residuals)
    np.testing.assert_allclose(first.values, other.values, rtol=1e-10)


def test_a_point_of_several_arrays_gets_vectors_like_it():
    def loss(w):
        return (w["a"] ** 2).sum() + 5 * w["b"][1] ** 2

    (vector,) = measures.eigenvalues(loss, {"a": np.ones((2, 2)), "b": np.ones(3)}, vectors=True).vectors
    assert vector["a"].shape == (2, 2)
    np.testing.assert_allclose(np.abs(vector["b"]), [0, 1, 0], atol=1e-12)


def test_the_measures_are_the_ends_of_the_spectrum_with_their_bounds():
    subject = Subject(quadratic(np.diag([-1.0, 2.0, 3.0])), np.ones(3))
    top = HESSIAN_TOP.take(subject, **HESSIAN_TOP.resolve({}))
    bottom = HESSIAN_BOTTOM.take(subject, **HESSIAN_BOTTOM.resolve({"seed": 3}))
    assert (top.estimate, bottom.estimate) == (pytest.approx(3), pytest.approx(-1))
    assert top.standard_error is None
    assert top.details["converged"]
    assert top.details["hvps"] == 4
    assert 0 < top.details["residual"] < 1e-13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 4}, "k must be at most the number of parameters, 3; got 4"),
        ({"k": 0}, "k must be a whole number from 1 on; got 0"),
        ({"which": "larges"}, "unknown which 'larges'; did you mean 'largest'?"),
        ({"tol": 0.0}, "tol must lie between 0 and 1; got 0.0"),
        ({"tol": 1.5}, "tol must lie between 0 and 1; got 1.5"),
        ({"k": 2, "max_hvps": 2}, "max_hvps must be a whole number from 3 on; got 2"),
    ],
)
def test_what_cannot_be_searched_is_refused(arguments, message):
    with pytest.raises(UsageError) as raised:
        measures.eigenvalues(quadratic(np.eye(3)), np.ones(3), **arguments)
    assert str(raised.value) == message
