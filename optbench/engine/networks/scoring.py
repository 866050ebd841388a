"""The program that scores a network on examples: one for all rules, compiled once in a process."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from optbench.engine.compile import compile_single
from optbench.tasks.losses import LossName, loss_of
from optbench.tasks.models.network import Network, Stats
from optbench.tasks.parts import scored_together

#: Programs that are kept: a suite has few pairs of a network and a data set, and comes back to each for every rule.
KEPT = 16


class Scores(NamedTuple):
    """How well a network does on a set of examples.

    Attributes:
        loss: Mean of the task's loss.
        accuracy: Share of examples whose largest logit is that of their class.
    """

    loss: Any
    accuracy: Any


#: ``(params, stats, x, y, begin, n) -> (Scores, right)`` on ``n`` examples, without what is done in training alone;
#: ``right`` tells of each row of ``x`` whether it is one of them and classified right.
Evaluate = Callable[..., tuple[Scores, Array]]


def compile_evaluator(network: Network, stats: Stats, n_rows: int, loss: LossName = "cross_entropy") -> Evaluate:
    """Compiles what scores networks like one; the same object for the same layers, shapes, number of rows and loss.

    Args:
        network: Its layers count, its arrays only by their shapes.
        stats: Its running statistics, by their shapes.
        n_rows: Rows of the arrays of examples; at least ``parts.EVALUATED`` stand behind the last that is scored.
        loss: Name of the loss.

    Returns:
        The function, in single precision.
    """
    return _compiled(*unshaped(network, stats), n_rows, loss, jax.default_backend())


@lru_cache(KEPT)
def _compiled(structure: Any, shapes: tuple[Any, ...], n_rows: int, loss: LossName, backend: str) -> Evaluate:
    """Compiles for arguments that say all there is to say of the program."""
    network, stats = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    number = jax.ShapeDtypeStruct((), jnp.int32)
    x = jax.ShapeDtypeStruct((n_rows, *network.input_shape), jnp.float32)
    y = jax.ShapeDtypeStruct((n_rows,), jnp.int32)
    arguments = flat_shape(network), stats, x, y, number, number
    return compile_single(evaluation(network, loss), *arguments, multiply_adds=network.multiply_adds)


def unshaped(network: Network, stats: Stats) -> tuple[Any, tuple[Any, ...]]:
    """Returns what programs of a network depend on: its structure, and shapes and types of its leaves."""
    leaves, structure = jax.tree.flatten((network, stats))
    return structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)


def flat_shape(network: Network) -> jax.ShapeDtypeStruct:
    """Returns the shape of a network's flat vector of parameters."""
    with jax.enable_x64(False):
        shape: jax.ShapeDtypeStruct = jax.eval_shape(lambda network: ravel_pytree(network)[0], network)
    return shape


def forget() -> None:
    """Forgets all programs, as ``jax.clear_caches`` does: for measurements of a cold start."""
    _compiled.cache_clear()


def evaluation(network: Network, loss: LossName = "cross_entropy") -> Evaluate:
    """Returns the function that is compiled.

    Args:
        network: Its layers count, its arrays only by their shapes.
        loss: Name of the loss.

    Returns:
        The function, of a flat vector of parameters.
    """
    unravel = unraveling(network)
    together = scored_together(network.input_shape)
    losses_of = loss_of(loss).of_classes

    def evaluate(params: Array, stats: Stats, x: Array, y: Array, begin: Array, n: Array) -> tuple[Scores, Array]:
        model = unravel(params)

        def add(i: Array, sums: tuple[Scores, Array]) -> tuple[Scores, Array]:
            scores, found = sums
            at = i * together
            seen = lax.dynamic_slice_in_dim(x, begin + at, together)
            labels = lax.dynamic_slice_in_dim(y, begin + at, together)
            inside = at + jnp.arange(together) < n
            logits, _ = model(seen, stats, train=False)
            losses = losses_of(logits, labels)
            right = inside & (jnp.argmax(logits, axis=1) == labels)
            total = scores.loss + jnp.sum(jnp.where(inside, losses, 0.0))
            found = lax.dynamic_update_slice_in_dim(found, right, begin + at, 0)
            return Scores(total, scores.accuracy + jnp.sum(right)), found

        zero = jnp.zeros((), params.dtype)
        none = jnp.zeros(len(y), jnp.bool_)
        sums, found = lax.fori_loop(0, (n + together - 1) // together, add, (Scores(zero, zero), none))
        return Scores(sums.loss / n, sums.accuracy / n), found

    return evaluate


def unraveling(network: Network) -> Callable[[Array], Network]:
    """Returns what makes a network of a flat vector.

    Args:
        network: Its arrays count by their shapes.

    Returns:
        The inverse of ``ravel_pytree`` on networks of such shapes.
    """
    with jax.enable_x64(False):
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), network)
        unravel: Callable[[Array], Network] = ravel_pytree(zeros)[1]
    return unravel


def trained_network(flat: np.ndarray, like: Network) -> Network:
    """Returns the network of a flat vector of parameters, its arrays views of the vector.

    Args:
        flat: The vector, in the order of ``ravel_pytree``.
        like: A network of such shapes; its arrays count by their shapes.

    Returns:
        The network.
    """
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([math.prod(leaf.shape) for leaf in leaves])
    parts = np.split(np.asarray(flat), ends[:-1])
    made: Network = jax.tree.unflatten(
        structure, [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    )
    return made
