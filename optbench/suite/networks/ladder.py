"""The table ``[ladder]``: what all arms of a suite share, unless an arm says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from optbench.suite.model import Flag, Grid, Model, Real, Text
from optbench.suite.networks.task import Batch, Epochs, Examples, Loss, WarmStart


def _listed(given: Any) -> Any:
    """Returns a number as a list of one."""
    return given if given is None or isinstance(given, list | tuple) else [given]


#: One number or a list of them; a number stands for a list of one.
BatchSizes = Annotated[tuple[Batch, ...], BeforeValidator(_listed), Field(min_length=1)]
EpochsOfEach = Annotated[tuple[Epochs, ...], BeforeValidator(_listed), Field(min_length=1)]


class Ladder(Model):
    """What is trained at several batch sizes, and how; every key may be left to the arms.

    Attributes:
        data: Name of the data set.
        model: Name of the model.
        n_train: Examples to train on; the set's own number if ``None``.
        n_test: Examples of the test part; the set's own number if ``None``.
        loss: What is trained: ``cross_entropy`` or ``squared``.
        regularization: Strengths by name. ``ghost`` and ``batch_noise`` act on batches that are larger than they say.
        optimizer: Name of the update rule.
        hyper: Hyperparameters held at other values than the rule's defaults.
        sweep: Range of the one swept hyperparameter, where it is not the suite's ``grid``.
        batch_size: Batch sizes, ascending.
        epochs: Epochs of a run: one number, or one for each batch size.
        updates: ``"equal"``: ``epochs`` are those of the smallest batch size, and the others make as many updates.
        scale: What becomes of the rate as the batch size grows from the smallest: nothing, or it grows with it, or with
            its square root.
        warm_start: A phase before, for runs whose batch size is another than that of the phase.
    """

    data: Text | None = None
    model: Text | None = None
    n_train: Examples | None = None
    n_test: Examples | None = None
    loss: Loss | None = None
    regularization: Mapping[str, Flag | Real] | None = None
    optimizer: Text | None = None
    hyper: Mapping[str, Real] | None = None
    sweep: Mapping[str, Grid] | None = None
    batch_size: BatchSizes | None = None
    epochs: EpochsOfEach | None = None
    updates: Literal["equal"] | None = None
    scale: Literal["none", "sqrt", "linear"] | None = None
    warm_start: WarmStart | None = None
