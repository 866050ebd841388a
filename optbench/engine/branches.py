"""The branches of a program's switches: what a problem shows, and how a rule starts and moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental.layout import Layout as MemoryLayout
from jax.experimental.layout import with_layout_constraint

from optbench.core.optimizer import Optimizer
from optbench.engine.dataflow import trace_rule
from optbench.engine.disturb import sampled_terms
from optbench.engine.operands import Operands, unpacker
from optbench.engine.state import Layout, State
from optbench.problems.problem import Problem

#: Which parts of a state have an axis of lanes.
LANES = State(slots=0, shared=None, points=0)  # type: ignore[arg-type]


#: Columns that are added to a product in one pass over it.
TOGETHER = 4


def lanes_innermost(x: Any) -> Array:
    """Returns ``x``, of lanes first, pinned in memory with the lanes innermost."""
    order = (*range(1, x.ndim), 0)
    pinned: Array = with_layout_constraint(x, MemoryLayout(major_to_minor=order))
    return pinned


class Sight(Enum):
    """What a rule sees of a problem in one trip, beside the value at its iterate, which is recorded."""

    HERE = "value and gradient at its iterate"
    AHEAD = "the gradient at another point"
    TRIAL = "value and gradient at another point"
    CURVED = "value, gradient and a Hessian-vector product at another point"


def sight(rule: Optimizer, dim: int) -> Sight:
    """Returns what a rule needs to see."""
    if rule.curved:
        return Sight.CURVED
    if not rule.looks_ahead:
        return Sight.HERE
    return Sight.TRIAL if trace_rule(rule, dim).reads_value else Sight.AHEAD


def where_to_look(params: Array, points: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    """Returns the iterate, the point where rules look, and their direction; those that none has repeat another."""
    point, direction = (*points, *(points[-1:] or (params,)) * 2)[:2]
    return params, point, direction


def turned(matrix: Any, x: Array) -> Array:
    """Returns ``matrix @ x[l]`` for each lane ``l``.

    Args:
        matrix: (dim, dim).
        x: (lanes, dim).

    Returns:
        (lanes, dim).
    """
    if jax.default_backend() != "cpu":
        product: Array = x @ matrix.T
        return product
    # Inside one kernel XLA has no library to call, and its own product does not vectorize over lanes. Sums of whole
    # columns do.
    columns = x.T

    def add(j: Array, sums: Array) -> Array:
        added: Array = sums + matrix[:, j][:, None] * columns[j][None, :]
        return added

    sums: Array = lax.fori_loop(0, matrix.shape[1], add, jnp.zeros_like(columns), unroll=TOGETHER)
    turned: Array = sums.T
    return turned


def clock(item: Layout) -> Callable[..., Array]:
    """Builds one branch of the switch over rules that counts the steps of each lane."""
    counts = item.rule.counts

    def fixed(trip: Array, params: Array, state: State) -> Array:
        return jnp.full(params.shape[0], trip // item.rule.evals_per_step, jnp.int32)

    def counted(trip: Array, params: Array, state: State) -> Array:
        assert counts is not None
        count = counts

        def one(state: State) -> Array:
            return jnp.asarray(count(item.unpack(state)).steps, jnp.int32)

        steps: Array = jax.vmap(one, in_axes=(LANES,))(state)
        return steps

    return fixed if counts is None else counted


def placed(where: tuple[Array, ...], ops: Operands, sees: Sight, turns: bool) -> tuple[Array, Array, Array]:
    """Maps what ``where_to_look`` gives to the landscape's frame.

    This and ``returned`` stand outside of the switch over problems and of what is differentiated: one rotation serves
    all branches, and a product with a matrix is best written for all lanes at once.

    Args:
        where: Iterate, point and direction, each (lanes, dim).
        ops: The problem's operands.
        sees: What rules see; what they do not see repeats another.
        turns: Whether the program has rotated problems.

    Returns:
        The three in the landscape's frame.
    """
    n = {Sight.HERE: 1, Sight.CURVED: 3}.get(sees, 2)
    params, *others = _scaled(where[:n], ops, turns, inward=True)
    y = lanes_innermost(ops.origin + params)
    at = lanes_innermost(ops.origin + others[0]) if n > 1 else y
    return y, at, others[1] if n > 2 else at


def returned(vectors: Sequence[Array], ops: Operands, turns: bool) -> tuple[Array, ...]:
    """Maps gradients, and products with the Hessian, from the landscape's frame to what rules see."""
    return _scaled(vectors, ops, turns, inward=False)


def _scaled(vectors: Sequence[Array], ops: Operands, turns: bool, *, inward: bool) -> tuple[Array, ...]:
    """Multiplies vectors by the map from the rules' coordinates to the landscape's, or by its transpose."""

    def through(matrix: Any) -> tuple[Array, ...]:
        by_rotation = vectors if matrix is None else [turned(matrix, x) for x in vectors]
        scaled = [ops.unit * x if inward else ops.unit * x * ops.grad_scale for x in by_rotation]
        return tuple(lanes_innermost(x) for x in scaled)

    def rotated() -> tuple[Array, ...]:
        return through(ops.rotation if inward else ops.rotation.T)

    if not turns:
        return through(None)
    result: tuple[Array, ...] = lax.cond(ops.rotated, rotated, lambda: through(None))
    return result


