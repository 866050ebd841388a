"""Noise inside a program: which draw a lane sees in a trip, and what it makes of value and gradient.

Draws are made on the host, once for a problem, and are operands that all rules and rates share: common
random numbers at no cost in the loop. The row of a draw is the step, not the trip, so that every evaluation
inside one step sees the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.engine.landscapes.record import SEGMENT
from optbench.problems.finite_sums.batches import index_stream
from optbench.problems.noise import MAX_DELAY, Noise
from optbench.problems.problem import Problem
from optbench.problems.units import units_of

#: Kinds that a program tells apart; batches change the oracle and leave what it gives alone.
MODES = ("none", "additive", "multiplicative", "quantized", "delay", "drift")
_MODE_OF = {"gaussian": "additive", "student": "additive"}
#: Gradients that are kept: that of MAX_DELAY evaluations ago, and the one just made.
RING = MAX_DELAY + 1
#: Of a finite sum only every so many values are worked out in full, beside those that the curve and the tail keep.
VALUE_STRIDE = 16
#: Sums of at most so many terms have batches of their own for each start.
OWN_BATCHES = 64


class Room(NamedTuple):
    """Shapes of a noisy program's operands.

    Attributes:
        streams: Sequences of draws.
        batches: Sequences of mini-batches.
        batch_size: Terms of the largest mini-batch.
    """

    streams: int
    batches: int
    batch_size: int


class Disturbance(NamedTuple):
    """What a noisy program receives for a segment.

    Attributes:
        mode: Index in ``MODES``.
        amount: What draws are multiplied by, in the units that rules see.
        delay: Evaluations by which gradients are late.
        first: Step of row 0.
        trip: Trip of row 0, since the start of the run.
        table: Draws, (SEGMENT, streams, dim).
        batches: Terms of mini-batches, (SEGMENT, streams, terms).
        stream: Each lane's stream, (lanes,).
        due: Trips whose value is recorded and not only carried on, (SEGMENT,).
    """

    mode: Any
    amount: Any
    delay: Any
    first: Any
    trip: Any
    table: Any
    batches: Any
    stream: Any
    due: Any


def blank_disturbance(room: Room, dim: int, lanes: int) -> Disturbance:
    """Returns operands of the right shapes, for compiling."""
    zero = np.int32(0)
    return Disturbance(
        *(zero, np.float64(0.0), zero, zero, zero),
        table=np.zeros((SEGMENT, room.streams, dim)),
        batches=np.zeros((SEGMENT, room.batches, room.batch_size), np.int32),
        stream=np.zeros(lanes, np.int32),
        due=np.ones(SEGMENT, np.bool_),
    )


class Streams(NamedTuple):
    """The noise of one problem: everything but the lanes.

    Attributes:
        problem: The problem.
        units: ``"normalized"`` or ``"raw"``.
        seed: Seed of the suite.
        keys: For each stream its (split, start, noise seed); batches that starts share have a noise seed alone.
        room: Shapes of the program.
        due_steps: Trips whose value the curve or the tail keeps.
    """

    problem: Problem
    units: str
    seed: int
    keys: tuple[tuple[Any, ...], ...]
    room: Room
    due_steps: tuple[int, ...]

    @property
    def noise(self) -> Noise:
        """The noise."""
        assert self.problem.noise is not None
        return self.problem.noise

    def is_due(self, trips: np.ndarray) -> np.ndarray:
        """Returns which trips have their value worked out in full, where terms are sampled."""
        return np.asarray((trips % VALUE_STRIDE == 0) | np.isin(trips, self.due_steps))

    def segment(self, trip: int, evals_per_step: int | None) -> Disturbance:
        """Returns the operands of the segment that begins with a trip; the lanes' streams are still 0.

        Args:
            trip: Trips made so far.
            evals_per_step: Evaluations of a step, during which the draw stays; ``None`` where each lane counts
                its own steps. Lanes are then at steps far apart, and the first ``SEGMENT`` draws come round again.

        Returns:
            The operands.
        """
        noise, room = self.noise, self.room
        first = 0 if evals_per_step is None else trip // evals_per_step
        blank = blank_disturbance(room, self.problem.dim, 1)
        table, batches = blank.table, blank.batches
        if noise.is_batch:
            if not _is_whole(self.problem):
                batches = _batches(self, first)
        elif noise.kind != "delay":
            table = _table(self, first)
        scale = units_of(self.problem, self.units)
        seen = scale.unit * scale.grad_scale
        amount = noise.amount(self.problem)
        mode = "none" if noise.is_batch else _MODE_OF.get(noise.kind, noise.kind)
        if mode in ("additive", "quantized"):
            amount *= seen
        elif mode == "drift":
            amount *= self.problem.width / 10.0 / scale.unit
        due = np.ones(SEGMENT, np.bool_)
        if noise.is_batch:
            due = self.is_due(np.arange(trip, trip + SEGMENT))
            due[0] = True
        return Disturbance(
            mode=np.int32(MODES.index(mode)),
            amount=np.float64(amount),
            delay=np.int32(noise.level if noise.kind == "delay" else 0),
            first=np.int32(first),
            trip=np.int32(trip),
            table=table,
            batches=batches,
            stream=blank.stream,
            due=due,
        )


def _is_whole(problem: Problem) -> bool:
    """Returns whether a batch is the whole sum, which is then seen to the last bit."""
    assert problem.landscape.n_terms is not None
    return problem.batch_size == problem.landscape.n_terms(problem.dim) and problem.noise.kind == "batch"  # type: ignore[union-attr]


def shares_batches(problem: Problem) -> bool:
    """Returns whether all starts of a noise seed see the same batches.

    Draws of long tables cost memory and time, so the batches of large sums are shared. Where the noise decides how a
    run ends, as on two wells, runs under shared batches end alike, and starts would be no independent evidence.
    """
    if problem.noise is None or not problem.noise.is_batch:
        return False
    assert problem.landscape.n_terms is not None
    return problem.landscape.n_terms(problem.dim) > OWN_BATCHES


def sampled_terms(problem: Problem) -> int | None:
    """Returns the terms of a real mini-batch; ``None`` where a rule sees the whole function."""
    return None if problem.batch_size is None or _is_whole(problem) else problem.batch_size


@lru_cache(maxsize=2)
def _table(streams: Streams, first: int) -> np.ndarray:
    """Returns the draws of a segment; the rules of a problem follow one another and find them here."""
    problem = streams.problem
    table = np.zeros((SEGMENT, streams.room.streams, problem.dim))
    for place, key in enumerate(streams.keys):
        identity = (streams.seed, problem.noise_free.label, *key)
        table[:, place] = streams.noise.draws(identity, first, SEGMENT, problem.dim)
    return table


@lru_cache(maxsize=8)
def _batches(streams: Streams, first: int) -> np.ndarray:
    problem, size = streams.problem, streams.problem.batch_size
    assert size is not None
    assert problem.landscape.n_terms is not None
    n_terms, replace = problem.landscape.n_terms(problem.dim), streams.noise.kind == "batch_replace"
    drawn = np.zeros((SEGMENT, streams.room.batches, streams.room.batch_size), np.int32)
    for place, key in enumerate(streams.keys):
        label = "/".join(map(str, (problem.noise_free.label, *key)))
        stream = index_stream(streams.seed, label, n_terms, size, SEGMENT, first=first, replace=replace)
        assert stream is not None
        drawn[:, place, :size] = stream
    return drawn


def disturb(
    noise: Disturbance, draw: Array, late: Array, trip: Array, value: Array, grad: Array, point: Array
) -> tuple[Array, Array, Array]:
    """Returns value and gradient as a rule sees them, and the gradients of the last evaluations.

    Args:
        noise: The operands.
        draw: Each lane's draw of this step, (lanes, dim).
        late: The last gradients, (lanes, RING, dim).
        trip: Trips made so far.
        value: Value where the rule looks, in the rule's units, (lanes,).
        grad: Gradient there, (lanes, dim).
        point: Where it looks, from the center of the box, (lanes, dim).

    Returns:
        Value, gradient and late gradients. Additive noise is the gradient of the sampled loss ``f(z) + n'z``,
        and so the value; other kinds are no gradient of anything, and the value is that of ``f``.
    """
    late = lax.dynamic_update_slice(late, grad[:, None], (jnp.int32(0), trip % RING, jnp.int32(0)))
    move = noise.amount * draw

    def additive() -> tuple[Array, Array]:
        return value + (move * point).sum(axis=1), grad + move

    def quantized() -> tuple[Array, Array]:
        return value, noise.amount * jnp.floor(grad / noise.amount + draw)

    def delayed() -> tuple[Array, Array]:
        then = jnp.maximum(trip - noise.delay, 0) % RING
        return value, lax.dynamic_index_in_dim(late, then, axis=1, keepdims=False)

    def as_it_is() -> tuple[Array, Array]:
        return value, grad

    branches = (as_it_is, additive, lambda: (value, grad * (1.0 + move)), quantized, delayed, as_it_is)
    value, grad = lax.switch(noise.mode, branches)
    return value, grad, late


def drawn(noise: Disturbance, steps: Array) -> tuple[Array, Array]:
    """Returns each lane's draw and mini-batch.

    Args:
        noise: The operands.
        steps: Each lane's step, (lanes,).

    Returns:
        Draws (lanes, dim) and terms (lanes, batch size).
    """
    rows = (steps - noise.first) % SEGMENT
    # A problem has draws or batches, the other table has one stream.
    place = jnp.minimum(noise.stream, noise.table.shape[1] - 1)
    batch = jnp.minimum(noise.stream, noise.batches.shape[1] - 1)
    return noise.table[rows, place], noise.batches[rows, batch]


def room_for(problems: Sequence[Problem], n_starts: int, n_seeds: int) -> Room:
    """Returns the shapes that the noise of some problems needs."""
    tabled = any(p.noise is not None and not p.noise.is_batch for p in problems)
    sizes = [sampled_terms(p) or 1 for p in problems]
    drawn = [n_seeds * (1 if shares_batches(p) else n_starts) for p in problems if sampled_terms(p)]
    return Room(n_starts * n_seeds if tabled else 1, max(drawn, default=1), max(sizes))
