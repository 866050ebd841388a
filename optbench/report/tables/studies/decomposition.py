"""The table of bias, variance and noise, by what is varied."""

from __future__ import annotations

import math

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Table
from optbench.report.tables.side_by_side import Row, rows_of
from optbench.report.tables.studies import notes
from optbench.report.tables.studies.sheet import bracketed, named, of_frame, sheet, signed, three


def parts(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the parts of the error of each study, by value of its factor.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row a value, a block for each study and loss.
    """
    rows, fields = of_frame(evidence, "decomposition")
    places = {name: place for place, name in enumerate(dict.fromkeys(row["study"] for row in rows))}
    rows.sort(key=lambda row: (places[row["study"]], row["loss"] == "0-1", row["factor_value"]))
    losses = {row["loss"] for row in rows}
    said = notes.bracketed(rows)
    said.append("error = bias² + variance + noise, to rounding.")
    if losses - {"0-1"}:
        said.append(
            "Each part of a squared error is unbiased: bias² has the share of the variance subtracted that finitely "
            "many members make, so that a small one may come out below 0."
        )
    if "Brier" in losses:
        said.append(
            "Brier: squared error of probabilities against one-hot labels, summed over classes. One label an example "
            "does not tell noise from bias: the column bias² holds both."
        )
    if "0-1" in losses:
        said.append(
            "0-1: after Domingos, bias is the share of examples on which most members are wrong; variance is what "
            "leaves a right majority minus what leaves a wrong one for the right class (in parentheses). Both depend "
            "on the number of members."
        )
    if "squared" in losses:
        said.append("In parentheses: the closed form of least squares on the same design and test points.")
    said += [_change(row) for row in rows_of(evidence, "decomposition_changes") if row["loss"] != "0-1"]
    said += notes.lost(rows, "They are no members here.")
    columns = ("value", "error", "bias²", "variance", "noise", "members")
    return sheet(
        evidence, kind, title, rows=rows, fields=fields, columns=columns, cells=_cells, notes=said,
        intervals=notes.INTERVALS, block=lambda row: f"{named(row)}, {row['loss']}",
    )  # fmt: skip


def _cells(row: Row) -> tuple[Cell, ...]:
    cells = [Cell(f"{row['factor']} {row['factor_value']:g}", is_text=True), bracketed(row, "error", three)]
    asides = {name: _closed(row, name) for name in ("bias", "variance", "noise")}
    if row["loss"] == "0-1":
        asides["variance"] = f"({three(row['unbiased'])} - {three(row['biased'])})"
    for name, aside in asides.items():
        cell = bracketed(row, name, three)
        cells.append(Cell(cell.value, cell.interval, aside=aside))
    cells.append(Cell(formatting.count(row["n_members"])))
    return tuple(cells)


def _closed(row: Row, name: str) -> str:
    value = row[f"closed_{name}"]
    return "" if math.isnan(value) else f"({three(value)})"


def _change(row: Row) -> str:
    said = ", ".join(
        f"{title} {bracketed(row, name, signed).line}"
        for name, title in (("error", "error"), ("bias", "bias²"), ("variance", "variance"))
    )
    return f"{row['study']}, from {row['factor']} {row['first']:g} to {row['last']:g}: {said}."
