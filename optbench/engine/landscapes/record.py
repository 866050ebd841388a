"""What is kept of a segment of trips: best value, first hits, settling, curve points, escape, divergence.

The loop over trips only stores raw values; everything else is worked out here, chunk by
chunk, and the costly parts only where some lane needs them. The recorder knows neither problem nor
rule, so it is compiled once for each width. "Frozen" means that a lane's records stop at its first
bad value, for good; its state may run on unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.engine.landscapes.chunks import CHUNK, Chunk, between_rows, over_rows
from optbench.engine.landscapes.operands import Goal
from optbench.engine.landscapes.targets import first_hits, last_above, nearest
from optbench.records import DIVERGE_GAP, ESCAPE_GAP, NEVER

#: Chunks, and rows, of a segment, which is one call of a program and one of the recorder: a call costs some tenths of a
#: millisecond of Python, so short segments keep the threads from running side by side. A budget of 2,000 fits one.
CHUNKS = 33
SEGMENT = CHUNKS * CHUNK


class Records(NamedTuple):
    """What is known of each lane so far.

    Attributes:
        best: Lowest good value, (lanes,).
        last: Last good value, (lanes,).
        diverged_at: Step of the first bad iterate or -1, (lanes,).
        escaped_at: First step below the minimum or far outside or -1, (lanes,).
        met: How many of the targets, from the easiest on, were met, (lanes,).
        hits: First step at each target or -1, (targets, lanes).
        above: Last step whose value is above each target or -1, (targets, lanes); -1 for a lane that diverged.
        curve_f: Value at each curve point, (points, lanes).
        curve_best: Best good value up to each curve point, (points, lanes).
        tail: Values of the last tenth of the budget, (tail points, lanes).
        curve_next: Next curve point to fill, a scalar.
        tail_next: Next tail point to fill, a scalar.
    """

    best: Any
    last: Any
    diverged_at: Any
    escaped_at: Any
    met: Any
    hits: Any
    above: Any
    curve_f: Any
    curve_best: Any
    tail: Any
    curve_next: Any
    tail_next: Any


class RecordSchedule(NamedTuple):
    """Steps whose values are kept, ascending, padded with the largest integer.

    Attributes:
        curve: Steps of the curve, (points,).
        tail: Steps of the tail, (tail points,).
    """

    curve: Any
    tail: Any


def empty(lanes: int, n_targets: int, n_curve: int, n_tail: int) -> Records:
    """Returns the records of lanes that have not started, as NumPy arrays: each call copies them."""
    infinite, never = np.float64(np.inf), np.int32(NEVER)
    return Records(
        best=np.full(lanes, infinite),
        last=np.full(lanes, infinite),
        diverged_at=np.full(lanes, never),
        escaped_at=np.full(lanes, never),
        met=np.zeros(lanes, np.int32),
        hits=np.full((n_targets, lanes), never),
        above=np.full((n_targets, lanes), never),
        curve_f=np.full((n_curve, lanes), infinite),
        curve_best=np.full((n_curve, lanes), infinite),
        tail=np.full((n_tail, lanes), infinite),
        curve_next=np.int32(0),
        tail_next=np.int32(0),
    )


def record(
    records: Records,
    values: Array,
    outside: Array,
    beyond: Array,
    lowest: Array,
    highest: Array,
    first: Array,
    n: Array,
    goal: Goal,
    when: RecordSchedule,
) -> Records:
    """Adds a segment to the records.

    Args:
        records: The records before the segment.
        values: Values of the iterates ``first``, ``first + 1`` ..., (SEGMENT, lanes); infinite where the value is not
            a number.
        outside: First row whose iterate lies so far outside that the lane has escaped, (lanes,).
        beyond: First row whose iterate lies so far outside that the lane has diverged, (lanes,).
        lowest: Lowest value of each chunk, (CHUNKS, lanes).
        highest: Highest value of each chunk, (CHUNKS, lanes).
        first: Step of row 0.
        n: Number of rows that count, at least 1.
        goal: What is known of the problem.
        when: Steps whose values are kept.

    Returns:
        The records after the segment.
    """

    def f(row: Array) -> Array:
        kept: Array = lax.dynamic_index_in_dim(values, jnp.minimum(row, n - 1), keepdims=False)
        return kept

    def add(i: Array, carry: tuple[Records, Array]) -> tuple[Records, Array]:
        begin = i * CHUNK
        within = jnp.minimum(n - begin, CHUNK)
        far = outside - begin, beyond - begin
        chunk = Chunk(lambda row: f(begin + row), lowest[i], highest[i], *far, first + begin, within)
        return _add_chunk(*carry, chunk, goal, when)

    start = (records, nearest(records.met, goal))
    records, _ = lax.fori_loop(jnp.int32(0), (n + CHUNK - 1) // CHUNK, add, start)
    alive = records.diverged_at < 0
    return records._replace(above=last_above(records.above, records.hits, values, highest, first, n, alive, goal))


def _add_chunk(
    records: Records, target: Array, chunk: Chunk, goal: Goal, when: RecordSchedule
) -> tuple[Records, Array]:
    """Adds a chunk to the records; ``target`` is the threshold of each lane's next target, and is returned as well."""
    alive = records.diverged_at < 0
    # Almost always nothing happened, and the chunk's lowest and highest values tell it. A lane that has escaped may
    # go anywhere within the bounds of divergence.
    escaped = records.escaped_at >= 0
    floor = jnp.where(escaped, np.finfo(np.float64).min, goal.f_star - ESCAPE_GAP * goal.f_scale)
    fine = chunk.highest - goal.f_star <= DIVERGE_GAP * goal.f_scale
    fine &= (chunk.lowest >= floor) & ((chunk.outside >= chunk.n) | escaped) & (chunk.beyond >= chunk.n)

    def quiet(_: None) -> tuple[Array, Array, Array, Array]:
        return jnp.where(alive, chunk.n, 0), records.escaped_at, chunk.lowest, chunk.f(chunk.n - 1)

    def eventful(_: None) -> tuple[Array, Array, Array, Array]:
        return _events(records, chunk, goal, alive)

    end, escaped_at, lowest, last = lax.cond(jnp.all(fine | ~alive), quiet, eventful, None)
    before = records.best
    records = records._replace(
        best=jnp.where(end > 0, jnp.minimum(before, lowest), before),
        last=jnp.where(end > 0, last, records.last),
        escaped_at=escaped_at,
        diverged_at=jnp.where(alive & (end < chunk.n), chunk.first + end, records.diverged_at).astype(jnp.int32),
    )
    met, hits, target = first_hits(records.met, records.hits, target, records.best, chunk, end, goal)
    records = records._replace(met=met, hits=hits)
    return _tail(_curve(records, chunk, end, before, when), chunk, end, when), target


