"""One compiled program for all problems of a dimension and all rules with as many state slots.

Two scalar switches stand in the step, one over problems and one over rules, so 60 problems and 60
rules compile once, not 3,600 times. One trip of the loop is one gradient evaluation. Lanes are the
leading logical axis, which is how ``vmap`` wants them, and the innermost one in memory, which is how
vector units want them: ``_lanes_innermost`` pins that, else XLA lays lanes outside and runs two to
four times slower.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental.layout import Layout as MemoryLayout
from jax.experimental.layout import with_layout_constraint

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.compile import compile_function
from optbench.engine.operands import Operands, blank, n_theta, unpacker
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
    """

    params: Any
    slots: Any
    scalars: Any
    shared: Any


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
    """

    dim: int
    problems: tuple[Problem, ...]
    rules: tuple[Optimizer, ...]
    lanes: int

    @property
    def has_rotation(self) -> bool:
        """Whether some branch multiplies by a rotation."""
        return any(p.rotated for p in self.problems)


def branch_key(problem: Problem) -> tuple[Landscape, bool]:
    """Returns what makes a branch: instances and parameters of one function share it.

    A landscape is itself and no name: a user's may bear the name of another, or be a lambda like another.
    """
    return problem.landscape, problem.rotated


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
        call: ``call(rows, carry, fresh, problem, rule, hyper, operands, n) -> (rows, carry)``: makes ``n``
            trips, at most ``SEGMENT``, and takes over the memory of ``rows``.
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
        layouts = [layout(rule, shelf.dim) for rule in shelf.rules]
        room = widths(layouts)
        carry = Carry(
            params=np.zeros((shelf.lanes, shelf.dim)),
            slots=np.zeros((shelf.lanes, room.slots, shelf.dim)),
            scalars=np.zeros((shelf.lanes, room.scalars)),
            shared=np.zeros(room.shared),
        )
        zero, hyper = np.int32(0), np.zeros((room.hyper, shelf.lanes))
        fixed = (np.bool_(True), zero, zero, hyper, blank(shelf.dim, theta), zero)
        return _advance(shelf, layouts), (blank_rows(shelf.lanes), carry, *fixed)

    with jax.enable_x64(True):
        made = compile_function("advance", build, donate=len(Rows._fields), identity=_identity(shelf, theta))
        first = len(Rows._fields)
        template = Carry(
            *(jax.device_put(np.zeros(shape)) for shape in made.shapes[first : first + len(Carry._fields)])
        )
    n_hyper = made.shapes[first + len(Carry._fields) + 3][0]

    def call(rows: Rows, carry: Carry, fresh: Any, problem: Any, rule: Any, hyper: Any, ops: Any, n: Any) -> Any:
        leaves = made.call(*rows, *carry, fresh, problem, rule, hyper, *ops, n)
        return Rows(*leaves[:first]), Carry(*leaves[first:])

    return Program(shelf, call, theta, n_hyper, template, time.perf_counter() - begin)


def _identity(shelf: Shelf, n_theta: int) -> object:
    """Returns what says which program a shelf needs; ``None`` where an object of it is not the catalogue's."""
    known = [catalog.is_known(rule) for rule in shelf.rules] + [catalog.is_known(p.landscape) for p in shelf.problems]
    if not all(known):
        return None
    problems = [[p.name, p.rotated, [part.shape for part in p.data]] for p in shelf.problems]
    return [shelf.dim, shelf.lanes, n_theta, problems, [rule.name for rule in shelf.rules]]


def _lanes_innermost(x: Array) -> Array:
    order = (*range(1, x.ndim), 0)
    pinned: Array = with_layout_constraint(x, MemoryLayout(major_to_minor=order))
    return pinned


class Sight(Enum):
    """What a rule sees of a problem in one trip, beside the value at its iterate, which is recorded."""

    HERE = "value and gradient at its iterate"
    AHEAD = "the gradient at another point"
    TRIAL = "value and gradient at another point"
    CURVED = "value, gradient and a Hessian-vector product at another point"


def sight(item: Layout) -> Sight:
    """Returns what a rule sees."""
    if item.rule.curved:
        return Sight.CURVED
    if not item.rule.looks_ahead:
        return Sight.HERE
    return Sight.TRIAL if item.flow.reads_value else Sight.AHEAD


