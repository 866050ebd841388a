"""One compiled program for all problems of a dimension and all rules of a class.

Two scalar switches stand in the step, one over problems and one over rules, so 60 problems and 60
rules compile once, not 3,600 times. One trip of the loop is one gradient evaluation. Lanes are the
leading logical axis, which is how ``vmap`` wants them, and the innermost one in memory, which is how
vector units want them: ``lanes_innermost`` pins that, else XLA lays lanes outside and runs two to
four times slower.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.compile import compile_function
from optbench.engine.landscapes.branches import (
    Access,
    clock,
    lanes_innermost,
    oracle,
    placed,
    returned,
    start,
    update,
    where_to_look,
)
from optbench.engine.landscapes.chunks import CHUNK
from optbench.engine.landscapes.disturb import (
    MODES,
    RING,
    Disturbance,
    Room,
    blank_disturbance,
    disturb,
    drawn,
    sampled_terms,
)
from optbench.engine.landscapes.operands import Operands, blank, n_theta
from optbench.engine.landscapes.record import CHUNKS, SEGMENT
from optbench.engine.landscapes.state import Layout, State, StateRoom, joint_room, layout, own_room
from optbench.problems.problem import Landscape, Problem
from optbench.records import DIVERGE_WIDTHS, ESCAPE_WIDTHS

#: Numbers of a vector of all lanes up to which a program is one kernel.
SMALL = 1 << 14


#: Parts of the coordinates that are compared in one pass, for the largest: what a loop over all would write down first.
PARTS = 4

#: Two counts of a segment's rows stand in one integer, the second in its upper half.
UPPER = 1 << 32

#: What a rule adds to the weight of a program.
RULE_WEIGHT = 0.1


class Carry(NamedTuple):
    """Lanes in flight.

    Attributes:
        params: Iterates that are judged, (lanes, dim).
        state: The arrays of the rules' state, flat: see ``state.State``.
        late: The last gradients, (lanes, RING, dim); none without noise.
    """

    params: Any
    state: tuple[Any, ...]
    late: tuple[Any, ...]


class SegmentRows(NamedTuple):
    """What a segment of trips leaves for the recorder; only the rows of trips that were made count.

    Attributes:
        values: Objective at each iterate, (SEGMENT, lanes); infinite where it is not a number.
        outside: First row whose iterate is beyond ``ESCAPE_WIDTHS`` from the center, (lanes,); behind the rows that
            count if none is.
        beyond: The same of ``DIVERGE_WIDTHS``.
        lowest: Lowest value of each chunk, (CHUNKS, lanes).
        highest: Highest value of each chunk, (CHUNKS, lanes).
    """

    values: Any
    outside: Any
    beyond: Any
    lowest: Any
    highest: Any


def blank_values(lanes: int) -> np.ndarray:
    """Returns values for the first segment; later ones use the same memory again."""
    return np.zeros((SEGMENT, lanes))


@dataclass(frozen=True)
class ProgramSpec:
    """What one program holds: which branches its two switches have.

    Attributes:
        dim: Dimension of all problems.
        problems: One problem for each branch; instances and parameters are operands.
        rules: One rule for each branch.
        lanes: Width of a block.
        access: What the problems show to all its rules.
        rotated: Whether it serves rotated problems.
        room: Shapes of the noise's operands; ``None`` for a program without noise.
    """

    dim: int
    problems: tuple[Problem, ...]
    rules: tuple[Optimizer, ...]
    lanes: int
    access: Access
    rotated: bool
    room: Room | None = None

    def state_room(self) -> StateRoom:
        """Returns what the state of its rules needs."""
        return joint_room([own_room(rule, self.dim) for rule in self.rules])


def branch_key(problem: Problem) -> tuple[Landscape, int | None]:
    """Returns what makes a branch: instances, rotations, parameters and levels of noise of one function share it.

    A landscape is itself and no name: a user's may bear the name of another, or be a lambda like another.
    """
    return problem.landscape, sampled_terms(problem)


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
        spec: Its branches.
        call: ``call(values, carry, fresh, problem, rule, hyper, operands, n, *noise) -> (rows, carry)``: makes
            ``n`` trips, at most ``SEGMENT``, and takes over the memory of ``values``; a noisy program takes a
            ``Disturbance`` as well.
        n_theta: Length of the parameter vector of its operands.
        n_hyper: Number of hyperparameters of a lane.
        template: Carry of lanes that have not started.
        compile_s: Seconds of tracing and compiling.
    """

    spec: ProgramSpec
    call: Callable[..., tuple[SegmentRows, Carry]]
    n_theta: int
    n_hyper: int
    template: Carry
    compile_s: float

    def branch(self, problem: Problem) -> int:
        """Returns the branch that evaluates ``problem``."""
        return [branch_key(p) for p in self.spec.problems].index(branch_key(problem))

    def rule(self, rule: Optimizer) -> int:
        """Returns the branch of a rule."""
        return self.spec.rules.index(rule)

    def states(self, rule: Optimizer, carry: Carry) -> Iterator[Any]:
        """Yields the state of each lane of a block that a rule has moved."""
        room = self.spec.state_room()
        item, n = layout(rule, self.spec.dim, room), len(room.slots)
        for lane in zip(*carry.state[:n], strict=True) if n else ((),) * self.spec.lanes:
            yield item.unpack(State(lane, carry.state[n : n + len(room.shared)], ()))


