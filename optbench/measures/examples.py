"""Which training examples a measure looks at that does not need all of them: the same for every point."""

from __future__ import annotations

from optbench.core.keys import order
from optbench.core.objective import Objective
from optbench.measures.subject import Subject


def loss_on_some(subject: Subject, examples: int) -> tuple[Objective, int]:
    """Returns the loss on a part of the terms that it is a mean of.

    Args:
        subject: What is measured.
        examples: How many terms; all where there are not so many.

    Returns:
        The loss, and how many terms it has; the whole loss and 0 where it is no sum. Which terms are taken hangs on
        their number alone, so that all points of a task are compared on the same examples.
    """
    if subject.terms is None:
        return subject.objective, 0
    if examples >= subject.n_terms:
        return subject.objective, subject.n_terms
    return subject.terms(order(subject.n_terms, "measure", "examples")[:examples]), examples
