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
from optbench.engine.landscapes.dataflow import trace_rule
from optbench.engine.landscapes.disturb import sampled_terms
from optbench.engine.landscapes.operands import Operands, unpacker
from optbench.engine.landscapes.state import Layout, State
from optbench.engine.landscapes.sums import pinned_sums
from optbench.problems.evaluation import with_own_arrays
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


class Access(Enum):
    """What a rule sees of a problem in one trip, beside the value at its iterate, which is recorded."""

    HERE = "value and gradient at its iterate"
    AHEAD = "the gradient at another point"
    TRIAL = "value and gradient at another point"
    CURVED = "value, gradient and a Hessian-vector product at another point"


def access_of(rule: Optimizer, dim: int) -> Access:
    """Returns what a rule needs to see."""
    if rule.curved:
        return Access.CURVED
    if not rule.looks_ahead:
        return Access.HERE
    return Access.TRIAL if trace_rule(rule, dim).reads_value else Access.AHEAD


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


def placed(where: tuple[Array, ...], ops: Operands, access: Access, rotated: bool) -> tuple[Array, Array, Array]:
    """Turns what ``where_to_look`` gives into the landscape's axes.

    This and ``returned`` stand outside of the switch over problems and of what is differentiated: one rotation serves
    all branches, and a product with a matrix is best written for all lanes at once.

    Args:
        where: Iterate, point and direction, each (lanes, dim).
        ops: The problem's operands.
        access: What rules see; what they do not see repeats another.
        rotated: Whether the program has rotated problems.

    Returns:
        The three along the landscape's axes, still in the rules' units.
    """
    n = {Access.HERE: 1, Access.CURVED: 3}.get(access, 2)
    params, *others = _turned(where[:n], ops.rotation, ops, rotated)
    at = others[0] if n > 1 else params
    return params, at, others[1] if n > 2 else at


def returned(vectors: Sequence[Array], ops: Operands, rotated: bool) -> tuple[Array, ...]:
    """Turns gradients, and products with the Hessian, from the landscape's axes to those of rules."""
    return _turned(vectors, ops.rotation.T, ops, rotated)


def _turned(vectors: Sequence[Array], matrix: Any, ops: Operands, rotated: bool) -> tuple[Array, ...]:
    """Returns the product of a matrix and each vector, if the problem is rotated."""
    pinned = tuple(lanes_innermost(x) for x in vectors)
    if not rotated:
        return pinned
    result: tuple[Array, ...] = lax.cond(
        ops.rotated, lambda: tuple(lanes_innermost(turned(matrix, x)) for x in pinned), lambda: pinned
    )
    return result


def oracle(problem: Problem, access: Access) -> Callable[..., tuple[Array, ...]]:
    """Builds one branch of the problem switch: the value that is recorded, then what a rule sees.

    The latter is the value where the rule looks, the gradient there and, under ``CURVED``, the Hessian times
    the direction; under ``AHEAD``, where nothing reads it, the value at the iterate stands in for the other.

    Args:
        problem: Any instance of the function.
        access: What rules see.

    Returns:
        The branch, all along the landscape's axes and in the rules' units: ``(z, at, along, operands) -> (value, seen
        value, gradient[, product])``.
    """
    landscape, terms = problem.landscape, sampled_terms(problem)
    unpack = unpacker(problem)

    # Units change inside the branch, where XLA does it on the way: outside each change is a pass over all lanes.
    def frame(z: Any, ops: Operands) -> Any:
        return ops.origin + ops.unit * z

    def scaled(vector: Any, ops: Operands) -> Any:
        return (ops.unit * ops.grad_scale) * vector

    def value(y: Any, ops: Operands) -> Array:
        arguments = y, *unpack(ops.theta)
        if problem.is_shipped:
            return landscape.f(*arguments)
        shapes = [jax.ShapeDtypeStruct(part.shape, part.dtype) for part in arguments]
        return with_own_arrays(landscape.f, *shapes)(*arguments)

    def sampled(y: Array, ops: Operands, batch: Array) -> Array:
        assert landscape.batch is not None
        return landscape.batch(y, batch[:terms], *unpack(ops.theta))

    def lane(z: Array, at: Array, along: Array, ops: Operands) -> tuple[Array, ...]:
        y = frame(z, ops)
        if access is Access.HERE:
            f, grad = jax.value_and_grad(value)(y, ops)
            return f, f, scaled(grad, ops)
        at = frame(at, ops)
        if access is Access.AHEAD:
            f = value(y, ops)
            return f, f, scaled(jax.grad(value)(at, ops), ops)
        if access is Access.TRIAL:
            f, grad = jax.value_and_grad(value)(at, ops)
            return value(y, ops), f, scaled(grad, ops)
        (f, grad), (_, hvp) = jax.jvp(lambda x: jax.value_and_grad(value)(x, ops), (at,), (ops.unit * along,))
        return value(y, ops), f, scaled(grad, ops), scaled(hvp, ops)

    def sampled_lane(at: Array, along: Array, ops: Operands, batch: Array) -> tuple[Array, ...]:
        def seen(x: Array) -> tuple[Array, Array]:
            return jax.value_and_grad(sampled)(x, ops, batch)

        at = frame(at, ops)
        if access is not Access.CURVED:
            f, grad = seen(at)
            return f, scaled(grad, ops)
        (f, grad), (_, hvp) = jax.jvp(seen, (at,), (ops.unit * along,))
        return f, scaled(grad, ops), scaled(hvp, ops)

    def whole(z: Array, at: Array, along: Array, ops: Operands, *_: Array) -> tuple[Array, ...]:
        where = [lanes_innermost(x) for x in (z, at, along)]
        run = pinned_sums(jax.vmap(lane, in_axes=(0, 0, 0, None)), lanes_innermost)
        f, seen, *vectors = run(where[0], where[1], where[2], ops)
        return f + ops.offset, seen + ops.offset, *(lanes_innermost(v) for v in vectors)

    def batched(
        z: Array, at: Array, along: Array, ops: Operands, batch: Array, due: Array, held: Array
    ) -> tuple[Array, ...]:
        where = lanes_innermost(at), lanes_innermost(along)
        seen, *vectors = jax.vmap(sampled_lane, in_axes=(0, 0, None, 0))(*where, ops, batch)

        def in_full() -> Array:
            return jax.vmap(lambda z: value(frame(z, ops), ops))(lanes_innermost(z)) + ops.offset

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
