"""When a lane first met each target, and when it was last above it.

Thresholds descend, so a lane crosses the targets in their order. Each trip of a loop finds the next crossing of all
lanes at once, and there are as many trips as the busiest lane needs.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from optbench.engine.chunks import CHUNK, Chunk, over_rows
from optbench.engine.operands import Goal


def count(goal: Goal, best: Array) -> Array:
    """Returns how many targets a value meets, (lanes,)."""
    gap = best - goal.f_star

    def add(i: Array, met: Array) -> Array:
        more: Array = met + (gap <= goal.thresholds[i]).astype(jnp.int32)
        return more

    n_targets = goal.thresholds.shape[0]
    unroll = 1 if jax.default_backend() == "cpu" else n_targets
    met: Array = lax.fori_loop(0, n_targets, add, jnp.zeros_like(best, jnp.int32), unroll=unroll)
    return met


def first_hits(met: Array, hits: Array, best: Array, chunk: Chunk, goal: Goal) -> tuple[Array, Array]:
    """Adds the first step at each target that a lane crosses in a chunk.

    Args:
        met: How many targets were met before, (lanes,).
        hits: First step at each target or -1, (targets, lanes).
        best: Lowest good value up to the end of the chunk, (lanes,).
        chunk: The chunk.
        goal: What is known of the problem.

    Returns:
        ``met`` and ``hits`` at the end of the chunk.
    """
    reached = jnp.where(chunk.end > 0, count(goal, best), met)

    def find(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        met, hits = carry
        # In double precision, as the values are: vector units compare and select like with like.
        end, threshold = chunk.end.astype(jnp.float64), goal.thresholds[jnp.minimum(met, hits.shape[0] - 1)]

        def look(row: Array, f: Array, found: Array) -> tuple[Array]:
            at = row.astype(jnp.float64)
            return (jnp.where((f - goal.f_star <= threshold) & (at < jnp.minimum(found, end)), at, found),)

        (row,) = over_rows(look, chunk.f, (jnp.full_like(best, CHUNK),))
        is_next = (_numbers(hits) == met[None]) & (met < reached)[None]
        return jnp.minimum(met + 1, reached), jnp.where(is_next, (chunk.first + row).astype(jnp.int32)[None], hits)

    return lax.while_loop(lambda carry: jnp.any(carry[0] < reached), find, (met, hits))


def last_above(
    above: Array, f: Callable[[Array], Array], highest: Array, first: Array, n: Array, alive: Array, goal: Goal
) -> Array:
    """Brings the last step above each target up to the end of a segment.

    Only where a lane ends counts, so the segment is walked backwards. A chunk is looked at row by row only where a lane
    was above a target that it stays below from the next chunk on.

    Args:
        above: Last step whose value is above each target or -1, (targets, lanes).
        f: ``f(row)`` gives a row of the segment, (lanes,); rows from ``n`` on repeat the last one that counts.
        highest: Highest value of each chunk, (chunks, lanes).
        first: Step of row 0.
        n: Number of rows that count, at least 1.
        alive: Lanes whose values are all good, (lanes,); of others nothing is to be known.
        goal: What is known of the problem.

    Returns:
        ``above`` at the end of the segment.
    """
    targets = _numbers(above)

    def marked(above: Array, low: Array, high: Array, row: Array) -> Array:
        return jnp.where((targets >= low[None]) & (targets < high[None]), (first + row).astype(jnp.int32), above)

    def look_back(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        i = (n - 1) // CHUNK - j
        begin, gap = i * CHUNK, highest[i] - goal.f_star

        def nearest(level: Array) -> Array:
            """Returns the threshold of the hardest target that the lane stays below after this chunk."""
            threshold: Array = goal.thresholds[jnp.maximum(level - 1, 0)]
            return threshold

        def is_above(level: Array) -> Array:
            return (gap > nearest(level)) & (level > 0)

        def find(carry: tuple[Array, Array]) -> tuple[Array, Array]:
            level, above = carry
            threshold, none = nearest(level), jnp.zeros_like(gap)

            def look(row: Array, f: Array, found: Array, value: Array) -> tuple[Array, Array]:
                is_later = f - goal.f_star > threshold
                return jnp.where(is_later, row.astype(jnp.float64), found), jnp.where(is_later, f, value)

            row, value = over_rows(look, lambda row: f(begin + row), (none, none))
            # All later values are below this one, so it decides for all targets between.
            low = jnp.where(is_above(level), count(goal, value), level)
            at = jnp.minimum(begin + row.astype(jnp.int32), n - 1)
            return low, marked(above, low, level, at[None])

        return lax.while_loop(lambda carry: jnp.any(is_above(carry[0])), find, carry)

    level = jnp.where(alive, count(goal, f(n - 1)), 0)
    above = marked(above, level, jnp.where(alive, above.shape[0], 0), n - 1)
    _, above = lax.fori_loop(jnp.int32(0), (n + CHUNK - 1) // CHUNK, look_back, (level, above))
    return above


def _numbers(of: Array) -> Array:
    """Returns the number of each target in a column, to compare with a number for each lane."""
    return lax.broadcasted_iota(jnp.int32, (of.shape[0], 1), 0)
