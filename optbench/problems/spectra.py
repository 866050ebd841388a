"""Convex quadratics, each with a spectrum of its own: one flat axis, one steep axis, chains, a steep diagonal."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.landscape import Dims, Landscape, Matrix, at, box

_SB = "Surjanovic & Bingham, 2013"
_JY = "Jamil & Yang, 2013"
_BBOB = "Hansen et al., 2009, BBOB noiseless functions"


def _bent_cigar(x: Array) -> Array:
    """Quadratic with one flat axis among steep ones.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``x_1^2 + 1e6 sum_{i >= 2} x_i^2``.

    References:
        Hansen, Finck, Ros & Auger, 2009, INRIA RR-6829, f12 (without the rotation and the bend).
    """
    return x[0] * x[0] + 1e6 * jnp.sum(x[1:] * x[1:])


bent_cigar = Landscape(
    name="bent_cigar",
    f=_bent_cigar,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    tags=frozenset({"quadratic", "separable"}),
    formula="x_1^2 + 1e6 sum_{i>=2} x_i^2",
    reference=f"{_BBOB}, f12 without its rotation and bend",
    remarks="A rate that suits the steep axes leaves the flat one where it is.",
)


def _discus(x: Array) -> Array:
    """Quadratic with one steep axis among flat ones.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``1e6 x_1^2 + sum_{i >= 2} x_i^2``.

    References:
        Hansen, Finck, Ros & Auger, 2009, INRIA RR-6829, f11 (without the rotation and the oscillation).
    """
    return 1e6 * (x[0] * x[0]) + jnp.sum(x[1:] * x[1:])


discus = Landscape(
    name="discus",
    f=_discus,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    tags=frozenset({"quadratic", "separable"}),
    formula="1e6 x_1^2 + sum_{i>=2} x_i^2",
    reference=f"{_BBOB}, f11 without its rotation and oscillation",
    remarks="One axis dictates the rate; momentum and preconditioning pay most here.",
)


def _schwefel_1_2(x: Array) -> Array:
    """Squares of the partial sums: a quadratic turned against the axes, of condition near 1.6 dim^2.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum_i (x_1 + ... + x_i)^2``.

    References:
        Schwefel, 1981, Numerical optimization of computer models, problem 1.2; Yao, Liu & Lin, 1999, f3.
    """
    partial = jnp.cumsum(x)
    return jnp.sum(partial * partial)


schwefel_1_2 = Landscape(
    name="schwefel_1_2",
    f=_schwefel_1_2,
    dims=Dims(minimum=2, default=10),
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    tags=frozenset({"quadratic"}),
    formula="sum_i (x_1 + ... + x_i)^2",
    reference=f"Schwefel, 1981, problem 1.2; Yao et al., 1999, f3; {_JY}, 119",
    remarks="Its axes are no coordinates, so that one rate per coordinate helps little.",
)


def _trid(x: Array) -> Array:
    """Quadratic with a tridiagonal Hessian: its minimizer is a parabola as high as dim^2/4.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum (x_i - 1)^2 - sum_{i >= 2} x_i x_{i-1}``.

    References:
        Neumaier's collection; Surjanovic & Bingham, 2013; Jamil & Yang, 2013, 150 and 151.
    """
    v = x - 1.0
    return jnp.sum(v * v) - jnp.sum(x[1:] * x[:-1])


def _trid_minimizer(dim: int) -> Matrix:
    """Returns the minimizer ``x_i = i (dim + 1 - i)``."""
    i = np.arange(1.0, dim + 1)
    return (i * (dim + 1 - i))[None]


trid = Landscape(
    name="trid",
    f=_trid,
    dims=Dims(minimum=2, default=10),
    bounds=lambda dim: np.tile([-float(dim * dim), float(dim * dim)], (dim, 1)),
    x_star=_trid_minimizer,
    f_star=lambda dim: -dim * (dim + 4) * (dim - 1) / 6,
    tags=frozenset({"quadratic"}),
    formula="sum_i (x_i - 1)^2 - sum_{i>=2} x_i x_{i-1}",
    reference=f"{_SB}; {_JY}, 150 and 151",
    remarks="The Hessian is that of a chain of springs, of condition near 0.4 dim^2; f_star is "
    "-dim (dim + 4) (dim - 1)/6.",
)


def _sargan(x: Array) -> Array:
    """Quadratic that is steep along the diagonal and round across it.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``dim sum_i (x_i^2 + 0.4 sum_{j != i} x_i x_j)``.

    References:
        Dixon & Szego, 1978, Towards global optimisation 2; Jamil & Yang, 2013, 111.
    """
    total = jnp.sum(x)
    return x.shape[0] * (0.6 * jnp.sum(x * x) + 0.4 * (total * total))


sargan = Landscape(
    name="sargan",
    f=_sargan,
    dims=Dims(minimum=2, default=10),
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    tags=frozenset({"quadratic"}),
    formula="dim sum_i (x_i^2 + 0.4 sum_{j != i} x_i x_j)",
    reference=f"Dixon & Szego, 1978; {_JY}, 111",
    remarks="One eigenvalue is 1 + 2 dim/3 times the others, and its axis is the diagonal.",
)
