"""Runs of studies: their clock, settings and frames."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.report.kinds.kind import Presentation

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence

#: The module of ``analysis.studies`` that has a function of this name.
FRAMES = {
    "studies_summary": "summary",
    "cross_validation": "cross_validation",
    "refits": "cross_validation",
    "ensembles": "ensembles",
    "decomposition": "decomposition",
    "decomposition_changes": "decomposition",
    "study_calibration": "calibration",
    "study_reliability": "calibration",
    "learning_curves": "curves",
    "curve_ends": "curves",
}


def frames(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    """Returns the frame of a name, one of ``FRAMES``: that beside the rows, or made of rows that were found whole."""
    # Rows that were never stored have nothing beside them.
    stored = getattr(evidence.run, "frame", None)
    if stored is not None and (kept := stored(name)) is not None:
        return {name: kept}

    check_rows(evidence)
    module = importlib.import_module(f"optbench.analysis.studies.{FRAMES[name]}")
    return {name: getattr(module, name)(evidence.run.runs, evidence.manifest)}


def check_rows(evidence: Evidence) -> None:
    """Refuses rows that analysis would refuse."""
    from optbench.analysis.studies.integrity import check_study_rows

    check_study_rows(evidence.run.runs, evidence.manifest)


KIND = Presentation(
    costs="cost: gradients of single examples",
    settings=("default", "tuned"),
    entry="study",
    reads_in_parts=False,
    frames=frames,
    lacks_settling_times=None,
    criterion=lambda evidence: "",
    check_rows=check_rows,
)
