"""Small convolutional networks in plain JAX, trained a little on digits, with their dense Hessians in float64."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree
from sklearn.datasets import load_digits

from optbench.measures import as_objective


class Trained(NamedTuple):
    """A loss of a pytree, a point of it, and the Hessian there as jax.hessian has it, (n, n).

    The objective is that of the loss, whose products are compiled once for all tests.
    """

    loss: Any
    objective: Any
    params: Any
    hessian: np.ndarray


def digits(n):
    images, labels = load_digits(return_X_y=True)
    return images[:n].reshape(-1, 8, 8, 1) / 16.0, np.eye(10)[labels[:n]]


def convolved(x, kernel):
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def halved(x):
    return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4.0


def tiny(params, x):
    """A convolution, a mean pooling and a dense layer, with tanh: 308 numbers."""
    hidden = halved(jnp.tanh(convolved(x, params["kernel"]) + params["shift"][None, None, None]))
    return hidden.reshape(len(x), -1) @ params["dense"] + params["bias"][None]


def lenet_like(params, x):
    """Two convolutions, mean pooling, two dense layers, with tanh: 766 numbers."""
    hidden = jnp.tanh(convolved(x, params["first"]))
    hidden = halved(jnp.tanh(convolved(hidden, params["second"])))
    hidden = jnp.tanh(hidden.reshape(len(x), -1) @ params["third"] + params["shift"][None])
    return hidden @ params["dense"] + params["bias"][None]


SHAPES = {
    tiny: {"kernel": (3, 3, 1, 3), "shift": (3,), "dense": (27, 10), "bias": (10,)},
    lenet_like: {"first": (3, 3, 1, 4), "second": (3, 3, 4, 6), "third": (24, 14), "shift": (14,), "dense": (14, 10),
                 "bias": (10,)},
}  # fmt: skip


@cache
def trained(network, n=40, steps=60):
    """Full-batch gradient descent from normal weights."""
    x, y = digits(n)
    rng = np.random.default_rng(5)
    params = {
        name: jnp.asarray(rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]) if len(shape) > 1 else 100))
        for name, shape in SHAPES[network].items()
    }

    def loss(params):
        logits = network(params, jnp.asarray(x, params["bias"].dtype))
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * jnp.asarray(y, logits.dtype), axis=1))

    def step(params, _):
        return jax.tree.map(lambda w, g: w - 0.3 * g, params, jax.grad(loss)(params)), None

    params, _ = jax.jit(lambda params: lax.scan(step, params, length=steps))(params)
    flat, unravel = ravel_pytree(params)
    hessian = jax.jit(lambda v: jax.hessian(lambda v: loss(unravel(v)))(v))(flat)
    params = jax.tree.map(np.asarray, params)
    return Trained(loss, as_objective(loss, params), params, np.asarray(hessian))
