"""The constants of a problem, worked out: what is frozen for ours, and what a user's own function needs."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import jax
import numpy as np

from optbench.errors import UsageError
from optbench.problems import constants
from optbench.problems.constants import Constants
from optbench.problems.landscape import Landscape

if TYPE_CHECKING:
    from optbench.problems.problem import Problem

#: Terms of finite sums that are evaluated in one call, over all points.
_TERM_VALUES = 2**18


@cache
def measured(problem: Problem) -> Constants:
    """Computes the constants of a problem, whether or not they are frozen.

    Args:
        problem: Any problem.

    Returns:
        The constants, in the problem's own frame without its offset.

    Raises:
        UsageError: The function raises, has no finite median over the starts, or its definition does not fit its
            dimension; only a user's own can.
    """
    landscape = problem.landscape
    _check(problem)
    # Worked out before the trace below: placing the instance may take a measurement of its plain form.
    frame = problem.frame()
    with jax.enable_x64(True):
        many = jax.jit(jax.vmap(problem.raw))
        try:
            center = np.asarray(many(problem.bounds.mean(axis=1)[None]))
        except Exception as error:  # whatever a user's function raises is theirs to read, without our traceback
            said = next(iter(str(error).splitlines()), "")
            raise UsageError(f"{problem.label}: f raises {type(error).__name__}: {said}") from error
        if center.shape != (1,):
            raise UsageError(f"{problem.label}: f must return one number; got an array of shape {center.shape[1:]}")
        found = constants.measure(
            problem.label,
            lambda points: np.concatenate([np.asarray(many(part)) for part in _split(landscape, points)]),
            lambda rng, count: problem.draw_starts(rng, count)[0],
            x_star=frame.outward(landscape.x_star(problem.dim, *problem.which)),
            f_star=landscape.f_star(problem.dim, *problem.which),
            f_second=landscape.f_second(problem.dim, *problem.which),
            bounds=problem.bounds,
        )
    if not (math.isfinite(found.f_scale) and found.f_scale > 0):
        raise UsageError(
            f"{problem.label}: the median of f - f_star over the starts must be a positive number; got {found.f_scale}"
        )
    return found


def _check(problem: Problem) -> None:
    """Raises a ``UsageError`` with all that is wrong in the arrays of a user's definition."""
    landscape, dim = problem.landscape, problem.dim
    bounds = np.asarray(landscape.bounds(dim))
    x_star = np.asarray(landscape.x_star(dim, *problem.which))
    f_star = landscape.f_star(dim, *problem.which)
    faults = []
    if bounds.shape != (dim, 2):
        faults.append(f"{problem.label}: bounds must have shape ({dim}, 2), a low and a high each; got {bounds.shape}")
    elif not np.all(bounds[:, 0] < bounds[:, 1]):
        faults.append(f"{problem.label}: each low of bounds must be less than its high; got {bounds.tolist()}")
    if x_star.ndim != 2 or x_star.shape[1] != dim or not len(x_star):
        faults.append(f"{problem.label}: x_star must have shape (m, {dim}), a minimizer each; got {x_star.shape}")
    if f_star is None or not math.isfinite(f_star):
        faults.append(f"{problem.label}: f_star must be a finite number; got {f_star!r}")
    if faults:
        raise UsageError(faults)


def _split(landscape: Landscape, points: np.ndarray) -> list[np.ndarray]:
    """Cuts points into parts that are evaluated together: each term of a finite sum needs memory at each of them."""
    terms = 1 if landscape.n_terms is None else landscape.n_terms(points.shape[1])
    return np.array_split(points, max(1, math.ceil(len(points) * terms / _TERM_VALUES)))
