"""Sums of squares whose terms link neighbors, and others from the collections of least-squares test problems."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.landscape import Dims, Landscape, Matrix, at, box

_JY = "Jamil & Yang, 2013"
_MGH = "Moré, Garbow & Hillstrom, 1981"


def _cube(x: Array) -> Array:
    """Rosenbrock's valley along a cubic: its floor turns twice.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``(x_1 - 1)^2 + 100 sum_{i >= 2} (x_i - x_{i-1}^3)^2``.

    References:
        Leon, 1966, A comparison among eight known optimizing procedures, for two variables; CUTEst, CUBE.
    """
    head = x[:-1]
    link = x[1:] - head * head * head
    first = x[0] - 1.0
    return first * first + 100.0 * jnp.sum(link * link)


cube = Landscape(
    name="cube",
    f=_cube,
    dims=Dims(minimum=2),
    bounds=box(-10.0, 10.0),
    x_star=at(1.0),
    tags=frozenset({"valley"}),
    formula="(x_1 - 1)^2 + 100 sum_{i>=2} (x_i - x_{i-1}^3)^2",
    reference=f"Leon, 1966; {_JY}, 41; CUTEst, CUBE",
    remarks="Each residual brings one new variable, so that the minimum is the only point of gradient 0.",
)


def _chebyshev_rosenbrock(x: Array) -> Array:
    """Chain of Chebyshev polynomials: the way along the floor grows exponentially with the dimension.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``(x_1 - 1)^2 / 4 + sum_{i < dim} (x_{i+1} - 2 x_i^2 + 1)^2``.

    References:
        Gürbüzbalaban & Overton, 2012, On Nesterov's nonsmooth Chebyshev-Rosenbrock functions, the smooth one.
    """
    head = x[:-1]
    link = x[1:] - 2.0 * (head * head) + 1.0
    first = x[0] - 1.0
    return 0.25 * (first * first) + jnp.sum(link * link)


chebyshev_rosenbrock = Landscape(
    name="chebyshev_rosenbrock",
    f=_chebyshev_rosenbrock,
    dims=Dims(minimum=2),
    bounds=box(-2.0, 2.0),
    x_star=at(1.0),
    tags=frozenset({"valley"}),
    formula="(x_1 - 1)^2/4 + sum_{i<dim} (x_{i+1} - 2 x_i^2 + 1)^2",
    reference="Gürbüzbalaban & Overton, 2012, the smooth function of Nesterov",
    remarks="The minimum is the only point of gradient 0, and yet descent from (-1, 1, ..., 1) takes a number of steps "
    "that grows exponentially with the dimension. The literature has no box; this one is ours.",
)


def _freudenstein_roth(x: Array) -> Array:
    """Pairs of cubics with a second minimum far from the first.

    Args:
        x: Point, shape (dim,), dim even.

    Returns:
        ``sum (a - 13 + ((5 - b) b - 2) b)^2 + (a - 29 + ((b + 1) b - 14) b)^2`` over pairs (a, b).

    References:
        Freudenstein & Roth, 1963, Numerical solution of systems of nonlinear equations; Moré, Garbow &
        Hillstrom, 1981, problem 2; Andrei, 2008, for the pairs.
    """
    a, b = x[0::2], x[1::2]
    left = a - 13.0 + ((5.0 - b) * b - 2.0) * b
    right = a - 29.0 + ((b + 1.0) * b - 14.0) * b
    return jnp.sum(left * left + right * right)


freudenstein_roth = Landscape(
    name="freudenstein_roth",
    f=_freudenstein_roth,
    dims=Dims(minimum=2, multiple=2),
    bounds=box(-10.0, 10.0),
    x_star=lambda dim: np.resize([5.0, 4.0], (1, dim)),
    f_second=lambda dim: 48.984253679240003,
    tags=frozenset({"multimodal", "valley"}),
    formula="sum over pairs: (a - 13 + ((5 - b) b - 2) b)^2 + (a - 29 + ((b + 1) b - 14) b)^2",
    reference=f"Freudenstein & Roth, 1963; {_MGH}, problem 2; {_JY}, 56",
    remarks="The second minimum lies outside the box, at (11.41, -0.8968), and draws a good part of the starts.",
)


def _extended_tridiagonal_1(x: Array) -> Array:
    """Pairs of a square and a fourth power: convex, with a singular Hessian at the minimum.

    Args:
        x: Point, shape (dim,), dim even.

    Returns:
        ``sum (a + b - 3)^2 + (a - b + 1)^4`` over pairs (a, b).

    References:
        Andrei, 2008, An unconstrained optimization test functions collection, extended tridiagonal 1.
    """
    a, b = x[0::2], x[1::2]
    square, fourth = a + b - 3.0, a - b + 1.0
    fourth = fourth * fourth
    return jnp.sum(square * square + fourth * fourth)


extended_tridiagonal_1 = Landscape(
    name="extended_tridiagonal_1",
    f=_extended_tridiagonal_1,
    dims=Dims(minimum=2, multiple=2),
    bounds=box(-5.0, 5.0),
    x_star=lambda dim: np.resize([1.0, 2.0], (1, dim)),
    tags=frozenset({"valley"}),
    formula="sum over pairs: (a + b - 3)^2 + (a - b + 1)^4",
    reference="Andrei, 2008",
    remarks="Half of the directions are quartic, so that first-order methods end sublinearly. The literature has no "
    "box; this one is ours.",
)


def _arwhead(x: Array) -> Array:
    """All variables linked to the last one: the Hessian has the shape of an arrowhead.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum_{i < dim} (x_i^2 + x_dim^2)^2 - 4 x_i + 3``.

    References:
        Conn, Gould, Lescrenier & Toint, 1994, Performance of a multifrontal scheme for partially separable
        optimization, problem 55; CUTEst, ARWHEAD.
    """
    head, last = x[:-1], x[-1]
    square = head * head + last * last
    return jnp.sum(square * square - 4.0 * head + 3.0)


arwhead = Landscape(
    name="arwhead",
    f=_arwhead,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=lambda dim: np.append(np.ones(dim - 1), 0.0)[None],
    formula="sum_{i<dim} (x_i^2 + x_dim^2)^2 - 4 x_i + 3",
    reference="Conn et al., 1994, problem 55; CUTEst, ARWHEAD",
    remarks="Convex; the last variable feels all the others. The literature has no box; this one is ours.",
)


def _penalty_1(x: Array) -> Array:
    """Sphere as a penalty with a weight of 1e5 over the objective on it.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``1e-5 sum (x_i - 1)^2 + (sum x_i^2 - 1/4)^2``.

    References:
        Gill, Murray & Pitfield, 1972; Moré, Garbow & Hillstrom, 1981, problem 23.
    """
    v = x - 1.0
    wall = jnp.sum(x * x) - 0.25
    return 1e-5 * jnp.sum(v * v) + wall * wall


def _penalty_1_root(dim: int) -> float:
    """Returns the common coordinate t of the minimizer: 1e-5 (t - 1) + 2 t (dim t^2 - 1/4) = 0."""
    t = 0.5 / np.sqrt(dim) + 1e-5
    for _ in range(50):
        t -= (1e-5 * (t - 1.0) + 2.0 * t * (dim * t * t - 0.25)) / (1e-5 + 6.0 * dim * t * t - 0.5)
    return float(t)


def _penalty_1_minimum(dim: int) -> float:
    """Returns the minimum, the wall written by the root's equation so that no digits cancel."""
    t = _penalty_1_root(dim)
    wall = 0.5e-5 * (1.0 - t) / t
    return dim * 1e-5 * (t - 1.0) ** 2 + wall**2


