"""Dinh's transformation: other weights of a ReLU network that are the same function."""

from __future__ import annotations

import dataclasses
import itertools
import math

from optbench.errors import UsageError
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.network import Network
from optbench.tasks.models.pooling import AveragePool, GlobalAverage, MaxPool

#: Layers ``f`` without weights for which ``f(a x) = a f(x)`` for every ``a > 0``.
HOMOGENEOUS = (Relu, MaxPool, AveragePool, GlobalAverage, Flatten, Dropout)

#: Layers that are linear in their weights and biases together, and in their input but for the biases.
LINEAR = (Convolution, Dense)


def rescaled(network: Network, factor: float) -> Network:
    """Returns another network that is the same function of every input: one layer larger, the next one smaller.

    With ``h = f(W x + b)`` and ``z = V h + c``, where ``f(a u) = a f(u)`` for ``a > 0``, the weights ``a W``, ``a b``,
    ``V/a`` and ``c`` give the same ``z``. This is done for the first two neighboring layers with weights that have only
    such an ``f`` between them: ReLU, pooling, flattening, dropout. So the loss is the same at all such points, while
    every measure that is not made for it changes: the Hessian becomes ``D^-1 H D^-1`` for the diagonal matrix ``D`` of
    the factors.

    Args:
        network: The network; its arrays may be NumPy's or JAX's, and keep their precision.
        factor: ``a``, above 0; at 1 nothing changes.

    Returns:
        The network, of the same layers.

    Raises:
        UsageError: The factor is no positive number, or there are no such layers; the message says what stands between.

    Example:
        >>> import numpy as np
        >>> from optbench.tasks.models.fully_connected import mlp
        >>> network, stats = mlp.build(np.random.default_rng(0), (8, 8, 1))
        >>> other = rescaled(network, 4.0)
        >>> x = np.ones((1, 8, 8, 1), np.float32)
        >>> bool((network(x, stats, train=False)[0] == other(x, stats, train=False)[0]).all())
        True

    Source:
        Dinh, Pascanu, Bengio, Bengio: Sharp minima can generalize for deep nets, ICML 2017, arXiv:1703.04933, section
        4.
    """
    if isinstance(factor, bool) or not 0.0 < factor < math.inf:
        raise UsageError(f"the factor of a rescaling must be a positive number; got {factor!r}")
    first, second = _pair(network.layers)
    params = list(network.params)
    params[first] = {name: array * float(factor) for name, array in params[first].items()}
    params[second] = params[second] | {"weight": params[second]["weight"] / float(factor)}
    return dataclasses.replace(network, params=tuple(params))


def _pair(layers: tuple[Layer, ...]) -> tuple[int, int]:
    """Returns the places of the first two layers that can be rescaled against each other."""
    places = [place for place, layer in enumerate(layers) if isinstance(layer, LINEAR)]
    obstacles = []
    for first, second in itertools.pairwise(places):
        between = [layer for layer in layers[first + 1 : second] if not isinstance(layer, HOMOGENEOUS)]
        if not between:
            return first, second
        stands = ", ".join(f"{layer.name} ({type(layer).__name__})" for layer in between)
        obstacles.append(f"{stands} between {layers[first].name} and {layers[second].name}")
    raise UsageError(
        "the network cannot be rescaled: between no two neighboring layers with weights is it positively homogeneous, "
        f"as ReLU and pooling are: {'; '.join(obstacles) or 'it has no two layers with weights'}"
    )
