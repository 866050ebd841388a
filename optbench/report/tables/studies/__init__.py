"""The kinds of table of runs of studies; a new one is one line here."""

from __future__ import annotations

from optbench.report.tables.kind import TableKind
from optbench.report.tables.studies import calibration, cross_validation, curves, decomposition, ensembles, summary

TABLES = (
    TableKind("main", "What each study found", summary.found),
    TableKind("cross_validation", "What cross-validation chose, and what its refit is worth", cross_validation.chosen),
    TableKind("decomposition", "Bias, variance and noise", decomposition.parts),
    TableKind("ensembles", "Bagging and boosting against a single model", ensembles.gains),
    TableKind("calibration", "Whether probabilities are as right as they say", calibration.calibrated),
    TableKind("curves", "Under- and overfitting: training and test at the end", curves.ends),
)
