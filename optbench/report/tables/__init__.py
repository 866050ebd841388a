"""The kinds of table, and ``render``: a run's frames as text, byte-identical for identical rows.

A new table is one line in ``TABLES`` of its kind of run, or of ``measures``, whose tables every kind has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace

from optbench import kinds
from optbench.errors import UsageError, unknown_name
from optbench.report.evidence import Evidence, StoredRun
from optbench.report.formats.layout import Table
from optbench.report.formats.machine import render_csv, render_json
from optbench.report.formats.markup import render_latex, render_markdown
from optbench.report.formats.terminal import render_terminal
from optbench.report.names import unknown
from optbench.report.tables import measures
from optbench.report.tables.kind import TableKind

#: Kinds of table by kind of run.
KINDS: dict[str, tuple[TableKind, ...]] = {
    kind: (*importlib.import_module(f"optbench.report.tables.{kind}").TABLES, *measures.TABLES) for kind in kinds.KINDS
}

#: Formats by name: each a function of the table, the terminal's width and whether only ASCII may appear.
FORMATS: dict[str, Callable[[Table, int, bool], str]] = {
    "terminal": render_terminal,
    "markdown": lambda table, width, ascii_only: render_markdown(table),
    "csv": lambda table, width, ascii_only: render_csv(table),
    "latex": lambda table, width, ascii_only: render_latex(table),
    "json": lambda table, width, ascii_only: render_json(table),
}


def names() -> dict[str, list[str]]:
    """Returns the names of the tables by kind of run."""
    return {of: [kind.name for kind in found] for of, found in KINDS.items()}


def headline(run: StoredRun | Evidence) -> str:
    """Returns the kind of table that answers the question of a run's suite.

    It is what the suite names as its ``table``, else the verdicts of its contrasts, else its arms, else ``main``;
    ``main`` too where that table would have no rows, as for a part of a suite.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.

    Returns:
        A name among the ``KINDS`` of the run's kind.
    """
    evidence = Evidence.of(run)
    asked = evidence.manifest.get("table") or next(
        (name for name in ("contrasts", "arms") if evidence.manifest.get(name)), "main"
    )
    found = next((kind for kind in KINDS[evidence.kind] if kind.name == asked), None)
    return "main" if found is None or asked == "main" or not build(evidence, found).blocks else asked


def render(
    run: StoredRun | Evidence,
    kind: str | None = None,
    format: str = "terminal",
    *,
    score: str | None = None,
    width: int = 120,
    ascii_only: bool = False,
) -> str:
    """Returns a table of a run as text.

    The same rows give the same bytes, in whatever order they were stored: order and number formats are
    fixed, and neither clock readings nor paths appear.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.
        kind: A name among the ``KINDS`` of the run's kind; ``None`` for the ``headline``.
        format: ``terminal``, ``markdown``, ``csv``, ``latex`` or ``json``.
        score: ``settled`` or ``touched``, of runs of landscapes; by default what the run has.
        width: Terminal columns to fill at most; other formats ignore it.
        ascii_only: Whether the terminal table must do without Unicode.

    Returns:
        The table with its notes and footer, ending in a line break.

    Raises:
        UsageError: Runs of this kind have no such table, or there is no such format, both named at once; or they
            cannot be scored so.
    """
    evidence = Evidence.of(run, score)
    problems = [] if kind is None else unknown("table", [kind], names(), evidence)
    if format not in FORMATS:
        problems.append(unknown_name("format", format, FORMATS))
    if problems:
        raise UsageError(problems)
    shown = headline(evidence) if kind is None else kind
    (found,) = (entry for entry in KINDS[evidence.kind] if entry.name == shown)
    return FORMATS[format](build(evidence, found), width, ascii_only)


def build(evidence: Evidence, kind: TableKind) -> Table:
    """Returns a table of one kind without a format.

    Args:
        evidence: The run and its frames.
        kind: An entry of ``KINDS``.

    Returns:
        The table, its rows in their fixed order.
    """
    table = kind.build(evidence, kind.name, kind.title)
    return replace(table, title=evidence.titled(table.title))
