"""The kinds of figure of runs of networks: each is a module here, with what a run must hold for it."""

from __future__ import annotations

FIGURES = {
    "training": "reported runs with their curves",
    "gap": "reported runs with scores",
    "rates": "tuning runs",
    "batch_size": "arms with reported runs of several batch sizes",
    "levels": "arms with reported runs, and levels of the training loss",
    "sharpness_gap": "arms with reported runs, and measures of these",
    "warm_start": "arms with a warm start",
}

#: Those that hang on no score of landscapes, which all do.
UNSCORED = frozenset(FIGURES)
#: Those that show one setting of tuning, which is part of the file's name.
ONE_SETTING = frozenset({"training", "gap"})
#: Those that need the curves of the rows.
OF_CURVES = frozenset({"training"})