@lru_cache(maxsize=128)
def compile_program(spec: ProgramSpec) -> Program:
    """Traces and compiles the program of a spec, once in a process.

    Args:
        spec: Its branches.

    Returns:
        The program, ready to call from any thread.
    """
    begin = time.perf_counter()
    theta = n_theta(spec.problems)
    late_arrays = 0 if spec.room is None else 1

    def build() -> tuple[Callable[..., Any], tuple[Any, ...]]:
        room = spec.state_room()
        layouts = [layout(rule, spec.dim, room) for rule in spec.rules]
        lanes, dim = spec.lanes, spec.dim
        state = State(
            slots=tuple(np.zeros((lanes, *shape)) for shape in room.slots),
            shared=tuple(np.zeros(shape) for shape in room.shared),
            points=(np.zeros((lanes, dim)),) * room.points,
        )
        carry = Carry(
            np.zeros((lanes, dim)), tuple(jax.tree.leaves(state)), (np.zeros((lanes, RING, dim)),) * late_arrays
        )
        zero, hyper = np.int32(0), np.zeros((room.hyper, lanes))
        noise = () if spec.room is None else (blank_disturbance(spec.room, dim, lanes),)
        fixed = (np.bool_(True), zero, zero, hyper, blank(dim, theta), zero, *noise)
        return _advance(spec, layouts, jax.tree.structure(state)), (blank_values(lanes), carry, *fixed)

    with jax.enable_x64(True):
        # The values are the one argument whose memory is taken over.
        made = compile_function("advance", build, donate=1, identity=_identity(spec, theta), small=is_small(spec))
        # A program from the cache was not traced: how many arrays its state has is what the others leave.
        fixed = 5 + len(Operands._fields) + late_arrays * len(Disturbance._fields)
        first, last = 1, len(made.shapes) - fixed
        params, *state = (jax.device_put(np.zeros(shape)) for shape in made.shapes[first:last])
        n_state = len(state) - late_arrays
        template = Carry(params, tuple(state[:n_state]), tuple(state[n_state:]))

    def call(
        values: Any, carry: Carry, fresh: Any, problem: Any, rule: Any, hyper: Any, ops: Any, n: Any, *noise: Any
    ) -> tuple[SegmentRows, Carry]:
        moving, given = (carry.params, *carry.state, *carry.late), (x for part in noise for x in part)
        values, outside, beyond, lowest, highest, params, *rest = made.call(
            values, *moving, fresh, problem, rule, hyper, *ops, n, *given
        )
        return SegmentRows(values, outside, beyond, lowest, highest), Carry(
            params, tuple(rest[:n_state]), tuple(rest[n_state:])
        )

    return Program(spec, call, theta, made.shapes[last + 3][0], template, time.perf_counter() - begin)


def _identity(spec: ProgramSpec, n_theta: int) -> object:
    """Returns what says which program a spec needs; ``None`` where an object of it is not the catalogue's."""
    known = [catalog.is_known(rule) for rule in spec.rules] + [catalog.is_known(p.landscape) for p in spec.problems]
    if not all(known):
        return None
    problems = [[p.name, sampled_terms(p), [part.shape for part in p.data]] for p in spec.problems]
    rules = [rule.name for rule in spec.rules]
    return [spec.dim, spec.lanes, spec.access.name, spec.rotated, spec.room, n_theta, problems, rules]


def is_small(spec: ProgramSpec) -> bool:
    """Returns whether the operations of a trip are so short that walking over them would take longer.

    Second derivatives are not short: as one kernel they run twice as fast and take three times as long to compile, and
    the rules that see them are few.
    """
    return spec.lanes * spec.dim <= SMALL and spec.access is not Access.CURVED


def weight(spec: ProgramSpec) -> float:
    """Returns roughly how long a program takes to compile, in arbitrary units, as measured for `landscapes`."""
    each = {Access.HERE: 0.1, Access.AHEAD: 0.13, Access.TRIAL: 0.3, Access.CURVED: 0.25}[spec.access]
    return each * len(spec.problems) + RULE_WEIGHT * len(spec.rules)