def oracle(problem: Problem, sees: Sight) -> Callable[..., tuple[Array, ...]]:
    """Builds one branch of the problem switch: the value that is recorded, then what a rule sees.

    The latter is the value where the rule looks, the gradient there and, under ``CURVED``, the Hessian times
    the direction; under ``AHEAD``, where nothing reads it, the value at the iterate stands in for the other.

    Args:
        problem: Any instance of the function.
        sees: What rules see.

    Returns:
        The branch, all in the landscape's frame: ``(y, at, along, operands) -> (value, seen value, gradient[,
        product])``.
    """
    landscape, terms = problem.landscape, sampled_terms(problem)
    unpack = unpacker(problem)

    def value(y: Any, ops: Operands) -> Array:
        return landscape.f(y, *unpack(ops.theta))

    def sampled(y: Array, ops: Operands, batch: Array) -> Array:
        assert landscape.batch is not None
        return landscape.batch(y, batch[:terms], *unpack(ops.theta))

    def lane(y: Array, at: Array, along: Array, ops: Operands) -> tuple[Array, ...]:
        if sees is Sight.HERE:
            f, grad = jax.value_and_grad(value)(y, ops)
            return f, f, grad
        if sees is Sight.AHEAD:
            f = value(y, ops)
            return f, f, jax.grad(value)(at, ops)
        if sees is Sight.TRIAL:
            return value(y, ops), *jax.value_and_grad(value)(at, ops)
        (f, grad), (_, hvp) = jax.jvp(lambda x: jax.value_and_grad(value)(x, ops), (at,), (along,))
        return value(y, ops), f, grad, hvp

    def sampled_lane(at: Array, along: Array, ops: Operands, batch: Array) -> tuple[Array, ...]:
        def seen(x: Array) -> tuple[Array, Array]:
            return jax.value_and_grad(sampled)(x, ops, batch)

        if sees is not Sight.CURVED:
            return seen(at)
        (f, grad), (_, hvp) = jax.jvp(seen, (at,), (along,))
        return f, grad, hvp

    def whole(y: Array, at: Array, along: Array, ops: Operands, *_: Array) -> tuple[Array, ...]:
        where = [lanes_innermost(x) for x in (y, at, along)]
        f, seen, *vectors = jax.vmap(lane, in_axes=(0, 0, 0, None))(where[0], where[1], where[2], ops)
        return f + ops.offset, seen + ops.offset, *(lanes_innermost(v) for v in vectors)

    def batched(
        y: Array, at: Array, along: Array, ops: Operands, batch: Array, due: Array, held: Array
    ) -> tuple[Array, ...]:
        where = lanes_innermost(at), lanes_innermost(along)
        seen, *vectors = jax.vmap(sampled_lane, in_axes=(0, 0, None, 0))(*where, ops, batch)

        def in_full() -> Array:
            return jax.vmap(value, in_axes=(0, None))(lanes_innermost(y), ops) + ops.offset

        f = lax.cond(due, in_full, lambda: held)
        return f, seen + ops.offset, *(lanes_innermost(v) for v in vectors)

    return whole if terms is None else batched


def start(item: Layout) -> Callable[..., State]:
    """Builds one branch of the switch over rules that makes the first state."""

    def lane(params: Array, old: State, hyper: Array) -> State:
        state = item.rule.init(params, item.hyper(hyper))
        point = (params, jnp.zeros_like(params)) if item.rule.curved else params
        return item.pack(state, point, jax.tree.map(jnp.zeros_like, old))

    def block(params: Array, old: State, hyper: Array) -> State:
        return _pinned(jax.vmap(lane, in_axes=(0, LANES, 1), out_axes=LANES)(params, old, hyper))

    return block


def update(item: Layout) -> Callable[..., tuple[Array, State]]:
    """Builds one branch of the switch over rules that takes a step."""

    def lane(params: Array, old: State, hyper: Array, value: Array, *vectors: Array) -> tuple[Array, State]:
        grad = vectors if item.rule.curved else vectors[0]
        params, state, point = item.rule.update(params, item.unpack(old), value, grad, item.hyper(hyper))
        return params, item.pack(state, point, old)

    def block(params: Array, old: State, hyper: Array, value: Array, *vectors: Array) -> tuple[Array, State]:
        if not item.rule.curved:
            vectors = vectors[:1]
        axes = (0, LANES, 1, 0, *[0] * len(vectors))
        moved = jax.vmap(lane, in_axes=axes, out_axes=(0, LANES))
        params, state = moved(lanes_innermost(params), _pinned(old), hyper, value, *vectors)
        return lanes_innermost(params), _pinned(state)

    return block


def _pinned(state: State) -> State:
    """Returns a block's state with lanes innermost in memory."""
    slots, points = (tuple(lanes_innermost(x) for x in part) for part in (state.slots, state.points))
    return State(slots, state.shared, points)
