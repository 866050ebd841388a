"""The table ``levels``: every batch size of every arm at each training loss and at the end of the runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from optbench.analysis.batch_sizes.quantities import titles_of
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.batch_sizes import notes
from optbench.report.tables.side_by_side import Row, interval, rows_of

#: Titles of scores and costs.
SCORES = {
    "train_loss": "training loss", "test_loss": "test loss", "train_accuracy": "training %",
    "test_accuracy": "test %", "gap": "gap, points",
}  # fmt: skip
COSTS = {"grad_evals": "updates", "sample_grads": "examples", "cost": "epochs", "seconds": "seconds"}
#: Scores that are shares of examples.
SHARES = ("train_accuracy", "test_accuracy", "gap")
#: Machine-readable columns of the paired comparison with the smallest batch of the arm, and those of the frame.
AGAINST = {
    "against_scale": "scale", "against": "estimate", "against_low": "low", "against_high": "high",
    "against_p": "p_flip", "against_pairs": "n_pairs",
}  # fmt: skip


def table(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns all that is known of each batch size.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One block per arm and level, one row per batch size.
    """
    rows = _compared(evidence) if notes.has_arms(evidence) else []
    measures = titles_of(evidence.measures, evidence.manifest) if rows else {}
    timed = any(row["quantity"] == "seconds" and row["n_numbers"] for row in rows)
    titles = {**SCORES, **measures, **{name: title for name, title in COSTS.items() if timed or name != "seconds"}}
    by_place: dict[tuple[str, int], dict[str, Row]] = {}
    for row in rows:
        by_place.setdefault((_label(evidence, row), row["batch_size"]), {})[row["quantity"]] = row
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for (label, _), found in by_place.items():
        blocks.setdefault(label, []).append(_cells(evidence, found, titles))
    fields = (*(str(name) for name in evidence.frame("arm_levels").columns), *AGAINST)
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=(
            *(Column("batch"), Column("runs"), Column("test %, minus smallest batch")),
            *(Column(words) for words in titles.values()),
        ),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(_notes(evidence, rows, timed=timed)),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=notes.intervals(evidence),
        block="arm and place",
    )


def _compared(evidence: Evidence) -> list[Row]:
    """Returns the rows of the frame, each with its paired comparison with the smallest batch, NaN for that one."""

    def key(row: Row, size: str) -> tuple[str, str, int, str]:
        return row["arm"], notes.place(row["level"]), row[size], row["quantity"]

    known = {key(row, "large"): row for row in rows_of(evidence, "arm_differences")}
    found: list[Row] = []
    for row in rows_of(evidence, "arm_levels"):
        other = known.get(key(row, "batch_size"), {})
        found.append({**row, **{name: other.get(column, math.nan) for name, column in AGAINST.items()}})
    return found


def _against(row: Row, show: Callable[[float], str]) -> Cell:
    """Returns the paired difference of test accuracy from that of the smallest batch."""
    if math.isnan(row["against"]):
        return Cell(formatting.MISSING)
    return Cell(show(row["against"]), interval(row, "against_low", "against_high", show))


def _label(evidence: Evidence, row: Row) -> str:
    arm = next(arm for arm in evidence.manifest["arms"] if arm["name"] == row["arm"])
    return f"{arm.get('title') or arm['name']}, {notes.place(row['level'])}"


def _cells(evidence: Evidence, rows: Mapping[str, Row], titles: Mapping[str, str]) -> tuple[Cell, ...]:
    first = next(iter(rows.values()))
    n_test = int(evidence.task(first["task"]).get("n_test", 0))
    return (
        Cell(str(first["batch_size"])),
        Cell(f"{first['n_entered']}/{first['n_planned']}", aside=_missing(first)),
        _against(rows["test_accuracy"], points(n_test, signed=True)),
        *(_cell(rows.get(name), _shown(name, n_test), int(first["n_entered"])) for name in titles),
    )


def _missing(row: Row) -> str:
    """Returns what became of the runs that do not enter, and how many of the others diverged later."""
    return notes.aside([
        (row["n_planned"] - row["n_runs"], "missing"),
        (row["failed"], "failed"),
        (row["n_runs"] - row["failed"] - row["n_reached"], "not reached"),
        (row["n_reached"] - row["n_entered"], "off the level"),
        (row["diverged"], "diverged"),
    ])  # fmt: skip


def _shown(name: str, n_test: int) -> Callable[[float], str]:
    if name in SHARES:
        return points(n_test)
    return formatting.evaluations if name in COSTS else _three


def _three(value: float) -> str:
    return formatting.significant(value, 3, trim=True)


def _cell(row: Row | None, show: Callable[[float], str], entered: int) -> Cell:
    if row is None or not row["n_numbers"]:
        return Cell(formatting.MISSING)
    without = entered - int(row["n_numbers"])
    ends = interval(row, "low", "high", show)
    is_certain = row["kind"] == "cost" and math.isclose(row["low"], row["high"], rel_tol=1e-12)
    return Cell(show(row["estimate"]), "" if is_certain else ends, aside=notes.aside([(without, "without")]))


def _notes(evidence: Evidence, rows: Sequence[Row], *, timed: bool) -> list[str]:
    said = notes.begun(evidence)
    if not rows:
        return [*said, notes.NO_ARMS if not notes.has_arms(evidence) else "No run of an arm has a row yet."]
    said += [
        *notes.levels(evidence),
        "runs: those that enter, of those that are planned. not reached: the run never came to that loss. off the "
        "level: its loss there was further away. failed: error, timeout or oom.",
        f"Scores: means with Student's intervals, {notes.intervals(evidence)}. Measures and costs: medians with their "
        "intervals by order statistics, from six runs on, one at a time. gap: training minus test accuracy.",
        "minus smallest batch: mean paired difference, Student's interval, over the pairs that enter; CSV and JSON "
        "have it for every quantity, of measures and costs as logarithms of ratios, with sign-flip p, uncorrected.",
        *notes.of_test_set(evidence),
        "updates: gradients of batches up to there; examples: gradients of single examples; epochs: those over the "
        "examples of the training part. A run counts in full at its end.",
    ]
    if timed:
        said.append(
            "seconds: of the thread that trained a run, from the commit records of shards; side by side in equal "
            "shares, and up to a level in proportion to the gradients. They are of one machine on one day, and the "
            "only numbers of a table that differ between two computations of equal rows."
        )
    planned = int(rows[0]["n_planned"])
    if planned < notes.RANKED_FROM:
        said.append(f"At {planned} replicates nothing is ranked.")
    return [*said, "No batch size is marked as best: the table 'arms' has intervals of their differences."]
