"""The contract of a layer: shapes, counts and initial arrays on one side, the batched forward pass on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from jax import Array

from optbench.tasks.models.arithmetic import Shape

#: Arrays of one layer by name.
Arrays = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Mode:
    """How a batch is passed through.

    Attributes:
        train: Whether batches normalize by their own statistics and dropout is at work.
        convolution: Which way of computing convolutions, of ``optbench.tasks.models.convolution.WAYS``.
        key: Random key of dropout; ``None`` where nothing is random.
        dropout: Rate for all dropout layers, possibly traced; ``None`` for each layer's own.
        ghost: Examples that are normalized together; ``None`` for the whole batch.
    """

    train: bool
    convolution: str
    key: Array | None = None
    dropout: Array | float | None = None
    ghost: int | None = None


@dataclass(frozen=True)
class Layer:
    """A layer as it stands in a description, without arrays.

    Inside a network the batch is the last axis, ``(channels, *spatial, n)`` or ``(features, n)``: slices of an
    image are then runs of memory, and vector units work along the batch. Shapes in descriptions have no batch
    and channels last, as people write them.

    Attributes:
        name: What the table calls it.
    """

    name: str

    def output(self, shape: Shape) -> Shape:
        """Returns the shape of the output for the shape of an input."""
        return shape

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """Returns the shapes of the trained arrays; what is called ``bias`` is counted as biases."""
        return {}

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        """Returns the shapes of the running statistics."""
        return {}

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Returns the trained arrays at the start, float32."""
        return {}

    def initial_statistics(self, shape: Shape) -> dict[str, np.ndarray]:
        """Returns the running statistics at the start, float32."""
        return {}

    def multiply_adds(self, shape: Shape) -> int:
        """Returns the multiplications with a weight that one example costs."""
        return 0

    def window(self) -> tuple[int, int, int] | None:
        """Returns kernel, stride and padding, where the layer has them."""
        return None

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the output for a batch, and the running statistics after it."""
        return x, stats

    def n_weights(self, shape: Shape) -> int:
        """Returns the number of trained numbers without biases."""
        return sum(prod(size) for name, size in self.arrays(shape).items() if name != "bias")

    def n_biases(self, shape: Shape) -> int:
        """Returns the number of biases."""
        return sum(prod(size) for name, size in self.arrays(shape).items() if name == "bias")


def normal(rng: np.random.Generator, shape: Shape, fan_in: int, gain: float) -> np.ndarray:
    """Returns weights of mean 0 and variance ``gain / fan_in``.

    A gain of 2 keeps the second moment of activations through a ReLU, which halves it (He et al., 2015, equation 10);
    a gain of 1 keeps it where no ReLU follows (LeCun et al., 1998, Efficient BackProp).

    Args:
        rng: Where the numbers come from; drawn on the host, they are the same on every device.
        shape: Shape of the array.
        fan_in: Inputs that one output sums over.
        gain: 2 before a ReLU, else 1.

    Returns:
        float32 numbers.
    """
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(gain / fan_in))
