"""One compiled program for all problems of a dimension and all rules with as many state slots.

Two scalar switches stand in the step, one over problems and one over rules, so 60 problems and 60
rules compile once, not 3,600 times. One trip of the loop is one gradient evaluation. Lanes are the
leading logical axis, which is how ``vmap`` wants them, and the innermost one in memory, which is how
vector units want them: ``lanes_innermost`` pins that, else XLA lays lanes outside and runs two to
four times slower.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.branches import Sight, clock, lanes_innermost, oracle, start, update, where_to_look
from optbench.engine.compile import compile_function
from optbench.engine.disturb import (
    MODES,
    RING,
    Disturbance,
    Room,
    blank_disturbance,
    disturb,
    drawn,
    sampled_terms,
)
from optbench.engine.operands import Operands, blank, n_theta
from optbench.engine.record import SEGMENT
from optbench.engine.state import Layout, layout, widths
from optbench.problems.problem import Landscape, Problem


class Carry(NamedTuple):
    """Lanes in flight.

    Attributes:
        params: Iterates that are judged, (lanes, dim).
        slots: Vector state, (lanes, k, dim).
        scalars: Scalar state of each lane, (lanes, s).
        shared: Scalar state of all lanes together, (c,).
        late: The last gradients, (lanes, RING, dim); empty without noise.
    """

    params: Any
    slots: Any
    scalars: Any
    shared: Any
    late: Any


class Rows(NamedTuple):
    """What a segment of trips leaves for the recorder; only the rows of trips that were made count.

    Attributes:
        values: Objective at each iterate, (SEGMENT, lanes).
        radii: Distance of each from the center of the box in box widths, (SEGMENT, lanes).
    """

    values: Any
    radii: Any


def blank_rows(lanes: int) -> Rows:
    """Returns rows for the first segment; later ones use the same memory again."""
    return Rows(np.zeros((SEGMENT, lanes)), np.zeros((SEGMENT, lanes)))


@dataclass(frozen=True)
class Shelf:
    """What one program holds: which branches its two switches have.

    Attributes:
        dim: Dimension of all problems.
        problems: One problem for each branch; instances and parameters are operands.
        rules: One rule for each branch.
        lanes: Width of a block.
        sees: What the problems show to all its rules.
        room: Shapes of the noise's operands; ``None`` for a program without noise.
    """

    dim: int
    problems: tuple[Problem, ...]
    rules: tuple[Optimizer, ...]
    lanes: int
    sees: Sight
    room: Room | None = None

    @property
    def has_rotation(self) -> bool:
        """Whether some branch multiplies by a rotation."""
        return any(p.rotated for p in self.problems)


def branch_key(problem: Problem) -> tuple[Landscape, bool, int | None]:
    """Returns what makes a branch: instances, parameters and levels of noise of one function share it.

    A landscape is itself and no name: a user's may bear the name of another, or be a lambda like another.
    """
    return problem.landscape, problem.rotated, sampled_terms(problem)


def block_lanes(dim: int, backend: str) -> int:
    """Returns the width of a block: fixed for a dimension class and a backend, since bits depend on it.

    On CPU a block's state should fit the first cache level, and wider blocks spread the cost of a
    trip. An accelerator wants thousands of lanes.
    """
    if backend != "cpu":
        return 8192
    return 256 if dim <= 4 else 64


@dataclass(frozen=True)
class Program:
    """A compiled program and what it took to compile.

    Attributes:
        shelf: Its branches.
        call: ``call(rows, carry, fresh, problem, rule, hyper, operands, n, *noise) -> (rows, carry)``: makes
            ``n`` trips, at most ``SEGMENT``, and takes over the memory of ``rows``; a noisy program takes a
            ``Disturbance`` as well.
        n_theta: Length of the parameter vector of its operands.
        n_hyper: Number of hyperparameters of a lane.
        template: Carry of lanes that have not started.
        compile_s: Seconds of tracing and compiling.
    """

    shelf: Shelf
    call: Callable[..., tuple[Rows, Carry]]
    n_theta: int
    n_hyper: int
    template: Carry
    compile_s: float

    def branch(self, problem: Problem) -> int:
        """Returns the branch that evaluates ``problem``."""
        return [branch_key(p) for p in self.shelf.problems].index(branch_key(problem))

    def rule(self, rule: Optimizer) -> int:
        """Returns the branch of a rule."""
        return self.shelf.rules.index(rule)


@lru_cache(maxsize=128)
def compile_program(shelf: Shelf) -> Program:
    """Traces and compiles the program of a shelf, once in a process.

    Args:
        shelf: Its branches.

    Returns:
        The program, ready to call from any thread.
    """
    begin = time.perf_counter()
    theta = n_theta(shelf.problems)

    def build() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        layouts = [layout(rule, shelf.dim, shelf.sees.n_points) for rule in shelf.rules]
        room = widths(layouts)
        carry = Carry(
            params=np.zeros((shelf.lanes, shelf.dim)),
            slots=np.zeros((shelf.lanes, room.slots, shelf.dim)),
            scalars=np.zeros((shelf.lanes, room.scalars)),
            shared=np.zeros(room.shared),
            late=np.zeros((shelf.lanes, 0 if shelf.room is None else RING, shelf.dim)),
        )
        zero, hyper = np.int32(0), np.zeros((room.hyper, shelf.lanes))
        noise = () if shelf.room is None else (blank_disturbance(shelf.room, shelf.dim, shelf.lanes),)
        fixed = (np.bool_(True), zero, zero, hyper, blank(shelf.dim, theta), zero, *noise)
        return _advance(shelf, layouts), (blank_rows(shelf.lanes), carry, *fixed)

    with jax.enable_x64(True):
        made = compile_function("advance", build, donate=len(Rows._fields), identity=_identity(shelf, theta))
        first = len(Rows._fields)
        template = Carry(
            *(jax.device_put(np.zeros(shape)) for shape in made.shapes[first : first + len(Carry._fields)])
        )
    n_hyper = made.shapes[first + len(Carry._fields) + 3][0]

    def call(
        rows: Rows, carry: Carry, fresh: Any, problem: Any, rule: Any, hyper: Any, ops: Any, n: Any, *noise: Any
    ) -> tuple[Rows, Carry]:
        leaves = made.call(*rows, *carry, fresh, problem, rule, hyper, *ops, n, *(x for part in noise for x in part))
        return Rows(*leaves[:first]), Carry(*leaves[first:])

    return Program(shelf, call, theta, n_hyper, template, time.perf_counter() - begin)


def _identity(shelf: Shelf, n_theta: int) -> object:
    """Returns what says which program a shelf needs; ``None`` where an object of it is not the catalogue's."""
    known = [catalog.is_known(rule) for rule in shelf.rules] + [catalog.is_known(p.landscape) for p in shelf.problems]
    if not all(known):
        return None
    problems = [[p.name, p.rotated, sampled_terms(p), [part.shape for part in p.data]] for p in shelf.problems]
    return [shelf.dim, shelf.lanes, shelf.sees.name, shelf.room, n_theta, problems, [rule.name for rule in shelf.rules]]


