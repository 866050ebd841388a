"""What is kept of a segment of trips: best value, first hits, curve points, escape, divergence.

The loop over trips only stores raw values and radii; everything else is worked out here, chunk by
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

from optbench.engine.operands import Goal
from optbench.records import DIVERGE_GAP, DIVERGE_WIDTHS, ESCAPE_GAP, ESCAPE_WIDTHS, NEVER

#: Rows that are looked at together.
CHUNK = 64
#: Rows of a segment, which is one call of a program and one of the recorder: a call costs some tenths of a
#: millisecond of Python, so short segments keep the threads from running side by side. A budget of 2,000 fits one.
SEGMENT = 33 * CHUNK


class Records(NamedTuple):
    """What is known of each lane so far.

    Attributes:
        best: Lowest good value, (lanes,).
        last: Last good value, (lanes,).
        diverged_at: Step of the first bad iterate or -1, (lanes,).
        escaped_at: First step below the minimum or far outside or -1, (lanes,).
        hits: First step at each target or -1, (targets, lanes).
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
    hits: Any
    curve_f: Any
    curve_best: Any
    tail: Any
    curve_next: Any
    tail_next: Any


class Schedule(NamedTuple):
    """Steps whose values are kept, ascending, padded with the largest integer.

    Attributes:
        curve: Steps of the curve, (points,).
        tail: Steps of the tail, (tail points,).
    """

    curve: Any
    tail: Any


class Chunk(NamedTuple):
    """One chunk as the inner loop left it, and what of it is good.

    Attributes:
        f: Values, (CHUNK, lanes); rows from ``n`` on repeat row 0.
        first: Step of row 0.
        n: Number of rows that count.
        end: For each lane the first row that does not count, (lanes,); 0 for a lane that is out.
    """

    f: Array
    first: Array
    n: Array
    end: Array


def empty(lanes: int, n_targets: int, n_curve: int, n_tail: int) -> Records:
    """Returns the records of lanes that have not started, as NumPy arrays: each call copies them."""
    infinite, never = np.float64(np.inf), np.int32(NEVER)
    return Records(
        best=np.full(lanes, infinite),
        last=np.full(lanes, infinite),
        diverged_at=np.full(lanes, never),
        escaped_at=np.full(lanes, never),
        hits=np.full((n_targets, lanes), never),
        curve_f=np.full((n_curve, lanes), infinite),
        curve_best=np.full((n_curve, lanes), infinite),
        tail=np.full((n_tail, lanes), infinite),
        curve_next=np.int32(0),
        tail_next=np.int32(0),
    )


