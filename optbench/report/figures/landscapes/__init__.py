"""The kinds of figure of runs on test functions: each is a module here, with what a run must hold for it."""

from __future__ import annotations

FIGURES = {
    "convergence": "rows of the setting with their curves",
    "sensitivity": "rows of the swept grid",
    "best_of_k": "trials on tuning starts",
    "matrix": "defaults and trials on tuning starts",
    "ranks": "rows of the setting on ranked problems",
    "dimension": "rows of the setting on functions in at least two dimensions",
    "theory": "sgd, momentum or nag on quadratics whose eigenvalues the manifest holds, with their curves",
    "wells": "problems with a sharp and a flat well, and a suite with snapshots",
    "trajectories": "2-D problems, whose contours and paths the run stores under pictures/",
    "basins": "2-D problems, whose basins the run stores under pictures/",
}

#: Those that hang on no score: theory, wells and what the run stored beside its rows.
UNSCORED = frozenset({"theory", "wells", "trajectories", "basins"})
#: Those that show one setting of tuning, which is part of the file's name.
ONE_SETTING = frozenset({"convergence", "ranks", "dimension"})
#: Those that need the curves of the rows.
OF_CURVES = frozenset({"convergence"})
