"""Optimizer state in slots: every rule's state, whatever its shape, in the same few arrays.

The rules of one program share a carry. A leaf whose last axis is as long as the parameters stands in
``slots`` of shape (lanes, k, dim), one slot for each of its rows: a history of ten points takes ten. Any other
leaf stands number by number in ``scalars`` of shape (lanes, s), or, if it does not depend on the lane, as a
counter does not, once for all lanes in ``shared`` of shape (c,). A rule that looks ahead keeps the
point of its next gradient in the last slot, a curved one its direction in the slot before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.optimizer import Optimizer
from optbench.engine.dataflow import trace_rule

Place = Literal["slots", "scalars", "shared"]


class Leaf(NamedTuple):
    """Where one leaf of a state stands.

    Attributes:
        place: In which array.
        shape: Its shape in one lane.
        dtype: Its type: a counter may be an integer, the arrays hold it in double precision.
        first: Its first slot or number.
        size: How many slots or numbers it takes.
    """

    place: Place
    shape: tuple[int, ...]
    dtype: Any
    first: int
    size: int


@dataclass(frozen=True)
class Layout:
    """Where one rule's state leaves stand.

    Attributes:
        rule: The rule.
        tree: Structure of its state.
        leaves: Its leaves.
        n_points: Slots that hold where the rule looks: none, a point, or a point and a direction.
    """

    rule: Optimizer
    tree: Any
    leaves: tuple[Leaf, ...]
    n_points: int

    def _count(self, place: Place) -> int:
        return sum(leaf.size for leaf in self.leaves if leaf.place == place)

    @property
    def n_slots(self) -> int:
        """Slots that the rule needs, those of its lookahead point included."""
        return self._count("slots") + self.n_points

    @property
    def n_scalars(self) -> int:
        """Numbers that the rule needs for each lane."""
        return self._count("scalars")

    @property
    def n_shared(self) -> int:
        """Numbers that the rule needs once for all lanes."""
        return self._count("shared")

    def hyper(self, values: Array) -> dict[str, Array]:
        """Names the entries of a lane's hyperparameter vector."""
        return {name: values[i] for i, name in enumerate(self.rule.hyper)}

    def pack(self, state: Any, point: Any, slots: Array, scalars: Array, shared: Array) -> tuple[Array, Array, Array]:
        """Writes one lane's state over ``slots`` (k, dim), ``scalars`` (s,) and ``shared`` (c,); the rest stays."""
        # A state whose leaves are arrays of the host has no type that casts.
        values = [jnp.asarray(value).astype(slots.dtype) for value in jax.tree.leaves(state)]
        rows: list[Array] = []
        numbers: dict[str, list[Array]] = {"scalars": [], "shared": []}
        for leaf, value in zip(self.leaves, values, strict=True):
            if leaf.place == "slots":
                rows += list(value.reshape(leaf.size, -1))
            else:
                numbers[leaf.place] += list(value.reshape(-1))
        points = [*reversed(point)] if self.rule.curved else [point] * self.n_points
        if rows or points:
            between = range(len(rows), slots.shape[0] - len(points))
            slots = jnp.stack([*rows, *(slots[i] for i in between), *points])
        return slots, _over(numbers["scalars"], scalars), _over(numbers["shared"], shared)

    def unpack(self, slots: Array, scalars: Array, shared: Array) -> Any:
        """Reads one lane's state."""
        arrays = {"slots": slots, "scalars": scalars, "shared": shared}
        leaves = [
            arrays[leaf.place][leaf.first : leaf.first + leaf.size].reshape(leaf.shape).astype(leaf.dtype)
            for leaf in self.leaves
        ]
        return jax.tree.unflatten(self.tree, leaves)


def _over(numbers: list[Array], old: Array) -> Array:
    """Returns ``old`` with its first entries replaced."""
    return jnp.stack([*numbers, *(old[i] for i in range(len(numbers), old.shape[0]))]) if numbers else old


@cache
def n_slots(rule: Optimizer, dim: int) -> int:
    """Returns how many slots a rule needs, from the shapes of its first state alone.

    Args:
        rule: The rule.
        dim: Dimension of the problems.

    Returns:
        ``layout(rule, dim).n_slots``, or one or two more where a vector of the state is the same in all lanes.
    """
    with jax.enable_x64(True):
        point, number = jax.ShapeDtypeStruct((dim,), jnp.float64), jax.ShapeDtypeStruct((), jnp.float64)
        leaves = jax.tree.leaves(jax.eval_shape(rule.init, point, dict.fromkeys(rule.hyper, number)))
    rows = [math.prod(leaf.shape[:-1]) for leaf in leaves if leaf.shape and leaf.shape[-1] == dim]
    return int(sum(rows)) + own_points(rule)


def layout(rule: Optimizer, dim: int, n_points: int | None = None) -> Layout:
    """Works out a rule's layout from the shapes of its state, without computing.

    Args:
        rule: The rule.
        dim: Dimension of the problems.
        n_points: Slots for where it looks, as its program has them; by default as many as the rule needs.

    Returns:
        The layout.

    Raises:
        TypeError: A state leaf is no array of numbers.
    """
    flow = trace_rule(rule, dim)
    leaves, tree = jax.tree.flatten(flow.state)
    points = own_points(rule) if n_points is None else n_points
    return Layout(rule, tree, tuple(_placed(rule, leaves, flow.per_lane, dim)), points)


def own_points(rule: Optimizer) -> int:
    """Returns how many slots a rule needs for where it looks."""
    return 2 if rule.curved else int(rule.looks_ahead)


def _placed(rule: Optimizer, leaves: Sequence[Any], per_lane: Sequence[bool], dim: int) -> Iterator[Leaf]:
    """Yields the place of each leaf."""
    first: dict[Place, int] = {"slots": 0, "scalars": 0, "shared": 0}
    for leaf, lane in zip(leaves, per_lane, strict=True):
        if not (jnp.issubdtype(leaf.dtype, jnp.number) or leaf.dtype == jnp.bool_):
            raise TypeError(f"{rule.name}: a state leaf must hold numbers; got {leaf.dtype}")
        place: Place = "scalars" if lane else "shared"
        size = math.prod(leaf.shape)
        # In one dimension a leaf of shape (1,) is a vector: only () is a scalar.
        if lane and leaf.shape and leaf.shape[-1] == dim:
            place, size = "slots", size // dim
        yield Leaf(place, leaf.shape, leaf.dtype, first[place], size)
        first[place] += size


class Widths(NamedTuple):
    """What a program for some rules has room for.

    Attributes:
        slots: Vectors of a lane.
        scalars: Numbers of a lane.
        shared: Numbers of all lanes together.
        hyper: Hyperparameters of a lane.
    """

    slots: int
    scalars: int
    shared: int
    hyper: int


def widths(layouts: Sequence[Layout]) -> Widths:
    """Returns the room that a program for these rules needs."""
    return Widths(
        slots=max(item.n_slots for item in layouts),
        scalars=max(item.n_scalars for item in layouts),
        shared=max(item.n_shared for item in layouts),
        hyper=max(len(item.rule.hyper) for item in layouts),
    )
