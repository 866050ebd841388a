"""Random vectors of signs: each has a stream of its own, so more of them leave those before as they are."""

from __future__ import annotations

import numpy as np


def signs(stream: np.random.Generator, n: int) -> np.ndarray:
    """Returns a Rademacher vector: entries of 1 and -1, each with probability one half, independent.

    Args:
        stream: Where its bits come from. They are raw bits of Philox, which no version of NumPy changes.
        n: Entries.

    Returns:
        (n,), float64.

    Example:
        >>> from optbench.core.keys import generator
        >>> sorted(set(signs(generator("doctest of signs", 0), 100).tolist()))
        [-1.0, 1.0]
    """
    words = stream.bit_generator.random_raw(-(-n // 64)).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8), count=n, bitorder="little")
    return 2.0 * bits - 1.0
