"""Polynomials fitted by least squares to data of known noise: the regression whose error is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

#: Functions by name, of points, (n,).
_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"sine": lambda x: np.sin(2.0 * np.pi * x)}


class Design(NamedTuple):
    """Where a regression is fitted and tested.

    Attributes:
        points: Design points, (n_train,), evenly spaced from one end of the interval to the other.
        test_points: Test points, (n_test,): the middles of as many equal parts of the interval.
    """

    points: np.ndarray
    test_points: np.ndarray


def design(interval: tuple[float, float], n_train: int, n_test: int) -> Design:
    """Returns design and test points.

    Args:
        interval: Lower and upper end.
        n_train: Number of design points.
        n_test: Number of test points.

    Example:
        >>> [points.tolist() for points in design((0.0, 1.0), 3, 2)]
        [[0.0, 0.5, 1.0], [0.25, 0.75]]
    """
    low, high = interval
    middles = (np.arange(n_test) + 0.5) / n_test
    return Design(np.linspace(low, high, n_train), low + (high - low) * middles)


def truth_at(truth: str | tuple[float, ...], x: np.ndarray) -> np.ndarray:
    """Returns the values of the function that is fitted.

    Args:
        truth: ``sine`` for sin(2 pi x), or coefficients of a polynomial, those of low degree first.
        x: Points, (n,).

    Returns:
        Values, (n,), float64.

    Example:
        >>> truth_at((1.0, 0.0, 2.0), np.array([0.0, 3.0])).tolist()
        [1.0, 19.0]
    """
    if isinstance(truth, str):
        return _FUNCTIONS[truth](x)
    return np.asarray(Polynomial(truth)(x), np.float64)


def fitted(points: np.ndarray, y: np.ndarray, degree: int) -> Chebyshev:
    """Returns the polynomial of a degree with the least sum of squared errors, on a well-conditioned basis.

    Args:
        points: Design points, (n,), more than ``degree``.
        y: Values there, (n,).
        degree: Its degree, 0 or more.

    Example:
        >>> line = fitted(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 1)
        >>> round(float(line(10.0)), 6)
        21.0
    """
    # One point alone spans no interval.
    domain = [points[0], points[-1]] if points[0] < points[-1] else [points[0] - 1.0, points[0] + 1.0]
    found: Chebyshev = Chebyshev.fit(points, y, degree, domain=domain)
    return found
