"""The arms of a run, one below the other: largest against smallest batch at equal loss and at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from optbench.analysis.batch_sizes.arms import TESTED, ordered
from optbench.analysis.statistics.sign_flip import MOST_PAIRS
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.batch_sizes import correlations, factorial, notes
from optbench.report.tables.side_by_side import Row, interval, rows_of

#: Shows a number.
Show = Callable[[float], str]


def table(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the arms with what the largest batch does to accuracy, gap and sharpness.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One block per arm, primary ones first, with a row at the primary level and one at the end of the runs.
    """
    rows = rows_of(evidence, "arms") if notes.has_arms(evidence) else []
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for arm in ordered(evidence.manifest):
        for row in rows:
            if row["arm"] == arm["name"]:
                blocks.setdefault(_label(row), []).append(_cells(evidence, row))
    fields = tuple(str(name) for name in evidence.frame("arms").columns)
    tested = [Column(name, "test accuracy") for name in ("large - small", "p", "p, Holm")]
    keskar = [Column(name, "Keskar's metric") for name in ("large / small", "p", "p, Holm")]
    return Table(
        kind=kind,
        title=title,
        n_keys=2,
        columns=(
            *(Column("at"), Column("batches"), *tested, Column("gap, large - small"), *keskar),
            *(Column("top eigenvalue, large / small"), Column("pairs"), Column("detectable")),
        ),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(_notes(evidence, rows)),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=notes.intervals(evidence),
        block="arm",
    )


def _label(row: Row) -> str:
    """Returns what an arm is called and what it tests."""
    title = f"{row['title']} (primary)" if row["is_primary"] else str(row["title"])
    return f"{title}: {row['says']}" if row["says"] else title


def _cells(evidence: Evidence, row: Row) -> tuple[Cell, ...]:
    show = _points(evidence, row["arm"])
    at = "end" if math.isnan(row["level"]) else f"loss {formatting.significant(row['level'], 3, trim=True)}"
    return (
        Cell(at, is_text=True),
        Cell(f"{row['small']}, {row['large']}", is_text=True),
        *_tested(row, "test", show),
        _estimate(row, "gap", show),
        *_tested(row, "keskar", ratio),
        _estimate(row, "top", ratio),
        Cell(f"{row['test_n']}/{row['n_planned']}", aside=notes.missing(row)),
        _detectable(row, show),
    )


def _points(evidence: Evidence, arm: str) -> Show:
    """Returns what shows a difference of accuracies of an arm, with as many decimals as its test set can tell."""
    runs = next(found["runs"] for found in evidence.manifest["arms"] if found["name"] == arm)
    return points(min(evidence.task(run["task"]).get("n_test", 0) for run in runs), signed=True)


def ratio(log: float) -> str:
    """Returns a ratio, given its logarithm, with three digits.

    Example:
        >>> ratio(0.0), ratio(1.5), ratio(float("nan"))
        ('1', '4.48', 'n/a')
    """
    return (
        formatting.significant(math.exp(min(log, 700.0)), 3, trim=True) if not math.isnan(log) else formatting.MISSING
    )


def _estimate(row: Row, name: str, show: Show) -> Cell:
    without = row[f"{name}_without"] if row[f"{name}_n"] else 0
    ends = interval(row, f"{name}_low", f"{name}_high", show)
    return Cell(show(row[name]), ends, aside=notes.aside([(without, "without")]))


def _tested(row: Row, name: str, show: Show) -> tuple[Cell, Cell, Cell]:
    holm = row[f"{name}_p_holm"]
    return _estimate(row, name, show), Cell(notes.p_value(row[f"{name}_p"])), Cell(notes.p_value(holm))


def _detectable(row: Row, show: Show) -> Cell:
    """Returns the half-widths of the intervals of both contrasts: of the difference, and as a factor of the ratio."""
    halves = [(row[f"{name}_high"] - row[f"{name}_low"]) / 2 for name in TESTED]
    parts = [
        "" if math.isnan(halves[0]) else show(halves[0]).removeprefix("+"),
        "" if math.isnan(halves[1]) else f"x{ratio(halves[1])}",
    ]
    return Cell(", ".join(filter(None, parts)) or formatting.MISSING)


