"""Rows of values that the recorder looks at together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

#: Rows that are looked at together.
CHUNK = 64


class Chunk(NamedTuple):
    """One chunk as the program left it.

    Attributes:
        f: ``f(row)`` gives a row of values, (lanes,); rows from ``n`` on repeat the last one that counts.
        lowest: Lowest value of the rows that count, (lanes,).
        highest: Highest value of the rows that count, (lanes,).
        outside: First row whose iterate lies so far outside that the lane has escaped, (lanes,); may lie elsewhere.
        beyond: The same of a lane that has diverged.
        first: Step of row 0.
        n: Number of rows that count.
    """

    f: Callable[[Array], Array]
    lowest: Array
    highest: Array
    outside: Array
    beyond: Array
    first: Array
    n: Array


def over_rows(step: Callable[..., Any], f: Callable[[Array], Array], init: Any) -> Any:
    """Folds the rows of a chunk.

    Args:
        step: ``step(row, values, *carry) -> carry``.
        f: See ``Chunk``.
        init: The first carry, a tuple.

    Returns:
        The last carry.
    """
    # XLA's CPU backend reduces over rows lane by lane; a loop takes all lanes of a row at once. An accelerator pays
    # for every trip, and gets the loop unrolled.
    unroll = 1 if jax.default_backend() == "cpu" else CHUNK
    return lax.fori_loop(0, CHUNK, lambda row, carry: step(row, f(row), *carry), init, unroll=unroll)


def between_rows(step: Callable[..., Any], f: Callable[[Array], Array], init: Any, begin: Array, end: Array) -> Any:
    """Folds the rows of a chunk from ``begin`` to before ``end``; otherwise as ``over_rows``."""

    def chosen(row: Array, f: Array, *carry: Any) -> Any:
        is_meant = (row >= begin) & (row < end)
        return tuple(jnp.where(is_meant, *pair) for pair in zip(step(row, f, *carry), carry, strict=True))

    if jax.default_backend() == "cpu":
        return lax.fori_loop(begin, end, lambda row, carry: step(row, f(row), *carry), init)
    return over_rows(chosen, f, init)
