"""Valleys: curved, flat or ill-conditioned ones, most with a single minimum."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems import trigonometry
from optbench.problems.landscape import TWO_D, Dims, Landscape, Matrix, at, box, constant

_SB = "Surjanovic & Bingham, 2013"
_JY = "Jamil & Yang, 2013"


def _rosenbrock(x: Array) -> Array:
    """Curved valley along a parabola, easy to enter and slow to follow.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2``.

    References:
        Rosenbrock, 1960, An automatic method for finding the greatest or least value of a function.
    """
    head, tail = x[:-1], x[1:]
    ridge = tail - head * head
    slow = 1.0 - head
    return jnp.sum(100.0 * (ridge * ridge) + slow * slow)


def _rosenbrock_second(dim: int) -> float | None:
    """Returns the value of the minimum near (-1, 1, ..., 1), which exists from dimension 4 on.

    Args:
        dim: Dimension.

    Returns:
        The value, found by Newton's method, or ``None``.

    References:
        Kok & Sandrock, 2009, Locating and characterizing the stationary points of the extended
        Rosenbrock function, Evolutionary Computation 17(3): two minima from dimension 4 on.
    """
    if dim < 4:
        return None
    x = np.ones(dim)
    x[0] = -1.0
    head, tail = slice(None, -1), slice(1, None)
    for _ in range(50):
        ridge = x[tail] - x[head] ** 2
        grad = np.zeros(dim)
        grad[head] = -400.0 * x[head] * ridge - 2.0 * (1.0 - x[head])
        grad[tail] += 200.0 * ridge
        diagonal = np.zeros(dim)
        diagonal[head] = 1200.0 * x[head] ** 2 - 400.0 * x[tail] + 2.0
        diagonal[tail] += 200.0
        beside = -400.0 * x[head]
        x -= np.linalg.solve(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1), grad)
    return float(np.sum(100.0 * (x[tail] - x[head] ** 2) ** 2 + (1.0 - x[head]) ** 2))


rosenbrock = Landscape(
    name="rosenbrock",
    f=_rosenbrock,
    dims=Dims(minimum=2),
    bounds=box(-5.0, 10.0),
    x_star=at(1.0),
    f_second=_rosenbrock_second,
    tags=frozenset({"valley"}),
    formula="sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2",
    reference=f"Rosenbrock, 1960; {_SB}; second minimum: Kok & Sandrock, 2009",
    remarks="From dimension 4 on it has a second minimum near (-1, 1, ..., 1), of value 3.7 to 4.0.",
)


def _beale(x: Array) -> Array:
    """Flat valley with steep ridges toward the corners of its box.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2``.

    References:
        Beale, 1958, On an iterative method for finding a local minimum of a function of more than one variable.
    """
    u, v = x[0], x[1]
    square = v * v
    a = 1.5 - u * (1.0 - v)
    b = 2.25 - u * (1.0 - square)
    c = 2.625 - u * (1.0 - square * v)
    return a * a + b * b + c * c


beale = Landscape(
    name="beale",
    f=_beale,
    dims=TWO_D,
    bounds=box(-4.5, 4.5),
    x_star=at((3.0, 0.5)),
    tags=frozenset({"valley"}),
    formula="(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2",
    reference=f"Beale, 1958; {_SB}",
    remarks="Saddle of value 14.2 at (0, 1). Far out along x (1 - y) = 0.99 the floor stays above 0.45: runs that "
    "enter that valley follow it without end.",
)


def _dixon_price(x: Array) -> Array:
    """Chain of parabolas whose weights grow with the coordinate.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``(x_1 - 1)^2 + sum_{i >= 2} i (2 x_i^2 - x_{i-1})^2``.

    References:
        Dixon & Price, 1989, Truncated Newton method for sparse unconstrained optimization using
        automatic differentiation.
    """
    head, tail = x[:-1], x[1:]
    weights = np.arange(2, x.shape[0] + 1).astype(x.dtype)
    link = 2.0 * (tail * tail) - head
    first = x[0] - 1.0
    return first * first + jnp.sum(weights * (link * link))


def _dixon_price_minima(dim: int) -> Matrix:
    """Returns the two minimizers: the sign of the last coordinate is free."""
    point = 2.0 ** (2.0 ** (1.0 - np.arange(1, dim + 1)) - 1.0)
    mirrored = point.copy()
    mirrored[-1] *= -1.0
    return np.stack([point, mirrored])


dixon_price = Landscape(
    name="dixon_price",
    f=_dixon_price,
    dims=Dims(minimum=2),
    bounds=box(-10.0, 10.0),
    x_star=_dixon_price_minima,
    f_second=lambda dim: 2.0 / 3.0 if dim > 2 else None,
    tags=frozenset({"valley"}),
    formula="(x_1 - 1)^2 + sum_{i>=2} i (2 x_i^2 - x_{i-1})^2",
    reference=f"Dixon & Price, 1989; {_SB}",
    remarks="From dimension 3 on, (1/3, 0, ..., 0) of value 2/3 is a degenerate critical point: the way out is so flat "
    "that it acts as a local minimum, and it is counted as the second one.",
)


def _powell_singular(x: Array) -> Array:
    """Quartic valley whose Hessian is singular at the minimum.

    Args:
        x: Point, shape (dim,), dim a multiple of 4.

    Returns:
        ``sum (a + 10 b)^2 + 5 (c - d)^2 + (b - 2 c)^4 + 10 (a - d)^4`` over groups (a, b, c, d).

    References:
        Powell, 1962, An iterative method for finding stationary values of a function of several variables.
    """
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    p, q, r, s = a + 10.0 * b, c - d, b - 2.0 * c, a - d
    r, s = r * r, s * s
    return jnp.sum(p * p + 5.0 * (q * q) + r * r + 10.0 * (s * s))


powell_singular = Landscape(
    name="powell_singular",
    f=_powell_singular,
    dims=Dims(minimum=4, multiple=4, default=4),
    bounds=box(-4.0, 5.0),
    x_star=at(0.0),
    tags=frozenset({"valley"}),
    formula="sum over groups of four: (a + 10 b)^2 + 5 (c - d)^2 + (b - 2 c)^4 + 10 (a - d)^4",
    reference=f"Powell, 1962; {_SB}",
    remarks="The Hessian at the minimum has rank dim/2, so that first-order methods end sublinearly.",
)


def _zakharov(x: Array) -> Array:
    """Quadratic bowl with a fourth power of one weighted sum.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum x_i^2 + s^2 + s^4`` with ``s = sum i x_i / 2``.

    References:
        Jamil & Yang, 2013; Surjanovic & Bingham, 2013.
    """
    weights = (0.5 * np.arange(1, x.shape[0] + 1)).astype(x.dtype)
    s = jnp.sum(weights * x)
    s = s * s
    return jnp.sum(x * x) + s + s * s


zakharov = Landscape(
    name="zakharov",
    f=_zakharov,
    bounds=box(-5.0, 10.0),
    x_star=at(0.0),
    tags=frozenset({"valley"}),
    formula="sum_i x_i^2 + s^2 + s^4 with s = sum_i i x_i / 2",
    reference=f"{_JY}; {_SB}",
)


def _booth(x: Array) -> Array:
    """Quadratic in two variables with condition number 9.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(x + 2y - 7)^2 + (2x + y - 5)^2``.

    References:
        Jamil & Yang, 2013, A literature survey of benchmark functions for global optimization problems.
    """
    a = x[0] + 2.0 * x[1] - 7.0
    b = 2.0 * x[0] + x[1] - 5.0
    return a * a + b * b


booth = Landscape(
    name="booth",
    f=_booth,
    dims=TWO_D,
    bounds=box(-10.0, 10.0),
    x_star=at((1.0, 3.0)),
    tags=frozenset({"quadratic"}),
    formula="(x + 2 y - 7)^2 + (2 x + y - 5)^2",
    reference=f"{_JY}; {_SB}",
)


def _matyas(x: Array) -> Array:
    """Quadratic in two variables with condition number 25, its axes along the diagonals.

    Args:
        x: Point, shape (2,).

    Returns:
        ``0.26 (x^2 + y^2) - 0.48 x y``.

    References:
        Jamil & Yang, 2013, A literature survey of benchmark functions for global optimization problems.
    """
    return 0.26 * (x[0] * x[0] + x[1] * x[1]) - 0.48 * (x[0] * x[1])


matyas = Landscape(
    name="matyas",
    f=_matyas,
    dims=TWO_D,
    bounds=box(-10.0, 10.0),
    x_star=at(0.0),
    tags=frozenset({"quadratic"}),
    formula="0.26 (x^2 + y^2) - 0.48 x y",
    reference=f"{_JY}; {_SB}",
)


def _mccormick(x: Array) -> Array:
    """Sine waves on a tilted trough, which descends without end along x = y.

    Args:
        x: Point, shape (2,).

    Returns:
        ``sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1``.

    References:
        McCormick, 1976, Computability of global solutions to factorable nonconvex programs, part I;
        Adorio & Diliman, 2005.
    """
    across = x[0] - x[1]
    return trigonometry.sin(x[0] + x[1]) + across * across - 1.5 * x[0] + 2.5 * x[1] + 1.0


mccormick = Landscape(
    name="mccormick",
    f=_mccormick,
    dims=TWO_D,
    bounds=lambda dim: np.array([[-1.5, 4.0], [-3.0, 4.0]]),
    x_star=at((0.5 - np.pi / 3, -0.5 - np.pi / 3)),
    f_star=constant(-np.sqrt(3) / 2 - np.pi / 3),
    f_second=constant(2 * np.pi / 3 - np.sqrt(3) / 2),
    tags=frozenset({"multimodal", "box_only"}),
    formula="sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1",
    reference=f"McCormick, 1976; {_JY}; {_SB}",
    remarks="Unbounded below: each step of pi along x = y toward the lower left lowers it by pi.",
)


def _three_hump_camel(x: Array) -> Array:
    """Sixth-degree polynomial with three minima in a row.

    Args:
        x: Point, shape (2,).

    Returns:
        ``2 x^2 - 1.05 x^4 + x^6 / 6 + x y + y^2``.

    References:
        Branin, 1972, Widely convergent method for finding multiple solutions of simultaneous
        nonlinear equations.
    """
    square = x[0] * x[0]
    return square * (2.0 + square * (square / 6.0 - 1.05)) + x[0] * x[1] + x[1] * x[1]


three_hump_camel = Landscape(
    name="three_hump_camel",
    f=_three_hump_camel,
    dims=TWO_D,
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    f_second=constant(0.29863844223685982),
    tags=frozenset({"multimodal"}),
    formula="2 x^2 - 1.05 x^4 + x^6/6 + x y + y^2",
    reference=f"Branin, 1972; {_JY}; {_SB}",
)


def _six_hump_camel(x: Array) -> Array:
    """Polynomial with six minima, two of them global.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(4 - 2.1 x^2 + x^4 / 3) x^2 + x y + (4 y^2 - 4) y^2``.

    References:
        Dixon & Szego, 1978, Towards global optimization 2.
    """
    a, b = x[0] * x[0], x[1] * x[1]
    return a * (4.0 + a * (a / 3.0 - 2.1)) + x[0] * x[1] + b * (4.0 * b - 4.0)


six_hump_camel = Landscape(
    name="six_hump_camel",
    f=_six_hump_camel,
    dims=TWO_D,
    bounds=lambda dim: np.array([[-3.0, 3.0], [-2.0, 2.0]]),
    x_star=at((0.089842013100318062, -0.71265640302073963), (-0.089842013100318062, 0.71265640302073963)),
    f_star=constant(-1.0316284534898774),
    f_second=constant(-0.21546382438371764),
    tags=frozenset({"multimodal"}),
    formula="(4 - 2.1 x^2 + x^4/3) x^2 + x y + (4 y^2 - 4) y^2",
    reference=f"Dixon & Szego, 1978; {_JY}; {_SB}",
)
