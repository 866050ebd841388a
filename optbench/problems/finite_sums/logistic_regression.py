"""Logistic regression on two generated classes that overlap."""

from __future__ import annotations

from functools import cache, lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.special import expit

from optbench.problems.finite_sums import design, minimum
from optbench.problems.landscape import Dims, Landscape, Parameter, box

#: Standard deviation of the margins' slope: with it most labels, not all, are on the side that the model says.
_GAIN = 2.0


def fit(signed: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Minimizes ``mean_i log(1 + exp(-signed_i . x)) + penalty |x|^2 / 2``.

    Args:
        signed: Rows times their labels of +1 or -1, shape (N, dim).
        penalty: Weight of the regularizer.

    Returns:
        The minimizer, shape (dim,), and the minimum.
    """
    n, dim = signed.shape
    still = np.zeros(n)

    def value(x: np.ndarray) -> float:
        margins = minimum.dots(signed, x, still)
        return minimum.mean(np.logaddexp(0.0, -margins)) + 0.5 * penalty * float(x @ x)

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.asarray(penalty * x - signed.T @ expit(-minimum.dots(signed, x, still)) / n)

    def hessian(x: np.ndarray) -> np.ndarray:
        p = expit(signed @ x)
        return np.asarray((signed.T * (p * (1.0 - p))) @ signed / n + penalty * np.eye(dim))

    x = minimum.newton(value, gradient, hessian, np.zeros(dim))
    return x, value(x)


def _logistic_regression(x: Array, condition: Array, l2: Array, signed: Array, shift: Array) -> Array:
    """Mean logistic loss of two classes, with a quadratic regularizer that every batch has in full.

    Rows are Gaussian, times 2 / sqrt(dim), so that margins, loss and regularizer keep their size in every
    dimension. Labels are drawn from the model, so the classes overlap. An instance is moved as a whole, so that
    its minimizer stands in the middle of the box.

    Args:
        x: Point, shape (dim,).
        condition: Condition number of the covariance of the rows; it shapes the data.
        l2: Weight of the regularizer.
        signed: Rows times their labels of +1 or -1, shape (N, dim).
        shift: By how much the instance is moved, shape (dim,).

    Returns:
        ``mean_i log(1 + exp(-signed_i . w)) + l2 |w|^2 / (2 dim)`` with ``w = x - shift``.

    References:
        Cox, 1958, The regression analysis of binary sequences; as a benchmark: Bottou, Curtis & Nocedal,
        2018, Optimization methods for large-scale machine learning, SIAM Review 60(2).
    """
    del condition
    w = x - shift
    return jnp.mean(jax.nn.softplus(-(signed @ w))) + 0.5 * l2 * jnp.mean(w * w)


def _batch(x: Array, indices: Array, condition: Array, l2: Array, signed: Array, shift: Array) -> Array:
    return _logistic_regression(x, condition, l2, jnp.take(signed, indices, axis=0), shift)


@lru_cache(maxsize=4)
def _signed(dim: int, instance: int, condition: float) -> np.ndarray:
    """Returns rows times labels, shape (N, dim)."""
    rng = design.stream("logistic_regression", dim, instance)
    truth = design.place(rng, dim)
    rows = design.correlated(rng, design.n_terms(dim), dim, condition) * (_GAIN / np.sqrt(dim))
    labels = np.where(rng.random(len(rows)) < expit(rows @ truth), 1.0, -1.0)
    return np.asarray(labels[:, None] * rows)


@cache
def _minimum(dim: int, instance: int, condition: float, l2: float) -> tuple[np.ndarray, float]:
    """Returns the minimizer before it is moved, shape (dim,), and the minimum."""
    return fit(_signed(dim, instance, condition), l2 / dim)


def _shift(dim: int, instance: int, condition: float, l2: float) -> np.ndarray:
    return design.shift("logistic_regression", dim, instance, _minimum(dim, instance, condition, l2)[0])


logistic_regression = Landscape(
    name="logistic_regression",
    f=_logistic_regression,
    dims=Dims(minimum=2, maximum=1000, default=10),
    bounds=box(-design.HALF_BOX, design.HALF_BOX),
    x_star=lambda dim, *which: (_minimum(dim, *which)[0] + _shift(dim, *which))[None],
    f_star=lambda dim, *which: _minimum(dim, *which)[1],
    parameters={
        "condition": Parameter(10.0, 1.0, 1e4, "condition number of the covariance of the rows"),
        "l2": Parameter(1e-2, 1e-4, 1.0, "weight of the regularizer"),
    },
    data=lambda dim, instance, condition, l2: (
        _signed(dim, instance, condition),
        _shift(dim, instance, condition, l2),
    ),
    own_instances=True,
    offset=design.offset("logistic_regression"),
    batch=_batch,
    n_terms=design.n_terms,
    formula="mean_i log(1 + exp(-s_i a_i . w)) + l2 |w|^2/(2 dim), w = x - shift",
    reference="Cox, 1958; as a benchmark: Bottou, Curtis & Nocedal, 2018",
    remarks="The smallest curvature far out is that of the regularizer, l2/dim.",
)
