"""Ensembles: what the first m members predict together, for every m.

Members either give probabilities, which are averaged, or votes, which are counted with weights: equal ones for bagging,
those of SAMME for boosting.

Source: Breiman 1996, Mach. Learn. 24, 123-140 (bagging); Zhu, Zou, Rosset, Hastie 2009, Stat. Interface 2, 349-360
(SAMME).
"""

from __future__ import annotations

import numpy as np

from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.errors import DataError


def averaged(probabilities: Floats) -> Floats:
    """Returns the mean probabilities of the first m members.

    Args:
        probabilities: Shape (M, N, C).

    Returns:
        Mean probabilities for m = 1 to M, shape (M, N, C).

    Example:
        >>> averaged(np.array([[[0.9, 0.1]], [[0.3, 0.7]]])).round(2).tolist()
        [[[0.9, 0.1]], [[0.6, 0.4]]]
    """
    counts = np.arange(1, len(probabilities) + 1)[:, None, None]
    return np.asarray(np.cumsum(probabilities, axis=0, dtype=np.float64) / counts)


def voted(answers: Ints, classes: int, weights: Floats | None = None) -> Ints:
    """Returns the class for which the first m members vote; of equal votes the smaller label.

    Args:
        answers: Predicted classes, shape (M, N).
        classes: Number of classes.
        weights: Weight of each member's vote, shape (M,), such as SAMME's; equal ones if left out.

    Returns:
        The ensemble's answers for m = 1 to M, shape (M, N).

    Raises:
        DataError: There is not one finite weight for each member.

    Example:
        >>> answers = np.array([[0, 1], [1, 1], [1, 0]])
        >>> voted(answers, 2).tolist()
        [[0, 1], [0, 1], [1, 1]]
        >>> voted(answers, 2, np.array([3.0, 1.0, 1.0])).tolist()
        [[0, 1], [0, 1], [0, 1]]
    """
    held = np.ones(len(answers)) if weights is None else np.asarray(weights, np.float64)
    if held.shape != answers.shape[:1] or not np.isfinite(held).all():
        raise DataError(f"each of {len(answers)} members must have one finite weight; got {held.tolist()}")
    votes = (answers[..., None] == np.arange(classes)) * held[:, None, None]
    return np.asarray(np.cumsum(votes, axis=0).argmax(axis=2))
