"""Batch normalization with its running statistics as explicit values, and with ghost batches."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.errors import UsageError
from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.layer import Arrays, Layer, Mode

#: Added to the variance.
EPS = 1e-5
#: Weight of a batch in the running statistics.
MOMENTUM = 0.1


def _along(values: Array, like: Array) -> Array:
    return values.reshape(-1, *[1] * (like.ndim - 1))


def normalize(x: Array, mean: Array, var: Array, weight: Array, bias: Array) -> Array:
    """Returns ``weight (x - mean)/sqrt(var + eps) + bias``, channel by channel.

    Args:
        x: Batch, shape (channels, *spatial, n).
        mean: Means, shape (channels,).
        var: Variances, shape (channels,).
        weight: Scales, shape (channels,).
        bias: Shifts, shape (channels,).

    Returns:
        The shape of ``x``.
    """
    scale = weight * lax.rsqrt(var + EPS)
    return (x - _along(mean, x)) * _along(scale, x) + _along(bias, x)


def batch_norm(
    x: Array, weight: Array, bias: Array, running: Arrays, ghost: int | None = None
) -> tuple[Array, dict[str, Array]]:
    """Returns a batch normalized by its own statistics, and the running statistics after it.

    ``weight (x - mu)/sqrt(var + eps) + bias`` with the biased variance over batch and places. The running mean becomes
    0.9 of itself and 0.1 of mu, and so does the running variance with the unbiased one, as in torch. Ghost batches are
    parts of the batch, consecutive examples, that are normalized apart; they enter the running statistics in turn.

    Args:
        x: Batch, shape (channels, *spatial, n).
        weight: Scales, shape (channels,).
        bias: Shifts, shape (channels,).
        running: ``mean`` and ``var``, shape (channels,).
        ghost: Examples in a ghost batch; the whole batch if ``None``.

    Returns:
        The normalized batch and the new ``running``.

    Raises:
        UsageError: The batch does not divide into such parts, or a part has one number for a channel.

    References:
        Ioffe & Szegedy, 2015, Batch normalization, arXiv:1502.03167, algorithm 1.
        Hoffer, Hubara & Soudry, 2017, Train longer, generalize better, arXiv:1705.08741, algorithm 1.
    """
    n = x.shape[-1]
    size = n if ghost is None else ghost
    if size < 1 or n % size:
        raise UsageError(f"ghost batches must divide the batch of {n} examples; got {size}")
    parts = n // size
    # Channels and parts lead, so that a part is normalized as a batch of its own is.
    split = jnp.moveaxis(x.reshape(*x.shape[:-1], parts, size), -2, 1)
    axes = tuple(range(2, split.ndim))
    count = int(np.prod([split.shape[axis] for axis in axes]))
    if count < 2:
        raise UsageError("batch normalization needs at least two numbers for each channel; got a batch of 1 example")
    mean = split.mean(axes)
    centered = split - jnp.expand_dims(mean, axes)
    var = (centered * centered).mean(axes)
    scale = weight[:, None] * lax.rsqrt(var + EPS)
    out = centered * jnp.expand_dims(scale, axes) + _along(bias, split)
    # The last part counts most: what a loop over the parts would leave.
    weights = jnp.asarray(MOMENTUM * (1 - MOMENTUM) ** np.arange(parts - 1, -1, -1.0), x.dtype)
    kept = (1 - MOMENTUM) ** parts
    after = {
        "mean": kept * running["mean"] + mean @ weights,
        "var": kept * running["var"] + (var * (count / (count - 1))) @ weights,
    }
    return jnp.moveaxis(out, 1, -2).reshape(x.shape), after


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalization with a scale and a shift for each channel."""

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """Returns the shapes of scales and shifts."""
        return {"weight": shape[-1:], "bias": shape[-1:]}

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        """Returns the shapes of the running mean and variance."""
        return {"mean": shape[-1:], "var": shape[-1:]}

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Returns scales of 1 and shifts of 0."""
        return {"weight": np.ones(shape[-1:], np.float32), "bias": np.zeros(shape[-1:], np.float32)}

    def initial_statistics(self, shape: Shape) -> dict[str, np.ndarray]:
        """Returns means of 0 and variances of 1."""
        return {"mean": np.zeros(shape[-1:], np.float32), "var": np.ones(shape[-1:], np.float32)}

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the batch normalized by its own statistics in training, by the running ones else."""
        if mode.train:
            return batch_norm(x, params["weight"], params["bias"], stats, mode.ghost)
        return normalize(x, stats["mean"], stats["var"], params["weight"], params["bias"]), stats
