"""Ensembles: what the first m members predict together, for every m, and what that gains over a single model.

Members either give probabilities, which are averaged, or votes, which are counted with weights: equal ones for bagging,
those of SAMME for boosting.

Source: Breiman 1996, Mach. Learn. 24, 123-140 (bagging); Zhu, Zou, Rosset, Hastie 2009, Stat. Interface 2, 349-360
(SAMME).
"""

from __future__ import annotations

import numpy as np

from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.crossed import Crossed, crossed, over_seeds
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
        DataError: There is not one weight for each member.

    Example:
        >>> answers = np.array([[0, 1], [1, 1], [1, 0]])
        >>> voted(answers, 2).tolist()
        [[0, 1], [0, 1], [1, 1]]
        >>> voted(answers, 2, np.array([3.0, 1.0, 1.0])).tolist()
        [[0, 1], [0, 1], [0, 1]]
    """
    held = np.ones(len(answers)) if weights is None else np.asarray(weights, np.float64)
    if held.shape != answers.shape[:1]:
        raise DataError(f"each of {len(answers)} members must have one weight; got {held.shape}")
    votes = (answers[..., None] == np.arange(classes)) * held[:, None, None]
    return np.asarray(np.cumsum(votes, axis=0).argmax(axis=2))


def gain(ensemble: Floats, single: Floats, *, shares_test: bool) -> Crossed:
    """Returns by how much an ensemble is more often right than a single model, with its interval over replicates.

    Args:
        ensemble: Right (1) or wrong (0) by replicate and test example, shape (R, N).
        single: The same of the single model of each replicate.
        shares_test: Whether all replicates have one test part. Then examples are drawn anew with the replicates; else
            every replicate has examples of its own, and its mean difference is one independent number.

    Returns:
        The mean difference in [-1, 1] and its error.

    Raises:
        DataError: The two differ in shape.

    Example:
        >>> ensemble, single = np.array([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]]), np.eye(4)[:2]
        >>> found = gain(ensemble, single, shares_test=True)
        >>> found.estimate, found.interval()[0] < 0.5 < found.interval()[1]
        (0.5, True)
    """
    if ensemble.shape != single.shape:
        raise DataError(f"ensemble and single model must have the same runs; got {ensemble.shape}, {single.shape}")
    difference = ensemble.astype(np.float64) - single
    by_replicate = difference.mean(axis=1)
    if shares_test:
        return crossed(by_replicate, difference.mean(axis=0), (-1.0, 1.0))
    return over_seeds(by_replicate, difference.shape[1])
