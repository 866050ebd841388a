"""Runs of networks: their clock, settings and frames."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.report.kinds.kind import Presentation

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


def frames(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    """Returns the frame of a name, a key of ``FRAMES``, once the rows were found whole."""
    from optbench.analysis.networks.integrity import check_network_rows

    check_network_rows(evidence.run.runs, evidence.manifest)
    module = importlib.import_module(f"optbench.analysis.networks.{FRAMES[name]}")
    return {name: getattr(module, name)(evidence.run.runs, evidence.manifest)}


KIND = Presentation(
    costs="cost: passes, gradients of single examples over the number of training examples",
    settings=SETTINGS,
    entry="task",
    reads_in_parts=False,
    frames=frames,
    lacks_settling_times=None,
    criterion=lambda evidence: "",
)
