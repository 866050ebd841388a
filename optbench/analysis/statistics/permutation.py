"""Permutation tests: is a difference larger than relabeling would give?

Nothing is assumed of distributions. Where there are few relabelings all of them are tried and the p-value is exact;
else some are drawn, and ``(1 + as extreme) / (1 + drawn)`` is a p-value at every number of draws. Differences of pairs
alone, such as a mean, have the faster test of signs.

Source: Phipson, Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39 (why drawn ones add 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.statistics.arrays import Bools
from optbench.analysis.statistics.intervals import generator
from optbench.errors import DataError

#: Up to so many relabelings all are tried.
MOST_EXACT = 20_000
#: Relabelings that are drawn where there are more.
DRAWN = 9_999
#: Statistics this close, relative to the largest, are equal: rounding must not decide what is as extreme.
ROUNDING = 1e-12

#: A number made of two samples, 0 where they do not differ.
Statistic = Callable[[NDArray[Any], NDArray[Any]], float]


class Permuted(NamedTuple):
    """What a permutation test found.

    Attributes:
        statistic: The statistic of the samples as they are.
        p: Two-sided p-value: share of relabelings whose statistic lies as far from 0.
        is_exact: Whether all relabelings were tried.
        tried: How many were.
    """

    statistic: float
    p: float
    is_exact: bool
    tried: int


def difference_of_means(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Returns the mean of the left sample minus that of the right one."""
    return float(np.mean(left) - np.mean(right))


def two_samples(
    left: NDArray[Any],
    right: NDArray[Any],
    statistic: Statistic = difference_of_means,
    *,
    most_exact: int = MOST_EXACT,
    drawn: int = DRAWN,
    key: tuple[object, ...] = (),
) -> Permuted:
    """Tests whether two independent samples come from one distribution: any unit could be in either.

    Args:
        left: One sample, its units along the first axis.
        right: The other.
        statistic: What is compared.
        most_exact: Up to so many divisions of all units into two samples all are tried.
        drawn: How many are drawn else.
        key: What the draws are for; the same key gives the same ones.

    Returns:
        The statistic and its p-value.

    Raises:
        DataError: A sample is empty.

    Example:
        >>> two_samples(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
        Permuted(statistic=-3.0, p=0.1, is_exact=True, tried=20)
    """
    n_left, n = len(left), len(left) + len(right)
    if not 0 < n_left < n:
        raise DataError(f"both samples must have units; got {n_left} and {n - n_left}")
    pooled = np.concatenate([left, right])

    def relabeled(in_left: Bools) -> float:
        return statistic(pooled[in_left], pooled[~in_left])

    exact = comb(n, n_left) <= most_exact
    first = np.arange(n) < n_left
    if exact:
        return _judged(statistic(left, right), map(relabeled, _divisions(n, n_left)), is_exact=True)
    rng = generator("permutation", "two samples", n_left, n, *key)
    shuffled = (rng.permutation(first) for _ in range(drawn))
    return _judged(statistic(left, right), map(relabeled, shuffled), is_exact=False)


def pairs(
    left: NDArray[Any],
    right: NDArray[Any],
    statistic: Statistic = difference_of_means,
    *,
    most_exact: int = MOST_EXACT,
    drawn: int = DRAWN,
    key: tuple[object, ...] = (),
) -> Permuted:
    """Tests whether the two sides of pairs could be swapped, by any statistic of the two samples.

    Args:
        left: One side of each pair, the pairs along the first axis.
        right: The other side, in the same order.
        statistic: What is compared; it need not be made of differences.
        most_exact: Up to so many swaps, 2^n of n pairs, all are tried.
        drawn: How many are drawn else.
        key: What the draws are for; the same key gives the same ones.

    Returns:
        The statistic and its p-value.

    Raises:
        DataError: The sides differ in length, or there are no pairs.

    Example:
        >>> pairs(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
        Permuted(statistic=-2.0, p=0.25, is_exact=True, tried=8)
    """
    n = len(left)
    if n != len(right) or n == 0:
        raise DataError(f"pairs must have two sides of one length, at least 1; got {n} and {len(right)}")

    def swapped(swap: Bools) -> float:
        where = swap.reshape(-1, *([1] * (left.ndim - 1)))
        return statistic(np.where(where, right, left), np.where(where, left, right))

    if 2**n <= most_exact:
        return _judged(statistic(left, right), map(swapped, _swaps(n)), is_exact=True)
    rng = generator("permutation", "pairs", n, *key)
    return _judged(statistic(left, right), (swapped(rng.random(n) < 0.5) for _ in range(drawn)), is_exact=False)


def _divisions(n: int, n_left: int) -> Iterator[Bools]:
    """Yields every choice of the units of the left sample."""
    for rows in itertools.combinations(range(n), n_left):
        in_left = np.zeros(n, dtype=np.bool_)
        in_left[list(rows)] = True
        yield in_left


def _swaps(n: int) -> Iterator[Bools]:
    """Yields every choice of pairs to swap."""
    for number in range(2**n):
        yield (number >> np.arange(n)) & 1 == 1


def _judged(observed: float, relabeled: Iterable[float], *, is_exact: bool) -> Permuted:
    found = np.abs(np.fromiter(relabeled, dtype=np.float64))
    at_least = abs(observed) - ROUNDING * max(abs(observed), float(found.max(initial=0.0)))
    extreme, more = int((found >= at_least).sum()), int(not is_exact)
    return Permuted(float(observed), (extreme + more) / (len(found) + more), is_exact, len(found))
