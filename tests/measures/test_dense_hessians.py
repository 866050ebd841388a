"""Curvature of small trained networks, and of models with a known Hessian, against the whole matrix."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigsh

from optbench import measures
from tests.measures.small_networks import SHAPES, lenet_like, tiny, trained


@pytest.fixture(params=SHAPES, ids=lambda network: network.__name__)
def network(request):
    return trained(request.param)


def test_the_operator_is_the_dense_hessian(network):
    dense = measures.Hessian(network.loss, network.params).dense()
    assert np.abs(dense - network.hessian).max() <= 1e-12 * np.abs(network.hessian).max()


def test_extreme_eigenvalues_are_those_of_the_dense_hessian_and_of_scipy(network):
    exact = np.linalg.eigvalsh(network.hessian)
    found = measures.eigenvalues(network.objective, network.params, 4, "both", tol=1e-9)
    assert found.converged
    np.testing.assert_allclose(found.values, np.r_[exact[::-1][:4], exact[:4]], rtol=0, atol=1e-11 * exact[-1])
    hessian = measures.Hessian(network.objective, network.params)
    operator = LinearOperator(network.hessian.shape, matvec=hessian.matvec, dtype=float)
    theirs = eigsh(operator, 4, which="LA", tol=0, return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(theirs)[::-1], found.values[:4], rtol=1e-10)


@pytest.mark.parametrize("tol", [1e-1, 1e-3])
def test_an_eigenvalue_that_is_not_searched_to_the_end_is_within_its_bound(network, tol):
    exact = np.linalg.eigvalsh(network.hessian)
    found = measures.eigenvalues(network.objective, network.params, tol=tol)
    assert found.residuals[0] <= tol * found.values[0]
    # The error falls with the square of the residual.
    assert 0 <= exact[-1] - found.values[0] <= found.residuals[0] ** 2 / (exact[-1] - exact[-2]) + 1e-12
    assert found.hvps < 30


def test_all_ritz_values_of_a_tiny_network_are_its_spectrum():
    network = trained(tiny)
    n = len(network.hessian)
    found = measures.eigenvalues(network.objective, network.params, n, tol=1e-12, max_hvps=4 * n)
    exact = np.linalg.eigvalsh(network.hessian)
    np.testing.assert_allclose(found.values, exact[::-1], rtol=0, atol=1e-12 * exact[-1])


def test_the_trace_is_exact_from_unit_vectors_and_within_three_standard_errors_from_signs(network):
    exact = np.trace(network.hessian)
    assert measures.trace(network.objective, network.params, method="exact").estimate == pytest.approx(exact, rel=1e-12)
    for method in ("hutchinson", "hutch++"):
        found = measures.trace(network.objective, network.params, 60, method=method)
        assert 0 < abs(found.estimate - exact) <= 3 * found.standard_error


def test_moments_of_the_density_are_traces_of_powers_within_three_standard_errors(network):
    n = len(network.hessian)
    found = measures.spectral_density(network.objective, network.params, steps=20, probes=24)
    for power in (1, 2, 3):
        terms = np.split(24 * found.weights * found.nodes**power, np.cumsum(found.sizes)[:-1])
        each = np.array([term.sum() for term in terms])
        exact = np.trace(np.linalg.matrix_power(network.hessian, power)) / n
        assert abs(each.mean() - exact) <= 3 * each.std(ddof=1) / np.sqrt(24)
    assert abs(found.mean - np.trace(network.hessian) / n) <= 3 * found.standard_error


def test_in_float32_curvature_is_that_of_float64_to_its_rounding():
    network = trained(lenet_like)
    exact = np.linalg.eigvalsh(network.hessian)
    single = jax.tree.map(lambda leaf: leaf.astype(np.float32), network.params)
    found = measures.eigenvalues(network.loss, single, 2, tol=1e-4)
    np.testing.assert_allclose(found.values, exact[::-1][:2], rtol=3e-6)
    trace = measures.trace(network.loss, single, 30, method="hutch++")
    same = measures.trace(network.objective, network.params, 30, method="hutch++")
    assert trace.estimate == pytest.approx(same.estimate, rel=1e-4)


def test_a_scalar_deep_linear_network_has_one_eigenvalue():
    """At a minimum of ``(prod w - P)^2 / 2`` the Hessian is ``P^2 (1/w)(1/w)'``."""
    w = np.array([0.5, -2.0, 1.5, 3.0])
    target = w.prod()

    def loss(w):
        return (jnp.prod(w) - target) ** 2 / 2

    expected = target**2 * np.sum(1 / w**2)
    found = measures.eigenvalues(loss, w, 4)
    np.testing.assert_allclose(found.values, [expected, 0, 0, 0], rtol=1e-12, atol=1e-12 * expected)
    assert measures.trace(loss, w, method="exact").estimate == pytest.approx(expected, rel=1e-12)
    assert measures.eigenvalues(loss, w).hvps == 3


