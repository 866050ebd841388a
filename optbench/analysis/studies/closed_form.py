"""Bias and variance of polynomial least squares in closed form, to compare what was measured with.

With design points x, test points z, features of a degree and their hat matrix ``H = F(z) F(x)^+`` the fit of noisy
values has the mean ``H h(x)`` and the covariance ``sigma^2 H H'``, so that averaged over test points

    bias^2   = (H h(x) - h(z))^2
    variance = sigma^2 diag(H H')
    noise    = sigma^2

Source: Hastie, Tibshirani, Friedman 2009, "The Elements of Statistical Learning", sections 2.9 and 7.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.polynomial import Polynomial, chebyshev

from optbench.analysis.statistics.arrays import Floats

#: Functions that a regression may fit, by name.
NAMED: dict[str, Callable[[Floats], Floats]] = {"sine": lambda x: np.asarray(np.sin(2 * np.pi * x))}


class ClosedForm(NamedTuple):
    """Parts of the expected squared error."""

    bias: float
    variance: float
    noise: float


def truth_at(truth: str | Sequence[float], points: Floats) -> Floats:
    """Returns the function that a regression fits, without noise.

    Args:
        truth: A name among ``NAMED``, or coefficients of a polynomial, those of low degree first.
        points: Where.

    Returns:
        Its values.

    Example:
        >>> truth_at([1.0, 0.0, 2.0], np.array([0.0, 3.0])).tolist()
        [1.0, 19.0]
    """
    if isinstance(truth, str):
        return NAMED[truth](points)
    return np.asarray(Polynomial(list(truth))(points), dtype=np.float64)


def closed_form(
    truth: str | Sequence[float], sigma: float, interval: Sequence[float], n_train: int, degree: int, points: Floats
) -> ClosedForm:
    """Returns the parts of the expected error of a polynomial that is fitted on evenly spaced points.

    Args:
        truth: What is fitted, as for ``truth_at``.
        sigma: Standard deviation of the noise.
        interval: Ends of the design points.
        n_train: Their number.
        degree: Degree of the polynomial.
        points: Test points.

    Returns:
        The parts, means over the test points.

    Example:
        >>> found = closed_form([0.0, 1.0], 1.0, (-1.0, 1.0), 4, 1, np.linspace(-1, 1, 4))
        >>> round(found.bias, 9), round(found.variance, 9), found.noise
        (0.0, 0.5, 1.0)
    """
    low, high = interval
    x = np.linspace(low, high, n_train)
    # Any basis gives the same fit; of Chebyshev's polynomials the matrix is well conditioned.
    bases = [chebyshev.chebvander((2 * at - low - high) / (high - low), degree) for at in (x, points)]
    hat = bases[1] @ np.linalg.pinv(bases[0])
    bias = (hat @ truth_at(truth, x) - truth_at(truth, points)) ** 2
    variance = sigma**2 * (hat**2).sum(axis=1)
    return ClosedForm(float(bias.mean()), float(variance.mean()), float(sigma**2))