def _advance(spec: ProgramSpec, layouts: Sequence[Layout], tree: Any) -> Callable[..., tuple[SegmentRows, Carry]]:
    """Builds the function that moves a block of lanes on by some trips; ``tree`` is the structure of its state."""
    oracles = [oracle(p, spec.access) for p in spec.problems]
    starts = [start(item) for item in layouts]
    updates = [update(item) for item in layouts]
    clocks = [clock(item) for item in layouts]

    def advance(
        values: Array,
        carry: Carry,
        fresh: Array,
        problem: Array,
        rule: Array,
        hyper: Array,
        ops: Operands,
        n: Array,
        *noises: Disturbance,
    ) -> tuple[SegmentRows, Carry]:
        given: State = jax.tree.unflatten(tree, carry.state)
        begun = lax.cond(fresh, lambda: _switch(rule, starts, carry.params, given, hyper), lambda: given)

        def trip(i: Array, moving: tuple[Any, ...]) -> tuple[Any, ...]:
            params, state, late, furthest, within, values, low, high = moving
            where = where_to_look(params, state.points)
            if not noises:
                value, seen, *vectors = _switch(problem, oracles, *placed(where, ops, spec.access, spec.rotated), ops)
                grad, *products = returned(vectors, ops, spec.rotated)
                seen = seen * ops.grad_scale
            else:
                (noise,) = noises
                at = noise.trip + i
                draw, batch = drawn(noise, _switch(rule, clocks, at, params, state))
                shift = jnp.where(noise.mode == MODES.index("drift"), noise.amount, 0.0) * draw
                held = lax.dynamic_index_in_dim(values, jnp.maximum(i - 1, 0), keepdims=False)
                moved = (*(lanes_innermost(x - shift) for x in where[:2]), where[2])
                points = placed(moved, ops, spec.access, spec.rotated)
                value, seen, *vectors = _switch(problem, oracles, *points, ops, batch, noise.due[i], held)
                grad, *products = returned(vectors, ops, spec.rotated)
                off = where[1] - ops.center[None]
                seen, grad, kept = disturb(noise, draw, late[0], at, seen * ops.grad_scale, grad, off)
                late = (kept,)
            # No value is then not a number: comparing is one instruction, keeping what is not a number takes three.
            value = jnp.where(value < jnp.inf, value, jnp.inf)
            low, high = jnp.where(value < low, value, low), jnp.where(value > high, value, high)
            values = lax.dynamic_update_slice(values, value[None], (i, jnp.int32(0)))
            params, state = _switch(rule, updates, params, state, hyper, seen, grad, *products)
            # Of the next iterate: nothing in a trip reads these two before it writes them, and XLA need not copy them.
            furthest = jnp.maximum(furthest, far(params))
            return params, state, late, furthest, within + still(furthest), values, low, high

        def far(params: Array) -> Array:
            """Returns the largest distance of a coordinate from the center, (lanes,), as the integer of its bits."""
            # As integers distances are ordered as the numbers are, and what is not a number is above all.
            off = lax.bitcast_convert_type(jnp.abs(params - ops.center[None]), jnp.int64)
            parts = min(spec.dim, PARTS)
            size = -(-spec.dim // parts)
            # Parts may overlap: nothing is larger than itself.
            begins = [min(j * size, spec.dim - size) for j in range(parts)]
            largest = functools.reduce(jnp.maximum, [off[:, j : j + size] for j in begins])
            return largest[:, 0] if size == 1 else jnp.max(lanes_innermost(largest).T, axis=0)

        def still(furthest: Array) -> Array:
            """Returns 1 for a lane that has not been so far away as to escape, and ``UPPER`` more if not to diverge."""
            radius = lax.bitcast_convert_type(furthest, jnp.float64) * ops.radius_scale
            return jnp.where(radius <= ESCAPE_WIDTHS, 1, 0) + jnp.where(radius <= DIVERGE_WIDTHS, UPPER, 0)

        def chunk(i: Array, carry: tuple[Any, ...]) -> tuple[Any, ...]:
            *moving, lowest, highest = carry
            infinite = jnp.full(spec.lanes, jnp.inf)
            end = jnp.minimum((i + 1) * CHUNK, n)
            *moving, low, high = lax.fori_loop(i * CHUNK, end, trip, (*moving, infinite, -infinite))
            of_all = [lax.dynamic_update_index_in_dim(x, of, i, 0) for x, of in ((lowest, low), (highest, high))]
            return *moving, *of_all

        furthest, blank = far(carry.params), jnp.zeros((CHUNKS, spec.lanes))
        moving = (carry.params, begun, carry.late, furthest, still(furthest), values, blank, blank)
        n_chunks = (n + CHUNK - 1) // CHUNK
        params, state, late, _, within, values, *extremes = lax.fori_loop(jnp.int32(0), n_chunks, chunk, moving)
        outside, beyond = (count.astype(jnp.int32) for count in (within % UPPER, within // UPPER))
        return SegmentRows(values, outside, beyond, *extremes), Carry(params, tuple(jax.tree.leaves(state)), late)

    return advance


def _switch(index: Array, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    return branches[0](*operands) if len(branches) == 1 else lax.switch(index, branches, *operands)
