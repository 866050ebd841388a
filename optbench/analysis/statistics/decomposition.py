"""Bias, variance and noise: what parts of an error come from the mean of retrained models and what from their spread.

Members are models that were trained alike on different training data, or from different seeds. Their predictions of
one test part are a crossed table of K members and N examples.

Squared error: with the members' mean ``m_j``, their variance ``s_j^2`` (divisor K - 1), the target ``y_j`` and, where
it is known, the target without noise ``h_j``, each averaged over examples,

    bias^2   = (m_j - h_j)^2 - s_j^2/K
    variance = s_j^2
    noise    = (y_j - h_j)^2 + 2 (m_j - h_j)(h_j - y_j)

The three sum to the mean squared error over members and examples, exactly. ``s_j^2/K`` is the part of the mean's error
that finitely many members make; without it bias^2 would be too large by that. The product has expectation 0, since
noise of test targets knows nothing of the members, and stands with the noise. Without ``h`` nothing tells noise from
bias: the first part is then ``(m_j - y_j)^2 - s_j^2/K``, the sum of both. Each part is unbiased, so that a small one
may come out below 0.

Of a classifier the same is taken of probabilities against one-hot targets, summed over classes: the Brier score.

0-1 error, after Domingos: the main prediction of an example is what most members say (of equally many the smaller
label). ``bias`` is the share of examples whose main prediction is wrong, ``unbiased variance`` the share of answers
that leave a right main prediction, ``biased variance`` that of answers that leave a wrong one and are right. Error =
bias + unbiased variance - biased variance, exactly: variance helps where bias is.

Source: Geman, Bienenstock, Doursat 1992, Neural Comput. 4, 1-58; Domingos 2000, "A Unified Bias-Variance Decomposition
and its Applications", ICML, for several classes with the members that correct a wrong main prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.crossed import Crossed
from optbench.errors import DataError

#: Fewest members: with two, leaving out one would leave no variance.
FEWEST = 3


class SquaredParts(NamedTuple):
    """Parts of a squared error, each with its interval over new members and new examples.

    Attributes:
        error: The mean squared error, the sum of the others.
        bias: Squared bias; with the noise in it where ``noise`` is ``None``.
        variance: Variance over members.
        noise: Noise of the targets; ``None`` where nothing tells it from bias.
    """

    error: Crossed
    bias: Crossed
    variance: Crossed
    noise: Crossed | None


class ZeroOneParts(NamedTuple):
    """Parts of a share of wrong answers: ``error = bias + unbiased - biased``.

    Attributes:
        error: Share of wrong answers, over members and examples.
        bias: Share of examples whose main prediction is wrong.
        unbiased: Share of answers that are wrong where the main prediction is right.
        biased: Share of answers that are right where the main prediction is wrong.
    """

    error: Crossed
    bias: Crossed
    unbiased: Crossed
    biased: Crossed


def squared_parts(predictions: Floats, targets: Floats, truth: Floats | None = None) -> SquaredParts:
    """Splits the mean squared error of members into bias^2, variance and noise.

    Args:
        predictions: Shape (K, N), or (K, N, C) for vectors such as probabilities, whose squares are summed over C.
        targets: Shape (N,) or (N, C). Where the truth is known each member may have targets of its own, of the shape of
            ``predictions``; the noise is then the mean over members.
        truth: Targets without noise, shape (N,) or (N, C), where they are known.

    Returns:
        The parts; their estimates sum to that of the error but for rounding.

    Raises:
        DataError: There are fewer than three members, or shapes do not fit.

    Example:
        >>> members = np.array([[1.0, 2.0], [2.0, 2.0], [3.0, 5.0]])
        >>> found = squared_parts(members, np.array([2.5, 3.0]))
        >>> [round(part.estimate, 4) for part in (found.error, found.bias, found.variance)]
        [1.4583, -0.5417, 2.0]
    """
    aim = targets if truth is None else truth
    _check(predictions, aim)
    if targets.shape not in (aim.shape, predictions.shape):
        raise DataError(f"targets must have the shape of the truth or of the predictions; got {targets.shape}")
    shape = (*predictions.shape[:2], -1)
    members = np.asarray(predictions, np.float64).reshape(shape)
    h = np.asarray(aim, np.float64).reshape(shape[1], -1)
    y = np.broadcast_to(np.asarray(targets, np.float64).reshape(-1, *h.shape), members.shape)

    def by_example(rows: Ints) -> dict[str, Floats]:
        """Returns each part of some members by example, shape (N,)."""
        some, seen = members[rows], y[rows]
        mean, variance = some.mean(axis=0), some.var(axis=0, ddof=1)
        parts = {
            "error": ((some - seen) ** 2).mean(axis=0),
            "bias": (mean - h) ** 2 - variance / len(some),
            "variance": variance,
        }
        if truth is not None:
            parts["noise"] = ((seen - h) ** 2 + 2 * (some - h) * (h - seen)).mean(axis=0)
        return {name: part.sum(axis=-1) for name, part in parts.items()}

    found = _crossed(by_example, *members.shape[:2])
    return SquaredParts(found["error"], found["bias"], found["variance"], found.get("noise"))


def brier_parts(probabilities: Floats, labels: Ints) -> SquaredParts:
    """Splits the Brier score of classifiers: the squared error of probabilities against one-hot labels.

    Args:
        probabilities: Shape (K, N, C).
        labels: The right classes, shape (N,).

    Returns:
        The parts: bias^2 with noise, since one label an example does not tell them apart, and variance.

    Raises:
        DataError: There are fewer than three members, or shapes do not fit.

    Example:
        >>> members = np.array([[[1.0, 0.0]], [[1.0, 0.0]], [[0.4, 0.6]]])
        >>> found = brier_parts(members, np.array([1]))
        >>> [round(part.estimate, 4) for part in (found.error, found.bias, found.variance)]
        [1.44, 1.2, 0.24]
    """
    return squared_parts(probabilities, np.eye(probabilities.shape[-1])[labels])


def zero_one_parts(answers: Ints, labels: Ints) -> ZeroOneParts:
    """Splits the share of wrong answers of members into bias and two variances.

    Args:
        answers: Predicted classes, shape (K, N).
        labels: The right classes, shape (N,).

    Returns:
        The parts; ``error = bias + unbiased - biased`` but for rounding.

    Raises:
        DataError: There are fewer than three members, or shapes do not fit.

    Example:
        >>> answers = np.array([[0, 1, 2], [0, 1, 1], [0, 2, 1]])
        >>> found = zero_one_parts(answers, np.array([0, 1, 2]))
        >>> [round(part.estimate, 4) for part in found]
        [0.3333, 0.3333, 0.1111, 0.1111]
    """
    _check(answers, labels)
    classes = int(max(answers.max(), labels.max())) + 1

    def by_example(rows: Ints) -> dict[str, Floats]:
        """Returns each part of some members by example, shape (N,)."""
        some = answers[rows]
        counts = (some[..., None] == np.arange(classes)).sum(axis=0)
        is_right = counts.argmax(axis=1) == labels
        right = (some == labels).mean(axis=0)
        return {
            "error": 1.0 - right,
            "bias": 1.0 - is_right,
            "unbiased": np.where(is_right, 1.0 - right, 0.0),
            "biased": np.where(is_right, 0.0, right),
        }

    return ZeroOneParts(**_crossed(by_example, *answers.shape))


def _check(members: Floats | Ints, targets: Floats | Ints) -> None:
    if members.shape[1:] != targets.shape or len(members) < FEWEST or not targets.size:
        raise DataError(
            f"predictions must be of at least {FEWEST} members for the targets of shape {targets.shape}; "
            f"got shape {members.shape}"
        )


def _crossed(by_example: Callable[[Ints], dict[str, Floats]], k: int, n: int) -> dict[str, Crossed]:
    """Returns the mean over examples of each part, with its error from members, by jackknife, and from examples."""
    rows = np.arange(k)
    whole = by_example(rows)
    without = [by_example(np.delete(rows, i)) for i in range(k)]
    found = {}
    for name, part in whole.items():
        left_out = np.array([other[name].mean() for other in without])
        of_members = float((k - 1) / k * ((left_out - left_out.mean()) ** 2).sum())
        of_examples = float(part.var(ddof=1)) / n if n > 1 else float("nan")
        found[name] = Crossed(float(part.mean()), float(part.mean()), of_members, of_examples, k, n)
    return found
