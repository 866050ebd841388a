"""Runs of networks: their clock, settings and frames."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.report.kinds.kind import Points, Presentation

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence

SETTINGS = ("default", "tuned")
#: The module of ``analysis.networks`` that has a function of this name.
FRAMES = {
    "network_summary": "summary",
    "network_effects": "effects",
    "network_ranking": "ranking",
    "network_curves": "curves",
    "network_rates": "curves",
    "contrasts": "contrasts",
}
#: Those of ``analysis.networks.measured``, which see the rows of measures too.
OF_MEASURES = ("measured", "configurations")
#: Those of ``analysis.batch_sizes``, of runs with arms.
OF_ARMS = ("arm_points", "arm_quantities", "arm_levels", "arm_differences", "arm_placebo", "arms")


def frames(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    """Returns the frame of a name, one of ``FRAMES`` or ``OF_MEASURES``, once the rows were found whole."""
    from optbench.analysis.networks.integrity import check_network_rows

    check_network_rows(evidence.run.runs, evidence.manifest)
    if name in OF_ARMS:
        return {name: _of_arms(evidence, name)}
    if name in OF_MEASURES:
        from optbench.analysis.networks import measured

        return {name: getattr(measured, name)(evidence.run.runs, evidence.measures, evidence.manifest)}
    module = importlib.import_module(f"optbench.analysis.networks.{FRAMES[name]}")
    return {name: getattr(module, name)(evidence.run.runs, evidence.manifest)}


def _of_arms(evidence: Evidence, name: str) -> pd.DataFrame:
    """Returns a frame of a run with arms; without arms it has no rows."""
    from optbench.analysis.batch_sizes import arms, differences, placebo, points, quantities, seconds, summary

    runs, manifest = evidence.run.runs, evidence.manifest
    if name == "arm_points":
        return points.arm_points(runs, manifest, seconds.seconds_by_cell(evidence.run.path, runs))
    found = evidence.frame("arm_points")
    if name == "arm_quantities":
        return quantities.arm_quantities(found, evidence.measures)
    known = evidence.frame("arm_quantities")
    if name == "arm_levels":
        return summary.arm_levels(found, known, manifest)
    if name == "arm_differences":
        return differences.arm_differences(found, known, manifest)
    settings = quantities.settings_of(evidence.measures)
    if name == "arm_placebo":
        first = next(iter(arms.ordered(manifest)), {"name": ""})
        return placebo.placebo(known, settings, first["name"])
    return arms.arms(evidence.frame("arm_differences"), settings, manifest)


KIND = Presentation(
    costs="cost: passes, gradients of single examples over the number of training examples",
    settings=SETTINGS,
    entry="task",
    reads_in_parts=False,
    frames=frames,
    lacks_settling_times=None,
    criterion=lambda evidence: "",
    points=Points(
        unit="seed",
        intervals="95 %, these tasks, new seeds",
        subject=(
            "of the mean cross-entropy of the training examples, as tested: batch normalization by its running "
            "statistics, no dropout, nothing augmented, no penalty"
        ),
        loss="loss",
        loss_means="training loss of the point, in nats",
    ),
)
