"""Some terms of a finite sum as an objective: what a mini-batch sees, without noise of any other kind."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import jax
import numpy as np
from jax import Array

from optbench.core.loss import Loss
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.problems.units import units_of

if TYPE_CHECKING:
    from optbench.problems.problem import Problem

#: Problems whose programs are kept: one serves all samples of one size.
KEPT = 64


def terms_of(problem: Problem, rows: np.ndarray, units: str = "raw") -> Objective:
    """Returns the mean of some terms of a finite sum, its regularizer in full, as an objective in double precision.

    Args:
        problem: A finite sum.
        rows: Numbers of the terms, (n,); one may stand there several times.
        units: ``"raw"`` or ``"normalized"``, as of ``Problem.objective``; the mean over all terms is that objective.

    Returns:
        The objective.

    Raises:
        UsageError: The problem is no finite sum, the rows are not some of its terms, or there are no such units.

    Example:
        >>> from optbench.problems.finite_sums.least_squares import least_squares
        >>> from optbench.problems.problem import Problem
        >>> problem = Problem(least_squares, 10)
        >>> x = np.ones(10)
        >>> mean = terms_of(problem, np.arange(least_squares.n_terms(10))).value(x)
        >>> abs(mean - problem.f(x)) < 1e-12 * abs(mean)
        True
    """
    count = problem.landscape.n_terms
    if count is None:
        raise UsageError(f"{problem.label} is no finite sum, so it has no terms")
    rows, n = np.asarray(rows), count(problem.dim)
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
        raise UsageError(f"{problem.label}: terms must be numbers in [0, {n}), at least one; got {rows!r}")
    like = jax.ShapeDtypeStruct((problem.dim,), np.float64)
    loss = _loss(problem.noise_free, units)
    return Objective(loss, like, shared=(rows.astype(np.int32),), label=f"{problem.label} ({len(rows)} terms)")


@lru_cache(KEPT)
def _loss(problem: Problem, units: str) -> Loss:
    """Returns the mean of some terms, whose numbers are an operand."""
    scale, batch, frame = units_of(problem, units), problem.landscape.batch, problem.frame()
    assert batch is not None

    def of(z: Array, rows: Array) -> Array:
        y = frame.inward(scale.unit * z + np.array(scale.center, z.dtype))
        data = (np.array(part, z.dtype) for part in problem.data)
        value: Array = (batch(y, rows, *frame.theta, *data) + frame.offset) * scale.grad_scale
        return value

    return Loss(of)
