"""The kinds of figure of runs of studies: each is a module here, with what a run must hold for it."""

from __future__ import annotations

FIGURES = {
    "cross_validation": "studies of cross_validation",
    "decomposition": "studies of bias_variance whose members have answers",
    "regression": "studies of regression",
    "ensembles": "studies of bootstrap or boosting",
    "reliability": "studies of bootstrap or cross_validation whose models have answers",
    "curves": "studies of curve",
}

#: Those that hang on no score of landscapes, which all do.
UNSCORED = frozenset(FIGURES)
#: Those that show one setting of tuning, which is part of the file's name.
ONE_SETTING: frozenset[str] = frozenset()
#: Those that need the curves of the rows; ``curves`` shows the last steps without them.
OF_CURVES: frozenset[str] = frozenset()
