"""Programs for lanes side by side: functions of one run, mapped over lanes that are spread over devices."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from optbench.engine.compile import compile_single
from optbench.engine.networks.scoring import KEPT, Evaluate, evaluation, flat_shape, unshaped
from optbench.engine.networks.training import KEY_DATA, SEGMENT, Training, TrainingCarry, as_key
from optbench.tasks.losses import LossName
from optbench.tasks.models.network import Network

#: Lanes in front, on their devices; or the same on all.
OWN, SHARED = P("lanes"), P()


class LanePrograms(NamedTuple):
    """Compiled functions for one width: those of one run, with lanes in front of what is a run's own.

    Attributes:
        width: Lanes, a multiple of the devices.
        start: ``Training.begin``.
        advance: ``Training.advance``, with the data of keys in place of keys.
        evaluate: ``scoring.evaluation``.
        keep: ``(better, new, old)``, of parameters and running statistics, -> those of the better one of each lane.
    """

    width: int
    start: Callable[..., TrainingCarry]
    advance: Callable[..., tuple[TrainingCarry, Array, Array]]
    evaluate: Evaluate
    keep: Callable[..., Any]


def compile_lanes(training: Training, mesh: Mesh, width: int, *, own_data: bool = False) -> LanePrograms:
    """Compiles for one width; what does not depend on the rule only once in a process.

    Args:
        training: What trains one network.
        mesh: The devices, along an axis of lanes.
        width: Lanes, a multiple of the devices.
        own_data: Whether each lane has examples of its own; else all see the same.

    Returns:
        The functions, in single precision.
    """
    flat, stats, hyper = training.shapes()
    with jax.enable_x64(False):
        carry = jax.eval_shape(training.begin, flat, stats, hyper)
        key = KEY_DATA
    order = jax.ShapeDtypeStruct((SEGMENT, training.batch_size), jnp.int32)
    x, y, number = _examples(training.n_rows, training.network.input_shape, mesh, width, own_data)
    flat, stats, hyper, carry, key, order = (
        _shaped(mesh, OWN, tree, width) for tree in (flat, stats, hyper, carry, key, order)
    )

    def advance(carry: TrainingCarry, x: Array, y: Array, order: Array, key: Array, *rest: Any) -> Any:
        return training.advance(carry, x, y, order, as_key(key), *rest)

    with ThreadPoolExecutor(1) as pool:
        # The longest; the others are compiled meanwhile.
        advancing = pool.submit(
            _mapped, advance, training.network, mesh, carry, x, y, order, key, number, number, hyper
        )
        shapes = unshaped(training.network, training.stats)
        evaluate, keep = _scoring(*shapes, training.n_rows, mesh, width, training.loss, own_data)
        start = _mapped(training.begin, training.network, mesh, flat, stats, hyper)
        return LanePrograms(width, start, advancing.result(), evaluate, keep)


def forget() -> None:
    """Forgets all programs, as ``jax.clear_caches`` does: for measurements of a cold start."""
    _scoring.cache_clear()


@lru_cache(KEPT)
def _scoring(
    structure: Any, shapes: tuple[Any, ...], n_rows: int, mesh: Mesh, width: int, loss: LossName, own_data: bool
) -> tuple[Evaluate, Callable[..., Any]]:
    """Compiles what no rule has a part in, for arguments that say all there is to say of it."""
    network, stats = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    x, y, number = _examples(n_rows, network.input_shape, mesh, width, own_data)
    flat, stats = (_shaped(mesh, OWN, tree, width) for tree in (flat_shape(network), stats))
    better = _shaped(mesh, OWN, jax.ShapeDtypeStruct((), jnp.bool_), width)

    def keep(better: Array, new: Any, old: Any) -> Any:
        return jax.tree.map(lambda a, b: jnp.where(better, a, b), new, old)

    evaluate = _mapped(evaluation(network, loss), network, mesh, flat, stats, x, y, number, number)
    return evaluate, _mapped(keep, network, mesh, better, (flat, stats), (flat, stats))


def _examples(n_rows: int, input_shape: tuple[int, ...], mesh: Mesh, width: int, own_data: bool) -> tuple[Any, ...]:
    """Returns the shapes of examples, of their classes, and of a number."""
    x, y = jax.ShapeDtypeStruct((n_rows, *input_shape), jnp.float32), jax.ShapeDtypeStruct((n_rows,), jnp.int32)
    examples = _shaped(mesh, OWN, (x, y), width) if own_data else _shaped(mesh, SHARED, (x, y))
    return *examples, _shaped(mesh, SHARED, jax.ShapeDtypeStruct((), jnp.int32))


def _shaped(mesh: Mesh, spec: P, tree: Any, *lead: int) -> Any:
    """Returns a tree of shapes with lanes in front, and where they lie."""
    sharding = NamedSharding(mesh, spec)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((*lead, *leaf.shape), leaf.dtype, sharding=sharding), tree)


def _mapped(function: Callable[..., Any], network: Network, mesh: Mesh, *arguments: Any) -> Callable[..., Any]:
    """Compiles a function of one run for lanes; the arguments' places tell which of them have lanes."""
    specs = tuple(next((leaf.sharding.spec for leaf in jax.tree.leaves(argument)), OWN) for argument in arguments)
    lanes = jax.vmap(function, in_axes=tuple(0 if spec == OWN else None for spec in specs))
    # No device needs another's lanes; told so, XLA need not find it out.
    spread = jax.shard_map(lanes, mesh=mesh, in_specs=specs, out_specs=OWN, check_vma=False)
    return compile_single(spread, *arguments, multiply_adds=network.multiply_adds)
