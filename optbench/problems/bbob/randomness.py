"""The random numbers behind BBOB's instances: a portable generator, so that every language draws the same.

They are those of the suite's first code of 2009, which COCO keeps: optima and rotations of an instance
follow from its seed alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_MODULUS = 2_147_483_647
_MULTIPLIER = 16_807
#: Numbers that are drawn and dropped before the table is filled ...
_WARM_UP = 8
#: ... and the entries of the table through which the numbers are shuffled.
_TABLE = 32
#: Width of the range of a drawn number that picks one entry of the table.
_BIN = 67_108_865
#: What stands for a zero, of which a logarithm is taken.
_ZERO = 1e-99


def uniform(count: int, seed: int) -> np.ndarray:
    """Draws numbers in (0, 1): a Lehmer generator shuffled by a table.

    Args:
        count: How many.
        seed: Seed; anything below 1 counts as 1.

    Returns:
        Numbers of shape (count,).

    References:
        Park & Miller, 1988, Random number generators: good ones are hard to find; Bays & Durham, 1976, Improving
        a poor random number generator.

    Example:
        >>> uniform(2, 1).round(12).tolist()
        [0.415999356851, 0.091964890758]
    """
    state = max(abs(seed), 1)
    for _ in range(_WARM_UP):
        state = state * _MULTIPLIER % _MODULUS
    table = [0] * _TABLE
    for place in reversed(range(_TABLE)):
        state = state * _MULTIPLIER % _MODULUS
        table[place] = state
    drawn = table[0]
    numbers = np.empty(count)
    for k in range(count):
        state = state * _MULTIPLIER % _MODULUS
        place = drawn // _BIN
        drawn, table[place] = table[place], state
        numbers[k] = drawn / _MODULUS
    return np.where(numbers == 0.0, _ZERO, numbers)


def gaussian(count: int, seed: int) -> np.ndarray:
    """Draws standard normal numbers by Box and Muller's cosine, shape (count,)."""
    radius, angle = uniform(2 * count, seed).reshape(2, count)
    numbers = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * angle)
    return np.where(numbers == 0.0, _ZERO, numbers)


@lru_cache(maxsize=256)
def rotation(seed: int, dim: int) -> np.ndarray:
    """Draws an orthogonal matrix: Gram and Schmidt's process on the columns of a Gaussian one.

    Args:
        seed: Seed.
        dim: Number of rows and columns.

    Returns:
        Read-only matrix of shape (dim, dim).

    Example:
        >>> matrix = rotation(3, 4)
        >>> bool(np.allclose(matrix.T @ matrix, np.eye(4)))
        True
    """
    # Row k holds what becomes column k, which makes each step one of contiguous rows.
    rows = gaussian(dim * dim, seed).reshape(dim, dim)
    for k in range(dim):
        for earlier in range(k):
            rows[k] -= (rows[k] @ rows[earlier]) * rows[earlier]
        rows[k] /= np.sqrt(rows[k] @ rows[k])
    matrix = np.ascontiguousarray(rows.T)
    matrix.flags.writeable = False
    return matrix
