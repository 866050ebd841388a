"""The kinds of table, and ``render``: a run's frames as text, byte-identical for identical rows.

A new table is one line in ``KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from optbench.errors import UsageError, unknown_name
from optbench.report import (
    kinds,
    landscape_tables,
    network_ranking_table,
    network_tables,
    ranking_tables,
    stability_table,
    theory_table,
    tuning_tables,
    well_tables,
)
from optbench.report.evidence import Evidence, StoredRun
from optbench.report.landscape_tables import each_setting, selected
from optbench.report.layout import Table
from optbench.report.machine import render_csv, render_json
from optbench.report.markup import render_latex, render_markdown
from optbench.report.terminal import render_terminal


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of table.

    Attributes:
        name: What the user asks for.
        title: What it shows.
        build: Makes the table from evidence, name and title.
    """

    name: str
    title: str
    build: Callable[[Evidence, str, str], Table]


#: Kinds of table by kind of run.
KINDS: dict[str, tuple[Kind, ...]] = {
    "landscapes": (
        Kind(
            "main",
            "Median relative gap in three settings; targets and divergence when tuned",
            selected(landscape_tables.MAIN),
        ),
        Kind("gaps", "Median relative gap", selected(each_setting("rate", "gap", "diverged"))),
        Kind("reach", "Share of runs that reach a relative gap of 1e-3", selected(each_setting("rate", "reach"))),
        Kind("solved", "Share of runs that reach f_solved", selected(each_setting("rate", "solved"))),
        Kind(
            "evals",
            "Median gradient evaluations to a relative gap of 1e-3",
            selected(each_setting("rate", "evals", "missed")),
        ),
        Kind(
            "ert",
            "Expected gradient evaluations to a relative gap of 1e-3, failed runs restarted",
            selected(each_setting("rate", "ert", "successes"), "running_times"),
        ),
        Kind("tuning", "What tuning buys and what it costs", tuning_tables.gains),
        Kind("matrix", "A untuned against B tuned: difference of scores", tuning_tables.versus),
        Kind("ranking", "Ranking by area score, with the confidence set for the best", ranking_tables.ranks),
        Kind(
            "stability",
            "How the ranking moves between settled and touched targets",
            stability_table.moved,
        ),
        Kind("contrasts", "The claims of the suite, judged", ranking_tables.verdicts),
        Kind("wells", "Sharp or flat: in which well runs are, at equal excess loss", well_tables.outcomes),
        Kind("theory", "Quadratics: theory beside measurement", theory_table.compared),
        Kind("long", "Every column of the summary", landscape_tables.everything),
    ),
    "networks": (
        Kind("main", "Accuracy on test examples", network_tables.main),
        Kind("gap", "How far training and test are apart", network_tables.gaps),
        Kind("effects", "What each regularizer does: with it minus without it", network_tables.effects),
        Kind("ranking", "Which optimizers may be the best on test examples", network_ranking_table.ranks),
        Kind("long", "Every column of the summary", network_tables.everything),
    ),
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

    It is what the suite names as its ``table``, else the verdicts of its contrasts, else ``main``; ``main`` too where
    that table would have no rows, as for a part of a suite.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.

    Returns:
        A name among the ``KINDS`` of the run's kind.
    """
    evidence = Evidence.of(run)
    asked = evidence.manifest.get("table") or ("contrasts" if evidence.manifest.get("contrasts") else "main")
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
    problems = [] if kind is None else kinds.unknown("table", [kind], names(), evidence)
    if format not in FORMATS:
        problems.append(unknown_name("format", format, FORMATS))
    if problems:
        raise UsageError(problems)
    shown = headline(evidence) if kind is None else kind
    (found,) = (entry for entry in KINDS[evidence.kind] if entry.name == shown)
    return FORMATS[format](build(evidence, found), width, ascii_only)


def build(evidence: Evidence, kind: Kind) -> Table:
    """Returns a table of one kind without a format.

    Args:
        evidence: The run and its frames.
        kind: An entry of ``KINDS``.

    Returns:
        The table, its rows in their fixed order.
    """
    table = kind.build(evidence, kind.name, kind.title)
    return replace(table, title=evidence.titled(table.title))
