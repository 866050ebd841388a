"""Fully connected layers and what stands between them."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.errors import UsageError
from optbench.tasks.models.arithmetic import Shape, describe, features
from optbench.tasks.models.layer import Arrays, Layer, Mode, normal


def dropout(key: Array, x: Array, rate: Array | float) -> Array:
    """Returns numbers that are 0 with a probability, and else divided by that of staying, so that the mean is kept.

    Args:
        key: Random key.
        x: Batch of any shape.
        rate: Probability of 0, at least 0 and below 1; it may be traced, so that it may differ between lanes.

    Returns:
        The shape of ``x``.

    References:
        Srivastava et al., 2014, Dropout, JMLR 15; scaled in training rather than in use.
    """
    kept = jnp.asarray(1.0 - rate, x.dtype)
    return jnp.where(jax.random.uniform(key, x.shape, x.dtype) < kept, x / kept, jnp.zeros((), x.dtype))


@dataclass(frozen=True)
class Flatten(Layer):
    """All numbers of an example as one vector, channels outermost, as torch has them."""

    def output(self, shape: Shape) -> Shape:
        """Returns the number of features."""
        return (features(shape),)

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns shape (features, n)."""
        return x.reshape(-1, x.shape[-1]), stats


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer with biases.

    Attributes:
        width: Number of outputs.
        gain: Variance of the initial weights times the number of inputs: 2 before a ReLU, else 1.
    """

    width: int
    gain: float = 2.0

    def output(self, shape: Shape) -> Shape:
        """Returns the width.

        Raises:
            UsageError: The input is no vector.
        """
        if len(shape) != 1:
            raise UsageError(f"{self.name}: needs a vector, flatten before it; got {describe(shape)}")
        return (self.width,)

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """Returns the shapes of the matrix, (inputs, outputs), and of the biases."""
        return {"weight": (shape[0], self.width), "bias": (self.width,)}

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Returns normal weights and biases of 0."""
        weight = normal(rng, (shape[0], self.width), shape[0], self.gain)
        return {"weight": weight, "bias": np.zeros(self.width, np.float32)}

    def multiply_adds(self, shape: Shape) -> int:
        """Returns the number of weights."""
        return shape[0] * self.width

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns ``weight' x + bias``, shape (outputs, n)."""
        return lax.dot_general(params["weight"], x, (((0,), (0,)), ((), ()))) + params["bias"][:, None], stats


@dataclass(frozen=True)
class Relu(Layer):
    """``max(x, 0)``, with the derivative 0 at 0."""

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the positive part."""
        return jax.nn.relu(x), stats


@dataclass(frozen=True)
class Tanh(Layer):
    """The hyperbolic tangent: smooth, so the Hessian of a network with it exists everywhere."""

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns ``tanh(x)``."""
        return jnp.tanh(x), stats


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout in training; a place at which it can be switched on where the rate is 0.

    Attributes:
        rate: Probability that a number becomes 0, where a pass gives no other.
    """

    rate: float = 0.0

    def forward(self, params: Arrays, stats: Arrays, x: Array, mode: Mode) -> tuple[Array, Arrays]:
        """Returns the batch with some numbers 0.

        Raises:
            UsageError: A rate is asked for without a random key.
        """
        rate = self.rate if mode.dropout is None else mode.dropout
        if not mode.train or (isinstance(rate, (int, float)) and rate == 0):
            return x, stats
        if mode.key is None:
            raise UsageError(f"{self.name}: dropout needs a random key in training")
        return dropout(mode.key, x, rate), stats