def _notes(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    said = notes.begun(evidence)
    if not rows:
        return [*said, notes.NO_ARMS if not notes.has_arms(evidence) else "No two batch sizes of an arm have runs yet."]
    said += [
        "Each number compares the largest batch of an arm with its smallest, replicate by replicate. Accuracy and gap "
        "(training minus test accuracy): mean difference in points. Keskar's metric (full space, eps 1e-3) and the top "
        f"eigenvalue: geometric mean of ratios. Brackets: Student's intervals, {notes.intervals(evidence)}.",
        *notes.levels(evidence),
        *notes.of_test_set(evidence),
        *_primary(evidence, rows),
        f"p: two-sided sign-flip test over all patterns of signs ({_exact(rows)}). p, Holm: over both contrasts of all "
        "arms at that place, but for the primary contrasts, which stand alone; those arms are exploratory. n/a in that "
        "column: primary.",
        *notes.few(
            [
                (f"{row['arm']} at {notes.place(row['level'])}{of}", int(row[f"{name}_n"]))
                for row in rows
                for name, of in (("test", ""), ("keskar", ", Keskar's metric"))
                if name == "test" or row["keskar_n"] < row["test_n"]
            ]
        ),
        "detectable: half-widths of the intervals of both contrasts, in points of test accuracy and as a factor of "
        "Keskar's metric: a difference or a ratio below that has an interval that holds 0, or 1. pairs: those that "
        "enter, of those that are planned.",
        *factorial.noted(evidence),
        *correlations.noted(evidence),
        *_placebo(evidence),
        *notes.single(evidence),
    ]
    absent = [words for name, words in (("keskar", "Keskar's metric"), ("top", "top eigenvalue"))
              if all(row[f"{name}_n"] == 0 for row in rows)]  # fmt: skip
    return [*said, *([f"Not measured in this run: {' and '.join(absent)}."] if absent else [])]


def _placebo(evidence: Evidence) -> list[str]:
    """Returns what rescaling the networks does to measures, in words."""
    return [
        f"Placebo (Dinh et al. 2017): the networks of the first arm, rescaled by {row['rescale']:g} so that each "
        f"computes the same function, have {row['of']} times {formatting.significant(row['ratio'], 3, trim=True)} "
        f"{interval(row, 'low', 'high', _three)} at the end of the runs ({row['n_runs']} networks); their accuracies "
        "and gaps are the same numbers."
        for row in rows_of(evidence, "arm_placebo")
    ]


def _three(value: float) -> str:
    return formatting.significant(value, 3, trim=True)


def _exact(rows: Sequence[Row]) -> str:
    if all(int(row["test_n"]) <= MOST_PAIRS for row in rows):
        return "all were counted, so it is exact"
    return f"up to {MOST_PAIRS} pairs all were counted, so it is exact; beyond, 100,000 were drawn"


def _primary(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    """Returns the two primary contrasts in words, with both tests."""
    level = evidence.manifest.get("primary_level")
    found = [row for row in rows if row["is_primary"] and math.isnan(row["level"]) == (level is None)]
    return [sentence(evidence, row) for row in found]


def sentence(evidence: Evidence, row: Row) -> str:
    """Returns both contrasts of an arm at one place in words, the sign as Keskar has it: small minus large.

    Args:
        evidence: The run.
        row: A row of the frame ``arms``.
    """
    show = _points(evidence, row["arm"])
    word = "Primary contrasts" if row["is_primary"] else "Contrasts"
    said = f"{word}, {row['title']}, {notes.place(row['level'])}, batches of {row['small']} and {row['large']}: "
    if math.isnan(row["test_low"]):
        return f"{said}no two pairs enter."
    said += (
        f"test accuracy small minus large {show(-row['test'])} points [{show(-row['test_high'])}, "
        f"{show(-row['test_low'])}], Student's p {notes.p_value(row['test_p_t'])}, sign-flip p "
        f"{notes.p_value(row['test_p'])}, {row['test_n']} pairs"
    )
    if math.isnan(row["keskar_low"]):
        return f"{said}; Keskar's metric has no number."
    return (
        f"{said}; Keskar's metric large over small {ratio(row['keskar'])} [{ratio(row['keskar_low'])}, "
        f"{ratio(row['keskar_high'])}], Student's p {notes.p_value(row['keskar_p_t'])}, sign-flip p "
        f"{notes.p_value(row['keskar_p'])}, {row['keskar_n']} pairs."
    )
