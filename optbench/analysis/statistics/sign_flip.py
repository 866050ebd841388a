"""The sign-flip test of paired differences: exact for few pairs, by drawn signs for many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import generator

#: Up to so many pairs all patterns of signs are counted: a million sums.
MOST_PAIRS = 20
#: Patterns that are drawn beyond.
DRAWS = 100_000
#: Sums that differ by less than this share of the sum of all sizes are equal: differences of shares tie often.
ROUNDING = 1e-12
#: Patterns that are held at once.
CHUNK = 10_000


class SignFlip(NamedTuple):
    """The result of a sign-flip test.

    Attributes:
        p: Two-sided p-value.
        n_patterns: How many patterns of signs were counted.
        is_exact: Whether those are all there are.
    """

    p: float
    n_patterns: int
    is_exact: bool


def sign_flip(differences: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> SignFlip:
    """Tests whether paired differences are symmetric about 0.

    If they are, every pattern of their signs is equally likely. The p-value is the share of all ``2^n`` patterns ``s``
    with ``|sum s_i d_i| >= |sum d_i|``; a difference of 0 changes nothing. It is exact whatever the distribution, and
    no smaller than ``smallest_p``. Beyond ``MOST_PAIRS`` pairs, patterns are drawn, and the p-value is
    ``(1 + count) / (1 + draws)``, which is valid as well.

    Args:
        differences: One for each pair, shape (n,).
        draws: Patterns that are drawn where there are too many pairs for all.
        seed: Seed of the draws.

    Returns:
        The p-value, 1 without pairs, and how it was found.

    Raises:
        ValueError: A difference is not finite.

    Example:
        >>> sign_flip([1.0, 2.0, 3.0])
        SignFlip(p=0.25, n_patterns=8, is_exact=True)

    Source: Fisher 1935, "The Design of Experiments", section 21; for draws Phipson, Smyth 2010, Stat. Appl. Genet. Mol.
    Biol. 9, 39.
    """
    found = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(found).all():
        raise ValueError(f"differences must be finite; got {found[~np.isfinite(found)].tolist()}")
    least = abs(float(found.sum())) - ROUNDING * float(np.abs(found).sum())
    if len(found) <= MOST_PAIRS:
        sums = _all_sums(found)
        return SignFlip(float((np.abs(sums) >= least).mean()), len(sums), True)
    rng = generator(seed, "sign flip", len(found))
    count = 0
    for begin in range(0, draws, CHUNK):
        signs = 1 - 2 * rng.integers(2, size=(min(CHUNK, draws - begin), len(found)))
        count += int((np.abs(signs @ found) >= least).sum())
    return SignFlip((1 + count) / (1 + draws), draws, False)


def smallest_p(n_pairs: int) -> float:
    """Returns the smallest p-value that a number of pairs allows: ``2 / 2^n``.

    Example:
        >>> smallest_p(5), smallest_p(6), smallest_p(12)
        (0.0625, 0.03125, 0.00048828125)
    """
    return min(1.0, 2.0 ** (1 - n_pairs))


def _all_sums(values: Floats) -> Floats:
    """Returns the sums of values under all patterns of signs, shape (2^n,)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
