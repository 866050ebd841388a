"""The oracle that every optimizer asks: a value, or a value with its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jax import Array

#: A pytree of arrays: a point ``x`` of shape (dim,) on landscapes, the weights of a network on tasks.
Params = Any
Key = Array


class Objective(NamedTuple):
    """An oracle, whatever stands behind it.

    The gradient need not be that of a sampled loss: delayed or quantized gradients are none.
    ``key`` comes from the noise seed and the step alone, so every evaluation inside one step,
    and every optimizer, sees the same draw. Noise-free objectives ignore it.

    Attributes:
        value: ``value(params, key) -> scalar``.
        value_and_grad: ``value_and_grad(params, key) -> (scalar, gradient)``.
    """

    value: Callable[[Params, Key | None], Array]
    value_and_grad: Callable[[Params, Key | None], tuple[Array, Params]]
