"""Random numbers that come from names and seeds, never from an order.

A stream is keyed by a hash of its identity, so adding a problem, an optimizer or a start
never moves another draw, and every optimizer sees the same starts (common random numbers).
NumPy's Philox bit stream is stable across versions (NEP 19).
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def canonical(parts: object) -> str:
    """Returns the one JSON text of ``parts``: sorted keys, no spaces, no NaN.

    Args:
        parts: Strings, numbers, lists and dictionaries.

    Returns:
        The text that is hashed wherever an identity is needed.

    Example:
        >>> canonical({"lr": 1e-3, "b1": 0.9})
        '{"b1":0.9,"lr":0.001}'
    """
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(parts: object, *, size: int = 8) -> str:
    """Returns the BLAKE2b hash of the canonical JSON of ``parts`` as hexadecimal digits.

    Args:
        parts: What identifies the thing.
        size: Number of bytes; the text is twice as long.

    Returns:
        The hash, equal on every machine.
    """
    return hashlib.blake2b(canonical(parts).encode(), digest_size=size).hexdigest()


def generator(*parts: object) -> np.random.Generator:
    """Returns the random generator that belongs to an identity.

    Args:
        *parts: Names and seeds, such as ``(seed, "start", problem, split, index)``.

    Returns:
        A Philox generator whose 128-bit key is the hash of ``parts``.

    Example:
        >>> float(generator(0, "start").random()) == float(generator(0, "start").random())
        True
    """
    key = int(digest(list(parts), size=16), 16)
    return np.random.Generator(np.random.Philox(key=key))


def order(n: int, *parts: object) -> np.ndarray:
    """Returns the random order of some things that belongs to an identity.

    Args:
        n: How many things.
        *parts: Names and seeds, as in ``generator``.

    Returns:
        A permutation of 0 to ``n - 1``, (n,), int64. It is that of Philox's raw bits, which no version of NumPy
        changes, as its own ``permutation`` may.

    Example:
        >>> sorted(order(4, 0, "rows").tolist())
        [0, 1, 2, 3]
    """
    bits = generator(*parts).bit_generator.random_raw(n)
    return np.argsort(bits, kind="stable")
