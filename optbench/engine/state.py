"""Optimizer state in slots: every rule's state, whatever its shape, in the same few arrays.

The rules of one program share a carry: vector leaves of a state stand in ``slots`` of shape
(lanes, k, dim), scalar leaves in ``scalars`` of shape (lanes, s). A rule that looks ahead keeps the
point of its next gradient in the last slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.optimizer import Optimizer


@dataclass(frozen=True)
class Layout:
    """Where one rule's state leaves stand.

    Attributes:
        rule: The rule.
        tree: Structure of its state.
        is_vector: For each leaf whether it is shaped like the parameters, else it is a scalar.
        dtypes: Type of each leaf: a counter may be an integer, the slots hold it in double precision.
    """

    rule: Optimizer
    tree: Any
    is_vector: tuple[bool, ...]
    dtypes: tuple[Any, ...]

    @property
    def n_slots(self) -> int:
        """Slots that the rule needs, its lookahead point included."""
        return sum(self.is_vector) + self.rule.looks_ahead

    @property
    def n_scalars(self) -> int:
        """Scalars that the rule needs."""
        return len(self.is_vector) - sum(self.is_vector)

    def hyper(self, values: Array) -> dict[str, Array]:
        """Names the entries of a lane's hyperparameter vector."""
        return {name: values[i] for i, name in enumerate(self.rule.hyper)}

    def pack(self, state: Any, point: Array, slots: Array, scalars: Array) -> tuple[Array, Array]:
        """Writes one lane's state over ``slots`` (k, dim) and ``scalars`` (s,); unused entries stay."""
        leaves = [leaf.astype(slots.dtype) for leaf in jax.tree.leaves(state)]
        vectors = [leaf for leaf, vector in zip(leaves, self.is_vector, strict=True) if vector]
        numbers = [leaf for leaf, vector in zip(leaves, self.is_vector, strict=True) if not vector]
        if numbers:
            scalars = jnp.stack(numbers + [scalars[i] for i in range(len(numbers), scalars.shape[0])])
        if self.rule.looks_ahead:
            between = range(len(vectors), slots.shape[0] - 1)
            vectors += [*(slots[i] for i in between), point]
        elif vectors:
            vectors += [slots[i] for i in range(len(vectors), slots.shape[0])]
        return (jnp.stack(vectors) if vectors else slots), scalars

    def unpack(self, slots: Array, scalars: Array) -> Any:
        """Reads one lane's state."""
        vectors, numbers = iter(slots), iter(scalars)
        kept = [next(vectors) if vector else next(numbers) for vector in self.is_vector]
        leaves = [leaf.astype(dtype) for leaf, dtype in zip(kept, self.dtypes, strict=True)]
        return jax.tree.unflatten(self.tree, leaves)


def layout(rule: Optimizer, dim: int) -> Layout:
    """Works out a rule's layout from the shapes of its state, without computing.

    Args:
        rule: The rule.
        dim: Dimension of the problems.

    Returns:
        The layout.

    Raises:
        TypeError: A state leaf is neither shaped like the parameters nor a scalar.
    """
    point = jax.ShapeDtypeStruct((dim,), jnp.float64)
    hyper: Mapping[str, Any] = {name: jax.ShapeDtypeStruct((), jnp.float64) for name in rule.hyper}
    leaves, tree = jax.tree.flatten(jax.eval_shape(rule.init, point, hyper))
    for leaf in leaves:
        if leaf.shape not in ((dim,), ()):
            raise TypeError(f"{rule.name}: a state leaf must have shape ({dim},) or (); got {leaf.shape}")
    # In one dimension a leaf of shape (1,) is a vector: only () is a scalar.
    is_vector = tuple(leaf.shape == (dim,) for leaf in leaves)
    return Layout(rule, tree, is_vector, tuple(leaf.dtype for leaf in leaves))


def widths(layouts: Sequence[Layout]) -> tuple[int, int, int]:
    """Returns the slots, scalars and hyperparameters that a program for these rules needs."""
    n_slots = max(item.n_slots for item in layouts)
    return n_slots, max(item.n_scalars for item in layouts), max(len(item.rule.hyper) for item in layouts)
