"""Tables of runs of networks: accuracy in two settings, the gap, the effect of regularizers, and all columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.kinds.networks import SETTINGS
from optbench.report.tables.networks import notes as network_notes
from optbench.report.tables.side_by_side import RATE, Fact, Row, SettingsGrid, interval, rows_of


def _accuracy(name: str) -> Callable[[Row], Cell]:
    return lambda row: Cell(points(row["n_test"])(row[f"{name}_accuracy"]))


def _test(row: Row) -> Cell:
    show = points(row["n_test"])
    return Cell(show(row["test_accuracy"]), interval(row, "test_low", "test_high", show))


def _gap(row: Row) -> Cell:
    show = points(row["n_test"])
    return Cell(show(row["gap"]), interval(row, "gap_low", "gap_high", show))


def _loss_gap(row: Row) -> Cell:
    return Cell(nats(row["loss_gap"]), interval(row, "loss_gap_low", "loss_gap_high", nats))


def nats(value: float) -> str:
    """Returns a difference of losses with three decimals."""
    return formatting.MISSING if math.isnan(value) else f"{value + 0.0:.3f}"


def _stop(row: Row) -> Cell:
    return Cell(formatting.evaluations(row["stop"]))


def _lost(row: Row) -> Cell:
    return Cell(
        formatting.count(row["diverged"]), f"+{formatting.count(row['failed'])} fail" if row["failed"] > 0 else ""
    )


FACTS: dict[str, Fact] = {
    "rate": RATE,
    "test": Fact("test %", _test, ("test_accuracy", "test_low", "test_high", "n_test")),
    "train": Fact("train %", _accuracy("train"), ("train_accuracy",)),
    "gap": Fact("gap", _gap, ("gap", "gap_low", "gap_high", "n_scored")),
    "loss_gap": Fact("loss gap", _loss_gap, ("loss_gap", "loss_gap_low", "loss_gap_high")),
    "stop": Fact("stop", _stop, ("stop", "cost")),
    "lost": Fact("div.", _lost, ("diverged", "failed")),
}

_MAIN = {"default": ("test", "lost"), "tuned": ("rate", "test", "train", "gap", "stop", "lost")}
#: What a run that tuned nothing shows of its only setting.
_MAIN_UNTUNED = {"default": ("test", "train", "gap", "stop", "lost")}
_GAPS = dict.fromkeys(SETTINGS, ("train", "test", "gap", "loss_gap"))


def main(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of test accuracies, untuned and tuned.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per task and optimizer.
    """
    return _selected(evidence, kind, title, _MAIN if _tuned(evidence) else _MAIN_UNTUNED)


def gaps(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of differences between training and test, in accuracy and in loss.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per task and optimizer.
    """
    return _selected(evidence, kind, title, _GAPS)


def everything(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of every column of the summary.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per setting, task and optimizer.
    """
    grid, rows = _grid(evidence)
    fields = tuple(str(name) for name in evidence.frame("network_summary").columns)
    columns, blocks, records = grid.everything(fields)
    return _table(evidence, kind, title, rows, frozenset(FACTS), columns, blocks, fields, records, n_keys=2)


def _tuned(evidence: Evidence) -> bool:
    return bool((evidence.frame("network_summary")["setting"] == "tuned").any())


def _grid(evidence: Evidence) -> tuple[SettingsGrid, list[Row]]:
    rows = rows_of(evidence, "network_summary")
    by_key = {(row["setting"], row["task"], row["optimizer"]): row for row in rows}
    pairs = {(task, rule) for _, task, rule in by_key}
    tasks, rules = evidence.tasks(task for task, _ in pairs), optimizers(rule for _, rule in pairs)
    order = [(task, rule) for task in tasks for rule in rules if (task, rule) in pairs]
    return SettingsGrid(by_key, order, SETTINGS, "task", "n_seeds"), rows


def _selected(evidence: Evidence, kind: str, title: str, facts: Mapping[str, Sequence[str]]) -> Table:
    grid, rows = _grid(evidence)
    shown = [(setting, fact) for setting, names in facts.items() for fact in names]
    shown = [pair for pair in shown if any(row["setting"] == pair[0] for row in rows)]
    columns, blocks = grid.columns(shown, FACTS), grid.blocks(shown, FACTS)
    fields, records = grid.records(shown, FACTS)
    told = frozenset(fact for _, fact in shown)
    return _table(evidence, kind, title, rows, told, columns, blocks, fields, records, n_keys=1)


def _table(
    evidence: Evidence,
    kind: str,
    title: str,
    rows: Sequence[Row],
    facts: frozenset[str],
    columns: tuple[Column, ...],
    blocks: tuple[Section, ...],
    fields: tuple[str, ...],
    records: tuple[dict[str, Any], ...],
    *,
    n_keys: int,
) -> Table:
    return Table(
        kind=kind,
        title=title,
        n_keys=n_keys,
        columns=columns,
        blocks=blocks,
        watermark=evidence.watermark,
        notes=tuple(network_notes.notes(evidence, rows, facts)),
        footer=evidence.footer,
        fields=fields,
        records=records,
        intervals=network_notes.INTERVALS,
        block="task",
    )


def effects(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of what each regularizer does to training, test and gap.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One block per task without regularizers and setting, one row per regularizer and optimizer.
    """
    frame = evidence.frame("network_effects")
    places = {name: place for place, name in enumerate(optimizers(frame["optimizer"]))}
    tasks = {name: place for place, name in enumerate(evidence.tasks([*frame["base"], *frame["task"]]))}
    rows = sorted(
        rows_of(evidence, "network_effects"),
        key=lambda r: (
            tasks[r["base"]],
            SETTINGS.index(r["setting"]),
            tasks[r["task"]],
            places[r["optimizer"]],
        ),
    )
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for row in rows:
        blocks.setdefault(f"{row['base']}, {SETTING_TITLES[row['setting']]}", []).append(_effect(row))
    columns = (
        Column("regularizer"),
        Column("optimizer"),
        Column("rate"),
        *(Column(name, "difference, points") for name in ("train", "test", "gap")),
        Column("pairs"),
    )
    fields = tuple(str(name) for name in frame.columns)
    return Table(
        kind=kind,
        title=title,
        n_keys=2,
        columns=columns,
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(network_notes.effect_notes(evidence, rows)),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=f"test, gap: {network_notes.INTERVALS}; train: 95 %, these tasks, new seeds",
        block="task and setting",
    )


def _effect(row: Row) -> tuple[Cell, ...]:
    show = points(row["n_test"], signed=True)
    values = (Cell(show(row[name]), interval(row, f"{name}_low", f"{name}_high", show)) for name in _DIFFERENCES)
    name = "" if row["swept"] == "lr" else f"{row['swept']} "
    rates = dict.fromkeys(formatting.rate(row[column]) for column in ("swept_value", "base_value"))
    return (
        Cell(row["regularizer"], is_text=True),
        Cell(row["optimizer"], is_text=True),
        Cell(name + " vs ".join(rates)),
        *values,
        Cell(f"{formatting.count(row['n_pairs'])}/{formatting.count(row['n_seeds'])}"),
    )


_DIFFERENCES = ("train", "test", "gap")
