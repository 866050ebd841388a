"""What generated data sets share: how many terms, which design, where the minimizer stands, which offset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optbench.core.keys import generator
from optbench.problems.instances import MIDDLE, OFF_CENTER, SEPARATION, haar

#: The smallest number of terms; every power of two up to it is a batch size that divides it.
_FEWEST = 256
#: Terms for each unknown, at least: then no design is near rank deficiency.
_PER_UNKNOWN = 4
#: Half the edge of the box of every regression; it is centered at 0.
HALF_BOX = 3.0


def n_terms(unknowns: int) -> int:
    """Returns the number of terms: a power of two, at least 256 and four times the unknowns.

    Args:
        unknowns: Number of unknowns of one output.

    Returns:
        The number of terms.

    Example:
        >>> [n_terms(dim) for dim in (2, 64, 65, 1000)]
        [256, 256, 512, 4096]
    """
    return max(_FEWEST, 1 << (_PER_UNKNOWN * unknowns - 1).bit_length())


def stream(name: str, dim: int, instance: int) -> np.random.Generator:
    """Returns the generator of a data set; parameters only scale what it draws."""
    return generator("finite_sum", name, dim, instance)


def scales(dim: int, condition: float) -> np.ndarray:
    """Returns standard deviations from 1 down to ``condition^(-1/2)``, a constant factor apart."""
    return np.asarray(condition ** (-0.5 * np.linspace(0.0, 1.0, dim)))


def correlated(rng: np.random.Generator, count: int, dim: int, condition: float) -> np.ndarray:
    """Draws Gaussian rows whose covariance has a condition number and random axes.

    Args:
        rng: Random generator.
        count: Number of rows.
        dim: Number of columns.
        condition: Ratio of the largest to the smallest variance; the largest is 1.

    Returns:
        The rows, shape (count, dim).
    """
    axes = haar(rng, dim)
    return np.asarray(rng.standard_normal((count, dim)) * scales(dim, condition) @ axes.T)


def place(rng: np.random.Generator, dim: int) -> np.ndarray:
    """Draws a point of the middle 80 % of the box, off its center, with unequal coordinates.

    Args:
        rng: Random generator.
        dim: Number of coordinates.

    Returns:
        The point, shape (dim,).
    """
    while True:
        point = rng.uniform(-MIDDLE * HALF_BOX, MIDDLE * HALF_BOX, dim)
        apart = np.all(np.diff(np.sort(point)) >= SEPARATION / dim**2 * 2.0 * HALF_BOX)
        if apart and np.abs(point).max() >= OFF_CENTER * 2.0 * HALF_BOX:
            return np.asarray(point)


def shift(name: str, dim: int, instance: int, origin: np.ndarray) -> np.ndarray:
    """Draws by how much an instance is moved, so that its minimizer stands at a drawn place of the box.

    Args:
        name: Name of the landscape.
        dim: Dimension.
        instance: Number of the instance.
        origin: Minimizer before it is moved, shape (dim,).

    Returns:
        Shift, shape (dim,).
    """
    return np.asarray(place(generator("finite_sum_place", name, dim, instance), dim) - origin)


def offset(name: str) -> Callable[[int, int], float]:
    """Returns the rule of what is added to a sum: 0.5 to 2, of either sign, never 0, in steps of 1/128.

    Args:
        name: Name of the landscape.

    Returns:
        ``offset(dim, instance)``.

    Example:
        >>> 0.5 <= abs(offset("least_squares")(2, 1)) < 2.0
        True
    """

    def rule(dim: int, instance: int) -> float:
        rng = generator("offset", name, dim, instance)
        sign = 1.0 if rng.random() < 0.5 else -1.0
        return sign * int(rng.integers(64, 256)) / 128

    return rule
