"""Factorization of a square matrix of low rank: saddles, a manifold of minimizers, no bad local minimum."""

from __future__ import annotations

from functools import cache, lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.finite_sums import design, minimum
from optbench.problems.landscape import Dims, Landscape, Parameter, box

_HALF_BOX = 4.0
#: Largest entry of the factors that make the matrix, in magnitude; no balanced pair leaves the box.
_ENTRY = 1.5


def shape(dim: int) -> tuple[int, int]:
    """Returns the edge n of the matrix and the rank r, with ``dim = 2 n r``.

    The rank is the largest divisor of ``dim / 2`` with ``10 r^2 <= dim``, or 1.

    Args:
        dim: An even number.

    Returns:
        Edge and rank.

    Example:
        >>> [shape(dim) for dim in (2, 10, 40, 100, 1000)]
        [(1, 1), (5, 1), (10, 2), (25, 2), (50, 10)]
    """
    rank = max(r for r in range(1, dim) if dim // 2 % r == 0 and (10 * r * r <= dim or r == 1))
    return dim // (2 * rank), rank


def _matrix_factorization(x: Array, noise: Array, matrix: Array) -> Array:
    """Mean squared error of ``U V'`` over all entries of a matrix; each entry is a term.

    Args:
        x: Point, shape (dim,): U by rows, shape (n, r), then V by rows, shape (n, r).
        noise: Standard deviation of the noise on the entries; it shapes the data.
        matrix: What is to be factorized, shape (n, n).

    Returns:
        ``sum_{i,j} (u_i . v_j - matrix_ij)^2 / n^2``.

    References:
        Srebro & Jaakkola, 2003, Weighted low-rank approximations, ICML: every stationary point but the
        minimizers is a saddle; Eckart & Young, 1936, for the minimum.
    """
    del noise
    n = matrix.shape[0]
    left, right = x.reshape(2, n, -1)
    residuals = left @ right.T - matrix
    return jnp.mean(residuals * residuals)


def _batch(x: Array, indices: Array, noise: Array, matrix: Array) -> Array:
    del noise
    n = matrix.shape[0]
    left, right = x.reshape(2, n, -1)
    i, j = indices // n, indices % n
    residuals = jnp.sum(left[i] * right[j], axis=1) - jnp.asarray(matrix)[i, j]
    return jnp.mean(residuals * residuals)


@lru_cache(maxsize=4)
def _matrix(dim: int, instance: int, noise: float) -> np.ndarray:
    n, rank = shape(dim)
    rng = design.stream("matrix_factorization", dim, instance)
    # Entries away from 0, so that the matrix of dimension 2, a single number, is none that 0 would solve.
    left, right = rng.uniform(0.5, _ENTRY, (2, n, rank)) * np.where(rng.random((2, n, rank)) < 0.5, -1.0, 1.0)
    return np.asarray(left @ right.T + noise * rng.standard_normal((n, n)))


@cache
def _minimum(dim: int, instance: int, noise: float) -> tuple[np.ndarray, float]:
    """Returns two balanced minimizers, shape (2, dim), and the minimum: the discarded part of the SVD."""
    rank = shape(dim)[1]
    matrix = _matrix(dim, instance, noise)
    u, s, v = np.linalg.svd(matrix)
    root = np.sqrt(s[:rank])
    turn = np.linalg.qr(design.stream("matrix_factorization turn", dim, instance).standard_normal((rank, rank)))[0]
    left, right = u[:, :rank] * root @ turn, (v[:rank].T * root) @ turn
    x = np.concatenate([left.ravel(), right.ravel()])
    residuals = np.concatenate([minimum.dots(right, row, -target) for row, target in zip(left, matrix, strict=True)])
    return np.stack([x, -x]), minimum.mean(residuals**2)


matrix_factorization = Landscape(
    name="matrix_factorization",
    f=_matrix_factorization,
    dims=Dims(minimum=2, maximum=1000, multiple=2, default=10),
    bounds=box(-_HALF_BOX, _HALF_BOX),
    x_star=lambda dim, *which: _minimum(dim, *which)[0],
    f_star=lambda dim, *which: _minimum(dim, *which)[1],
    parameters={"noise": Parameter(0.1, 0.0, 1.0, "standard deviation of the noise on the entries")},
    data=lambda dim, instance, noise: (_matrix(dim, instance, noise),),
    own_instances=True,
    offset=design.offset("matrix_factorization"),
    batch=_batch,
    n_terms=lambda dim: shape(dim)[0] ** 2,
    formula="sum_{i,j} (u_i . v_j - M_ij)^2/n^2, U and V of shape (n, r), dim = 2 n r",
    reference="Srebro & Jaakkola, 2003; minimum: Eckart & Young, 1936",
    remarks="(U Q, V Q^-T) is as good as (U, V), so the minimizers are a manifold; two balanced ones are listed.",
)
