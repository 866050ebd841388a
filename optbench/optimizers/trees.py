"""Trees of arrays as the vectors that they are: inner products, lengths, differences, choices."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params


def dot(a: Params, b: Params) -> Array:
    """Returns the inner product of two trees of one structure, a scalar.

    Example:
        >>> float(dot({"w": jnp.ones(2), "b": 2.0}, {"w": jnp.ones(2), "b": 3.0}))
        8.0
    """
    # A sum and no dot product: under vmap that is a contraction for each lane, this runs along the lanes.
    parts = jax.tree.leaves(jax.tree.map(lambda x, y: jnp.sum(x * y), a, b))
    total: Array = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def direction(a: Params) -> tuple[Params, Array]:
    """Returns ``a / |a|`` and ``|a|``, zeros for a tree of zeros.

    No square under- or overflows: the tree is divided by its largest entry first.

    Example:
        >>> unit, length = direction(jnp.array([3e-30, 4e-30]))
        >>> [round(float(x), 6) for x in unit], f"{float(length):.6g}"
        ([0.6, 0.8], '5e-30')
    """
    leaves = [jnp.max(jnp.abs(x)) for x in jax.tree.leaves(a)]
    largest = leaves[0]
    for leaf in leaves[1:]:
        largest = jnp.maximum(largest, leaf)
    safe = jnp.where(largest > 0, largest, jnp.ones_like(largest))
    scaled = jax.tree.map(lambda x: x / safe, a)
    length = jnp.sqrt(dot(scaled, scaled))
    return jax.tree.map(lambda x: x / jnp.where(length > 0, length, jnp.ones_like(length)), scaled), safe * length


def where(condition: Any, yes: Any, no: Any) -> Any:
    """Returns ``yes`` or ``no``, trees of one structure; selected, so that what is not chosen may be NaN."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def plus(a: Params, b: Params) -> Params:
    """Returns ``a + b``."""
    return jax.tree.map(jnp.add, a, b)


def minus(a: Params, b: Params) -> Params:
    """Returns ``a - b``."""
    return jax.tree.map(jnp.subtract, a, b)