def _advance(shelf: Shelf, layouts: Sequence[Layout]) -> Callable[..., tuple[Rows, Carry]]:
    """Builds the function that moves a block of lanes on by some trips."""
    # One switch with the problems once for each sight that some rule has: a "cond" around the point would
    # slow all rules.
    sights = [s for s in Sight if any(sight(item) is s for item in layouts)]
    oracles = [_oracle(p, s) for s in sights for p in shelf.problems]
    first = np.array([sights.index(sight(item)) * len(shelf.problems) for item in layouts], np.int32)
    starts = [_start(item) for item in layouts]
    updates = [_update(item) for item in layouts]

    def advance(
        rows: Rows, carry: Carry, fresh: Array, problem: Array, rule: Array, hyper: Array, ops: Operands, n: Array
    ) -> tuple[Rows, Carry]:
        oracle = problem + jnp.asarray(first)[rule]
        state = lax.cond(
            fresh,
            lambda: _switch(rule, starts, carry.params, carry.slots, carry.scalars, carry.shared, hyper),
            lambda: (carry.slots, carry.scalars, carry.shared),
        )

        def trip(i: Array, moving: tuple[Array, ...]) -> tuple[Array, ...]:
            params, slots, scalars, shared, values, radii = moving
            value, *seen = _switch(oracle, oracles, params, slots, ops)
            radius = jnp.max(jnp.abs(params - ops.center[None]), axis=1) * ops.radius_scale
            values = lax.dynamic_update_slice(values, value[None], (i, jnp.int32(0)))
            radii = lax.dynamic_update_slice(radii, radius[None], (i, jnp.int32(0)))
            moved = _switch(rule, updates, params, slots, scalars, shared, *seen, hyper, ops.grad_scale)
            return (*moved, values, radii)

        moving = (carry.params, *state, rows.values, rows.radii)
        *carried, values, radii = lax.fori_loop(jnp.int32(0), n, trip, moving)
        return Rows(values, radii), Carry(*carried)

    return advance


def _switch(index: Array, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    return branches[0](*operands) if len(branches) == 1 else lax.switch(index, branches, *operands)


def _oracle(problem: Problem, sees: Sight) -> Callable[..., tuple[Array, ...]]:
    """Builds one branch of the problem switch: the value that is recorded, then what a rule sees.

    The latter is the value where the rule looks, the gradient there and, under ``CURVED``, the Hessian times
    the direction; under ``AHEAD``, where nothing reads it, the value at the iterate stands in for the other.

    Args:
        problem: Any instance of the function.
        sees: What rules see.

    Returns:
        The branch: ``(params, slots, operands) -> (value, seen value, gradient[, product])``.
    """
    landscape = problem.landscape
    unpack = unpacker(problem)

    def value(z: Array, ops: Operands) -> Array:
        move = ops.rotation @ z if problem.rotated else z
        return landscape.f(ops.origin + ops.unit * move, *unpack(ops.theta))

    def lane(z: Array, point: Array, direction: Array, ops: Operands) -> tuple[Array, ...]:
        if sees is Sight.HERE:
            f, grad = jax.value_and_grad(value)(z, ops)
            return f, f, grad
        if sees is Sight.AHEAD:
            f = value(z, ops)
            return f, f, jax.grad(value)(point, ops)
        if sees is Sight.TRIAL:
            return value(z, ops), *jax.value_and_grad(value)(point, ops)
        (f, grad), (_, hvp) = jax.jvp(lambda x: jax.value_and_grad(value)(x, ops), (point,), (direction,))
        return value(z, ops), f, grad, hvp

    def block(params: Array, slots: Array, ops: Operands) -> tuple[Array, ...]:
        point = params if sees is Sight.HERE else slots[:, -1]
        direction = slots[:, -2] if sees is Sight.CURVED else point
        where = [_lanes_innermost(x) for x in (params, point, direction)]
        f, seen, *vectors = jax.vmap(lane, in_axes=(0, 0, 0, None))(where[0], where[1], where[2], ops)
        return f + ops.offset, seen + ops.offset, *(_lanes_innermost(v * jnp.asarray(ops.grad_scale)) for v in vectors)

    return block


def _start(item: Layout) -> Callable[..., tuple[Array, ...]]:
    """Builds one branch of the switch over rules that makes the first state."""

    def lane(params: Array, slots: Array, scalars: Array, shared: Array, hyper: Array) -> tuple[Array, ...]:
        state = item.rule.init(params, item.hyper(hyper))
        point = (params, jnp.zeros_like(params)) if item.rule.curved else params
        return item.pack(state, point, *(jnp.zeros_like(x) for x in (slots, scalars, shared)))

    return jax.vmap(lane, in_axes=(0, 0, 0, None, 1), out_axes=(0, 0, None))


def _update(item: Layout) -> Callable[..., tuple[Array, ...]]:
    """Builds one branch of the switch over rules that takes a step."""

    def lane(
        params: Array, slots: Array, scalars: Array, shared: Array, value: Array, *rest: Array
    ) -> tuple[Array, ...]:
        *vectors, hyper = rest
        state = item.unpack(slots, scalars, shared)
        grad = tuple(vectors) if item.rule.curved else vectors[0]
        params, state, point = item.rule.update(params, state, value, grad, item.hyper(hyper))
        return params, *item.pack(state, point, slots, scalars, shared)

    def block(params: Array, slots: Array, scalars: Array, shared: Array, value: Array, *rest: Array) -> Any:
        *vectors, hyper, scale = rest
        vectors = vectors if item.rule.curved else vectors[:1]
        carried = (_lanes_innermost(params), _lanes_innermost(slots), _lanes_innermost(scalars), shared)
        axes = (0, 0, 0, None, 0, *[0] * len(vectors), 1)
        moved = jax.vmap(lane, in_axes=axes, out_axes=(0, 0, 0, None))(*carried, value * scale, *vectors, hyper)
        return (*(_lanes_innermost(x) for x in moved[:3]), moved[3])

    return block
