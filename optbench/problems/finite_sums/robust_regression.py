"""Regression with a loss that stops growing, on data with outliers: smooth, not convex, flat far away."""

from __future__ import annotations

from functools import cache, lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.finite_sums import design, minimum
from optbench.problems.landscape import Dims, Landscape, Parameter, box

#: Standard deviations of the targets' noise and of the outliers' displacement.
_NOISE = 0.5
_OUTLIERS = 10.0
#: Reweighted steps before Newton's, which need a positive definite Hessian.
_REWEIGHTED = 5


def _robust_regression(
    x: Array, condition: Array, outliers: Array, width: Array, rows: Array, targets: Array, shift: Array
) -> Array:
    """Mean of Geman and McClure's loss of the residuals of a linear model.

    Args:
        x: Point, shape (dim,).
        condition: Condition number of the covariance of the rows; it shapes the data.
        outliers: Part of the targets that is displaced; it shapes the data.
        width: Residual at which half the height of the loss is reached.
        rows: Design, shape (N, dim).
        targets: Targets, shape (N,).
        shift: By how much the instance is moved, shape (dim,).

    Returns:
        ``mean_i (width^2 / 2) r_i^2 / (width^2 + r_i^2)`` with ``r_i = rows_i . (x - shift) - targets_i``.

    References:
        Geman & McClure, 1985, Bayesian image analysis: an application to single photon emission tomography.
    """
    del condition, outliers
    residuals = rows @ (x - shift) - targets
    square = residuals * residuals
    wide = width * width
    return 0.5 * jnp.mean(wide * square / (wide + square))


def _batch(
    x: Array,
    indices: Array,
    condition: Array,
    outliers: Array,
    width: Array,
    rows: Array,
    targets: Array,
    shift: Array,
) -> Array:
    some = jnp.take(rows, indices, axis=0), jnp.take(targets, indices, axis=0)
    return _robust_regression(x, condition, outliers, width, *some, shift)


@lru_cache(maxsize=4)
def _drawn(dim: int, instance: int, condition: float, outliers: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws the design and the errors.

    Args:
        dim: Number of unknowns.
        instance: Seed.
        condition: Condition number of the covariance of the rows.
        outliers: Part of the targets that is displaced.

    Returns:
        The design, shape (N, dim), and the errors, shape (N,), outliers included.
    """
    n = design.n_terms(dim)
    rng = design.stream("robust_regression", dim, instance)
    rows = design.correlated(rng, n, dim, condition)
    noise = _NOISE * rng.standard_normal(n)
    displaced = np.where(rng.random(n) < outliers, _OUTLIERS * rng.standard_normal(n), 0.0)
    return rows, noise + displaced


@cache
def _minimum(dim: int, instance: int, condition: float, outliers: float, width: float) -> tuple[np.ndarray, float]:
    """Descends from 0, which made the errors, by reweighted least squares, then by Newton.

    Args:
        dim: Number of unknowns.
        instance: Seed.
        condition: Condition number of the covariance of the rows.
        outliers: Part of the targets that is displaced.
        width: Residual at which half the height of the loss is reached.

    Returns:
        The minimizer before it is moved, shape (dim,), and the minimum.
    """
    rows, targets = _drawn(dim, instance, condition, outliers)
    x, wide = np.zeros(dim), width * width

    def value(x: np.ndarray) -> float:
        square = minimum.dots(rows, x, -targets) ** 2
        return 0.5 * minimum.mean(wide * square / (wide + square))

    def gradient(x: np.ndarray) -> np.ndarray:
        r = minimum.dots(rows, x, -targets)
        return np.asarray(rows.T @ (r * (wide / (wide + r * r)) ** 2) / len(rows))

    def hessian(x: np.ndarray) -> np.ndarray:
        r = rows @ x - targets
        return np.asarray((rows.T * (wide**2 * (wide - 3.0 * r * r) / (wide + r * r) ** 3)) @ rows / len(rows))

    for _ in range(_REWEIGHTED):
        weighted = rows.T * (wide / (wide + (rows @ x - targets) ** 2)) ** 2
        x = np.linalg.solve(weighted @ rows, weighted @ targets)
    x = minimum.newton(value, gradient, hessian, x)
    return x, value(x)


def _shift(dim: int, *which: float) -> np.ndarray:
    return design.shift("robust_regression", dim, int(which[0]), _minimum(dim, *which)[0])


robust_regression = Landscape(
    name="robust_regression",
    f=_robust_regression,
    dims=Dims(minimum=2, maximum=1000, default=10),
    bounds=box(-design.HALF_BOX, design.HALF_BOX),
    x_star=lambda dim, *which: (_minimum(dim, *which)[0] + _shift(dim, *which))[None],
    f_star=lambda dim, *which: _minimum(dim, *which)[1],
    parameters={
        "condition": Parameter(10.0, 1.0, 1e3, "condition number of the covariance of the rows"),
        "outliers": Parameter(0.2, 0.0, 0.4, "part of the targets that is displaced"),
        "width": Parameter(2.0, 1.0, 10.0, "residual at which half the height of the loss is reached"),
    },
    data=lambda dim, *which: (*_drawn(dim, *which[:-1]), _shift(dim, *which)),
    own_instances=True,
    offset=design.offset("robust_regression"),
    batch=_batch,
    n_terms=design.n_terms,
    tags=frozenset({"plate"}),
    formula="mean_i (width^2/2) r_i^2/(width^2 + r_i^2), r_i = a_i . (x - shift) - y_i",
    reference="Geman & McClure, 1985",
    remarks="The minimum is the one below the point that made the data; descent from 40 starts on each of 8 data sets "
    "met no other.",
)
