"""Calibration: whether probabilities are as right as they say, and how far the members of an ensemble agree.

Source: Naeini, Cooper, Hauskrecht 2015, AAAI, and Guo, Pleiss, Sun, Weinberger 2017, ICML, for the expected calibration
error; Brier 1950, Mon. Weather Rev. 78, 1-3; Houlsby, Huszár, Ghahramani, Lengyel 2011, arXiv 1112.5745, for mutual
information.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.errors import DataError

#: Bins of confidence, of equal width.
BINS = 15
#: Probabilities are stored in single precision: one below its least normal number counts as that, for its logarithm.
LEAST = float(np.finfo(np.float32).tiny)


class Reliability(NamedTuple):
    """Confidence against accuracy by bin of confidence; a bin without examples has NaN in both.

    Attributes:
        edges: Ends of the bins, shape (B + 1,).
        n_examples: Examples in each, shape (B,).
        confidence: Mean probability of the predicted class, shape (B,).
        accuracy: Share of right predictions, shape (B,).
    """

    edges: Floats
    n_examples: Ints
    confidence: Floats
    accuracy: Floats


class Spread(NamedTuple):
    """How far the members of an ensemble are apart, means over examples.

    Attributes:
        deviation: Standard deviation over members of the probability of the class that their mean predicts.
        disagreement: Share of pairs of members that predict different classes.
        information: Mutual information of prediction and member, in nats: the entropy of the mean probabilities minus
            the mean entropy.
    """

    deviation: float
    disagreement: float
    information: float


def reliability(probabilities: Floats, labels: Ints, bins: int = BINS) -> Reliability:
    """Returns the data of a reliability diagram.

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        labels: The right classes, shape (N,).
        bins: Number of bins of equal width over [0, 1]; a bin holds its upper end.

    Returns:
        Counts, mean confidence and accuracy of each bin.

    Raises:
        DataError: Shapes do not fit, or a row is no probability distribution.

    Example:
        >>> found = reliability(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 1, 1]), bins=2)
        >>> found.n_examples.tolist(), found.confidence.round(3).tolist(), found.accuracy.round(3).tolist()
        ([0, 3], [nan, 0.8], [nan, 0.667])
    """
    _check(probabilities, labels)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    means = [
        np.divide(np.bincount(place, weights=values, minlength=bins), count, out=np.full(bins, np.nan), where=count > 0)
        for values in (confidence, right)
    ]
    return Reliability(edges, count.astype(np.int64), *means)


def calibration_error(probabilities: Floats, labels: Ints, bins: int = BINS) -> float:
    """Returns the expected calibration error: ``sum_b n_b/N |accuracy_b - confidence_b|``.

    It cannot be negative, so of finitely many examples it is above 0 even where probabilities are perfect; it grows
    with the number of bins, which has to be told with it.

    Args:
        probabilities: Shape (N, C).
        labels: The right classes, shape (N,).
        bins: Number of bins.

    Returns:
        The error, in [0, 1].

    Raises:
        DataError: Shapes do not fit, or a row is no probability distribution.

    Example:
        >>> round(calibration_error(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 1, 1]), bins=2), 4)
        0.1333
    """
    found = reliability(probabilities, labels, bins)
    some = found.n_examples > 0
    apart = np.abs(found.accuracy[some] - found.confidence[some])
    return float((found.n_examples[some] * apart).sum() / found.n_examples.sum())


def brier(probabilities: Floats, labels: Ints) -> float:
    """Returns the Brier score: the squared distance to the one-hot label, summed over classes, mean over examples.

    Args:
        probabilities: Shape (N, C).
        labels: The right classes, shape (N,).

    Returns:
        The score, in [0, 2].

    Raises:
        DataError: Shapes do not fit, or a row is no probability distribution.

    Example:
        >>> round(brier(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1])), 4)
        0.65
    """
    _check(probabilities, labels)
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


def negative_log_likelihood(probabilities: Floats, labels: Ints) -> float:
    """Returns the mean negative logarithm of the right class's probability, in nats.

    Args:
        probabilities: Shape (N, C); one that single precision has as 0 counts as ``LEAST``, so that the loss is finite.
        labels: The right classes, shape (N,).

    Returns:
        The loss.

    Raises:
        DataError: Shapes do not fit, or a row is no probability distribution.

    Example:
        >>> round(negative_log_likelihood(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0])), 4)
        1.0397
    """
    _check(probabilities, labels)
    of_right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_right, LEAST)).mean())


def spread(probabilities: Floats) -> Spread:
    """Returns how far the members of an ensemble are apart.

    Args:
        probabilities: Shape (M, N, C): members, examples, classes.

    Returns:
        Standard deviation, disagreement and mutual information.

    Raises:
        DataError: There are fewer than two members.

    Example:
        >>> found = spread(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
        >>> round(found.deviation, 4), found.disagreement, round(found.information, 4)
        (0.7071, 1.0, 0.6931)
    """
    if probabilities.ndim != 3 or len(probabilities) < 2:
        raise DataError(f"an ensemble's spread takes at least 2 members, shape (M, N, C); got {probabilities.shape}")
    p = probabilities.astype(np.float64)
    m, n, classes = p.shape
    mean = p.mean(axis=0)
    of_predicted = p[:, np.arange(n), mean.argmax(axis=1)]
    counts = (p.argmax(axis=2)[..., None] == np.arange(classes)).sum(axis=0)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (m * (m - 1))
    information = _entropy(mean) - _entropy(p).mean(axis=0)
    return Spread(
        float(of_predicted.std(axis=0, ddof=1).mean()), float((1 - agreeing).mean()), float(information.mean())
    )


def _entropy(p: Floats) -> Floats:
    """Returns entropies along the last axis, in nats; 0 log 0 is 0."""
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1))


def _check(probabilities: Floats, labels: Ints) -> None:
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not labels.size:
        raise DataError(f"probabilities must have shape (N, C) for N labels; got {probabilities.shape}, {labels.shape}")
    if np.any(probabilities < 0) or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4):
        raise DataError("every row of probabilities must be at least 0 and sum to 1")
