"""The kinds of table, and ``render``: a run's frames as text, byte-identical for identical rows.

A new table is one line in ``KINDS``; a new column is one entry in ``FACTS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optbench.errors import UsageError, unknown_name
from optbench.report import formatting, notes, ranking_tables, theory_table, tuning_tables, well_tables
from optbench.report.evidence import SETTING_TITLES, SETTINGS, Evidence, StoredRun, optimizers
from optbench.report.layout import Block, Cell, Column, Table
from optbench.report.machine import render_csv, render_json
from optbench.report.markup import render_latex, render_markdown
from optbench.report.terminal import render_terminal

#: A row of the summary frame, or of another one with the same keys, by column name.
Row = Mapping[str, Any]

EDGE = "†"


@dataclass(frozen=True, slots=True)
class Fact:
    """A column that a table can show for a setting.

    Attributes:
        title: Column title.
        cell: Makes the cell from a row of the summary frame.
        fields: The columns of the summary frame behind it, for CSV and JSON.
        joins_next: See ``layout.Column``.
    """

    title: str
    cell: Callable[[Row], Cell]
    fields: tuple[str, ...]
    joins_next: bool = False


def _interval(row: Row, low: str, high: str, show: Callable[[float], str]) -> str:
    if math.isnan(row[low]) or math.isnan(row[high]):
        return ""
    return f"[{show(row[low])}, {show(row[high])}]"


def _rate(row: Row) -> Cell:
    name = "" if row["swept"] == "lr" else f"{row['swept']} "
    return Cell(f"{name}{formatting.rate(row['swept_value'])}{EDGE if row['at_edge'] else ''}")


def _gap(row: Row) -> Cell:
    return Cell(formatting.gap(row["gap_median"]), _interval(row, "gap_low", "gap_high", formatting.gap))


def _share(name: str) -> Callable[[Row], Cell]:
    low, high = f"{name}_low", f"{name}_high"
    return lambda row: Cell(formatting.share(row[f"{name}_share"]), _interval(row, low, high, formatting.share))


def _evals(row: Row) -> Cell:
    interval = _interval(row, "evals_low", "evals_high", formatting.evaluations)
    return Cell(formatting.evaluations(row["evals_median"]), interval)


def _running_time(row: Row) -> Cell:
    return Cell(formatting.evaluations(row["ert"]), _interval(row, "ert_low", "ert_high", formatting.evaluations))


def _successes(row: Row) -> Cell:
    return Cell(f"{formatting.count(row['reach_count'])}/{formatting.count(row['reach_runs'])}")


def _missed(row: Row) -> Cell:
    return Cell(f"{formatting.count(row['censored'])}/{formatting.count(row['reach_starts'])}")


def _diverged(row: Row) -> Cell:
    others = (("escaped", "esc"), ("failed", "fail"))
    more = " ".join(f"+{formatting.count(row[column])} {word}" for column, word in others if row[column] > 0)
    return Cell(formatting.count(row["diverged"]), more)


FACTS: dict[str, Fact] = {
    "rate": Fact("rate", _rate, ("swept", "swept_value", "at_edge"), joins_next=True),
    "gap": Fact("gap", _gap, ("gap_median", "gap_low", "gap_high")),
    "reach": Fact(
        "gap≤1e-3", _share("reach"), ("reach_count", "reach_starts", "reach_share", "reach_low", "reach_high")
    ),
    "solved": Fact(
        "solved", _share("solved"), ("solved_count", "solved_starts", "solved_share", "solved_low", "solved_high")
    ),
    "evals": Fact("evals", _evals, ("evals_median", "evals_low", "evals_high")),
    "ert": Fact("ERT", _running_time, ("ert", "ert_low", "ert_high")),
    "successes": Fact("reached", _successes, ("reach_count", "reach_runs")),
    "missed": Fact("missed", _missed, ("censored", "reach_starts")),
    "diverged": Fact("div.", _diverged, ("diverged", "escaped", "failed")),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of table: which facts it shows for which setting.

    Attributes:
        name: What the user asks for.
        title: What it shows.
        columns: ``(setting, fact)`` from left to right; empty for every column of the frame.
        build: What makes the table from evidence, name and title, if it is no such table.
        frame: The frame whose rows it shows, with the summary's keys.
    """

    name: str
    title: str
    columns: tuple[tuple[str, str], ...]
    build: Callable[[Evidence, str, str], Table] | None = None
    frame: str = "summary"


