"""The kinds of table of runs of networks; a new one is one line here."""

from __future__ import annotations

from optbench.report.tables.batch_sizes import arms, gap, levels
from optbench.report.tables.kind import TableKind
from optbench.report.tables.networks import contrasts, ranking, scores

TABLES = (
    TableKind("main", "Accuracy on test examples", scores.main),
    TableKind("gap", "How far training and test are apart", gap.table),
    TableKind("effects", "What each regularizer does: with it minus without it", scores.effects),
    TableKind("ranking", "Which optimizers may be the best on test examples", ranking.ranks),
    TableKind("contrasts", "The claims of the suite, judged", contrasts.verdicts),
    TableKind("arms", "Large against small batches, arm by arm", arms.table),
    TableKind("levels", "Every batch size of every arm at equal training loss", levels.table),
    TableKind("long", "Every column of the summary", scores.everything),
)