def test_a_two_layer_linear_network_has_the_spectrum_of_two_kronecker_products():
    """At ``W2 W1 = M`` the non-zero spectrum is that of ``I (x) W1'W1 + W2 W2' (x) I``."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 4)), rng.normal(size=(3, 2))
    product = second @ first

    def loss(w):
        return jnp.sum((w["second"] @ w["first"] - product) ** 2) / 2

    matrix = np.kron(np.eye(3), first.T @ first) + np.kron(second @ second.T, np.eye(4))
    expected = np.linalg.eigvalsh(matrix)[::-1]
    rank = int(np.sum(expected > 1e-9))
    found = measures.eigenvalues(loss, {"first": first, "second": second}, 14)
    np.testing.assert_allclose(found.values[:rank], expected[:rank], rtol=1e-12)
    np.testing.assert_allclose(found.values[rank:], 0, atol=1e-12 * expected[0])
    trace = measures.trace(loss, {"first": first, "second": second}, method="exact").estimate
    assert trace == pytest.approx(np.trace(matrix), rel=1e-13)


RNG = np.random.default_rng(1)
X, W, CLASSES = RNG.normal(size=(30, 5)), RNG.normal(size=5), RNG.normal(size=(5, 3))
LABELS = RNG.integers(0, 3, size=30)


def least_squares(w):
    return jnp.mean((X @ w - jnp.asarray(LABELS, jnp.float64)) ** 2)


def logistic(w):
    return jnp.mean(jax.nn.softplus(X @ w) - jnp.asarray(LABELS > 0, jnp.float64) * (X @ w))


def softmax(w):
    return -jnp.mean(jax.nn.log_softmax(X @ w)[np.arange(30), LABELS])


def known(name):
    s = 1 / (1 + np.exp(-X @ W))
    p = np.exp(X @ CLASSES) / np.exp(X @ CLASSES).sum(axis=1, keepdims=True)
    return {
        "least squares": (least_squares, W, 2 / 30 * X.T @ X),
        "logistic": (logistic, W, (X.T * (s * (1 - s))) @ X / 30),
        "softmax": (
            softmax,
            CLASSES,
            np.mean([np.kron(np.outer(x, x), np.diag(q) - np.outer(q, q)) for x, q in zip(X, p, strict=True)], axis=0),
        ),
    }[name]


@pytest.mark.parametrize("name", ["least squares", "logistic", "softmax"])
def test_regressions_have_their_hessians_in_closed_form(name):
    loss, at, expected = known(name)
    n = len(expected)
    np.testing.assert_allclose(measures.Hessian(loss, at).dense(), expected, rtol=0, atol=1e-14)
    exact = np.linalg.eigvalsh(expected)
    found = measures.eigenvalues(loss, at, n)
    np.testing.assert_allclose(found.values, exact[::-1], rtol=0, atol=1e-13)
    assert measures.trace(loss, at, method="exact").estimate == pytest.approx(np.trace(expected), rel=1e-13)
    assert measures.spectral_density(loss, at, steps=n, probes=1).nodes.max() == pytest.approx(exact[-1], rel=1e-12)
