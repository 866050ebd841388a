"""The units in which rules see a problem: the literature's own, or those in which one grid of rates serves all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optbench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from optbench.problems.problem import Problem

#: Names of units.
UNITS = ("normalized", "raw")


class Units(NamedTuple):
    """The affine map between ``x`` and ``z``: ``x = center + unit z``.

    Attributes:
        center: Shape (dim,).
        unit: Length of one unit of ``z``.
        grad_scale: Factor on the objective that rules see.
    """

    center: np.ndarray
    unit: float
    grad_scale: float

    def inward(self, x: np.ndarray) -> np.ndarray:
        """Maps points ``x`` (..., dim) to ``z``."""
        return np.asarray((x - self.center) / self.unit)

    def outward(self, z: np.ndarray) -> np.ndarray:
        """Maps ``z`` (..., dim) to points ``x``."""
        return np.asarray(self.center + self.unit * z)


def units_of(problem: Problem, units: str) -> Units:
    """Returns the units in which rules see a problem.

    Args:
        problem: The problem.
        units: ``"normalized"``: ``z = 10 (x - center)/width`` and ``phi = f/f_scale``, so that one
            grid of rates serves all problems; ``"raw"``: ``z = x``.

    Returns:
        The map.

    Raises:
        UsageError: There are no such units.
    """
    if units not in UNITS:
        raise UsageError(unknown_name("units", units, UNITS))
    if units == "raw":
        return Units(np.zeros(problem.dim), 1.0, 1.0)
    return Units(problem.center, problem.width / 10.0, 1.0 / problem.f_scale)
