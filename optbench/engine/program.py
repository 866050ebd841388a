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
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental.layout import Layout as MemoryLayout
from jax.experimental.layout import with_layout_constraint

from optbench.core.optimizer import Optimizer
from optbench.engine.operands import Operands, blank, n_theta
from optbench.engine.record import SEGMENT
from optbench.engine.state import Layout, layout, widths
from optbench.problems.problem import Landscape, Problem

#: The older code generator of XLA's CPU backend compiles these programs in half the time and runs
#: them as fast (0.85 times in dimension 2, 1.1 times in 30).
CPU_OPTIONS: dict[str, str | bool] = {"xla_cpu_use_fusion_emitters": False}


class Carry(NamedTuple):
    """Lanes in flight.

    Attributes:
        params: Iterates that are judged, (lanes, dim).
        slots: Vector state, (lanes, k, dim).
        scalars: Scalar state, (lanes, s).
    """

    params: Any
    slots: Any
    scalars: Any


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
    with jax.enable_x64(True):
        layouts = [layout(rule, shelf.dim) for rule in shelf.rules]
        n_slots, n_scalars, n_hyper = widths(layouts)
        template = Carry(
            params=jnp.zeros((shelf.lanes, shelf.dim)),
            slots=jnp.zeros((shelf.lanes, n_slots, shelf.dim)),
            scalars=jnp.zeros((shelf.lanes, n_scalars)),
        )
        theta = n_theta(shelf.problems)
        zero = np.int32(0)
        hyper = np.zeros((n_hyper, shelf.lanes))
        rows = blank_rows(shelf.lanes)
        arguments = (rows, template, np.bool_(True), zero, zero, hyper, blank(shelf.dim, theta), zero)
        call = compiled(_advance(shelf, layouts), *arguments, donate=(0,))
    return Program(shelf, call, theta, n_hyper, template, time.perf_counter() - begin)


def compiled(function: Callable[..., Any], *arguments: Any, donate: tuple[int, ...] = ()) -> Callable[..., Any]:
    """Compiles ``function`` for arguments of these shapes, with the options of the backend.

    Args:
        function: What to compile.
        *arguments: Examples of its arguments.
        donate: Arguments whose memory the result may take over.

    Returns:
        The executable.

    Raises:
        JaxRuntimeError: XLA cannot compile it.
    """
    lowered = jax.jit(function, donate_argnums=donate).lower(*arguments)
    if jax.default_backend() != "cpu":
        return lowered.compile()
    try:
        return lowered.compile(compiler_options=CPU_OPTIONS)
    except jax.errors.JaxRuntimeError as error:
        # Options are no stable interface: without this one, compilation only takes longer.
        if "No such compile option" not in str(error):
            raise
        return lowered.compile()


def _lanes_innermost(x: Array) -> Array:
    order = (*range(1, x.ndim), 0)
    pinned: Array = with_layout_constraint(x, MemoryLayout(major_to_minor=order))
    return pinned


def _advance(shelf: Shelf, layouts: Sequence[Layout]) -> Callable[..., tuple[Rows, Carry]]:
    """Builds the function that moves a block of lanes on by some trips."""
    oracles = [_oracle(p, ahead=False) for p in shelf.problems]
    if any(rule.looks_ahead for rule in shelf.rules):
        oracles += [_oracle(p, ahead=True) for p in shelf.problems]
    looks_ahead = np.array([rule.looks_ahead for rule in shelf.rules])
    starts = [_start(item) for item in layouts]
    updates = [_update(item) for item in layouts]

    def advance(
        rows: Rows, carry: Carry, fresh: Array, problem: Array, rule: Array, hyper: Array, ops: Operands, n: Array
    ) -> tuple[Rows, Carry]:
        oracle = problem + jnp.where(jnp.asarray(looks_ahead)[rule], len(shelf.problems), 0)
        slots, scalars = lax.cond(
            fresh,
            lambda: _switch(rule, starts, carry.params, carry.slots, carry.scalars, hyper),
            lambda: (carry.slots, carry.scalars),
        )

        def trip(i: Array, moving: tuple[Array, ...]) -> tuple[Array, ...]:
            params, slots, scalars, values, radii = moving
            value, grad = _switch(oracle, oracles, params, slots, ops)
            radius = jnp.max(jnp.abs(params - ops.center[None]), axis=1) * ops.radius_scale
            values = lax.dynamic_update_slice(values, value[None], (i, jnp.int32(0)))
            radii = lax.dynamic_update_slice(radii, radius[None], (i, jnp.int32(0)))
            seen = (value, _lanes_innermost(grad), hyper, ops.grad_scale)
            moved = _switch(rule, updates, params, slots, scalars, *seen)
            return (*(_lanes_innermost(x) for x in moved), values, radii)

        moving = (carry.params, slots, scalars, rows.values, rows.radii)
        *carried, values, radii = lax.fori_loop(jnp.int32(0), n, trip, moving)
        return Rows(values, radii), Carry(*carried)

    return advance


def _switch(index: Array, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    return branches[0](*operands) if len(branches) == 1 else lax.switch(index, branches, *operands)


def _oracle(problem: Problem, *, ahead: bool) -> Callable[..., tuple[Array, Array]]:
    """Builds one branch of the problem switch: value at the iterate, gradient where it is wanted."""
    landscape = problem.landscape
    n = len(landscape.parameters)

    def value(z: Array, ops: Operands) -> Array:
        move = ops.rotation @ z if problem.rotated else z
        return landscape.f(ops.origin + ops.unit * move, *(ops.theta[i] for i in range(n)))

    def lane(z: Array, point: Array, ops: Operands) -> tuple[Array, Array]:
        if ahead:
            return value(z, ops) + ops.offset, ops.grad_scale * jax.grad(value)(point, ops)
        f, grad = jax.value_and_grad(value)(z, ops)
        return f + ops.offset, ops.grad_scale * grad

    def block(params: Array, slots: Array, ops: Operands) -> tuple[Array, Array]:
        point = slots[:, -1] if ahead else params
        f, grad = jax.vmap(lane, in_axes=(0, 0, None))(_lanes_innermost(params), _lanes_innermost(point), ops)
        return f, _lanes_innermost(grad)

    return block


def _start(item: Layout) -> Callable[..., tuple[Array, Array]]:
    """Builds one branch of the switch over rules that makes the first state."""

    def lane(params: Array, slots: Array, scalars: Array, hyper: Array) -> tuple[Array, Array]:
        state = item.rule.init(params, item.hyper(hyper))
        return item.pack(state, params, jnp.zeros_like(slots), jnp.zeros_like(scalars))

    return jax.vmap(lane, in_axes=(0, 0, 0, 1))


def _update(item: Layout) -> Callable[..., tuple[Array, ...]]:
    """Builds one branch of the switch over rules that takes a step."""

    def lane(
        params: Array, slots: Array, scalars: Array, value: Array, grad: Array, hyper: Array
    ) -> tuple[Array, Array, Array]:
        state = item.unpack(slots, scalars)
        params, state, point = item.rule.update(params, state, value, grad, item.hyper(hyper))
        return params, *item.pack(state, point, slots, scalars)

    def block(params: Array, slots: Array, scalars: Array, *rest: Array) -> tuple[Array, ...]:
        value, grad, hyper, scale = rest
        carried = (_lanes_innermost(params), _lanes_innermost(slots), _lanes_innermost(scalars))
        moved = jax.vmap(lane, in_axes=(0, 0, 0, 0, 0, 1))(*carried, value * scale, grad, hyper)
        return tuple(_lanes_innermost(x) for x in moved)

    return block
