"""A model with batch normalization where it has none: the pair that shows what normalization does."""

from __future__ import annotations

import dataclasses

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
