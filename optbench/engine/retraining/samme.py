"""SAMME: how boosting of many classes weighs examples and votes.

Zhu, Zou, Rosset, Hastie 2009, Multi-class AdaBoost, Statistics and Its Interface 2, 349-360, algorithm 2. A round
whose model has the weighted error err votes with log((1 - err)/err) + log(K - 1), K the number of classes, and the
weights of examples that it gets wrong are multiplied by the exponential of that.

The formula has no vote for two errors. Both are met so that all rounds are trained:

- err >= 1 - 1/K, no better than guessing: the vote would be negative or 0. It is 0, and all weights are equal again.
- err = 0: the vote would be infinite. It is that of half an example, err = 1/(2 n); no weight changes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np


class Round(NamedTuple):
    """What a round of boosting leads to.

    Attributes:
        error: Weighted error of its model.
        vote: Weight of its vote, 0 or more.
        weights: Weights of the examples for the next round, (n,), summing to 1.
    """

    error: float
    vote: float
    weights: np.ndarray


def equal_weights(n: int) -> np.ndarray:
    """Returns the weights of the first round, (n,), float64."""
    return np.full(n, 1.0 / n)


def update(weights: np.ndarray, wrong: np.ndarray, n_classes: int) -> Round:
    """Returns the vote of a round and the weights of the next one.

    Args:
        weights: Weights of the examples in this round, (n,), summing to 1.
        wrong: Whether the round's model gets each example wrong, (n,).
        n_classes: Number of classes, 2 or more.

    Returns:
        Error, vote and weights.

    Example:
        >>> found = update(equal_weights(4), np.array([True, False, False, False]), 2)
        >>> found.error, round(found.vote, 4), found.weights.round(4).tolist()
        (0.25, 1.0986, [0.5, 0.1667, 0.1667, 0.1667])
    """
    n = len(weights)
    error = math.fsum(weights[wrong])
    if error >= 1.0 - 1.0 / n_classes:
        return Round(error, 0.0, equal_weights(n))
    counted = error if error > 0.0 else 0.5 / n
    vote = math.log((1.0 - counted) / counted) + math.log(n_classes - 1.0)
    raised = weights * np.exp(vote * wrong)
    return Round(error, vote, raised / raised.sum())
