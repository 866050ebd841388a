"""The rows of measures, a table beside the rows of runs: one for each measure that was planned of a point of a run.

Seconds are in the commit record of each shard (``seconds``, in the order of its rows), since a shard has no clock.
"""

from __future__ import annotations

from enum import StrEnum

from optbench.records.row import CELL_ID
from optbench.records.schema import Column, Schema


class MeasureStatus(StrEnum):
    """What became of a planned measure."""

    OK = "ok"
    #: The measure has no meaning there: accuracy of a function, a preconditioner of a rule without one.
    NOT_APPLICABLE = "not_applicable"
    #: The run has no such point: it diverged or failed.
    NO_POINT = "no_point"
    #: What came out is not finite.
    NOT_FINITE = "not_finite"
    ERROR = "error"
    OOM = "oom"


ROWS = Schema(
    name="measures",
    columns=CELL_ID
    | {
        "point": Column("string", "which point of the run: last, judged, snapshot or level"),
        "evals": Column("int64", "evaluations that had led there; -1 without a point", "gradients of batches"),
        "other_cell_id": Column("string", "the second run of a measure of two; empty for all others"),
        "measure": Column("string", "label of the measure in the suite"),
        "estimate": Column("float64", "the number; null unless the status is ok"),
        "standard_error": Column("float64", "of the estimate; null where nothing is known of it"),
        "settings": Column("string", "canonical JSON of the measure's name and all its settings"),
        "details": Column("string", "canonical JSON of what else was found: residuals, both maxima, evaluations"),
        "grid": Column("list<float64>", "where `values` stand: nodes of a spectrum, coordinates of a picture"),
        "values": Column("list<float64>", "numbers there, flat in row-major order; their shape is in `details`"),
        "status": Column("string", "ok, not_applicable, no_point, not_finite, error or oom"),
        "message": Column("string", "what went wrong, empty for ok"),
    },
    order=("cell_id", "point", "evals", "other_cell_id", "measure"),
    is_beside_rows=True,
)
