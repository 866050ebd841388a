"""What is measured: a loss and a point that a run led to, with what else some measures need to know of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optbench.core.objective import Objective, Params


@dataclass(frozen=True)
class Scored:
    """A part of a data set as a network is scored on it.

    Attributes:
        loss: Mean loss, an objective of points.
        accuracy: Share of its examples that a point classifies right.
    """

    loss: Objective
    accuracy: Callable[[Params], float]


@dataclass(frozen=True)
class Subject:
    """A loss and a point of it; whatever stands behind them: a test function, a finite sum, a network.

    The loss is the one without noise: of a network that of all training examples as tested, without dropout,
    augmentation or penalty, batch normalization by its running statistics.

    Attributes:
        objective: The loss.
        params: The point.
        start: Where the run began; ``None`` where that is not known.
        n_terms: Terms of which the loss is the mean: examples of a network, functions of a finite sum; 0 for no sum.
        terms: The mean of some terms, by their numbers, as an objective; ``None`` for no sum.
        parts: Of a network, its parts of the data by name: ``train``, ``validation``, ``test``.
        lr: Learning rate of the run at the point; ``None`` where that is not known.
        preconditioner: Diagonal ``P`` of an adaptive rule at the point, a pytree like the point, where a step is
            ``-lr P^-1 m``; ``None`` where the rule has none or its state is not known.
        other: A second point, such as the end of another run on the same loss; ``None`` where there is none.
        path: Points on the way from the start, each with the evaluations that had led there, in their order.
        parts_at: Of a network with batch normalization, its parts at a point by the statistics that the training
            examples have there (``tasks.statistics``): running statistics belong to one point alone. ``None`` where
            nothing is normalized.
        memory: What a measure leaves for itself at the next point of the same run, such as where to begin a search;
            ``None`` where a point is measured alone.
        progress: Is told how many points of a picture are done, and of how many; ``None`` where nobody asks.
        details: What was decided of the loss, ready for JSON; each row of a measure says it: precision, units, how
            batches are normalized.
    """

    objective: Objective
    params: Params
    start: Params | None = None
    n_terms: int = 0
    terms: Callable[[np.ndarray], Objective] | None = None
    parts: Mapping[str, Scored] = field(default_factory=dict)
    lr: float | None = None
    preconditioner: Params | None = None
    other: Params | None = None
    path: Sequence[tuple[int, Params]] = ()
    parts_at: Callable[[Params], Mapping[str, Scored]] | None = None
    memory: dict[str, Any] | None = None
    progress: Callable[[int, int], None] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
