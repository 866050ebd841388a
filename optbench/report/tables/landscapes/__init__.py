"""The kinds of table of runs on test functions; a new one is one line here."""

from __future__ import annotations

from optbench.report.tables.kind import TableKind
from optbench.report.tables.landscapes import facts, ranking, stability, theory, tuning, wells
from optbench.report.tables.landscapes.facts import each_setting, selected

TABLES = (
    TableKind(
        "main",
        "Median relative gap in three settings; targets and divergence when tuned",
        selected(facts.MAIN),
    ),
    TableKind("gaps", "Median relative gap", selected(each_setting("rate", "gap", "diverged"))),
    TableKind("reach", "Share of runs that reach a relative gap of 1e-3", selected(each_setting("rate", "reach"))),
    TableKind("solved", "Share of runs that reach f_solved", selected(each_setting("rate", "solved"))),
    TableKind(
        "evals",
        "Median gradient evaluations to a relative gap of 1e-3",
        selected(each_setting("rate", "evals", "missed")),
    ),
    TableKind(
        "ert",
        "Expected gradient evaluations to a relative gap of 1e-3, failed runs restarted",
        selected(each_setting("rate", "ert", "successes"), "running_times"),
    ),
    TableKind("tuning", "What tuning buys and what it costs", tuning.gains),
    TableKind("matrix", "A untuned against B tuned: difference of scores", tuning.versus),
    TableKind("ranking", "Ranking by area score, with the confidence set for the best", ranking.ranks),
    TableKind(
        "stability",
        "How the ranking moves between settled and touched targets",
        stability.moved,
    ),
    TableKind("contrasts", "The claims of the suite, judged", ranking.verdicts),
    TableKind("wells", "Sharp or flat: in which well runs are, at equal excess loss", wells.outcomes),
    TableKind("theory", "Quadratics: theory beside measurement", theory.compared),
    TableKind("long", "Every column of the summary", facts.everything),
)
