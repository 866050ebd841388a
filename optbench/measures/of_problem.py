"""What measures are given of a test function or a finite sum: its loss without noise, and a point of a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from optbench.core.objective import Objective
from optbench.measures.subject import Subject
from optbench.problems.problem import Problem
from optbench.problems.terms import terms_of
from optbench.problems.units import units_of

#: Problems whose objectives are kept: all points of one share what is compiled.
KEPT = 64


def subject_of(
    problem: Problem,
    x: np.ndarray,
    *,
    units: str,
    start: np.ndarray | None = None,
    path: Sequence[tuple[int, np.ndarray]] = (),
    other: np.ndarray | None = None,
) -> Subject:
    """Returns what measures are given of a point of a problem.

    The loss is the one that is scored: without noise, of a finite sum that of all terms. It is in the units in which
    rules see the problem, so that curvatures of different problems can be compared.

    Args:
        problem: The problem.
        x: The point in the problem's own units, (dim,).
        units: ``"normalized"`` or ``"raw"``; see ``problems.units``.
        start: Where the run began, in the problem's own units.
        path: Points on the way, in the problem's own units, each with the evaluations that had led there.
        other: The end of another run, in the problem's own units.

    Returns:
        The subject. All of one problem share what is compiled.

    Example:
        >>> from optbench.problems.quadratics import sphere
        >>> subject = subject_of(Problem(sphere, 2), np.array([3.0, 4.0]), units="raw")
        >>> subject.objective.value(subject.params), subject.n_terms
        (25.0, 0)
    """
    scale, count = units_of(problem, units), problem.landscape.n_terms
    return Subject(
        _objective(problem.noise_free, units),
        scale.inward(x),
        start=None if start is None else scale.inward(start),
        other=None if other is None else scale.inward(other),
        path=[(evals, scale.inward(point)) for evals, point in path],
        n_terms=0 if count is None else count(problem.dim),
        terms=None if count is None else lambda rows: terms_of(problem, rows, units),
        details={"dtype": "float64", "loss": f"without noise, in {units} units"},
    )


@lru_cache(KEPT)
def _objective(problem: Problem, units: str) -> Objective:
    return problem.objective(units)
