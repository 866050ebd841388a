"""Noise on inputs and on weights."""

from __future__ import annotations

from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

Tree = TypeVar("Tree")


def on_inputs(key: Array, x: Array, sigma: ArrayLike) -> Array:
    """Adds Gaussian noise to inputs: ``x + sigma n``, ``n ~ N(0, 1)`` for each number.

    For a linear model with squared loss this is, in expectation, a penalty ``sigma^2/2 |w|^2`` on half the squared
    error.

    Args:
        key: What the noise is drawn from.
        x: Inputs of any shape.
        sigma: Standard deviation, in the units of ``x``.

    Returns:
        Inputs of the same shape.

    Source:
        Bishop: Training with noise is equivalent to Tikhonov regularization, Neural Computation 7, 1995.
    """
    return x + sigma * jax.random.normal(key, x.shape, x.dtype)


def on_weights(key: Array, params: Tree, sigma: ArrayLike) -> Tree:
    """Adds Gaussian noise to every weight: ``w + sigma n``, ``n ~ N(0, 1)``.

    Gradients are taken at the noisy weights and move the clean ones.

    Args:
        key: What the noise is drawn from.
        params: A tree of arrays.
        sigma: Standard deviation, in the units of the weights.

    Returns:
        A tree of the same structure.

    Source:
        Graves: Practical variational inference for neural networks, NIPS 2011, section 4 (fixed variance).
    """
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(key, max(1, len(leaves)))
    noisy = [w + sigma * jax.random.normal(k, jnp.shape(w), w.dtype) for k, w in zip(keys, leaves, strict=False)]
    result: Tree = jax.tree.unflatten(tree, noisy)
    return result
