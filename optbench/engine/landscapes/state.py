"""Optimizer state in slots: every rule's state, whatever its shape, in the same few arrays.

The rules of one program share a carry. For each shape of leaf there are as many arrays as the rule with the most
such leaves needs: ``slots`` hold a value for each lane, lanes first, and ``shared`` one for all lanes together, as a
counter is, which does not depend on the lane. A rule that looks ahead keeps the point of its next gradient in
``points``, a curved one its direction behind it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.dataflow import trace_rule

Shape = tuple[int, ...]


class Leaf(NamedTuple):
    """Where one leaf of a state stands.

    Attributes:
        per_lane: In ``slots``, else in ``shared``.
        place: Which of the arrays there; ``None`` for a leaf without elements.
        dtype: Its type: a counter may be an integer, the arrays hold it in double precision.
    """

    per_lane: bool
    place: int | None
    dtype: Any


class StateRoom(NamedTuple):
    """Shapes of the arrays that hold the state of any rule of a program.

    Attributes:
        slots: Shape in one lane of each array with a value for each lane.
        shared: Shape of each array with one value for all lanes.
        points: Arrays that hold where rules look: none, a point, or a point and a direction.
        hyper: Hyperparameters of a lane.
    """

    slots: tuple[Shape, ...]
    shared: tuple[Shape, ...]
    points: int
    hyper: int


class State(NamedTuple):
    """The state of a lane, or of all lanes of a block.

    Attributes:
        slots: See ``StateRoom``.
        shared: See ``StateRoom``.
        points: Where the rule looks next, (dim,) each.
    """

    slots: tuple[Any, ...]
    shared: tuple[Any, ...]
    points: tuple[Any, ...]


@dataclass(frozen=True)
class Layout:
    """Where one rule's state leaves stand.

    Attributes:
        rule: The rule.
        tree: Structure of its state.
        leaves: Its leaves.
        shapes: Their shapes.
        room: What it has, with those that share a program.
    """

    rule: Optimizer
    tree: Any
    leaves: tuple[Leaf, ...]
    shapes: tuple[Shape, ...]
    room: StateRoom

    def hyper(self, values: Array) -> dict[str, Array]:
        """Names the entries of a lane's hyperparameter vector."""
        return {name: values[i] for i, name in enumerate(self.rule.hyper)}

    def pack(self, state: Any, point: Any, old: State) -> State:
        """Writes one lane's state over an old one; what the rule does not use stays as it was."""
        slots, shared = [*old.slots], [*old.shared]
        for leaf, value in zip(self.leaves, jax.tree.leaves(state), strict=True):
            if leaf.place is None:
                continue
            # A state whose leaves are arrays of the host has no type that casts.
            (slots if leaf.per_lane else shared)[leaf.place] = jnp.asarray(value).astype(jnp.float64)
        points = tuple(point) if self.rule.curved else (point,) * self.room.points
        return State(tuple(slots), tuple(shared), points)

    def unpack(self, state: State) -> Any:
        """Reads one lane's state."""

        def read(leaf: Leaf, shape: Shape) -> Any:
            if leaf.place is None:
                return jnp.zeros(shape, leaf.dtype)
            return (state.slots if leaf.per_lane else state.shared)[leaf.place].astype(leaf.dtype)

        return jax.tree.unflatten(self.tree, list(map(read, self.leaves, self.shapes)))


@cache
def n_slots(rule: Optimizer, dim: int) -> int:
    """Returns how many slots a rule needs, from the shapes of its first state alone.

    Args:
        rule: The rule.
        dim: Dimension of the problems.

    Returns:
        Vectors of its state, those that are the same in all lanes included, and where it looks. An array of another
        shape counts as one vector.
    """
    with jax.enable_x64(True):
        point, number = jax.ShapeDtypeStruct((dim,), jnp.float64), jax.ShapeDtypeStruct((), jnp.float64)
        leaves = jax.tree.leaves(jax.eval_shape(rule.init, point, dict.fromkeys(rule.hyper, number)))
    arrays = [leaf.shape for leaf in leaves if leaf.shape and leaf.size]
    return sum(math.prod(shape[:-1]) if shape[-1] == dim else 1 for shape in arrays) + own_points(rule)


def own_room(rule: Optimizer, dim: int) -> StateRoom:
    """Returns the room that a rule needs, from the shapes of its state, without computing."""
    flow = trace_rule(rule, dim)
    leaves = [pair for pair in zip(jax.tree.leaves(flow.state), flow.per_lane, strict=True) if pair[0].size]
    return StateRoom(
        slots=tuple(sorted(leaf.shape for leaf, per_lane in leaves if per_lane)),
        shared=tuple(sorted(leaf.shape for leaf, per_lane in leaves if not per_lane)),
        points=own_points(rule),
        hyper=len(rule.hyper),
    )


def joint_room(rooms: Sequence[StateRoom]) -> StateRoom:
    """Returns the room for any one of the rules that need these."""
    return StateRoom(
        slots=_most([room.slots for room in rooms]),
        shared=_most([room.shared for room in rooms]),
        points=max(room.points for room in rooms),
        hyper=max(room.hyper for room in rooms),
    )


def _most(needs: Sequence[tuple[Shape, ...]]) -> tuple[Shape, ...]:
    """Returns every shape as often as the one that needs it most often does."""
    most: Counter[Shape] = Counter()
    for shapes in needs:
        most |= Counter(shapes)
    return tuple(sorted(most.elements()))


def layout(rule: Optimizer, dim: int, room: StateRoom | None = None) -> Layout:
    """Works out where a rule's state stands, from its shapes, without computing.

    Args:
        rule: The rule.
        dim: Dimension of the problems.
        room: What there is; by default what the rule needs.

    Returns:
        The layout.

    Raises:
        TypeError: A state leaf is no array of numbers.
    """
    flow = trace_rule(rule, dim)
    leaves, tree = jax.tree.flatten(flow.state)
    there = own_room(rule, dim) if room is None else room
    placed = tuple(_placed(rule, leaves, flow.per_lane, there))
    return Layout(rule, tree, placed, tuple(leaf.shape for leaf in leaves), there)


def own_points(rule: Optimizer) -> int:
    """Returns how many points a rule needs for where it looks."""
    return 2 if rule.curved else int(rule.looks_ahead)


def _placed(rule: Optimizer, leaves: Sequence[Any], per_lane: Sequence[bool], room: StateRoom) -> Iterator[Leaf]:
    """Yields the place of each leaf: the first array of its shape that is still free."""
    free = {True: dict(enumerate(room.slots)), False: dict(enumerate(room.shared))}
    for leaf, lane in zip(leaves, per_lane, strict=True):
        if not (jnp.issubdtype(leaf.dtype, jnp.number) or leaf.dtype == jnp.bool_):
            raise TypeError(f"{rule.name}: a state leaf must hold numbers; got {leaf.dtype}")
        place = next((i for i, shape in free[lane].items() if shape == leaf.shape), None)
        if leaf.size:
            assert place is not None
            del free[lane][place]
        yield Leaf(lane, place, leaf.dtype)
