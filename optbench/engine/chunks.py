"""Rows of values that the recorder looks at together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import Array, lax

#: Rows that are looked at together.
CHUNK = 64


class Chunk(NamedTuple):
    """One chunk as the inner loop left it, and what of it is good.

    Attributes:
        f: ``f(row)`` gives a row of values, (lanes,); rows from ``n`` on repeat the last one that counts.
        first: Step of row 0.
        n: Number of rows that count.
        end: For each lane the first row that does not count, (lanes,); 0 for a lane that is out.
    """

    f: Callable[[Array], Array]
    first: Array
    n: Array
    end: Array


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
