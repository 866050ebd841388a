"""The penalty on the norm of weights, which is not weight decay unless the rule is plain gradient descent."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def is_weight(array: Array) -> bool:
    """Returns whether an array of a network has weights; biases, scales and shifts are vectors."""
    return jnp.ndim(array) > 1


def squared_norm(params: Any, alpha: ArrayLike) -> Array:
    """Returns ``alpha/2 sum |W|^2`` over weights; biases, scales and shifts, which are vectors, are free.

    Its gradient ``alpha W`` is added to that of the loss, so an adaptive rule divides it by its own scale. Decoupled
    weight decay subtracts ``lr alpha W`` from the weights instead, whatever the rule does to gradients: that is the
    modifier ``decay`` of optimizers. Under plain gradient descent the two are the same.

    Args:
        params: A tree of arrays.
        alpha: Strength; each unit of it pulls a weight toward zero by ``alpha W``.

    Returns:
        A scalar to be added to the loss.

    Example:
        >>> float(squared_norm({"w": jnp.full((2, 3), 2.0), "b": jnp.ones(3)}, 0.1))
        1.2...

    Source:
        Krogh, Hertz: A simple weight decay can improve generalization, NIPS 1991; told apart in Loshchilov, Hutter:
        Decoupled weight decay regularization, ICLR 2019.
    """
    weights = [w for w in jax.tree.leaves(params) if is_weight(w)]
    squares: Array = sum((jnp.sum(jnp.square(w)) for w in weights), jnp.zeros(()))
    return jnp.asarray(0.5 * alpha) * squares
