"""The kinds of table of runs of networks; a new one is one line here."""

from __future__ import annotations

from optbench.report.tables.kind import Kind
from optbench.report.tables.networks import contrasts, ranking, scores

TABLES = (
    Kind("main", "Accuracy on test examples", scores.main),
    Kind("gap", "How far training and test are apart", scores.gaps),
    Kind("effects", "What each regularizer does: with it minus without it", scores.effects),
    Kind("ranking", "Which optimizers may be the best on test examples", ranking.ranks),
    Kind("contrasts", "The claims of the suite, judged", contrasts.verdicts),
    Kind("long", "Every column of the summary", scores.everything),
)
