"""Random numbers that come from names and seeds, never from an order.

A stream is keyed by a hash of its identity, so adding a problem, an optimizer or a start
never moves another draw, and every optimizer sees the same starts (common random numbers).
NumPy's Philox bit stream is stable across versions (NEP 19).

Two streams never coincide:

- **NumPy.** ``generator`` hashes a list. Each place that draws has a word of its own in that list, beside the names and
  numbers that tell its streams apart, so no list is asked for in two places. One exception is meant: the bootstrap of
  tuning starts is the same in the table of scores and in the ranking.
- **JAX.** ``fold_in(key, i)`` is the very key of ``split(key, n)[i]``, and what is drawn from a key is made of the bits
  of its children. So a key is either drawn from, once, or derived from, in one way, and never both. Roots are hashes
  again (``words``), so no two of them are the integers 0, 1, 2 ... of a derivation. There are two kinds:

  - what a network's training draws: ``words(task, "regularization", seed)``, the step folded in, then split into the
    batch's (by regularizer) and the loss's (noise of weights; dropout, by part of a batch and by layer; the noise of a
    smaller batch). All rules and all regularizers of a task share them;
  - what a rule draws: ``words("rule", name)`` with every bit of the start folded in, then the rule's own splits, one a
    step. All problems, rates and runs that begin at the same numbers share them.

``tests/core/test_streams.py`` and ``tests/engine/test_streams.py`` enumerate both.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

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
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_number)


def _number(part: Any) -> Any:
    """Returns a number of NumPy's as Python's: equal numbers have one text."""
    if isinstance(part, np.generic):
        return part.item()
    raise TypeError(f"{type(part).__name__} has no JSON text")


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


def words(*parts: object) -> np.ndarray:
    """Returns the data of the JAX key that belongs to an identity.

    Args:
        *parts: Names and seeds, as in ``generator``.

    Returns:
        64 bits of the hash, for ``jax.random.wrap_key_data`` of Threefry keys, (2,), uint32.

    Example:
        >>> words("rule", "noisy_sgd").shape
        (2,)
    """
    number = int(digest(list(parts), size=8), 16)
    return np.array([number >> 32, number & 0xFFFFFFFF], np.uint32)


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