penalty_1 = Landscape(
    name="penalty_1",
    f=_penalty_1,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=lambda dim: np.full((1, dim), _penalty_1_root(dim)),
    f_star=_penalty_1_minimum,
    tags=frozenset({"valley"}),
    formula="1e-5 sum_i (x_i - 1)^2 + (sum_i x_i^2 - 1/4)^2",
    reference=f"Gill et al., 1972; {_MGH}, problem 23",
    remarks="Runs fall onto the sphere at once and then creep along it: its slope is 1e-5 of the wall's. The "
    "literature has no box; this one is ours.",
)


def _discrete_boundary_value(x: Array) -> Array:
    """Discretized boundary value problem: the condition number grows with the fourth power of the dimension.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum (2 x_i - x_{i-1} - x_{i+1} + h^2 (x_i + t_i + 1)^3 / 2)^2`` with ``h = 1/(dim + 1)``,
        ``t_i = i h`` and ``x_0 = x_{dim+1} = 0``.

    References:
        Moré & Cosnard, 1979, Numerical solution of nonlinear equations; Moré, Garbow & Hillstrom, 1981, problem 28.
    """
    h = 1.0 / (x.shape[0] + 1)
    load = x + (1.0 + h * np.arange(1, x.shape[0] + 1)).astype(x.dtype)
    none = jnp.zeros_like(x[:1])
    bend = 2.0 * x - jnp.concatenate([none, x[:-1]]) - jnp.concatenate([x[1:], none])
    residual = bend + (0.5 * h * h) * (load * load * load)
    return jnp.sum(residual * residual)


