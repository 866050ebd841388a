"""Curvature of many points of one function of few variables: dense Hessians, compiled once for each function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import jax
import numpy as np
from jax import Array

from optbench.core.compiler_options import PRODUCTS
from optbench.core.objective import Objective
from optbench.measures.measure import Measured, NotApplicable
from optbench.measures.subject import Subject

#: Points of a call at most, and numbers of their Hessians at most.
WIDTH, NUMBERS = 256, 1 << 18
#: Functions whose programs are kept.
KEPT = 64


def hessians(objective: Objective, points: np.ndarray) -> np.ndarray:
    """Returns the Hessians at many points of a function of one array.

    A call has one width whatever the number of points, so it is compiled once, and a point's bits hardly depend on its
    company.

    Args:
        objective: A function of points of shape (dim,).
        points: One a row, (n, dim).

    Returns:
        (n, dim, dim), float64, each symmetric to the bit.

    Example:
        >>> import jax.numpy as jnp
        >>> bowl = Objective(lambda x: x[0] ** 2 + x[0] * x[1] ** 3, np.zeros(2))
        >>> hessians(bowl, np.array([[1.0, 1.0], [0.0, 2.0]])).tolist()
        [[[2.0, 3.0], [3.0, 6.0]], [[2.0, 12.0], [12.0, 0.0]]]
    """
    n, dim = points.shape
    width = int(np.clip(NUMBERS // dim**2, 1, WIDTH))
    found = np.empty((n, dim, dim))
    with jax.enable_x64(True), jax.default_matmul_precision(PRODUCTS):
        run = _program(objective)
        for begin in range(0, n, width):
            part = points[begin : begin + width]
            padded = np.concatenate([part, np.repeat(part[:1], width - len(part), axis=0)])
            found[begin : begin + width] = np.asarray(run(padded))[: len(part)]
    return (found + found.transpose(0, 2, 1)) / 2


def of_many(
    subjects: Sequence[Subject], number: Callable[[np.ndarray], np.ndarray], error: float | None
) -> list[Measured | NotApplicable]:
    """Returns a number of the dense Hessian of each of several points.

    Args:
        subjects: Points of one objective, each an array of shape (dim,).
        number: Of Hessians (n, dim, dim), (n,).
        error: The standard error of each.

    Returns:
        What a measure has found, or why it has no meaning at a point.

    Raises:
        NotApplicable: The points are not of one objective of one array.
    """
    objective = subjects[0].objective
    if any(subject.objective is not objective or np.ndim(subject.params) != 1 for subject in subjects):
        raise NotApplicable("only points of one function of one array can be measured together")
    found = hessians(objective, np.stack([subject.params for subject in subjects]))
    finite = np.isfinite(found).all(axis=(1, 2))
    values = np.full(len(found), np.nan)
    values[finite] = number(found[finite])
    none = NotApplicable("the Hessian is not finite: the loss has no curvature at this point")
    details = {"method": "dense", "dim": found.shape[1]}
    return [
        Measured(float(value), error, details) if is_finite else none
        for value, is_finite in zip(values, finite, strict=True)
    ]


def tops(subjects: Sequence[Subject], **settings: object) -> list[Measured | NotApplicable]:
    """Returns the largest eigenvalue at each point; settings of Lanczos are without effect."""
    return of_many(subjects, lambda found: np.linalg.eigvalsh(found)[:, -1], 0.0)


def bottoms(subjects: Sequence[Subject], **settings: object) -> list[Measured | NotApplicable]:
    """Returns the smallest eigenvalue at each point; settings of Lanczos are without effect."""
    return of_many(subjects, lambda found: np.linalg.eigvalsh(found)[:, 0], 0.0)


def traces(subjects: Sequence[Subject], **settings: object) -> list[Measured | NotApplicable]:
    """Returns the trace at each point; settings of probes are without effect."""
    return of_many(subjects, lambda found: np.trace(found, axis1=1, axis2=2), 0.0)


@lru_cache(KEPT)
def _program(objective: Objective) -> Callable[[np.ndarray], Array]:
    """Returns the compiled Hessians of a block of points."""
    one: Callable[[Array], Array] = jax.hessian(objective.value)
    return jax.jit(jax.vmap(one))
