"""What a manifest keeps of a problem: all that analysis and pictures read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.problems import spectrum

if TYPE_CHECKING:
    from optbench.problems.problem import Problem


def of(problem: Problem) -> dict[str, Any]:
    """Returns the facts of a problem, ready for JSON.

    Args:
        problem: Any problem whose minimum is known.

    Returns:
        Facts by name.

    Example:
        >>> from optbench.problems.problem import Problem
        >>> from optbench.problems.valleys import rosenbrock
        >>> of(Problem(rosenbrock, 2))["x_star"]
        [[1.0, 1.0]]
    """
    return {
        "label": problem.label,
        "name": problem.name,
        "family": problem.family,
        "dim": problem.dim,
        "instance": problem.instance,
        "rotated": problem.rotated,
        "parameters": dict(problem.parameters),
        "noise": None if problem.noise is None else {"kind": problem.noise.kind, "level": problem.noise.level},
        "n_terms": None if problem.landscape.n_terms is None else problem.landscape.n_terms(problem.dim),
        "batch_size": problem.batch_size,
        "trip_cost": problem.trip_cost,
        "f_star": problem.f_star,
        "f_scale": problem.f_scale,
        "f_second": problem.f_second,
        "f_solved": problem.f_solved,
        "f_saddle": problem.f_saddle,
        "wells": _wells(problem),
        "spectrum": spectrum.summary(problem),
        "x_star": problem.x_star.tolist(),
        "bounds": problem.bounds.tolist(),
        "center": problem.center.tolist(),
        "width": problem.width,
        "tags": sorted(problem.tags),
        "reference": problem.reference,
    }


def _wells(problem: Problem) -> dict[str, Any] | None:
    """Returns the depths of the wells and the name of their control, ``None`` where there are none."""
    if problem.wells is None:
        return None
    sharp, flat = (problem.f(bottom) for bottom in problem.wells.bottoms)
    return {"sharp": sharp, "flat": flat, "control": problem.landscape.control}