def _events(records: Records, chunk: Chunk, goal: Goal, alive: Array) -> tuple[Array, Array, Array, Array]:
    """Finds the rows at which lanes escape or diverge, for a chunk in which some do."""
    never = jnp.full_like(records.best, CHUNK)
    floor = goal.f_star - ESCAPE_GAP * goal.f_scale

    def look(row: Array, f: Array, first_bad: Array, below: Array) -> tuple[Array, Array]:
        good = (f - goal.f_star <= DIVERGE_GAP * goal.f_scale) & jnp.isfinite(f)
        return _earlier(first_bad, ~good, row), _earlier(below, f < floor, row)

    first_bad, below = over_rows(look, chunk.f, (never, never))
    end = jnp.where(alive, jnp.minimum(jnp.minimum(first_bad, chunk.beyond), chunk.n), 0)
    # A row before this chunk is that of a lane that had escaped or was out.
    row = jnp.minimum(below, jnp.where(chunk.outside < 0, CHUNK, chunk.outside))
    is_new = (row < end) & (records.escaped_at < 0)
    escaped_at = jnp.where(is_new, chunk.first + row, records.escaped_at).astype(jnp.int32)

    def keep(row: Array, f: Array, lowest: Array, last: Array) -> tuple[Array, Array]:
        return jnp.where(row < end, jnp.minimum(lowest, f), lowest), jnp.where(row == end - 1, f, last)

    infinite = jnp.full_like(records.best, jnp.inf)
    lowest, last = over_rows(keep, chunk.f, (infinite, infinite))
    return end.astype(jnp.int32), escaped_at, lowest, last


def _earlier(known: Array, happens: Array, row: Array) -> Array:
    """Returns the earlier of the row that is known of each lane and this one, where it happens."""
    return jnp.where(happens, jnp.minimum(known, row), known)


def _curve(records: Records, chunk: Chunk, end: Array, before: Array, when: RecordSchedule) -> Records:
    """Keeps the curve points of this chunk; ``before`` is the best value at its beginning."""
    # In double precision, as the values are: vector units compare and select like with like.
    stop = end.astype(jnp.float64)

    def keep(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        k, begin, best, curve_f, curve_best = carry
        due = when.curve[k] - chunk.first
        here = jnp.where(due < end, chunk.f(due), jnp.inf)

        def lower(row: Array, f: Array, best: Array) -> tuple[Array]:
            return (jnp.where((f < best) & (row.astype(jnp.float64) < stop), f, best),)

        (best,) = between_rows(lower, chunk.f, (best,), begin, due + 1)
        return k + 1, due + 1, best, curve_f.at[k].set(here), curve_best.at[k].set(best)

    start: tuple[Any, ...] = (records.curve_next, jnp.int32(0), before, records.curve_f, records.curve_best)
    k, _, _, curve_f, curve_best = lax.while_loop(_due(when.curve, chunk), keep, start)
    return records._replace(curve_next=k, curve_f=curve_f, curve_best=curve_best)


def _tail(records: Records, chunk: Chunk, end: Array, when: RecordSchedule) -> Records:
    """Keeps the tail points of this chunk."""

    def keep(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        k, tail = carry
        row = when.tail[k] - chunk.first
        return k + 1, tail.at[k].set(jnp.where(row < end, chunk.f(row), jnp.inf))

    k, tail = lax.while_loop(_due(when.tail, chunk), keep, (records.tail_next, records.tail))
    return records._replace(tail_next=k, tail=tail)


def _due(steps: Array, chunk: Chunk) -> Callable[[tuple[Array, ...]], Array]:
    return lambda carry: (carry[0] < steps.shape[0]) & (steps[carry[0]] < chunk.first + chunk.n)