def _advance(shelf: Shelf, layouts: Sequence[Layout]) -> Callable[..., tuple[Rows, Carry]]:
    """Builds the function that moves a block of lanes on by some trips."""
    oracles = [oracle(p, shelf.sees) for p in shelf.problems]
    starts = [start(item) for item in layouts]
    updates = [update(item) for item in layouts]

    clocks = [clock(item) for item in layouts]

    def advance(
        rows: Rows,
        carry: Carry,
        fresh: Array,
        problem: Array,
        rule: Array,
        hyper: Array,
        ops: Operands,
        n: Array,
        *noises: Disturbance,
    ) -> tuple[Rows, Carry]:
        state = lax.cond(
            fresh,
            lambda: _switch(rule, starts, carry.params, carry.slots, carry.scalars, carry.shared, hyper),
            lambda: (carry.slots, carry.scalars, carry.shared),
        )

        def trip(i: Array, moving: tuple[Array, ...]) -> tuple[Array, ...]:
            params, slots, scalars, shared, late, values, radii = moving
            where = where_to_look(params, slots, shelf.sees)
            if not noises:
                value, *seen = _switch(problem, oracles, *where, ops)
                seen[0] = seen[0] * ops.grad_scale
            else:
                (noise,) = noises
                at = noise.trip + i
                steps = _switch(rule, clocks, at, slots, scalars, shared)
                draw, batch = drawn(noise, steps)
                shift = jnp.where(noise.mode == MODES.index("drift"), noise.amount, 0.0) * draw
                held = lax.dynamic_index_in_dim(values, jnp.maximum(i - 1, 0), keepdims=False)
                moved = (*(lanes_innermost(x - shift) for x in where[:2]), where[2])
                value, *seen = _switch(problem, oracles, *moved, ops, batch, noise.due[i], held)
                off = where[1] - ops.center[None]
                seen[0], seen[1], late = disturb(noise, draw, late, at, seen[0] * ops.grad_scale, seen[1], off)
            radius = jnp.max(jnp.abs(params - ops.center[None]), axis=1) * ops.radius_scale
            values = lax.dynamic_update_slice(values, value[None], (i, jnp.int32(0)))
            radii = lax.dynamic_update_slice(radii, radius[None], (i, jnp.int32(0)))
            moved = _switch(rule, updates, params, slots, scalars, shared, *seen, hyper)
            return (*moved, late, values, radii)

        moving = (carry.params, *state, carry.late, rows.values, rows.radii)
        *carried, values, radii = lax.fori_loop(jnp.int32(0), n, trip, moving)
        return Rows(values, radii), Carry(*carried)

    return advance


def _switch(index: Array, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    return branches[0](*operands) if len(branches) == 1 else lax.switch(index, branches, *operands)
