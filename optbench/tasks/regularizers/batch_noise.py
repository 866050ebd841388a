"""The gradient noise of a smaller batch, added to that of a larger one by weights on its examples."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def noisy_weights(key: Array, batch_size: int, smaller: int) -> Array:
    """Draws what each example of a batch counts, so that its gradient has the noise of a smaller batch.

    With gradients ``g_i`` of ``B`` examples, ``sum_i w_i g_i`` with

        ``w_i = 1/B + s (e_i - mean e)``,  ``e_i ~ N(0, 1)``,  ``s^2 = (1/b - 1/B)/(B - 1)``

    has the mean ``mean_i g_i`` and the covariance ``(1/b - 1/B) S``, where ``S`` is the sample covariance of the
    batch's own gradients (with ``B - 1`` in its denominator). A batch of ``B`` examples that are drawn at random
    has the covariance ``S/B`` around the mean over all data, so together that of ``b`` examples. The sum is the
    gradient of a weighted loss: no further gradient is taken. Weights may be negative.

    Args:
        key: What they are drawn from.
        batch_size: ``B``, examples of the batch.
        smaller: ``b``, below ``B``, examples of the batch whose noise is wanted.

    Returns:
        ``B w_i``, (B,), float32, of mean 1: what the mean of the examples' losses is to be taken of.

    Example:
        >>> drawn = noisy_weights(jax.random.key(0), 400, 20)
        >>> drawn.shape, round(float(drawn.mean()), 5)
        ((400,), 1.0)

    Source:
        Wu, Hu, Xiong, Huan, Braverman, Zhu: On the noisy gradient descent that generalizes as SGD, ICML 2020,
        arXiv:1906.07405: noise of the gradient as noise of the weights of examples.
    """
    drawn = jax.random.normal(key, (batch_size,), jnp.float32)
    scale = batch_size * np.sqrt((1.0 / smaller - 1.0 / batch_size) / (batch_size - 1))
    return 1.0 + np.float32(scale) * (drawn - jnp.mean(drawn))
