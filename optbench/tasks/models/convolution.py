"""Convolution of batches in one and two dimensions, by slices and one product or by XLA's own operation.

XLA's CPU backend runs its convolution some ten times slower inside of ``lax.scan`` than outside, and slower still
under ``vmap``, where it is grouped. The k^d shifted slices of the input, one above the other, make it a single matrix
product. With the batch last every slice copies whole runs of memory.

Where there are few channels those copies take longer than the product. So 2 x 2 neighboring places are computed
together, as channels of one place: a kernel of k x k with stride 1 is one of (k+1)/2 x (k+1)/2 blocks on an image whose
blocks of 2 x 2 pixels are channels. That multiplies ((k+1)/k)^2 times as often, by zeros, and copies a quarter of it:
for LeNet's kernels 1.44 times the products and 0.36 times the copies. A maximum over 2 x 2 places is then one over
channels, without any move.
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

#: Blocks are taken where there are fewer output channels than this many for each element of the kernel.
BLOCKED = 2


def way(backend: str | None = None) -> str:
    """Returns the way that suits a backend: slices on CPUs and GPUs, XLA's operation elsewhere.

    Sixteen lanes of LeNet on an H100, batches of 32: slices train 3.4 times as fast as XLA's operation, whose form for
    one kernel in each lane is a grouped convolution, and compile in half the time; equal at batches of 256.

    Args:
        backend: Such as ``"cpu"`` or ``"gpu"``; the default one of JAX if ``None``.

    Returns:
        A name of ``WAYS``, for the record too.

    Example:
        >>> way("cpu"), way("gpu")
        ('slices', 'slices')
    """
    return "slices" if (backend or jax.default_backend()) in ("cpu", "gpu", "cuda", "rocm") else "xla"


def convolve(
    x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1, padding: int = 0, by: str = "slices"
) -> Array:
    """Returns the cross-correlation of a batch with a kernel, which networks call convolution.

    ``out[o, p, n] = bias[o] + sum_{k, c} weight[k, c, o] x[c, stride p + k - padding, n]`` with zeros beyond the
    borders; p and k have one coordinate for each spatial axis.

    Args:
        x: Batch, shape (channels, *spatial, n).
        weight: Kernel, shape (*kernel, channels, out).
        bias: Added to every place, shape (out,); nothing if ``None``.
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
    if by not in WAYS:
        raise UsageError(unknown_name("way of convolution", by, WAYS))
    if by == "slices" and stride == 1 and _suits_blocks(weight.shape, places):
        return _by_blocks(x, weight, bias, places, padding)
    out = _by_slices(x, weight, places, stride, padding) if by == "slices" else _by_xla(x, weight, stride, padding)
    return out if bias is None else out + bias.reshape(-1, *[1] * (out.ndim - 1))


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


def in_blocks(x: Array, size: int) -> Array:
    """Returns an image by the places within blocks that tile it; what is left over at its ends is dropped.

    Args:
        x: Batch, shape (channels, *spatial, n).
        size: Side of a block.

    Returns:
        Shape (size^d, channels, *spatial // size, n) for d spatial axes; places are in row-major order.

    Example:
        >>> in_blocks(jnp.arange(5.0, dtype=jnp.float32).reshape(1, 5, 1), 2)[..., 0].tolist()
        [[[0.0, 2.0]], [[1.0, 3.0]]]
    """
    axes = x.ndim - 2
    blocks = [n // size for n in x.shape[1:-1]]
    x = x[(slice(None), *(slice(m * size) for m in blocks))]
    x = x.reshape(x.shape[0], *(part for m in blocks for part in (m, size)), x.shape[-1])
    x = x.transpose(*range(2, 2 * axes + 1, 2), 0, *range(1, 2 * axes, 2), 2 * axes + 1)
    return x.reshape(size**axes, *x.shape[axes:])


def _from_blocks(x: Array) -> Array:
    """Returns the image of blocks of two, (2, .., 2, channels, *blocks, n)."""
    axes = (x.ndim - 2) // 2
    x = x.transpose(axes, *(axis for k in range(axes) for axis in (axes + 1 + k, k)), 2 * axes + 1)
    return x.reshape(x.shape[0], *(2 * m for m in x.shape[1:-1:2]), x.shape[-1])


def _suits_blocks(weight: Shape, places: list[int]) -> bool:
    """Returns whether places fall into blocks of two along every axis, and copies cost more than products."""
    *kernel, _, out = weight
    return all(p % 2 == 0 for p in places) and all(k % 2 and k > 1 for k in kernel) and out < BLOCKED * prod(kernel)


def _by_blocks(x: Array, weight: Array, bias: Array | None, places: list[int], padding: int) -> Array:
    *kernel, channels, out = weight.shape
    axes, n = len(kernel), x.shape[-1]
    if padding:
        x = jnp.pad(x, [(0, 0), *[(padding, padding)] * axes, (0, 0)])
    x = lax.optimization_barrier(in_blocks(x, 2))
    # The kernel stands once at each place of a block, among zeros: (*kernel + 1, channels, 2^d, out).
    shifts = itertools.product((0, 1), repeat=axes)
    wide = jnp.stack([jnp.pad(weight, [*((s, 1 - s) for s in shift), (0, 0), (0, 0)]) for shift in shifts], axis=-2)
    # Its own blocks become channels: (*(kernel + 1) / 2, 2^d channels, 2^d out).
    halves = [(k + 1) // 2 for k in kernel]
    wide = wide.reshape(*(part for m in halves for part in (m, 2)), channels, 2**axes * out)
    wide = wide.transpose(*range(0, 2 * axes, 2), *range(1, 2 * axes, 2), 2 * axes, 2 * axes + 1)
    wide = wide.reshape(*halves, 2**axes * channels, 2**axes * out)
    blocks = _by_slices(x.reshape(-1, *x.shape[2:]), wide, [p // 2 for p in places], 1, 0)
    # XLA's CPU backend would write what follows, and its gradient, along the product's two axes, in which it finds no
    # runs of the batch: 4 times slower for the gradient of LeNet's first pooling.
    blocks = lax.optimization_barrier(blocks.reshape(*[2] * axes, out, *blocks.shape[1:-1], n))
    if bias is not None:
        blocks = lax.optimization_barrier(blocks + bias.reshape(*[1] * axes, out, *[1] * (axes + 1)))
    return _from_blocks(blocks)


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
        arrays = params["weight"], params["bias"]
        return convolve(x, *arrays, stride=self.stride, padding=self.padding, by=mode.convolution), stats
