"""Gradient flow ``dx/dt = -grad f(x)``: the path that gradient descent follows at vanishing rates.

It gives the unit of noise, and says to which well a point belongs. The units of the problems that shipped suites
disturb are frozen in ``noise_scales.json``, which ``python -m optbench.problems.freeze`` writes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from optbench.errors import UsageError
from optbench.problems.problem import Problem

#: Relative gap at which the gradient is measured.
GAP = 1e-2
#: Tuning starts that are followed, of seed 0.
STARTS = 16
#: Gradients after which a path is given up.
MAX_EVALS = 20_000
_RTOL, _ATOL = 1e-6, 1e-9
SCALES_PATH = Path(__file__).with_name("noise_scales.json")


class Flow(NamedTuple):
    """Where a path ended.

    Attributes:
        x: Last point, (dim,).
        reached: Whether the event ended it.
    """

    x: np.ndarray
    reached: bool


class _GivenUpError(Exception):
    """A path took too many gradients."""


def follow(problem: Problem, x0: np.ndarray, *, until_gap: float) -> Flow:
    """Follows gradient flow from a point until the relative gap falls to a value.

    Args:
        problem: The problem, noise-free.
        x0: Start, (dim,).
        until_gap: Relative gap at which to stop.

    Returns:
        The end of the path; ``reached`` is false where a local minimum held it, or it took too long.
    """
    evals = 0
    # Time in units of (box width)^2 / f_scale: the path does not depend on it, the solver's steps do.
    pace = problem.width**2 / problem.f_scale

    def velocity(t: float, x: np.ndarray) -> np.ndarray:
        nonlocal evals
        evals += 1
        if evals > MAX_EVALS:
            raise _GivenUpError
        return -pace * np.asarray(problem.value_and_grad(x)[1])

    def above(t: float, x: np.ndarray) -> float:
        return float(problem.f(x)) - problem.f_star - until_gap * problem.f_scale

    if above(0.0, x0) <= 0:
        return Flow(x0, reached=True)
    above.terminal = True  # type: ignore[attr-defined]
    try:
        path = solve_ivp(velocity, (0.0, 1e6), x0, method="LSODA", rtol=_RTOL, atol=_ATOL * problem.width, events=above)
    except _GivenUpError:
        return Flow(x0, reached=False)
    return Flow(path.y[:, -1], reached=path.status == 1)


@cache
def frozen_scales() -> dict[str, float]:
    """Returns the frozen ``G`` by problem label."""
    if not SCALES_PATH.exists():
        return {}
    scales: dict[str, float] = json.loads(SCALES_PATH.read_text(encoding="utf-8"))
    return scales


def gradient_scale(problem: Problem) -> float:
    """Returns ``G``: the median gradient norm at a relative gap of 1e-2 along gradient flow from the tuning starts.

    Args:
        problem: The problem; its noise, if any, is left out.

    Returns:
        The norm in raw units: the frozen one, or else the one that ``measured_scale`` finds.
    """
    problem = problem.noise_free
    if problem.label in frozen_scales() and problem.is_shipped:
        return frozen_scales()[problem.label]
    return measured_scale(problem)


@cache
def measured_scale(problem: Problem) -> float:
    """Computes ``G`` of a problem, whether or not it is frozen.

    Args:
        problem: The problem, noise-free.

    Returns:
        The norm in raw units, rounded to 10 digits.

    Raises:
        UsageError: Fewer than half of the paths get there, so no level of noise has a meaning.
    """
    ends = [follow(problem, problem.starts(0, "tune", index)[0], until_gap=GAP) for index in range(STARTS)]
    norms = [float(np.linalg.norm(problem.value_and_grad(end.x)[1])) for end in ends if end.reached]
    if len(norms) < STARTS / 2:
        raise UsageError(
            f"{problem.label}: noise has no level here: gradient flow must reach a relative gap of {GAP:g} from "
            f"{STARTS // 2} of {STARTS} tuning starts, and does from {len(norms)}; use another problem, or noise of "
            "kind multiplicative, delay or drift"
        )
    return float(f"{np.median(norms):.9e}")
