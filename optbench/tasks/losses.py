"""The losses that a task can have: of targets that are probabilities, as in training, and of classes, as in scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from optbench.errors import UsageError, unknown_name

#: A loss by its name.
LossName = Literal["cross_entropy", "squared"]


def cross_entropies(logits: Array, labels: Array) -> Array:
    """Returns the cross-entropy of each example with its class, ``-log softmax(z_i)_{y_i}``, in nats.

    Args:
        logits: ``z``, (n, K).
        labels: Classes ``y``, (n,), integers from 0.

    Returns:
        (n,).
    """
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)[:, 0]


def cross_entropy(logits: Array, targets: Array) -> Array:
    """Returns the mean cross-entropy ``-mean_i sum_k t_ik log softmax(z_i)_k``, in nats.

    Args:
        logits: ``z``, (n, K).
        targets: Probabilities ``t``, (n, K).

    Returns:
        A scalar.
    """
    return -jnp.mean(_log_likelihoods(logits, targets))


def _log_likelihoods(logits: Array, targets: Array) -> Array:
    return jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)


def squared_error(logits: Array, targets: Array) -> Array:
    """Returns half the squared error of each example, ``1/2 sum_k (z_ik - t_ik)^2``.

    Up to a constant it is the negative log-likelihood of targets with Gaussian noise of variance 1. Logits of 0 have a
    loss of 1/2 on any class.

    Args:
        logits: ``z``, (n, K).
        targets: What the logits should be, (n, K): 1 for the class and 0 for the others, unless they are smoothed or
            mixed.

    Returns:
        (n,).

    Example:
        >>> squared_error(jnp.array([[0.0, 0.0], [3.0, 1.0]]), jnp.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
        [0.5, 2.5]

    Source:
        Hui, Belkin: Evaluation of neural architectures trained with square loss vs cross-entropy in classification
        tasks, ICLR 2021, arXiv:2006.07322; here without their rescaling for many classes, and with the factor 1/2.
    """
    return 0.5 * jnp.sum(jnp.square(logits - targets), axis=-1)


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """A loss of logits.

    Attributes:
        name: Its name in a suite file.
        title: What its mean is called in texts.
        unit: Its unit.
        mean: ``(logits, targets) -> scalar``: the mean over examples, against targets (n, K).
        each: ``(logits, targets) -> (n,)``: that of each example.
        of_classes: ``(logits, labels) -> (n,)``: that of each example, against its class.
    """

    name: LossName
    title: str
    unit: str
    mean: Callable[[Array, Array], Array]
    each: Callable[[Array, Array], Array]
    of_classes: Callable[[Array, Array], Array]


#: All losses by name.
LOSSES: dict[str, ClassLoss] = {
    loss.name: loss
    for loss in (
        ClassLoss(
            "cross_entropy",
            "mean cross-entropy",
            "nats",
            mean=cross_entropy,
            each=lambda logits, targets: -_log_likelihoods(logits, targets),
            of_classes=cross_entropies,
        ),
        ClassLoss(
            "squared",
            "mean of half the squared error",
            "squared logits",
            mean=lambda logits, targets: jnp.mean(squared_error(logits, targets)),
            each=squared_error,
            of_classes=lambda logits, labels: squared_error(
                logits, jax.nn.one_hot(labels, logits.shape[1], dtype=logits.dtype)
            ),
        ),
    )
}


def loss_of(name: str) -> ClassLoss:
    """Returns a loss by its name.

    Args:
        name: ``"cross_entropy"`` or ``"squared"``.

    Raises:
        UsageError: There is no such loss; the nearest names are given.

    Example:
        >>> loss_of("squared").title
        'mean of half the squared error'
    """
    if name not in LOSSES:
        raise UsageError(unknown_name("loss", name, LOSSES))
    return LOSSES[name]
