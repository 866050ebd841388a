"""Runs of networks: their clock, settings and frames."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.report import compared
from optbench.report.kinds.kind import Points, Presentation
from optbench.report.losses import told

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


def frames(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    """Returns the frame of a name, of ``FRAMES``, ``OF_MEASURES`` or ``compared``, once the rows were found whole."""
    check_rows(evidence)
    if name in compared.FRAMES:
        return {name: compared.FRAMES[name](evidence)}
    if name in OF_MEASURES:
        from optbench.analysis.networks import measured

        return {name: getattr(measured, name)(evidence.run.runs, evidence.measures, evidence.manifest)}
    module = importlib.import_module(f"optbench.analysis.networks.{FRAMES[name]}")
    return {name: getattr(module, name)(evidence.run.runs, evidence.manifest)}


def check_rows(evidence: Evidence) -> None:
    """Refuses rows that analysis would refuse."""
    from optbench.analysis.networks.integrity import check_network_rows

    check_network_rows(evidence.run.runs, evidence.manifest)


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
        subject=lambda evidence: (
            f"of the {told(evidence, lambda loss: loss.title)} of the training examples, as tested: batch "
            "normalization by its running statistics, no dropout, nothing augmented, no penalty"
        ),
        loss="loss",
        loss_means=lambda evidence: f"training loss of the point, in {told(evidence, lambda loss: loss.unit)}",
    ),
    check_rows=check_rows,
)
