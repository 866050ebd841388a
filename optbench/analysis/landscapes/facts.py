"""What judging needs to know of the problems of a run, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optbench.analysis.statistics.arrays import Ints
from optbench.errors import DataError
from optbench.records import UNRANKED_TAGS, curve_steps

#: (problem label, optimizer label)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What judging needs to know of a problem; objectives in its own unit.

    Attributes:
        family: Name of the landscape; instances and rotations are one family.
        dim: Dimension.
        f_star: Minimum.
        f_scale: Scale of the relative gap.
        f_solved: Objective below which the problem counts as solved.
        f_saddle: Objective at the saddle from which runs start, or ``None``.
        ranked: Whether it may enter a mean over problems; those with one of ``UNRANKED_TAGS`` may not.
        noisy: Whether rules see it through noise or in batches: then the last iterate is judged, not the best.
        trip_cost: Cost of one evaluation: 1, or the share of a finite sum's terms that a batch has.
        n_terms: Terms of a finite sum that is seen in batches, else 1: scores count evaluations of terms.
    """

    family: str
    dim: int
    f_star: float
    f_scale: float
    f_solved: float
    f_saddle: float | None
    ranked: bool
    noisy: bool = False
    trip_cost: float = 1.0
    n_terms: int = 1

    def steps(self, budget: float) -> Ints:
        """Returns the evaluations at which curves have points, for a budget in cost, shape (k,)."""
        return np.asarray(curve_steps(round(budget / self.trip_cost)), dtype=np.int64)


def problem_facts(manifest: Mapping[str, Any]) -> dict[str, Facts]:
    """Returns the facts of every problem in a manifest, by label.

    Args:
        manifest: The run's manifest.

    Returns:
        Facts by problem label.

    Raises:
        DataError: A problem has no scale, so its gaps would mean nothing.
    """
    facts = {}
    for label, problem in manifest["problems"].items():
        if not problem["f_scale"] > 0:
            raise DataError(f"{label}: f_scale must be positive; got {problem['f_scale']!r}")
        facts[label] = Facts(
            family=problem["family"],
            dim=int(problem["dim"]),
            f_star=float(problem["f_star"]),
            f_scale=float(problem["f_scale"]),
            f_solved=float(problem["f_solved"]),
            f_saddle=None if problem.get("f_saddle") is None else float(problem["f_saddle"]),
            ranked=UNRANKED_TAGS.isdisjoint(problem["tags"]),
            noisy=problem.get("noise") is not None,
            trip_cost=float(problem.get("trip_cost", 1.0)),
            n_terms=1 if problem.get("batch_size") is None else int(problem["n_terms"]),
        )
    return facts
