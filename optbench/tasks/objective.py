"""The loss of a network on given examples, as an objective of its parameters: nothing is drawn, no order matters."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.core.compiler_options import network_options
from optbench.core.loss import Loss
from optbench.core.objective import Objective
from optbench.errors import UsageError, unknown_name
from optbench.tasks.losses import LossName, loss_of
from optbench.tasks.models.network import Network, Stats, blank_statistics
from optbench.tasks.parts import scored_together
from optbench.tasks.regularizers.penalty import squared_norm

#: Precisions in which a loss is computed; training and scores are of the first.
DTYPES = ("float32", "float64")

#: Losses whose executables are kept.
KEPT = 16


def objective_of(
    x: np.ndarray,
    y: np.ndarray,
    network: Network,
    stats: Stats | Literal["batch"],
    *,
    penalty: float,
    dtype: str,
    label: str,
    loss: LossName = "cross_entropy",
    scored: Literal["loss", "accuracy"] = "loss",
) -> Objective:
    """Returns the mean loss on examples as an objective; ``Task.objective`` says what it is.

    Args:
        x: Examples, (n, *shape).
        y: Their classes, (n,).
        network: A network like all points; its arrays count by their shapes alone.
        stats: Running statistics of batch normalization, or ``"batch"`` for those of all the examples together.
        penalty: ``alpha`` of the penalty on weights that is added; 0 for none.
        dtype: ``"float32"`` or ``"float64"``.
        label: What messages call it.
        loss: Name of the loss, of ``tasks.losses.LOSSES``.
        scored: ``"accuracy"`` for the share of examples that are classified right in place of the loss.

    Returns:
        The objective.

    Raises:
        UsageError: The statistics are of another network, or the precision or the loss is unknown.
    """
    if dtype not in DTYPES:
        raise UsageError(f"{label}: {unknown_name('dtype', dtype, DTYPES)}")
    blank = blank_statistics(network)
    in_batch = isinstance(stats, str)
    if in_batch and stats != "batch":
        raise UsageError(f"{label}: stats must be a network's running statistics or 'batch'; got {stats!r}")
    if not in_batch and _described(stats) != _described(blank):
        raise UsageError(
            f"{label}: stats must be the running statistics of this network, one dictionary for each layer"
        )
    # What is normalized together cannot be cut.
    normalizes = bool(jax.tree.leaves(blank))
    size = len(y) if in_batch and normalizes else min(scored_together(network.input_shape), len(y))
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, np.dtype(dtype)), network)
    inside = np.ones(len(y), np.bool_)
    return Objective(
        _summed(
            "accuracy" if scored == "accuracy" else loss_of(loss).name,
            in_batch,
            penalty,
            network.multiply_adds,
            jax.tree.structure(network),
        ),
        like,
        shared=(blank if in_batch else stats,),
        parts=tuple(_cut(array, size) for array in (x, y, inside)),
        n=len(y),
        # An example that others normalize has no loss of its own.
        of_terms=not (in_batch and normalizes),
        label=label,
    )


@lru_cache(KEPT)
def _summed(scored: str, in_batch: bool, penalty: float, multiply_adds: int, structure: Any) -> Loss:
    """Returns the sum of a loss or of right answers over a part; the same object for networks of one structure."""

    def summed(network: Network, stats: Stats, part: tuple[Array, Array, Array]) -> Array:
        x, y, inside = part
        # Dropout of rate 0 draws nothing. All examples are one batch, which no ghost batch divides.
        logits, _ = network(x, stats, train=True, dropout=0.0) if in_batch else network(x, stats, train=False)
        if scored == "accuracy":
            return jnp.sum(inside & (jnp.argmax(logits, axis=1) == y)).astype(logits.dtype)
        losses = loss_of(scored).of_classes(logits, y)
        if penalty:
            # Each example bears the penalty, and so does their mean.
            losses = losses + squared_norm(network, penalty).astype(losses.dtype)
        return jnp.sum(jnp.where(inside, losses, jnp.zeros((), losses.dtype)))

    return Loss(summed, network_options(multiply_adds))


def _described(stats: Any) -> Any:
    """Returns the structure and the shapes of statistics."""
    leaves, tree = jax.tree.flatten(stats)
    return tree, [np.shape(leaf) for leaf in leaves]


def _cut(array: np.ndarray, size: int) -> np.ndarray:
    """Returns rows in parts of one size, (parts, size, ...), the last one filled with zeros."""
    n_parts = -(-len(array) // size)
    filled = np.pad(array, [(0, n_parts * size - len(array))] + [(0, 0)] * (array.ndim - 1))
    return filled.reshape(n_parts, size, *array.shape[1:])
