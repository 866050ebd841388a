"""What was measured of a run of any kind, as tables and figures ask for it: frames that the kinds have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.records.measures import ROWS
from optbench.report.kinds.kind import Frames

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence, StoredRun

#: What a run without measures is told, after what it needs.
HOW = "`measures = [...]` in the suite takes them as it runs, `optbench measure RUN --measures A,B` afterwards"


def rows_of(run: StoredRun) -> pd.DataFrame:
    """Returns the rows of measures of a run, none where nothing was measured."""
    import pandas as pd

    found: pd.DataFrame | None = getattr(run, "measures", None)
    return pd.DataFrame(columns=list(ROWS.columns)) if found is None else found


# Each imports what makes its frame: a caller that hands over frames does not wait for the rest to load.
def _sharpness(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.measures.summary import nothing, sharpness

    entry = evidence.of_kind.entry
    if evidence.measures.empty:
        return {name: nothing(entry)}
    return {name: sharpness(evidence.frame("measured"), evidence.frame("configurations"), entry)}


FRAMES: dict[str, Frames] = {"sharpness": _sharpness}
