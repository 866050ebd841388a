"""Rows that a model is trained on, drawn from a training part."""

from __future__ import annotations

import numpy as np


def with_replacement(n: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a bootstrap sample: as many rows as there are, each drawn from all.

    Args:
        n: Number of rows.
        rng: Where they are drawn from.

    Returns:
        Rows in ascending order, (n,), int64.

    Example:
        >>> rows = with_replacement(1000, np.random.default_rng(0))
        >>> len(rows), 600 < len(set(rows.tolist())) < 660
        (1000, True)

    Source:
        Efron 1979, Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26.
    """
    return np.sort(np.floor(rng.random(n) * n).astype(np.int64))


def by_weight(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns as many rows as there are weights, each drawn with probability equal to its weight.

    Args:
        weights: Of each row, (n,), not all 0.
        rng: Where they are drawn from.

    Returns:
        Rows in ascending order, (n,), int64.

    Example:
        >>> by_weight(np.array([0.0, 1.0, 0.0]), np.random.default_rng(0)).tolist()
        [1, 1, 1]
    """
    below = np.cumsum(weights)
    drawn = rng.random(len(weights)) * below[-1]
    # A number equal to the sum, which rounding may give, belongs to the last row that has a weight.
    last = int(np.flatnonzero(weights)[-1])
    return np.sort(np.minimum(np.searchsorted(below, drawn, side="right"), last).astype(np.int64))


def half(n: int, rng: np.random.Generator) -> np.ndarray:
    """Returns half of the rows, drawn without replacement.

    Args:
        n: Number of rows.
        rng: Where they are drawn from.

    Returns:
        Rows in ascending order, (n // 2,), int64.

    Example:
        >>> rows = half(9, np.random.default_rng(0))
        >>> len(rows) == len(set(rows.tolist())) == 4
        True
    """
    # The order of raw numbers is that of every version of NumPy, as its own permutation may not be.
    return np.sort(np.argsort(rng.random(n), kind="stable")[: n // 2])
