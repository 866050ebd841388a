"""A network with its arrays: a pytree of parameters, and running statistics that are handed in and out."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.errors import UsageError
from optbench.tasks.models import convolution
from optbench.tasks.models.arithmetic import Shape, describe
from optbench.tasks.models.layer import Layer, Mode

#: Running statistics, one dictionary for each layer, empty where a layer has none.
Stats = tuple[dict[str, Array], ...]


class Network(eqx.Module):
    """Layers with their arrays. Its leaves are the parameters and nothing else.

    So gradients, optimizers and ``vmap`` take the network itself: lanes of networks are one network whose leaves
    have a leading axis. A pass is pure: statistics and keys are arguments.

    Attributes:
        params: Trained arrays, one dictionary for each layer, empty where a layer has none.
        layers: What the arrays belong to.
        input_shape: Shape of one example, channels last.
        convolution: How convolutions are computed, for the record: of ``convolution.WAYS``.
    """

    params: tuple[dict[str, Array], ...]
    layers: tuple[Layer, ...] = eqx.field(static=True)
    input_shape: Shape = eqx.field(static=True)
    convolution: str = eqx.field(static=True)

    def __call__(
        self,
        x: Array,
        stats: Stats,
        key: Array | None = None,
        *,
        train: bool,
        dropout: Array | float | None = None,
        ghost: int | None = None,
    ) -> tuple[Array, Stats]:
        """Passes a batch through.

        Args:
            x: Batch, shape (n, *input_shape), float32.
            stats: Running statistics before it.
            key: Random key of dropout; each layer folds its place in.
            train: Whether batch normalization uses the batch's statistics and dropout is at work.
            dropout: Rate for all dropout layers, possibly traced; each layer's own if ``None``.
            ghost: Examples that are normalized together; the whole batch if ``None``.

        Returns:
            Logits, shape (n, n_classes), and the statistics after it, unchanged where ``train`` is false.

        Raises:
            UsageError: The examples have another shape, dropout has no key, or a ghost batch does not fit.
        """
        if x.shape[1:] != self.input_shape:
            raise UsageError(
                f"a batch must have shape (n, {', '.join(map(str, self.input_shape))}); got "
                f"{describe(x.shape[1:])} for an example"
            )
        # The batch goes last and the channels first, once; layers keep it so.
        x = x.transpose(x.ndim - 1, *range(1, x.ndim - 1), 0)
        after: list[Any] = []
        for place, (layer, params, before) in enumerate(zip(self.layers, self.params, stats, strict=True)):
            own = None if key is None else jax.random.fold_in(key, place)
            x, new = layer.forward(params, before, x, Mode(train, self.convolution, own, dropout, ghost))
            after.append(new)
        return x.T, tuple(after)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(leaf.size for leaf in jax.tree.leaves(self.params))

    @property
    def multiply_adds(self) -> int:
        """Multiplications with a weight that one example costs."""
        before = shapes(self.layers, self.input_shape)[:-1]
        return sum(layer.multiply_adds(shape) for layer, shape in zip(self.layers, before, strict=True))


def shapes(layers: tuple[Layer, ...], input_shape: Shape) -> list[Shape]:
    """Returns the shape before each layer and after the last.

    Args:
        layers: The layers.
        input_shape: Shape of one example.

    Returns:
        One shape more than there are layers.

    Raises:
        UsageError: A layer cannot take what it gets.
    """
    found = [input_shape]
    for layer in layers:
        found.append(layer.output(found[-1]))
    return found


def blank_statistics(network: Network) -> Stats:
    """Returns zeros of the shapes that a network's running statistics have.

    Args:
        network: Its layers count alone.

    Returns:
        One dictionary for each layer, empty where it normalizes nothing.
    """
    before = shapes(network.layers, network.input_shape)[:-1]
    return tuple(
        {name: jnp.zeros(size, jnp.float32) for name, size in layer.statistics(shape).items()}
        for layer, shape in zip(network.layers, before, strict=True)
    )


def initialized(
    layers: tuple[Layer, ...], input_shape: Shape, rng: np.random.Generator, by: str | None = None
) -> tuple[Network, Stats]:
    """Returns a network at its start, and its statistics.

    Args:
        layers: The layers.
        input_shape: Shape of one example.
        rng: Where the weights come from, in the order of the layers.
        by: How convolutions are computed; what suits the backend if ``None``.

    Returns:
        The network and its running statistics.

    Raises:
        UsageError: A layer cannot take what it gets.
    """
    before = shapes(layers, input_shape)[:-1]
    params = tuple(
        {name: jnp.asarray(value) for name, value in layer.initial(shape, rng).items()}
        for layer, shape in zip(layers, before, strict=True)
    )
    stats = tuple(
        {name: jnp.asarray(value) for name, value in layer.initial_statistics(shape).items()}
        for layer, shape in zip(layers, before, strict=True)
    )
    return Network(params, layers, input_shape, by or convolution.way()), stats
