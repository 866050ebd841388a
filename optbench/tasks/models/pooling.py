"""Pooling with the batch last. Windows that tile the image are a reshape, whose gradient is the same in every run."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array, lax

from optbench.tasks.models.arithmetic import Shape, output_shape, output_size
from optbench.tasks.models.convolution import in_blocks, shifted_slices
from optbench.tasks.models.layer import Arrays, Layer, Mode


@jax.custom_jvp
def _largest(x: Array) -> Array:
    """Returns the maximum along the first axis; its derivative is that of the first of the largest."""
    return functools.reduce(jnp.maximum, [x[k] for k in range(len(x))])


@_largest.defjvp
def _largest_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (along,) = primals, tangents
    most = _largest(x)
    place = jnp.full(most.shape, len(x) - 1, jnp.int32)
    for k in reversed(range(len(x) - 1)):
        place = jnp.where(x[k] == most, k, place)
    chosen = place[None] == lax.broadcasted_iota(jnp.int32, x.shape, 0)
    kept = lax.split(jnp.where(chosen, along, jnp.zeros((), x.dtype)), (1,) * len(x))
    # One addition after the other: XLA's CPU backend hands a sum along a short first axis to its library, which takes
    # a third of all the time of a product with LeNet's Hessian.
    return most, functools.reduce(jnp.add, kept)[0]


def max_pool(x: Array, size: int, stride: int | None = None, padding: int = 0) -> Array:
    """Returns the maximum of each window.

    The gradient at a tie is the first one's, in row-major order, where windows tile the image, as it is torch's.
    Elsewhere ties share it.

    Args:
        x: Batch, shape (channels, *spatial, n).
        size: Side of a window.
        stride: From one window to the next; the side itself if ``None``.
        padding: Pixels below every number, added at each end.

    Returns:
        Shape (channels, *places, n).

    Raises:
        UsageError: A window does not fit.

    Example:
        >>> max_pool(jnp.array([1.0, 5.0, 2.0, 3.0, 9.0], jnp.float32).reshape(1, 5, 1), 2).ravel().tolist()
        [5.0, 3.0]
    """
    stride = stride or size
    places = [output_size(n, size, stride, padding) for n in x.shape[1:-1]]
    if stride == size and padding == 0:
        return _largest(in_blocks(x, size))
    if padding:
        x = jnp.pad(x, [(0, 0), *[(padding, padding)] * len(places), (0, 0)], constant_values=-jnp.inf)
    return functools.reduce(jnp.maximum, shifted_slices(x, (size,) * len(places), places, stride, 0))


def average_pool(x: Array, size: int) -> Array:
    """Returns the mean of each window of a tiling.

    Args:
        x: Batch, shape (channels, *spatial, n).
        size: Side of a window, and the stride.

    Returns:
        Shape (channels, *places, n).

    Raises:
        UsageError: A window does not fit.

    Example:
        >>> average_pool(jnp.array([1.0, 5.0, 2.0, 3.0, 9.0], jnp.float32).reshape(1, 5, 1), 2).ravel().tolist()
        [3.0, 2.5]
    """
    for n in x.shape[1:-1]:
        output_size(n, size, size)
    return in_blocks(x, size).mean(0)


@dataclass(frozen=True)
class MaxPool(Layer):
    """Maximum over windows.

    Attributes:
        size: Side of a window.
        stride: From one window to the next.
        padding: Pixels added at each end.
    """

    size: int = 2
    stride: int = 2
    padding: int = 0

    def output(self, shape: Shape) -> Shape:
        """Returns the shape of the output for the shape of an input."""
        return output_shape(shape, shape[-1], self.size, self.stride, self.padding, name=self.name)

    def window(self) -> tuple[int, int, int]:
        """Returns size, stride and padding."""
        return self.size, self.stride, self.padding

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the pooled batch."""
        return max_pool(x, self.size, self.stride, self.padding), stats


@dataclass(frozen=True)
class AveragePool(Layer):
    """Mean over windows that tile the image.

    Attributes:
        size: Side of a window, and the stride.
    """

    size: int = 2

    def output(self, shape: Shape) -> Shape:
        """Returns the shape of the output for the shape of an input."""
        return output_shape(shape, shape[-1], self.size, self.size, name=self.name)

    def window(self) -> tuple[int, int, int]:
        """Returns size, stride and padding."""
        return self.size, self.size, 0

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the pooled batch."""
        return average_pool(x, self.size), stats


@dataclass(frozen=True)
class GlobalAverage(Layer):
    """Mean over all of the image: one number for each channel (Lin et al., 2014, Network in network)."""

    def output(self, shape: Shape) -> Shape:
        """Returns the channels."""
        return shape[-1:]

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the means, shape (channels, n)."""
        return x.mean(tuple(range(1, x.ndim - 1))), stats
