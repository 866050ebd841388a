"""The main table of a run of studies: one row each, with what it found."""

from __future__ import annotations

from collections.abc import Callable

from optbench.report.evidence import Evidence
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Table
from optbench.report.tables.side_by_side import Row
from optbench.report.tables.studies import notes
from optbench.report.tables.studies.sheet import bracketed, of_frame, sheet, three

#: How an estimate is shown, by its unit.
SHOWN: dict[str, Callable[[float], str]] = {"points": points(0, signed=True)}

#: Where 0 lies, as the column shows it.
SHORT = {
    "above 0": "> 0",
    "above 0 here": "> 0 here",
    "below 0": "< 0",
    "below 0 here": "< 0 here",
    "holds 0": "holds 0",
    "not known": "not known",
}
#: Words that need no explanation.
PLAIN = {"above 0", "below 0", "holds 0", "not known"}
TOLD = "where: on which side of 0 the interval lies."
HERE = "'here': for new splits of this file; the wider interval for new data, after Nadeau and Bengio, has 0 inside."


def found(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns what each study found.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row a study, by method.
    """
    rows, fields = of_frame(evidence, "studies_summary")
    rows.sort(key=lambda row: [*METHODS].index(row["method"]))
    said = [
        *notes.bracketed(rows),
        TOLD if all(_where(row) in PLAIN for row in rows) else f"{TOLD} {HERE}",
        "In points of accuracy: optimism, validation accuracy of the choice minus test accuracy of its refit; gain, "
        "accuracy of all members together minus that of one model (cost: gradients of all over those of one); gap, "
        "training minus test accuracy. variance: how that of probabilities, part of the Brier score, changes from the "
        "first value to the last. error: where the closed form is least. beside: accuracies in percent.",
        "Each has a table of its own: --kind cross_validation, ensembles, decomposition, calibration, curves.",
    ]
    columns = ("study", "what", "estimate", "where", "beside")
    return sheet(
        evidence, kind, title, rows=rows, fields=fields, columns=columns, cells=_cells, notes=said,
        intervals=notes.INTERVALS, block=lambda row: METHODS[str(row["method"])],
    )  # fmt: skip


METHODS = {
    "cross_validation": "cross-validation",
    "bootstrap": "bootstrap ensembles (bagging)",
    "boosting": "boosting",
    "bias_variance": "bias and variance",
    "regression": "regression",
    "curve": "curves",
}


def _cells(row: Row) -> tuple[Cell, ...]:
    show = SHOWN.get(row["unit"], three)
    return (
        Cell(row["study"], is_text=True),
        Cell(row["quantity"], is_text=True),
        bracketed({**row, "estimate_low": row["low"], "estimate_high": row["high"]}, "estimate", show),
        Cell(SHORT[_where(row)], is_text=True),
        Cell(row["beside"], is_text=True),
    )


def _where(row: Row) -> str:
    return where(row["low"], row["high"], row["new_low"], row["new_high"])


def where(low: float, high: float, new_low: float, new_high: float) -> str:
    """Returns where 0 lies, in words.

    Args:
        low: Lower end of the interval.
        high: Upper end.
        new_low: Lower end of the one for new data.
        new_high: Upper end of it.

    Returns:
        ``above 0``, ``below 0`` or ``holds 0``; with ``here`` where the wider interval has 0 inside; ``not known``
        without an interval.

    Example:
        >>> where(0.1, 0.3, 0.1, 0.3), where(0.1, 0.3, -0.1, 0.5), where(-0.1, 0.2, -0.2, 0.3)
        ('above 0', 'above 0 here', 'holds 0')
    """
    if low != low:
        return "not known"
    side = "above 0" if low > 0 else "below 0" if high < 0 else "holds 0"
    return f"{side} here" if side != "holds 0" and new_low <= 0 <= new_high else side
