"""Statistics of batch normalization that a network has on given examples, whatever it was trained on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.core.compiler_options import PRODUCTS, network_options
from optbench.tasks.models.network import Network, Stats, blank_statistics
from optbench.tasks.models.normalization import MOMENTUM

#: Examples that are normalized together, at most.
TOGETHER = 512


def statistics_at(network: Network, x: np.ndarray) -> Stats:
    """Returns the statistics of batch normalization that examples have in a network.

    The examples are passed through in equal batches of at most ``TOGETHER``, each normalized by its own statistics as
    in training; the mean of the batches' means and of their unbiased variances is what is returned. Examples that fill
    no batch, fewer than there are batches, are left out. For parameters that no run has trained, such as those between
    two solutions, there are no running statistics; these are what training would leave there.

    Args:
        network: The network; its numbers are taken as float32.
        x: Examples, (n, *shape), two at least.

    Returns:
        One dictionary for each layer, empty where it normalizes nothing.

    References:
        Izmailov et al., 2018, Averaging weights leads to wider optima, arXiv:1803.05407, section 3.2, who compute the
        statistics of averaged weights by one more pass over the data.
    """
    blank = blank_statistics(network)
    if not jax.tree.leaves(blank):
        return blank
    n_batches = -(-len(x) // TOGETHER)
    size = len(x) // n_batches
    batches = np.asarray(x[: n_batches * size], np.float32).reshape(n_batches, size, *x.shape[1:])
    numbers = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), network)
    with jax.enable_x64(False), jax.default_matmul_precision(PRODUCTS):
        found: Stats = _program(jax.tree.structure(network), network.multiply_adds)(numbers, blank, batches)
        as_numbers: Stats = jax.tree.map(np.asarray, found)
    return as_numbers


@lru_cache(16)
def _program(structure: Any, multiply_adds: int) -> Any:
    """Returns the function that is compiled, the same for networks of one structure."""
    del structure

    def mean_statistics(network: Network, blank: Stats, batches: Array) -> Stats:
        def add(sums: Stats, batch: Array) -> tuple[Stats, None]:
            # From zeros, a batch leaves its own statistics times the weight of a batch.
            _, after = network(batch, blank, train=True, dropout=0.0)
            return jax.tree.map(jnp.add, sums, after), None

        sums, _ = lax.scan(add, blank, batches)
        mean: Stats = jax.tree.map(lambda leaf: leaf / (MOMENTUM * len(batches)), sums)
        return mean

    return jax.jit(mean_statistics, compiler_options=network_options(multiply_adds))
