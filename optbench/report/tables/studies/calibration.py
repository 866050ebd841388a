"""The table of calibration: single models, refits and bootstrap ensembles, and how far members are apart."""

from __future__ import annotations

import math

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Table
from optbench.report.tables.side_by_side import Row
from optbench.report.tables.studies import notes
from optbench.report.tables.studies.sheet import bracketed, of_frame, sheet, signed, three

METRICS = ("calibration_error", "brier", "likelihood")
SPREADS = ("deviation", "disagreement", "information")


def calibrated(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns calibration by study and kind of model.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row for each kind of model, and for the difference of ensemble and single model.
    """
    rows, fields = of_frame(evidence, "study_calibration")
    bins = max((int(row["bins"]) for row in rows), default=0)
    said = [
        *notes.bracketed(rows),
        f"ECE: expected calibration error, the mean distance of accuracy and confidence over {bins} bins of equal "
        "width; of finitely many examples it is above 0 even for perfect probabilities. Brier: squared error of "
        "probabilities, summed over classes. NLL: negative log-likelihood, nats. All are of test examples; less is "
        "better.",
        "ensemble: mean probabilities of all members. ensemble - single: paired by replicate.",
        "Spread of the members: s.d. of the probability of the predicted class; disagreement, the share of pairs of "
        "members that answer differently; mutual information of answer and member, nats.",
        "Replicates in which a model diverged or failed are left out of its row; of that of the ensemble, where one of "
        "its members did.",
    ]
    columns = ("what", "ECE", "Brier", "NLL", "s.d.", "disagreement", "information", "replicates")
    return sheet(
        evidence, kind, title, rows=rows, fields=fields, columns=columns, cells=_cells, notes=said,
        intervals=f"{notes.INTERVALS}; of a single one BCa over its test examples",
    )  # fmt: skip


def _cells(row: Row) -> tuple[Cell, ...]:
    show = signed if "-" in row["what"] else three
    spreads = (
        Cell("") if math.isnan(row[name]) else bracketed(row, name, three)
        for name in SPREADS
    )  # fmt: skip
    return (
        Cell(row["what"], is_text=True),
        *(bracketed(row, name, show) for name in METRICS),
        *spreads,
        Cell(formatting.count(row["n_replicates"])),
    )
