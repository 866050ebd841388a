"""The ranking of a run of networks: per task, who may be the best on test examples, from ten seeds on."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.common_notes import absent, counted, rates, seeds
from optbench.report.tables.networks import notes as network_notes
from optbench.report.tables.side_by_side import Row, interval, rate, rows_of


def ranks(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the ranking, one block per task that has enough seeds.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        Tuned optimizers by decreasing test accuracy.
    """
    frame = evidence.frame("network_ranking")
    places = {task: place for place, task in enumerate(evidence.tasks(frame["task"]))}
    rows = sorted(
        rows_of(evidence, "network_ranking"),
        key=lambda row: (places[row["task"]], -row["test_accuracy"], row["optimizer"]),
    )
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for row in rows:
        blocks.setdefault(row["task"], []).append(_entry(row))
    fields = tuple(str(name) for name in frame.columns)
    columns = ("optimizer", "rate", "test %", "rank", "in set", "fail")
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=tuple(Column(name) for name in columns),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(_notes(evidence, rows)),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=network_notes.INTERVALS,
        block="task",
    )


def _entry(row: Row) -> tuple[Cell, ...]:
    show = points(row["n_test"])
    return (
        Cell(row["optimizer"], is_text=True),
        rate(row),
        Cell(show(row["test_accuracy"]), interval(row, "test_low", "test_high", show)),
        Cell(formatting.rank(row["rank_low"], row["rank_high"])),
        Cell("yes" if row["in_set"] else "no"),
        Cell(formatting.count(row["failed"])),
    )


def _notes(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    said = [counted(evidence), *absent(evidence)]
    summary = rows_of(evidence, "network_summary")
    ranked = {row["task"] for row in rows}
    if rows:
        said += [
            network_notes.settings(evidence, summary),
            network_notes.judged(evidence),
            f"Brackets: {network_notes.INTERVALS}. rank: simultaneous 95 % rank intervals by max-T over all pairs of a "
            "task, paired on seeds and test examples. in set: in the confidence set for the best, since no entry is "
            "better in those intervals. No winner is named. A failed run counts as wrong on every example.",
            _detectable(evidence, rows),
            *rates(rows),
            *network_notes.halved(evidence, (row["optimizer"] for row in rows)),
        ]
    if left := [task for task in evidence.tasks(row["task"] for row in summary) if task not in ranked]:
        said.append(_unranked(summary, left))
    return [*said, *_on_validation(evidence)]


def _detectable(evidence: Evidence, rows: Sequence[Row]) -> str:
    halves = {row["task"]: (row["detectable"], row["n_test"]) for row in rows}
    parts = [f"{task} {points(n)(half)}" for task in evidence.tasks(halves) for half, n in [halves[task]]]
    return (
        "Smallest difference that could have been detected, in points, median over pairs (half-width of a pair's "
        f"simultaneous interval): {', '.join(parts)}."
    )


def _unranked(summary: Sequence[Row], left: Sequence[str]) -> str:
    """Returns which tasks are not ranked, and why."""
    fewest = min(int(row["n_seeds"]) for row in summary if row["task"] in left)
    names = ", ".join(left)
    if fewest < network_notes.RANKED_FROM:
        return f"At {seeds(fewest)} nothing is ranked: that takes {network_notes.RANKED_FROM}. Not ranked: {names}."
    return (
        f"Not ranked, since fewer than two tuned optimizers have {network_notes.RANKED_FROM} seeds in common: {names}."
    )


def _on_validation(evidence: Evidence) -> list[str]:
    """Returns which entry validation would choose on each task: a choice, and no result on test examples."""
    frame = evidence.frame("network_rates")
    chosen = [row for row in rows_of(evidence, "network_rates") if row["is_chosen"]]
    parts = []
    for task in evidence.tasks(frame["task"]):
        best = min((row for row in chosen if row["task"] == task), key=lambda row: (-row["accuracy"], row["optimizer"]))
        n = evidence.task(task).get("n_validation", 0)
        name = "" if best["swept"] == "lr" else f"{best['swept']} "
        at = f"{name}{formatting.rate(best['swept_value'])}"
        parts.append(f"{task}: {best['optimizer']} at {at} ({points(n)(best['accuracy'])} %)")
    return [f"Chosen on validation, which is no result on test examples: {'; '.join(parts)}."] if parts else []
