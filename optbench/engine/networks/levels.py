"""Levels of the training loss: which points of a run's curve are kept because the loss has come down to a level.

No run is stopped by its loss. It is scored on a grid of processed examples that its batch size has no part in. A level
is reached at the first point from which on the median of three losses is below it, and the weights that are kept are
those whose loss is that median. So runs of different batch sizes are compared where their training losses are the same:
under a constant rate the first of the three may have a loss that is nearly twice the level, since its being first
says nothing of its own loss.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from optbench.engine.networks.scoring import Scores

#: Points of the grid lie this share of the processed examples apart, or this share of an epoch, whichever is more.
SHARE, SHARE_OF_EPOCH = 0.02, 0.1

#: Losses whose median is compared with a level: that of a point and those of the points behind it.
LOSSES = 3


class Reached(NamedTuple):
    """A point that is kept for a level.

    Attributes:
        level: The level.
        grads: Gradients of batches that had led there.
        train: Scores on all training examples there.
        weights: Flat parameters and running statistics there, on the host; the same object for levels of one point.
    """

    level: float
    grads: int
    train: Scores
    weights: tuple[np.ndarray, Any]


def grid(n_train: int, batch_size: int, budget: int) -> list[int]:
    """Returns after how many gradients of batches a run with levels is scored.

    Examples ``e_0 = 0, e_(k+1) = e_k + max(0.02 e_k, 0.1 n_train)`` are the same for all batch sizes; a point is the
    first gradient at which that many have been processed, and the end of the budget is one as well.

    Args:
        n_train: Examples of the training part.
        batch_size: Examples of a batch.
        budget: Gradients of the run.

    Returns:
        Ascending numbers; fewer than the grid has where a batch is larger than what lies between two of its points.

    Example:
        >>> grid(1000, 100, 14), grid(1000, 10, 20)
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [0, 10, 20])
    """
    points, examples = {0, budget}, 0.0
    while (point := _first(examples, batch_size)) <= budget:
        points.add(point)
        examples += max(SHARE * examples, SHARE_OF_EPOCH * n_train)
    return sorted(points)


def _first(examples: float, batch_size: int) -> int:
    """Returns the first gradient at which so many examples, rounded, have been processed."""
    return -(-round(examples) // batch_size)


class Levels:
    """What one run has reached so far; weights are read only of points that are kept.

    Attributes:
        asked: Whether there are levels: then the run is scored on their grid, and on all training examples.
        reached: Points that are kept, in the order in which levels were reached.
    """

    def __init__(self, levels: Sequence[float] = ()) -> None:
        """Begins before the first point.

        Args:
            levels: Training losses, of which each is reached once or never.
        """
        self.asked = bool(levels)
        self._left = list(levels)
        self._last: deque[tuple[int, Scores, Callable[[], Any]]] = deque(maxlen=LOSSES)
        self.reached: list[Reached] = []

    def add(self, grads: int, train: Scores, read: Callable[[], tuple[np.ndarray, Any]]) -> None:
        """Notes a point of the curve.

        Args:
            grads: Gradients so far.
            train: Scores on all training examples; a loss that is not a number is above every level.
            read: Returns parameters and statistics of this point, also when the run has gone on.
        """
        if not self._left:
            self._last.clear()
            return
        self._last.append((grads, train, read))
        if len(self._last) < LOSSES:
            return
        losses = [scores.loss if np.isfinite(scores.loss) else np.inf for _, scores, _ in self._last]
        middle = sorted(losses)[LOSSES // 2]
        below = [level for level in self._left if middle < level]
        if below:
            at, scores, weights = self._last[losses.index(middle)]
            kept = weights()
            self.reached += [Reached(level, at, scores, kept) for level in below]
            self._left = [level for level in self._left if level not in below]
