"""Curvature of a small trained network beside matfree's, in JAX, and curvlinops', in torch on the same weights."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import measures
from tests.measures.small_networks import digits, tiny, trained


@pytest.fixture(scope="module")
def network():
    return trained(tiny)


def test_ritz_values_and_weights_are_those_of_matfree_from_the_same_start(network):
    decomp = pytest.importorskip("matfree.decomp")
    from optbench.measures.lanczos import Krylov

    n, steps = len(network.hessian), 12
    start = np.random.default_rng(0).normal(size=n)
    matrix = jnp.asarray(network.hessian)
    _, small, *_ = decomp.tridiag_sym(steps)(lambda v: matrix @ v, jnp.asarray(start))
    theirs, vectors = np.linalg.eigh(np.asarray(small))
    space = Krylov(measures.Hessian(network.objective, network.params).matvec, start, precision=2.2e-16)
    for _ in range(steps):
        space.step()
    ours = space.ritz()
    np.testing.assert_allclose(ours.values, theirs, rtol=0, atol=1e-11 * theirs[-1])
    np.testing.assert_allclose(ours.coefficients[0] ** 2, vectors[0] ** 2, rtol=0, atol=1e-10)


def test_the_trace_agrees_with_matfree_s_xtrace(network):
    """XTrace is another estimator: both are within their errors of the whole trace."""
    stochtrace = pytest.importorskip("matfree.stochtrace")
    n, exact = len(network.hessian), np.trace(network.hessian)
    matrix = jnp.asarray(network.hessian)
    sampler = stochtrace.sampler_normal(jnp.zeros(n), num=24)
    estimate = stochtrace.estimator_leave_one_out_mean_and_sem(stochtrace.leave_one_out_xtrace(), sampler)
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        theirs, error = map(float, estimate(lambda v: matrix @ v, jax.random.key(0)))
    ours = measures.trace(network.objective, network.params, 48, method="hutch++")
    assert abs(ours.estimate - exact) <= 3 * ours.standard_error
    assert abs(ours.estimate - theirs) <= 3 * np.hypot(ours.standard_error, error)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_products_and_eigenvalues_are_those_of_curvlinops_in_torch(network):
    torch = pytest.importorskip("torch")
    curvlinops = pytest.importorskip("curvlinops")
    from scipy.sparse.linalg import eigsh

    x, y = digits(40)
    images = torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float64)
    classes = torch.tensor(y.argmax(axis=1))
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.Tanh(), torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(27, 10)
    ).double()
    kernel, shift, dense, bias = (network.params[name] for name in ("kernel", "shift", "dense", "bias"))
    # Torch has channels first: of the kernel, and of what the dense layer is given.
    dense_there = dense.reshape(3, 3, 3, 10).transpose(3, 2, 0, 1).reshape(10, 27)
    with torch.no_grad():
        for parameter, value in zip(
            model.parameters(), (kernel.transpose(3, 2, 0, 1), shift, dense_there, bias), strict=True
        ):
            parameter.copy_(torch.tensor(value))
    operator = curvlinops.HessianLinearOperator(
        model, torch.nn.CrossEntropyLoss(), list(model.parameters()), [(images, classes)]
    ).to_scipy()
    found = measures.eigenvalues(network.objective, network.params, 2, tol=1e-10)
    theirs = eigsh(operator, 2, which="LA", tol=1e-12, return_eigenvectors=False)
    np.testing.assert_allclose(found.values, np.sort(theirs)[::-1], rtol=1e-9)
    rng = np.random.default_rng(0)
    vector = {name: rng.normal(size=leaf.shape) for name, leaf in network.params.items()}
    there = np.concatenate([
        vector["kernel"].transpose(3, 2, 0, 1).ravel(),
        vector["shift"],
        vector["dense"].reshape(3, 3, 3, 10).transpose(3, 2, 0, 1).ravel(),
        vector["bias"],
    ])  # fmt: skip
    product = network.objective.hvp(network.params, vector)
    quadratic = sum(float(np.sum(vector[name] * product[name])) for name in vector)
    assert there @ (operator @ there) == pytest.approx(quadratic, rel=1e-10)