def _discrete_boundary_value_root(dim: int) -> Matrix:
    """Returns the root of the residuals by Newton's method, the last steps with residuals in extended precision."""
    h = np.longdouble(1) / (dim + 1)
    t = h * np.arange(1, dim + 1) + 1
    bend = 2.0 * np.eye(dim) - np.eye(dim, k=1) - np.eye(dim, k=-1)
    x = np.zeros(dim, np.longdouble)
    for _ in range(12):
        residual = 2 * x - np.append(0, x[:-1]) - np.append(x[1:], 0) + h * h * (x + t) ** 3 / 2
        slope = bend + np.diag((1.5 * h * h * (x + t) ** 2).astype(np.float64))
        x -= np.linalg.solve(slope, residual.astype(np.float64))
    return x.astype(np.float64)[None]


discrete_boundary_value = Landscape(
    name="discrete_boundary_value",
    f=_discrete_boundary_value,
    dims=Dims(minimum=2, default=10),
    bounds=box(-1.0, 1.0),
    x_star=_discrete_boundary_value_root,
    tags=frozenset({"valley"}),
    formula="sum_i (2 x_i - x_{i-1} - x_{i+1} + h^2 (x_i + i h + 1)^3/2)^2, h = 1/(dim+1), x_0 = x_{dim+1} = 0",
    reference=f"Moré & Cosnard, 1979; {_MGH}, problem 28; CUTEst, MOREBV",
    remarks="The Jacobian is regular everywhere, so that the root is the only point of gradient 0. The "
    "literature has no box; this one is ours.",
)


def _wood(x: Array) -> Array:
    """Two Rosenbrock valleys that a mixed term couples, for every group of four variables.

    Args:
        x: Point, shape (dim,), dim a multiple of 4.

    Returns:
        ``sum 100 (b - a^2)^2 + (1 - a)^2 + 90 (d - c^2)^2 + (1 - c)^2 + 10.1 ((b - 1)^2 + (d - 1)^2)
        + 19.8 (b - 1) (d - 1)`` over groups (a, b, c, d).

    References:
        Colville, 1968, A comparative study of nonlinear programming codes; Moré, Garbow & Hillstrom, 1981,
        problem 14; CUTEst, WOODS, for the groups.
    """
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    p, q, r, s = b - a * a, 1.0 - a, d - c * c, 1.0 - c
    u, v = b - 1.0, d - 1.0
    plain = 100.0 * (p * p) + q * q + 90.0 * (r * r) + s * s
    return jnp.sum(plain + 10.1 * (u * u + v * v) + 19.8 * (u * v))


wood = Landscape(
    name="wood",
    f=_wood,
    dims=Dims(minimum=4, multiple=4, default=4),
    bounds=box(-10.0, 10.0),
    x_star=at(1.0),
    tags=frozenset({"valley"}),
    formula="sum over groups of four: 100 (b - a^2)^2 + (1 - a)^2 + 90 (d - c^2)^2 + (1 - c)^2 "
    "+ 10.1 ((b - 1)^2 + (d - 1)^2) + 19.8 (b - 1) (d - 1)",
    reference=f"Colville, 1968; {_MGH}, problem 14; {_JY}, 36; CUTEst, WOODS",
    remarks="A saddle near (-1, 1, -1, 1), of value 7.9 a group, holds runs up.",
)
