"""Targets as probabilities, and label smoothing."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def one_hot(labels: Array, n_classes: int) -> Array:
    """Returns labels as probabilities.

    Args:
        labels: Classes, (n,), integers from 0.
        n_classes: Number of classes.

    Returns:
        (n, n_classes), float32; a row of zeros where a label is not among the classes.
    """
    return jax.nn.one_hot(labels, n_classes, dtype=jnp.float32)


def smooth(targets: Array, alpha: ArrayLike) -> Array:
    """Mixes targets with the uniform distribution: ``(1 - alpha) t + alpha/K`` for ``K`` classes.

    Args:
        targets: Probabilities, (n, K).
        alpha: Weight of the uniform distribution, in [0, 1].

    Returns:
        (n, K); rows that sum to one still do.

    Example:
        >>> smooth(one_hot(jnp.array([1]), 4), 0.2).round(3).tolist()
        [[0.05..., 0.85..., 0.05..., 0.05...]]

    Source:
        Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception architecture, CVPR 2016, section 7.
    """
    weight = jnp.asarray(alpha, targets.dtype)
    return (1.0 - weight) * targets + weight / targets.shape[-1]
