"""What a factorial of rate and batch size says, in words: the change per doubling of each, and of both."""

from __future__ import annotations

from collections.abc import Callable

from optbench.analysis.batch_sizes.factorial import DOUBLED
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.tables.batch_sizes import notes
from optbench.report.tables.side_by_side import Row, interval, rows_of

#: What outcomes are called, in the order in which they are told.
TITLES = {"test": "test accuracy", "gap": "gap", "keskar": "Keskar's metric", "top": "top eigenvalue"}
#: Those that are shares, told in points; the others are in doublings of their own.
SHARES = ("test", "gap")


def noted(evidence: Evidence) -> list[str]:
    """Returns the notes of a run whose arms are a factorial: what was done, then a line for each place.

    Args:
        evidence: The run.
    """
    rows = rows_of(evidence, "arm_factorial")
    if not rows:
        return []
    n_rates, n_sizes = rows[0]["n_rates"], rows[0]["n_sizes"]
    return [
        f"The arms are a factorial of {n_rates} rates and {n_sizes} batch sizes. Each replicate that has a number in "
        f"all {n_rates * n_sizes} cells has a least-squares plane on log2 of both; slopes are means over these "
        "replicates, with Student's intervals. batch: change per doubling of the batch size at a fixed rate; rate: "
        "per doubling of the rate at a fixed batch size; both: per doubling of both at a fixed ratio, the sum of the "
        "two, which is 0 if the ratio alone counts. Accuracy and gap in points, Keskar's metric and the top "
        "eigenvalue in log2: +1 doubles them.",
        *(f"Factorial, {notes.place(level)}: {_line(evidence, level)}." for level in notes.judged_at(evidence)),
    ]


def at(evidence: Evidence, level: float) -> list[Row]:
    """Returns the rows of the frame ``arm_factorial`` at one place, NaN for the end of runs."""
    # NaN, the end of the runs, equals nothing: places are told apart by their names.
    return [row for row in rows_of(evidence, "arm_factorial") if notes.place(row["level"]) == notes.place(level)]


def changes(evidence: Evidence, row: Row) -> str:
    """Returns the three slopes of a row with their intervals, and how many replicates they are of.

    Args:
        evidence: The run.
        row: A row of the frame ``arm_factorial``.
    """
    counted = f"{row['n_replicates']} of {row['n_planned']} replicates"
    if not row["n_replicates"]:
        return f"no replicate has a number in all cells ({counted})"
    show = _show(evidence, row["outcome"])
    parts = (
        f"{name} {show(row[name])} {interval(row, f'{name}_low', f'{name}_high', show)}".rstrip() for name in DOUBLED
    )
    return f"{', '.join(parts)} ({counted})"


def _line(evidence: Evidence, level: float) -> str:
    return "; ".join(f"{TITLES[row['outcome']]} {changes(evidence, row)}" for row in at(evidence, level))


def _show(evidence: Evidence, outcome: str) -> Callable[[float], str]:
    """Returns what shows a slope: of shares as many decimals as the smallest test set can tell."""
    if outcome in SHARES:
        n_test = min(task.get("n_test", 0) for task in evidence.manifest["tasks"].values())
        return formatting.points(n_test, signed=True)
    return formatting.signed
