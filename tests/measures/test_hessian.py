"""The Hessian as an operator: against a dense one, its order of numbers, its counts, and what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import measures
from optbench.core.objective import Objective
from optbench.errors import UsageError
from tests.measures.quadratics import quadratic, symmetric

AT = {"w": np.arange(6.0).reshape(2, 3) / 5, "b": np.array([0.3, -0.2])}


def loss(params):
    return jnp.sum(jnp.tanh(params["w"] @ jnp.array([1.0, -2.0, 0.5]) + params["b"]) ** 2) + jnp.prod(params["b"])


def unflat(vector):
    return {"b": vector[:2], "w": vector[2:].reshape(2, 3)}


def test_it_is_the_dense_hessian_in_the_order_of_the_leaves():
    expected = np.asarray(jax.hessian(lambda v: loss(unflat(v)))(jnp.r_[AT["b"], AT["w"].ravel()]))
    hessian = measures.Hessian(loss, AT)
    np.testing.assert_allclose(hessian.dense(), expected, rtol=0, atol=1e-14)
    vectors = np.random.default_rng(0).normal(size=(3, 8))
    np.testing.assert_allclose(hessian.products(vectors), vectors @ expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(hessian.matvec(vectors[1]), expected @ vectors[1], rtol=0, atol=1e-13)
    assert np.array_equal(hessian.flat(hessian.tree(vectors[0])), vectors[0])


def test_products_are_counted_and_the_first_is_made_twice():
    hessian = measures.Hessian(loss, AT)
    assert (hessian.hvps, hessian.repeat_difference) == (0, None)
    hessian.matvec(np.ones(8))
    assert (hessian.hvps, hessian.repeat_difference) == (2, 0.0)
    hessian.products(np.ones((3, 8)))
    assert hessian.hvps == 5


def test_vectors_of_an_objective_in_float32_are_in_float64():
    matrix = symmetric([1.0, 2.0, 3.0])
    hessian = measures.Hessian(quadratic(matrix, dtype=np.float32), np.ones(3))
    product = hessian.matvec(np.ones(3))
    assert product.dtype == np.float64
    assert hessian.precision == np.finfo(np.float32).eps
    np.testing.assert_allclose(product, matrix @ np.ones(3), atol=1e-6)


class Changing(Objective):
    """An objective that breaks its promise: each product is another one."""

    def __init__(self, size):
        super().__init__(lambda w: jnp.sum(w * w), np.zeros(3))
        self.size, self.calls = size, 0

    def hvp(self, params, vector):
        self.calls += 1
        return super().hvp(params, vector) * (1 + self.size * self.calls)

    def hvps(self, params, vectors):
        self.calls += 1
        return super().hvps(params, vectors) * (1 + self.size * self.calls)


def test_a_loss_that_is_another_one_at_each_call_is_not_measured():
    said = "the same product with the Hessian differs by 0.083 of its length when it is made again"
    for measure in (measures.eigenvalues, measures.trace, measures.spectral_density):
        with pytest.raises(measures.NotApplicable, match=said):
            measure(Changing(0.1), np.ones(3))


def test_rounding_that_differs_is_kept_in_view_and_no_obstacle():
    """Sums on a GPU may be made in another order each time."""
    hessian = measures.Hessian(Changing(1e-15), np.ones(3))
    hessian.matvec(np.ones(3))
    assert 0 < hessian.repeat_difference < 1e-14


def test_a_loss_without_curvature_is_not_measured():
    with pytest.raises(measures.NotApplicable, match="a product with the Hessian is not finite"):
        measures.eigenvalues(lambda w: jnp.sum(jnp.sqrt(w)), np.zeros(2))


def test_a_dense_hessian_has_a_limit():
    with pytest.raises(UsageError) as raised:
        measures.Hessian(quadratic(np.eye(3)), np.ones(3)).dense(limit=2)
    assert str(raised.value) == (
        "the whole Hessian of 3 parameters has 7.2e-08 GB; the limit is 2 parameters; "
        "ask for eigenvalues, the trace or the spectral density, or give a larger limit"
    )


def test_a_point_of_another_shape_is_refused():
    with pytest.raises(UsageError, match=r"a point has shape \(3,\); got shape \(2,\)"):
        measures.eigenvalues(quadratic(np.eye(3)), np.ones(2))
