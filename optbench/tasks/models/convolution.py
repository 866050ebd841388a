"""Convolution of batches in one and two dimensions, by slices and one product or by XLA's own operation.

XLA's CPU backend runs its convolution some ten times slower inside of ``lax.scan`` than outside, and slower still
under ``vmap``, where it is grouped. The k^d shifted slices of the input, one above the other, make it a single matrix
product. With the batch last every slice copies whole runs of memory.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.errors import UsageError, unknown_name
from optbench.tasks.models.arithmetic import Shape, output_shape, output_size
from optbench.tasks.models.layer import Arrays, Layer, Mode, normal

#: Ways of computing the same convolution; they agree to rounding. A run records which one it used.
WAYS = ("slices", "xla")


def way(backend: str | None = None) -> str:
    """Returns the way that suits a backend: slices on a CPU, XLA's operation on accelerators.

    Args:
        backend: Such as ``"cpu"`` or ``"gpu"``; the default one of JAX if ``None``.

    Returns:
        A name of ``WAYS``, for the record too.

    Example:
        >>> way("cpu"), way("gpu")
        ('slices', 'xla')
    """
    return "slices" if (backend or jax.default_backend()) == "cpu" else "xla"


def convolve(x: Array, weight: Array, *, stride: int = 1, padding: int = 0, by: str = "slices") -> Array:
    """Returns the cross-correlation of a batch with a kernel, which networks call convolution.

    ``out[o, p, n] = sum_{k, c} weight[k, c, o] x[c, stride p + k - padding, n]`` with zeros beyond the borders; p and
    k have one coordinate for each spatial axis.

    Args:
        x: Batch, shape (channels, *spatial, n).
        weight: Kernel, shape (*kernel, channels, out).
        stride: Pixels from one place to the next along every axis.
        padding: Zeros added at each end of every axis.
        by: Which of ``WAYS``.

    Returns:
        Shape (out, *places, n).

    Raises:
        UsageError: The kernel does not fit, or there is no such way.

    Example:
        >>> x = jnp.arange(5.0, dtype=jnp.float32).reshape(1, 5, 1)
        >>> difference = jnp.array([-1.0, 0.0, 1.0], jnp.float32).reshape(3, 1, 1)
        >>> convolve(x, difference)[0, :, 0].tolist()
        [2.0, 2.0, 2.0]
    """
    places = [
        output_size(size, kernel, stride, padding)
        for size, kernel in zip(x.shape[1:-1], weight.shape[:-2], strict=True)
    ]
    if by == "slices":
        return _by_slices(x, weight, places, stride, padding)
    if by == "xla":
        return _by_xla(x, weight, stride, padding)
    raise UsageError(unknown_name("way of convolution", by, WAYS))


def shifted_slices(x: Array, kernel: Shape, places: list[int], stride: int, padding: int) -> list[Array]:
    """Returns what each element of a kernel sees, in the kernel's own order.

    Args:
        x: Batch, shape (channels, *spatial, n).
        kernel: Sizes of the kernel.
        places: Sizes of the output.
        stride: Pixels from one place to the next.
        padding: Zeros added at each end; other values are the caller's to add.

    Returns:
        ``prod(kernel)`` arrays of shape (channels, *places, n).
    """
    if padding:
        x = jnp.pad(x, [(0, 0), *[(padding, padding)] * len(places), (0, 0)])
    return [
        x[(slice(None), *(slice(k, k + stride * (m - 1) + 1, stride) for k, m in zip(at, places, strict=True)))]
        for at in itertools.product(*map(range, kernel))
    ]


def _by_slices(x: Array, weight: Array, places: list[int], stride: int, padding: int) -> Array:
    *kernel, channels, out = weight.shape
    columns = jnp.concatenate(shifted_slices(x, tuple(kernel), places, stride, padding))
    rows = prod(kernel) * channels
    product = lax.dot_general(
        weight.reshape(rows, out), columns.reshape(rows, prod(places) * x.shape[-1]), (((0,), (0,)), ((), ()))
    )
    return product.reshape(out, *places, x.shape[-1])


def _by_xla(x: Array, weight: Array, stride: int, padding: int) -> Array:
    axes = len(weight.shape) - 2
    spatial = "HW"[:axes]
    return lax.conv_general_dilated(
        x,
        weight,
        (stride,) * axes,
        [(padding, padding)] * axes,
        dimension_numbers=(f"C{spatial}N", f"{spatial}IO", f"C{spatial}N"),
    )


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution with biases, along one or two spatial axes as its input has them.

    Attributes:
        channels: Channels of the output.
        kernel: Side of the kernel.
        stride: Stride along every spatial axis.
        padding: Zeros at each end of every spatial axis.
        groups: Parts into which channels are split; each output sees one part. More than 1 is counted, not computed.
        gain: Variance of the initial weights times the number of inputs: 2 before a ReLU, else 1.
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    gain: float = 2.0

    def output(self, shape: Shape) -> Shape:
        """Returns the shape of the output for the shape of an input."""
        return output_shape(shape, self.channels, self.kernel, self.stride, self.padding, name=self.name)

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """Returns the shapes of the kernel, (*kernel, channels in, channels out), and of the biases."""
        sides = (self.kernel,) * (len(shape) - 1)
        return {"weight": (*sides, shape[-1] // self.groups, self.channels), "bias": (self.channels,)}

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Returns normal weights and biases of 0."""
        size = self.arrays(shape)["weight"]
        weight = normal(rng, size, prod(size[:-1]), self.gain)
        return {"weight": weight, "bias": np.zeros(self.channels, np.float32)}

    def multiply_adds(self, shape: Shape) -> int:
        """Returns the weights times the places at which they are used."""
        return self.n_weights(shape) * prod(self.output(shape)[:-1])

    def window(self) -> tuple[int, int, int]:
        """Returns kernel, stride and padding."""
        return self.kernel, self.stride, self.padding

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the convolved batch."""
        out = convolve(x, params["weight"], stride=self.stride, padding=self.padding, by=mode.convolution)
        return out + params["bias"].reshape(-1, *[1] * (out.ndim - 1)), stats
