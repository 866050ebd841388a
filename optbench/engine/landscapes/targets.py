"""When a lane first met each target, and when it was last above it.

Thresholds descend, so a lane crosses the targets in their order. Each trip of a loop finds the next crossing of all
lanes at once, and there are as many trips as the busiest lane needs.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from optbench.engine.landscapes.chunks import CHUNK, Chunk, over_rows
from optbench.engine.landscapes.operands import Goal
from optbench.records import NEVER

#: Targets that are counted in one step.
COUNTED = 17


def count(goal: Goal, best: Array) -> Array:
    """Returns how many targets a value meets, (lanes,)."""
    gap = best - goal.f_star

    def add(i: Array, met: Array) -> Array:
        more: Array = met + (gap <= goal.thresholds[i]).astype(jnp.int32)
        return more

    n_targets = goal.thresholds.shape[0]
    unroll = COUNTED if jax.default_backend() == "cpu" else n_targets
    met: Array = lax.fori_loop(0, n_targets, add, jnp.zeros_like(best, jnp.int32), unroll=unroll)
    return met


def nearest(met: Array, goal: Goal) -> Array:
    """Returns the threshold of the first target that is not among the ``met``; -inf behind the last, (lanes,)."""
    n_targets = goal.thresholds.shape[0]
    return jnp.where(met < n_targets, goal.thresholds[jnp.minimum(met, n_targets - 1)], -jnp.inf)


def first_hits(
    met: Array, hits: Array, target: Array, best: Array, chunk: Chunk, end: Array, goal: Goal
) -> tuple[Array, Array, Array]:
    """Adds the first step at each target that a lane crosses in a chunk.

    Args:
        met: How many targets were met before, (lanes,).
        hits: First step at each target or -1, (targets, lanes).
        target: Threshold of the next one: ``nearest(met, goal)``.
        best: Lowest good value up to the end of the chunk, (lanes,).
        chunk: The chunk.
        end: For each lane the first row that does not count, (lanes,); 0 for a lane that is out.
        goal: What is known of the problem.

    Returns:
        ``met``, ``hits`` and ``target`` at the end of the chunk.
    """

    def find(reached: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        met, hits, target = carry

        # From the last row to the first, so that the first that meets the target stands in the end. It counts, since
        # a later one does. As wide as values are: vector units compare and select like with like.
        def look(back: Array, f: Array, found: Array) -> tuple[Array]:
            return (jnp.where(f - goal.f_star <= target, (CHUNK - 1 - back).astype(jnp.int64), found),)

        (row,) = over_rows(look, lambda back: chunk.f(CHUNK - 1 - back), (jnp.zeros_like(best, jnp.int64),))
        is_next = (_numbers(hits) == met[None]) & (met < reached)[None]
        met = jnp.minimum(met + 1, reached)
        hits = jnp.where(is_next, chunk.first + row.astype(jnp.int32)[None], hits)
        return met, hits, nearest(met, goal)

    def crossed(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        reached = jnp.where(end > 0, count(goal, best), met)
        found: tuple[Array, Array, Array] = lax.while_loop(
            lambda carry: jnp.any(carry[0] < reached), lambda carry: find(reached, carry), carry
        )
        return found

    some_cross = jnp.any((end > 0) & (best - goal.f_star <= target))
    kept: tuple[Array, Array, Array] = lax.cond(some_cross, crossed, lambda carry: carry, (met, hits, target))
    return kept


def last_above(
    above: Array,
    hits: Array,
    values: Array,
    highest: Array,
    first: Array,
    n: Array,
    alive: Array,
    goal: Goal,
) -> Array:
    """Brings the last step above each target up to the end of a segment.

    Only where a lane ends counts, so the segment is walked backwards. A chunk is looked at row by row only where a lane
    was above a target that it stays below from the next chunk on. Where it only fell, its first step below was its
    last above, and one more.

    Args:
        above: Last step whose value is above each target or -1, (targets, lanes).
        hits: First step at each target or -1, at the end of the segment, (targets, lanes).
        values: Values of the segment, (rows, lanes).
        highest: Highest value of each chunk, (chunks, lanes).
        first: Step of row 0.
        n: Number of rows that count, at least 1.
        alive: Lanes whose values are all good, (lanes,); of others nothing is kept.
        goal: What is known of the problem.

    Returns:
        ``above`` at the end of the segment.
    """
    targets = _numbers(above)

    def between(low: Array, high: Array) -> Array:
        return (targets >= low[None]) & (targets < high[None])

    def with_fallen(level: Array, top: Array, above: Array) -> Array:
        """Writes the last steps above the targets from ``level`` to ``top``, which a lane only fell through."""
        return jnp.where(between(level, top), hits - 1, above)

    def look_back(j: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        i = (n - 1) // CHUNK - j
        begin, gap = i * CHUNK, highest[i] - goal.f_star

        def hardest(level: Array) -> Array:
            """Returns the threshold of the hardest target that the lane stays below after this chunk."""
            threshold: Array = goal.thresholds[jnp.maximum(level - 1, 0)]
            return threshold

        def is_above(level: Array) -> Array:
            return (gap > hardest(level)) & (level > 0)

        def row_of(row: Array) -> Array:
            kept: Array = lax.dynamic_index_in_dim(values, jnp.minimum(begin + row, n - 1), keepdims=False)
            return kept

        def fallen(level: Array) -> Array:
            # As wide as values are, like a row that is found.
            def compare(row: Array, f: Array, rose: Array) -> tuple[Array]:
                return (jnp.where(f > row_of(jnp.maximum(row - 1, 0)), jnp.int64(1), rose),)

            (rose,) = over_rows(compare, row_of, (jnp.zeros_like(gap, jnp.int64),))
            low = jnp.minimum(count(goal, highest[i]), level)
            # The easiest of the targets that it crossed was met first: the others, too, were not met before this chunk.
            met_at = jnp.take_along_axis(hits, low[None], axis=0, mode="clip")[0]
            return jnp.where((rose == 0) & (met_at > first + begin), low, level)

        def find(carry: tuple[Array, Array]) -> tuple[Array, Array]:
            level, above = carry
            threshold = hardest(level)

            def look(row: Array, f: Array, found: Array) -> tuple[Array]:
                return (jnp.where(f - goal.f_star > threshold, row.astype(jnp.int64), found),)

            (row,) = over_rows(look, row_of, (jnp.zeros_like(gap, jnp.int64),))
            at = jnp.minimum(begin + row.astype(jnp.int32), n - 1)
            # All later values are below this one, so it decides for all targets between.
            value = jnp.take_along_axis(values, at[None], axis=0, mode="clip")[0]
            low = jnp.where(is_above(level), count(goal, value), level)
            return low, jnp.where(between(low, level), first + at[None], above)

        def risen(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            level, top, above = carry
            start = level, with_fallen(level, top, above)
            level, above = lax.while_loop(lambda carry: jnp.any(is_above(carry[0])), find, start)
            return level, level, above

        level, top, above = carry
        level = lax.cond(jnp.any(is_above(level)), fallen, lambda level: level, level)
        after: tuple[Array, Array, Array] = lax.cond(
            jnp.any(is_above(level)), risen, lambda carry: carry, (level, top, above)
        )
        return after

    level = jnp.where(alive, count(goal, values[n - 1]), 0)
    is_out = between(level, jnp.where(alive, above.shape[0], 0))
    above = jnp.where(is_out, first + n - 1, jnp.where(alive[None], above, NEVER))
    fallen = lax.fori_loop(jnp.int32(0), (n + CHUNK - 1) // CHUNK, look_back, (level, level, above))
    return with_fallen(*fallen)


def _numbers(of: Array) -> Array:
    """Returns the number of each target in a column, to compare with a number for each lane."""
    return lax.broadcasted_iota(jnp.int32, (of.shape[0], 1), 0)