def _side_by_side(*facts: str) -> tuple[tuple[str, str], ...]:
    return tuple((setting, fact) for setting in SETTINGS for fact in facts)


_MAIN = _side_by_side("rate", "gap") + tuple(("tuned", f) for f in ("reach", "solved", "evals", "missed", "diverged"))

KINDS: tuple[Kind, ...] = (
    Kind("main", "Median relative gap in three settings; targets and divergence when tuned", _MAIN),
    Kind("gaps", "Median relative gap", _side_by_side("rate", "gap", "diverged")),
    Kind("reach", "Share of runs that reach a relative gap of 1e-3", _side_by_side("rate", "reach")),
    Kind("solved", "Share of runs that reach f_solved", _side_by_side("rate", "solved")),
    Kind("evals", "Median gradient evaluations to a relative gap of 1e-3", _side_by_side("rate", "evals", "missed")),
    Kind(
        "ert",
        "Expected gradient evaluations to a relative gap of 1e-3, failed runs restarted",
        _side_by_side("rate", "ert", "successes"),
        frame="running_times",
    ),
    Kind("tuning", "What tuning buys and what it costs", (), tuning_tables.gains),
    Kind("matrix", "A untuned against B tuned: difference of scores", (), tuning_tables.versus),
    Kind("ranking", "Ranking by area score, with the confidence set for the best", (), ranking_tables.ranks),
    Kind("contrasts", "The claims of the suite, judged", (), ranking_tables.verdicts),
    Kind("wells", "Sharp or flat: in which well runs are, at equal excess loss", (), well_tables.outcomes),
    Kind("theory", "Quadratics: theory beside measurement", (), theory_table.compared),
    Kind("long", "Every column of the summary", ()),
)

#: Formats by name: each a function of the table, the terminal's width and whether only ASCII may appear.
FORMATS: dict[str, Callable[[Table, int, bool], str]] = {
    "terminal": render_terminal,
    "markdown": lambda table, width, ascii_only: render_markdown(table),
    "csv": lambda table, width, ascii_only: render_csv(table),
    "latex": lambda table, width, ascii_only: render_latex(table),
    "json": lambda table, width, ascii_only: render_json(table),
}


def render(
    run: StoredRun | Evidence,
    kind: str = "main",
    format: str = "terminal",
    *,
    width: int = 120,
    ascii_only: bool = False,
) -> str:
    """Returns a table of a run as text.

    The same rows give the same bytes, in whatever order they were stored: order and number formats are
    fixed, and neither clock readings nor paths appear.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.
        kind: A name among ``KINDS``.
        format: ``terminal``, ``markdown``, ``csv``, ``latex`` or ``json``.
        width: Terminal columns to fill at most; other formats ignore it.
        ascii_only: Whether the terminal table must do without Unicode.

    Returns:
        The table with its notes and footer, ending in a line break.

    Raises:
        UsageError: There is no such kind or format; both are named at once.
    """
    kinds = {entry.name: entry for entry in KINDS}
    problems = []
    if kind not in kinds:
        problems.append(unknown_name("table", kind, kinds))
    if format not in FORMATS:
        problems.append(unknown_name("format", format, FORMATS))
    if problems:
        raise UsageError(problems)
    return FORMATS[format](build(Evidence.of(run), kinds[kind]), width, ascii_only)


