"""The spectrum of a quadratic: what theory needs to predict how fast a rule converges on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optbench.problems.problem import Problem


def summary(problem: Problem) -> dict[str, Any] | None:
    """Returns what a manifest keeps of a quadratic's spectrum, ready for JSON; instances leave it as it is.

    Args:
        problem: Any problem.

    Returns:
        ``eigenvalues`` of the Hessian in raw units, ascending; and ``noise_spread``, the standard deviation of one
        coordinate of additive normal noise on the gradient in raw units, 0 without noise, ``None`` for noise of
        other kinds. ``None`` for a function without known eigenvalues.

    Example:
        >>> from optbench.problems.problem import Problem
        >>> from optbench.problems.quadratics import unit_quadratic
        >>> summary(Problem(unit_quadratic, 2, parameters={"condition": 4.0}))
        {'eigenvalues': [0.25, 1.0], 'noise_spread': 0.0}
    """
    rule = problem.landscape.eigenvalues
    if rule is None:
        return None
    spread: float | None = 0.0
    if problem.noise is not None:
        spread = problem.noise.amount(problem) if problem.noise.kind == "gaussian" else None
    return {"eigenvalues": np.sort(rule(problem.dim, *problem.theta)).tolist(), "noise_spread": spread}
