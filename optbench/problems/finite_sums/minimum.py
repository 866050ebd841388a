"""Minima of finite sums: Newton until the gradient is below 1e-12, and values summed without rounding.

No closed form gives f_star of a sum over data, so it is computed when it is asked for (``protocol.md``
section 1). All of it is NumPy: the JAX formulas of the landscapes are tested against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from optbench.errors import DataError

#: Largest Euclidean norm of the gradient at a minimum.
TOLERANCE = 1e-12
_STEPS = 60
_HALVINGS = 40
#: 2^27 + 1, which cuts a double in two halves of 26 bits.
_SPLITTER = 134217729.0

Vector = np.ndarray


def newton(
    value: Callable[[Vector], float],
    gradient: Callable[[Vector], Vector],
    hessian: Callable[[Vector], np.ndarray],
    start: Vector,
) -> Vector:
    """Finds a stationary point to the last digits by Newton steps, halved until the value falls.

    Args:
        value: The objective at a point of shape (dim,).
        gradient: Its gradient, shape (dim,).
        hessian: Its Hessian or another positive definite matrix, shape (dim, dim).
        start: Where to begin.

    Returns:
        The point of the smallest gradient met, once a step below ``TOLERANCE`` no longer halves it.

    Raises:
        DataError: The gradient does not fall below ``TOLERANCE``.
    """
    x, grad = start, gradient(start)
    for _ in range(_STEPS):
        norm = float(np.linalg.norm(grad))
        move = np.linalg.solve(hessian(x), grad)
        # Close to the minimum the decrease is below the rounding of the value: the whole step is right there.
        size = 1.0 if float(grad @ move) <= 1e-8 else _halved(value, x, grad, move)
        x_next = x - size * move
        grad_next = gradient(x_next)
        fallen = float(np.linalg.norm(grad_next))
        if norm <= TOLERANCE and fallen >= 0.5 * norm:
            return x_next if fallen < norm else x
        x, grad = x_next, grad_next
    raise DataError(f"no minimum: the gradient's norm is {np.linalg.norm(grad):.1e} after {_STEPS} Newton steps")


def _halved(value: Callable[[Vector], float], x: Vector, grad: Vector, move: Vector) -> float:
    """Returns the first of 1, 1/2, 1/4 ... at which the value falls by a tenth of what the slope promises."""
    here, slope, size = value(x), float(grad @ move), 1.0
    for _ in range(_HALVINGS):
        if value(x - size * move) <= here - 0.1 * size * slope:
            break
        size *= 0.5
    return size


def dots(rows: np.ndarray, x: Vector, start: Vector) -> Vector:
    """Returns ``rows @ x + start`` as if computed in twice the working precision.

    Args:
        rows: Matrix, shape (n, dim).
        x: Vector, shape (dim,).
        start: What the sums begin with, shape (n,).

    Returns:
        The sums, shape (n,).

    References:
        Ogita, Rump & Oishi, 2005, Accurate sum and dot product, SIAM J. Sci. Comput. 26(6), algorithm 5.3.

    Example:
        >>> dots(np.array([[1e16, 1.0, 1.0]]), np.array([1.0, 1.0, -1e16]), np.array([0.0])).tolist()
        [1.0]
    """
    total, lost = np.array(start, np.float64), np.zeros(len(rows))
    for column, factor in zip(np.ascontiguousarray(rows.T), x, strict=True):
        product = column * factor
        high, factor_high = _high(column), _high(factor)
        low, factor_low = column - high, factor - factor_high
        rest = low * factor_low - (((product - high * factor_high) - low * factor_high) - high * factor_low)
        added = total + product
        shadow = added - total
        lost += rest + ((total - (added - shadow)) + (product - shadow))
        total = added
    return np.asarray(total + lost)


def _high(number: np.ndarray) -> np.ndarray:
    """Returns the upper 26 bits of doubles."""
    scaled = _SPLITTER * number
    return np.asarray(scaled - (scaled - number))


def mean(terms: Vector) -> float:
    """Returns the mean of the terms, rounded once in the sum."""
    return math.fsum(terms.tolist()) / len(terms)
