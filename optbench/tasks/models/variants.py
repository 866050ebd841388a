"""Models made of models: with batch normalization where one has none, and of another width."""

from __future__ import annotations

import dataclasses
import math

from optbench.errors import UsageError
from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.model import Model
from optbench.tasks.models.normalization import BatchNorm


def batch_normalized(model: Model) -> Model:
    """Returns the model with a batch normalization behind each convolution and each dense layer but the last.

    Where a pooling stands between a convolution and its activation, the normalization comes before the pooling.

    Args:
        model: A model without any.

    Returns:
        The model, of the same name.

    Raises:
        UsageError: It has batch normalization already.

    Example:
        >>> from optbench import catalog
        >>> [layer.name for layer in batch_normalized(catalog.model("mlp")).layers()][:3]
        ['flatten', 'fc1', 'norm_fc1']

    Source:
        Ioffe, Szegedy 2015, Batch normalization, arXiv:1502.03167, section 3.2: before the nonlinearity.
    """

    def design(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
        layers = model.design(shape, n_classes)
        if any(isinstance(layer, BatchNorm) for layer in layers):
            raise UsageError(f"{model.name} has batch normalization already")
        trained = [layer for layer in layers if isinstance(layer, Convolution | Dense)]
        found: list[Layer] = []
        for layer in layers:
            found.append(layer)
            if layer in trained[:-1]:
                found.append(BatchNorm(f"norm_{layer.name}"))
        return tuple(found)

    return dataclasses.replace(model, design=design, recount=None)


def widened(model: Model, factor: float) -> Model:
    """Returns the model with the widths of its hidden layers and the channels of its convolutions times a factor.

    They are rounded to the nearest whole number, halves to the even one, and at least 1 (times the groups of a grouped
    convolution). The last of these layers has one output for each class and stays.

    Args:
        model: A model.
        factor: Above 0.

    Returns:
        The model, of the same name.

    Raises:
        UsageError: The factor is no positive number. Of a model without hidden layers: when its layers are asked for.

    Example:
        >>> from optbench import catalog
        >>> [row.shape for row in widened(catalog.model("mlp"), 0.5).table() if row.weights]
        [(64,), (32,), (10,)]
    """
    if isinstance(factor, bool) or not 0.0 < factor < math.inf:
        raise UsageError(f"{model.name}: the factor of widths must be a positive number; got {factor!r}")

    def times(width: int) -> int:
        return max(1, round(width * factor))

    def design(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
        layers = model.design(shape, n_classes)
        hidden = [layer for layer in layers if isinstance(layer, Convolution | Dense)][:-1]
        if not hidden:
            raise UsageError(f"{model.name} has no hidden layer, so it has no other width")
        found: list[Layer] = []
        for layer in layers:
            if layer not in hidden:
                found.append(layer)
            elif isinstance(layer, Convolution):
                channels = times(layer.channels // layer.groups) * layer.groups
                found.append(dataclasses.replace(layer, channels=channels))
            elif isinstance(layer, Dense):
                found.append(dataclasses.replace(layer, width=times(layer.width)))
        return tuple(found)

    return dataclasses.replace(model, design=design, recount=None)