def build(evidence: Evidence, kind: Kind) -> Table:
    """Returns a table of one kind without a format.

    Args:
        evidence: The run and its frames.
        kind: An entry of ``KINDS``.

    Returns:
        The table, its rows by problem and rule in their fixed order.
    """
    if kind.build is not None:
        return kind.build(evidence, kind.name, kind.title)
    summary = evidence.frame(kind.frame)
    rows: list[Row] = [{str(name): value for name, value in row.items()} for row in summary.to_dict("records")]
    by_key = {(row["setting"], row["problem"], row["optimizer"]): row for row in rows}
    problems = evidence.problems(row["problem"] for row in rows)
    rules = optimizers(row["optimizer"] for row in rows)
    pairs = {(problem, rule) for _, problem, rule in by_key}
    order = [(problem, rule) for problem in problems for rule in rules if (problem, rule) in pairs]
    if kind.columns:
        columns, blocks = _selected(kind, by_key, order)
        fields, records = _selected_records(kind, by_key, order)
    else:
        names = [str(name) for name in summary.columns]
        settings = [s for s in SETTINGS if any(key[0] == s for key in by_key)]
        cells = [(s, problem, rule) for problem, rule in order for s in settings if (s, problem, rule) in by_key]
        columns, blocks = _everything(names, by_key, cells)
        fields = tuple(names)
        records = tuple({name: formatting.machine(by_key[key][name]) for name in names} for key in cells)
    told = frozenset(name for name, fact in FACTS.items() if set(fact.fields) <= set(summary.columns))
    facts = frozenset(fact for _, fact in kind.columns) or told
    return Table(
        kind=kind.name,
        title=kind.title,
        n_keys=1 if kind.columns else 2,
        columns=columns,
        blocks=blocks,
        watermark=evidence.watermark,
        notes=tuple(notes.notes(evidence, rows, facts)),
        footer=evidence.footer,
        fields=fields,
        records=records,
        intervals=notes.INTERVALS,
    )


def _selected(
    kind: Kind, by_key: Mapping[tuple[str, str, str], Row], order: Sequence[tuple[str, str]]
) -> tuple[tuple[Column, ...], tuple[Block, ...]]:
    """Returns columns and blocks of a kind that names its facts."""
    columns = (
        Column("optimizer"),
        *(Column(FACTS[f].title, SETTING_TITLES[s], joins_next=FACTS[f].joins_next) for s, f in kind.columns),
    )
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for problem, rule in order:
        cells = [Cell(rule, is_text=True)]
        for setting, fact in kind.columns:
            row = by_key.get((setting, problem, rule))
            cells.append(Cell(formatting.MISSING) if row is None else FACTS[fact].cell(row))
        blocks.setdefault(problem, []).append(tuple(cells))
    return columns, tuple(Block(label, tuple(rows)) for label, rows in blocks.items())


def _selected_records(
    kind: Kind, by_key: Mapping[tuple[str, str, str], Row], order: Sequence[tuple[str, str]]
) -> tuple[tuple[str, ...], tuple[dict[str, Any], ...]]:
    """Returns fields such as ``tuned_gap_median`` and the records of a kind that names its facts."""
    # Two facts may stand on the same column of the summary frame; once is enough.
    sources = list(dict.fromkeys((setting, name) for setting, fact in kind.columns for name in FACTS[fact].fields))
    fields = ("problem", "optimizer", "n_starts", *(f"{setting}_{name}" for setting, name in sources))
    records = []
    for problem, rule in order:
        counts = [by_key[key]["n_starts"] for s in SETTINGS if (key := (s, problem, rule)) in by_key]
        record: dict[str, Any] = {"problem": problem, "optimizer": rule, "n_starts": formatting.machine(max(counts))}
        for setting, name in sources:
            row = by_key.get((setting, problem, rule))
            record[f"{setting}_{name}"] = None if row is None else formatting.machine(row[name])
        records.append(record)
    return fields, tuple(records)


def _everything(
    names: Sequence[str], by_key: Mapping[tuple[str, str, str], Row], cells: Sequence[tuple[str, str, str]]
) -> tuple[tuple[Column, ...], tuple[Block, ...]]:
    """Returns columns and blocks with one row per row of the summary frame and all its columns."""
    shown = [name for name in names if name not in {"setting", "problem", "optimizer"}]
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for setting, problem, rule in cells:
        row = by_key[setting, problem, rule]
        keys = (Cell(rule, is_text=True), Cell(SETTING_TITLES.get(setting, setting), is_text=True))
        blocks.setdefault(problem, []).append((*keys, *(_plain(row[name]) for name in shown)))
    columns = (Column("optimizer"), Column("setting"), *(Column(name) for name in shown))
    return columns, tuple(Block(label, tuple(rows)) for label, rows in blocks.items())


def _plain(value: Any) -> Cell:
    """Returns the cell of any value of the summary frame."""
    shown = formatting.machine(value)
    if shown is None:
        return Cell(formatting.MISSING)
    if isinstance(shown, bool):
        return Cell("yes" if shown else "no")
    if isinstance(shown, int):
        return Cell(str(shown))
    return Cell(formatting.significant(shown, 3, trim=True)) if isinstance(shown, float) else Cell(shown, is_text=True)
