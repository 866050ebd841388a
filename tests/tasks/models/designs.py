"""What several tests of models need: the designs that are built, lanes of them, the loss."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from optbench import catalog

BUILT = [entry for entry in catalog.MODELS if entry.name != "alexnet"]
#: Inputs of the data sets at hand.
INPUTS = [(8, 8, 1), (40, 1), (28, 28, 1), (32, 32, 3)]


def batch(shape, n=8, classes=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, *shape), dtype=np.float32), rng.integers(0, classes, n)


def loss(network, stats, x, y, **mode):
    """Returns mean cross-entropy and the statistics after it."""
    logits, after = network(x, stats, train=True, **mode)
    picked = jnp.take_along_axis(logits, jnp.asarray(y)[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - picked), after


def error(ours, theirs):
    """Returns the largest difference in units of the largest of their numbers."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-3)
