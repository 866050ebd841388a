"""Least squares on a generated design of known condition number."""

from __future__ import annotations

from functools import cache, lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.finite_sums import design, minimum
from optbench.problems.instances import haar
from optbench.problems.landscape import Dims, Landscape, Parameter, box


def _least_squares(x: Array, condition: Array, noise: Array, rows: Array, targets: Array) -> Array:
    """Mean of half the squared residuals of a linear model.

    The Hessian ``rows' rows / N`` has eigenvalues from 1 down to ``1 / condition``, a constant factor
    apart, about random axes. The noise is orthogonal to the columns, so the minimizer is the drawn point,
    and its mean square is ``noise^2``, so f_star = noise^2 / 2 but for rounding.

    Args:
        x: Point, shape (dim,).
        condition: Condition number of the Hessian; it shapes the data.
        noise: Root mean square of the residuals at the minimum; it shapes the data.
        rows: Design, shape (N, dim).
        targets: Targets, shape (N,).

    Returns:
        ``sum_i (rows_i . x - targets_i)^2 / (2 N)``.

    References:
        Gauss, 1809, Theoria motus; as a benchmark: Bottou, Curtis & Nocedal, 2018, Optimization methods for
        large-scale machine learning, SIAM Review 60(2).
    """
    del condition, noise
    residuals = rows @ x - targets
    return 0.5 * jnp.mean(residuals * residuals)


def _batch(x: Array, indices: Array, condition: Array, noise: Array, rows: Array, targets: Array) -> Array:
    return _least_squares(x, condition, noise, jnp.take(rows, indices, axis=0), jnp.take(targets, indices, axis=0))


@lru_cache(maxsize=4)
def _data(dim: int, instance: int, condition: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws the design and the targets.

    Args:
        dim: Number of unknowns.
        instance: Seed.
        condition: Condition number of the Hessian.
        noise: Root mean square of the residuals at the minimum.

    Returns:
        The design, shape (N, dim), and the targets, shape (N,).
    """
    n = design.n_terms(dim)
    rng = design.stream("least_squares", dim, instance)
    truth = design.place(rng, dim)
    basis, _ = np.linalg.qr(rng.standard_normal((n, dim)))
    rows = np.sqrt(n) * basis * design.scales(dim, condition) @ haar(rng, dim).T
    error = rng.standard_normal(n)
    error -= basis @ (basis.T @ error)
    return rows, rows @ truth + noise * error / np.sqrt(np.mean(error * error))


@cache
def _minimum(dim: int, instance: int, condition: float, noise: float) -> tuple[np.ndarray, float]:
    """Returns the minimizer, shape (dim,), and the minimum."""
    rows, targets = _data(dim, instance, condition, noise)
    hessian = rows.T @ rows / len(rows)

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.asarray(rows.T @ minimum.dots(rows, x, -targets) / len(rows))

    def value(x: np.ndarray) -> float:
        return 0.5 * minimum.mean(minimum.dots(rows, x, -targets) ** 2)

    start = np.linalg.solve(hessian, rows.T @ targets / len(rows))
    x = minimum.newton(value, gradient, lambda x: hessian, start)
    return x, value(x)


least_squares = Landscape(
    name="least_squares",
    f=_least_squares,
    dims=Dims(minimum=2, maximum=1000, default=10),
    bounds=box(-design.HALF_BOX, design.HALF_BOX),
    x_star=lambda dim, *which: _minimum(dim, *which)[0][None],
    f_star=lambda dim, *which: _minimum(dim, *which)[1],
    parameters={
        "condition": Parameter(1e2, 1.0, 1e6, "condition number of the Hessian"),
        "noise": Parameter(0.5, 0.0, 10.0, "root mean square of the residuals at the minimum"),
    },
    data=_data,
    own_instances=True,
    offset=design.offset("least_squares"),
    batch=_batch,
    n_terms=design.n_terms,
    tags=frozenset({"quadratic"}),
    formula="sum_i (a_i . x - y_i)^2 / (2 N), eigenvalues of A'A/N from 1 to 1/condition",
    reference="Gauss, 1809; as a benchmark: Bottou, Curtis & Nocedal, 2018",
    remarks="With noise 0 every term has its minimum at the same point, and gradients of batches vanish there.",
)
