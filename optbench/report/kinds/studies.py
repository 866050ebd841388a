"""Runs of studies: their clock, settings and frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.errors import UsageError, unknown_name
from optbench.report.kinds.kind import Frames, Presentation

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence

FRAMES: dict[str, Frames] = {}


def frames(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    """Returns the frame of a name, one of ``FRAMES``.

    Raises:
        UsageError: There is none.
    """
    if name not in FRAMES:
        raise UsageError(unknown_name("frame", name, FRAMES))
    return FRAMES[name](evidence, name)


KIND = Presentation(
    costs="cost: gradients of single examples",
    settings=("default", "tuned"),
    entry="study",
    reads_in_parts=False,
    frames=frames,
    lacks_settling_times=None,
    criterion=lambda evidence: "",
)
