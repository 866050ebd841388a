"""Frames of a run with arms, as tables and figures ask for them; without arms they are empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence


# Each imports what makes its frame: a caller that hands over frames does not wait for the rest to load.
def _points(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.points import arm_points
    from optbench.analysis.batch_sizes.seconds import seconds_by_cell

    runs = evidence.run.runs
    return arm_points(runs, evidence.manifest, seconds_by_cell(evidence.run.path, runs))


def _quantities(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.quantities import arm_quantities

    return arm_quantities(evidence.frame("arm_points"), evidence.measures)


def _levels(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.summary import arm_levels

    return arm_levels(evidence.frame("arm_points"), evidence.frame("arm_quantities"), evidence.manifest)


def _differences(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.differences import arm_differences

    return arm_differences(evidence.frame("arm_points"), evidence.frame("arm_quantities"), evidence.manifest)


def _arms(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.arms import arms
    from optbench.analysis.batch_sizes.quantities import settings_of

    return arms(evidence.frame("arm_differences"), settings_of(evidence.measures), evidence.manifest)


def _placebo(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.arms import ordered
    from optbench.analysis.batch_sizes.placebo import placebo
    from optbench.analysis.batch_sizes.quantities import settings_of

    first = next((str(arm["name"]) for arm in ordered(evidence.manifest)), "")
    return placebo(evidence.frame("arm_quantities"), settings_of(evidence.measures), first)


def _gaps(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.correlation import arm_gaps

    return arm_gaps(evidence.frame("arm_points"), evidence.frame("arm_quantities"))


def _correlations(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.correlation import arm_correlations

    return arm_correlations(evidence.frame("arm_gaps"), evidence.frame("arm_points"))


def _factorial(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.factorial import arm_factorial
    from optbench.analysis.batch_sizes.quantities import settings_of

    points, quantities = evidence.frame("arm_points"), evidence.frame("arm_quantities")
    return arm_factorial(points, quantities, evidence.run.runs, settings_of(evidence.measures), evidence.manifest)


def _warm_starts(evidence: Evidence) -> pd.DataFrame:
    from optbench.analysis.batch_sizes.warm_start import arm_warm_starts

    return arm_warm_starts(evidence.frame("arm_levels"), evidence.manifest)


#: What makes the frame of a name.
FRAMES: dict[str, Callable[[Evidence], pd.DataFrame]] = {
    "arm_points": _points,
    "arm_quantities": _quantities,
    "arm_levels": _levels,
    "arm_differences": _differences,
    "arms": _arms,
    "arm_placebo": _placebo,
    "arm_gaps": _gaps,
    "arm_correlations": _correlations,
    "arm_factorial": _factorial,
    "arm_warm_starts": _warm_starts,
}
