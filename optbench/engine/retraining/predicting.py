"""What a trained network says of examples: the probability of each class."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.tasks.models.network import Network, Stats
from optbench.tasks.parts import scored_together


@jax.jit
def _probabilities(network: Network, stats: Stats, x: Array) -> Array:
    logits, _ = network(x, stats, train=False)
    return jax.nn.softmax(logits, axis=1)


def probabilities(network: Network, stats: Stats, x: np.ndarray) -> np.ndarray:
    """Returns the probability of each class, the softmax of the logits: no dropout, running statistics.

    Args:
        network: A trained network.
        stats: Its running statistics.
        x: Examples, (n, *shape), float32.

    Returns:
        (n, n_classes), float32; rows sum to 1. Examples are passed through in parts of a fixed size, so that a row does
        not depend on how many there are.

    Example:
        >>> from optbench import catalog
        >>> network, stats = catalog.model("linear").build(np.random.default_rng(0), (8, 8, 1), 10)
        >>> probabilities(network, stats, np.zeros((3, 8, 8, 1), np.float32)).shape
        (3, 10)
    """
    together = scored_together(network.input_shape)
    found = []
    # Single precision, whatever the process is set to.
    with jax.enable_x64(False):
        for begin in range(0, len(x), together):
            part = x[begin : begin + together]
            padded = np.zeros((together, *x.shape[1:]), np.float32)
            padded[: len(part)] = part
            found.append(np.asarray(_probabilities(network, stats, jnp.asarray(padded)))[: len(part)])
    return np.concatenate(found)
