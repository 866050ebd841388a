"""Tables of runs of landscapes with settings side by side, from the frames of the summary and of running times.

A new column is one entry in ``FACTS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from optbench.report.evidence import Evidence, optimizers
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Table
from optbench.report.kinds.landscapes import SETTINGS
from optbench.report.tables.landscapes import notes
from optbench.report.tables.side_by_side import RATE, Fact, Row, SettingsGrid, interval

#: ``(setting, fact)`` from left to right.
Shown = Sequence[tuple[str, str]]


#: The best gap stands beside the last one where it is this many times smaller, and the last is above rounding.
PASSAGE, ROUNDING = 10.0, 1e-12


def passed(row: Row) -> str:
    """Returns the median best gap where the last one lies far above it, else nothing."""
    gap, best = row["gap_median"], row["best_median"]
    # Under noise the best value is luck.
    if row["noisy"] or not ROUNDING < gap < math.inf or gap <= PASSAGE * best:
        return ""
    return f"(best {formatting.gap(best)})"


def _gap(row: Row) -> Cell:
    ends = interval(row, "gap_low", "gap_high", formatting.gap)
    return Cell(formatting.gap(row["gap_median"]), ends, aside=passed(row))


def _share(name: str) -> Callable[[Row], Cell]:
    low, high = f"{name}_low", f"{name}_high"
    return lambda row: Cell(formatting.share(row[f"{name}_share"]), interval(row, low, high, formatting.share))


def _evals(row: Row) -> Cell:
    return Cell(
        formatting.evaluations(row["evals_median"]), interval(row, "evals_low", "evals_high", formatting.evaluations)
    )


def _running_time(row: Row) -> Cell:
    return Cell(formatting.evaluations(row["ert"]), interval(row, "ert_low", "ert_high", formatting.evaluations))


def _successes(row: Row) -> Cell:
    return Cell(f"{formatting.count(row['reach_count'])}/{formatting.count(row['reach_runs'])}")


def _missed(row: Row) -> Cell:
    return Cell(f"{formatting.count(row['censored'])}/{formatting.count(row['reach_starts'])}")


def _diverged(row: Row) -> Cell:
    others = (("escaped", "esc"), ("failed", "fail"))
    more = " ".join(f"+{formatting.count(row[column])} {word}" for column, word in others if row[column] > 0)
    return Cell(formatting.count(row["diverged"]), more)


FACTS: dict[str, Fact] = {
    "rate": RATE,
    "gap": Fact("gap", _gap, ("gap_median", "gap_low", "gap_high", "best_median")),
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


def each_setting(*facts: str) -> tuple[tuple[str, str], ...]:
    """Returns facts for every setting, from left to right."""
    return tuple((setting, fact) for setting in SETTINGS for fact in facts)


MAIN = each_setting("rate", "gap") + tuple(("tuned", f) for f in ("reach", "solved", "evals", "missed", "diverged"))


def selected(shown: Shown, frame: str = "summary") -> Callable[[Evidence, str, str], Table]:
    """Returns what builds a table of some facts.

    Args:
        shown: Which facts, for which setting.
        frame: The frame whose rows it shows, with the summary's keys.

    Returns:
        A function of evidence, name and title.
    """
    return lambda evidence, kind, title: _build(evidence, kind, title, shown, frame)


def everything(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of every column of the summary.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per setting, problem and rule.
    """
    return _build(evidence, kind, title, (), "summary")


def _build(evidence: Evidence, kind: str, title: str, shown: Shown, frame: str) -> Table:
    summary = evidence.frame(frame)
    rows: list[Row] = [{str(name): value for name, value in row.items()} for row in summary.to_dict("records")]
    by_key = {(row["setting"], row["problem"], row["optimizer"]): row for row in rows}
    problems = evidence.problems(row["problem"] for row in rows)
    rules = optimizers(row["optimizer"] for row in rows)
    pairs = {(problem, rule) for _, problem, rule in by_key}
    order = [(problem, rule) for problem in problems for rule in rules if (problem, rule) in pairs]
    grid = SettingsGrid(by_key, order, SETTINGS, "problem", "n_starts")
    if shown:
        columns, blocks = grid.columns(shown, FACTS), grid.blocks(shown, FACTS)
        fields, records = grid.records(shown, FACTS)
    else:
        fields = tuple(str(name) for name in summary.columns)
        columns, blocks, records = grid.everything(fields)
    told = frozenset(name for name, fact in FACTS.items() if set(fact.fields) <= set(summary.columns))
    return Table(
        kind=kind,
        title=title,
        n_keys=1 if shown else 2,
        columns=columns,
        blocks=blocks,
        watermark=evidence.watermark,
        notes=tuple(notes.notes(evidence, rows, frozenset(fact for _, fact in shown) or told)),
        footer=evidence.footer,
        fields=fields,
        records=records,
        intervals=notes.INTERVALS,
    )