def record(
    records: Records, values: Array, radii: Array, first: Array, n: Array, goal: Goal, when: Schedule
) -> Records:
    """Adds a segment to the records.

    Args:
        records: The records before the segment.
        values: Values of the iterates ``first``, ``first + 1`` ..., (SEGMENT, lanes).
        radii: Their distances from the center of the box in box widths, (SEGMENT, lanes).
        first: Step of row 0.
        n: Number of rows that count, at least 1.
        goal: What is known of the problem.
        when: Steps whose values are kept.

    Returns:
        The records after the segment.
    """

    def add(i: Array, records: Records) -> Records:
        begin = i * CHUNK
        f, radius = (lax.dynamic_slice_in_dim(rows, begin, CHUNK) for rows in (values, radii))
        return _add_chunk(records, f, radius, first + begin, jnp.minimum(n - begin, CHUNK), goal, when)

    added: Records = lax.fori_loop(jnp.int32(0), (n + CHUNK - 1) // CHUNK, add, records)
    return added


def _add_chunk(
    records: Records, f: Array, radius: Array, first: Array, n: Array, goal: Goal, when: Schedule
) -> Records:
    """Adds ``n`` rows from step ``first`` on to the records."""
    counts = _row_numbers(f) < n
    f = jnp.where(counts, f, f[:1])
    radius = jnp.where(counts, radius, radius[:1])
    alive = records.diverged_at < 0

    # One pass tells whether nothing happened, which is almost always so. A lane that has escaped may
    # go anywhere within the bounds of divergence. NaN fails every comparison; XLA's minimum over rows
    # may drop it.
    escaped = records.escaped_at >= 0
    floor = jnp.where(escaped, np.finfo(np.float64).min, goal.f_star - ESCAPE_GAP * goal.f_scale)
    reach = jnp.where(escaped, DIVERGE_WIDTHS, ESCAPE_WIDTHS)
    fine = (f - goal.f_star <= DIVERGE_GAP * goal.f_scale) & (f >= floor[None]) & (radius <= reach[None])
    settled = jnp.all(fine, axis=0) | ~alive
    lowest = jnp.min(f, axis=0)

    def quiet(_: None) -> tuple[Array, Array, Array, Array]:
        last = lax.dynamic_index_in_dim(f, n - 1, keepdims=False)
        return jnp.where(alive, n, 0), records.escaped_at, lowest, last

    def eventful(_: None) -> tuple[Array, Array, Array, Array]:
        return _events(records, f, radius, first, n, goal, alive)

    end, escaped_at, lowest, last = lax.cond(jnp.all(settled), quiet, eventful, None)
    chunk = Chunk(f, first, n, end)
    before = records.best
    records = records._replace(
        best=jnp.where(end > 0, jnp.minimum(before, lowest), before),
        last=jnp.where(end > 0, last, records.last),
        escaped_at=escaped_at,
        diverged_at=jnp.where(alive & (end < n), first + end, records.diverged_at).astype(jnp.int32),
    )
    return _tail(_curve(_hits(records, chunk, goal), chunk, before, when), chunk, when)


def _events(
    records: Records, f: Array, radius: Array, first: Array, n: Array, goal: Goal, alive: Array
) -> tuple[Array, Array, Array, Array]:
    """Finds the rows at which lanes escape or diverge, for a chunk in which some do."""
    rows = _row_numbers(f)
    good = (f - goal.f_star <= DIVERGE_GAP * goal.f_scale) & (radius <= DIVERGE_WIDTHS) & jnp.isfinite(f)
    first_bad = jnp.min(jnp.where(good, CHUNK, rows), axis=0)
    end = jnp.where(alive, jnp.minimum(first_bad, n), 0)
    out = (f < goal.f_star - ESCAPE_GAP * goal.f_scale) | (radius > ESCAPE_WIDTHS)
    row = jnp.min(jnp.where(out & (rows < end[None]), rows, CHUNK), axis=0)
    is_new = (row < CHUNK) & (records.escaped_at < 0)
    escaped_at = jnp.where(is_new, first + row, records.escaped_at).astype(jnp.int32)
    lowest = jnp.min(jnp.where(rows < end[None], f, jnp.inf), axis=0)
    last = jnp.min(jnp.where(rows == end[None] - 1, f, jnp.inf), axis=0)
    return end, escaped_at, lowest, last


def _hits(records: Records, chunk: Chunk, goal: Goal) -> Records:
    """Adds the first step at each target that a lane crosses in this chunk."""
    # Thresholds descend, so a lane crosses the targets in their order: every trip of the loop finds
    # the next target of all lanes at once, and there are as many trips as the busiest lane needs.
    met = (records.hits != NEVER).sum(axis=0, dtype=jnp.int32)
    reached = (records.best[None] - goal.f_star <= goal.thresholds[:, None]).sum(axis=0, dtype=jnp.int32)
    reached = jnp.where(chunk.end > 0, reached, met)
    rows = _row_numbers(chunk.f)
    targets = lax.broadcasted_iota(jnp.int32, (records.hits.shape[0], 1), 0)

    def find(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        met, hits = carry
        below = (chunk.f - goal.f_star <= goal.thresholds[met][None]) & (rows < chunk.end[None])
        row = jnp.min(jnp.where(below, rows, CHUNK), axis=0)[None]
        is_next = (targets == met[None]) & (met < reached)[None]
        return jnp.minimum(met + 1, reached), jnp.where(is_next, chunk.first + row, hits)

    _, hits = lax.while_loop(lambda carry: jnp.any(carry[0] < reached), find, (met, records.hits))
    return records._replace(hits=hits)


def _curve(records: Records, chunk: Chunk, before: Array, when: Schedule) -> Records:
    """Keeps the curve points of this chunk; ``before`` is the best value at its beginning."""
    rows = _row_numbers(chunk.f)

    def keep(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, curve_f, curve_best = carry
        row = when.curve[k] - chunk.first
        here = jnp.where(row < chunk.end, chunk.f[row], jnp.inf)
        best = jnp.min(jnp.where((rows <= row) & (rows < chunk.end[None]), chunk.f, jnp.inf), axis=0)
        return k + 1, curve_f.at[k].set(here), curve_best.at[k].set(jnp.minimum(before, best))

    start = (records.curve_next, records.curve_f, records.curve_best)
    k, curve_f, curve_best = lax.while_loop(_due(when.curve, chunk), keep, start)
    return records._replace(curve_next=k, curve_f=curve_f, curve_best=curve_best)


def _tail(records: Records, chunk: Chunk, when: Schedule) -> Records:
    """Keeps the tail points of this chunk."""

    def keep(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        k, tail = carry
        row = when.tail[k] - chunk.first
        return k + 1, tail.at[k].set(jnp.where(row < chunk.end, chunk.f[row], jnp.inf))

    k, tail = lax.while_loop(_due(when.tail, chunk), keep, (records.tail_next, records.tail))
    return records._replace(tail_next=k, tail=tail)


def _due(steps: Array, chunk: Chunk) -> Callable[[tuple[Array, ...]], Array]:
    return lambda carry: (carry[0] < steps.shape[0]) & (steps[carry[0]] < chunk.first + chunk.n)


def _row_numbers(f: Array) -> Array:
    return lax.broadcasted_iota(jnp.int32, (f.shape[0], 1), 0)
