"""The kinds of figure of what was measured, for runs of every kind: each is a module here."""

from __future__ import annotations

from optbench.report.measured import HOW

FIGURES = {
    "sharpness": f"measures of its reported runs: {HOW}",
    "spectrum": f"the measure hessian_spectrum of its reported runs: {HOW}",
    "landscape": f"the measures landscape_1d or landscape_2d of its reported runs: {HOW}",
    "interpolation": f"the measure interpolation of its reported runs: {HOW}",
    "path": f"the measure path of its reported runs: {HOW}",
    "edge": f"hessian_top or preconditioned_top with along = true, in a suite of networks: {HOW}",
}

#: Those that hang on no score of landscapes.
UNSCORED = frozenset(FIGURES)
#: Those that show one setting of tuning, which is part of the file's name.
ONE_SETTING = frozenset(FIGURES)
#: Those that need the curves of the rows.
OF_CURVES: frozenset[str] = frozenset()
