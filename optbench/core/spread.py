"""A sum over many parts as several calls of one program, made by as many threads as there are cores.

XLA's CPU backend spreads the operations of one program over cores, and small ones lose more by it than they win. Two
calls at the same time keep two cores busy. Which parts a call has depends on their number alone, and sums are added in
the order of the parts: the result has the same bits whatever the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import jax
import numpy as np

from optbench.environment import visible_cores

#: Parts of one call. A call takes a tenth of a millisecond more than its parts do; fewer calls leave cores idle at the
#: end, and wait longer for a thread that others have kept from its core.
PARTS = 4


def spans(n_parts: int) -> list[tuple[int, int]]:
    """Returns first and last (exclusive) part of each call; none where one call has all: on an accelerator, or few.

    Args:
        n_parts: Parts of the sum.

    Returns:
        Pairs, in the order of the parts.

    Example:
        >>> spans(9), spans(4)
        ([(0, 4), (4, 8), (8, 9)], [])
    """
    if n_parts <= PARTS or jax.default_backend() != "cpu":
        return []
    return [(begin, min(begin + PARTS, n_parts)) for begin in range(0, n_parts, PARTS)]


def summed(call: Callable[[int, int], Any], each: Sequence[tuple[int, int]]) -> Any:
    """Returns the sum of what a function finds in each span.

    Args:
        call: ``call(begin, end)``, a pytree of arrays; several threads call it at the same time.
        each: The spans.

    Returns:
        A pytree of NumPy arrays in float64.
    """
    ahead = 2 * visible_cores()
    waiting: deque[Future[Any]] = deque()
    sums: Any = None

    def add() -> None:
        nonlocal sums
        found = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), waiting.popleft().result())
        sums = found if sums is None else jax.tree.map(np.add, sums, found)

    try:
        for span in each:
            # Few results wait, however many spans there are.
            if len(waiting) == ahead:
                add()
            waiting.append(_pool().submit(call, *span))
        while waiting:
            add()
    finally:
        for job in waiting:
            job.cancel()
    return sums


@cache
def _pool() -> ThreadPoolExecutor:
    """Returns threads that nobody else gives work to, so that no call waits for one that waits for it."""
    return ThreadPoolExecutor(visible_cores(), "parts")
