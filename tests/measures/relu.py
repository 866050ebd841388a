"""A ReLU network with two layers whose weights can be rescaled without a change of its function (Dinh et al. 2017)."""

import jax
import jax.numpy as jnp
import numpy as np

RNG = np.random.default_rng(11)
X, Y = RNG.standard_normal((40, 5)), RNG.standard_normal((40, 2))
POINT = {"first": RNG.standard_normal((5, 6)) / 2, "second": RNG.standard_normal((6, 2)) / 2}


def loss(w):
    """Mean squared error of a network without biases."""
    return jnp.mean((jax.nn.relu(X @ w["first"]) @ w["second"] - Y) ** 2)


def rescaled(factor, point=POINT):
    """The same function: the first layer times the factor, the second divided by it."""
    return {"first": factor * point["first"], "second": point["second"] / factor}
