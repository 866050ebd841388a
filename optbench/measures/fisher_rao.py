"""The Fisher-Rao norm: how fast the losses of single examples change as all weights grow together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.core.objective import Objective, Params
from optbench.measures.details import details_of
from optbench.measures.losses import as_objective, as_point
from optbench.measures.measure import Measure, Measured, NotApplicable
from optbench.measures.subject import Subject


class FisherRao(NamedTuple):
    """The squared Fisher-Rao norm.

    Attributes:
        value: ``w'Fw``.
        n_terms: Examples, all of those of which the loss is the mean.
        fisher: Which Fisher matrix: ``"empirical"``, with the labels of the data.
        dtype: Type in which the gradients were computed.
    """

    value: float
    n_terms: int
    fisher: str
    dtype: str


def fisher_rao_norm(loss: Objective | Callable[[Any], Any], params: Params) -> FisherRao:
    """Returns ``w'Fw = mean_i (g_i'w)^2``, with ``g_i`` the gradient of the loss of example ``i``.

    ``F = mean_i g_i g_i'`` is the empirical Fisher matrix: of the labels of the data, not of labels that the model
    draws. That is the norm, squared, of Liang et al. 2019 (arXiv 1711.01530). For a network of ``K`` layers without
    biases and with ReLUs it is ``K^2 mean_i <dl_i/df, f_i>^2``, ``f`` being its outputs. Rescaling that leaves the
    function as it is leaves it, too. It falls to 0 with the loss.

    Args:
        loss: An objective that is a mean of terms, such as ``Task.objective``; of a plain function no terms are known.
        params: The point ``w``.

    Returns:
        The norm, exact but for rounding.

    Raises:
        UsageError: The loss or the point is none.
        NotApplicable: The loss is no mean of terms that can be told apart.

    Example:
        >>> import jax.numpy as jnp
        >>> x = np.array([[1.0, 2.0, 3.0]])
        >>> mean = Objective(lambda w, part: jnp.sum(part * w), np.ones(()), parts=x, n=3, of_terms=True)
        >>> round(fisher_rao_norm(mean, np.array(2.0)).value, 6)  # the mean of (1, 4, 9), times 4
        18.666667
    """
    objective = as_objective(loss, params)
    if not objective.n_terms:
        raise NotApplicable(
            "the Fisher-Rao norm has a gradient for each example, and the loss is not known as a mean of examples"
        )
    point = as_point(params, objective)
    _, slopes = objective.term_gradients(point, point)
    value = float(np.mean(np.asarray(slopes, np.float64) ** 2))
    return FisherRao(value, objective.n_terms, "empirical", str(objective.dtype))


def _take(subject: Subject) -> Measured:
    found = fisher_rao_norm(subject.objective, subject.params)
    return Measured(found.value, 0.0, details_of(found))


FISHER_RAO = Measure(
    name="fisher_rao",
    title="Fisher-Rao norm, squared",
    formula="w'Fw = mean_i (g_i'w)^2, F the empirical Fisher matrix",
    reference="Liang et al. 2019, Fisher-Rao metric, geometry, and complexity of neural networks, arXiv 1711.01530",
    take=_take,
    is_invariant=True,
)
