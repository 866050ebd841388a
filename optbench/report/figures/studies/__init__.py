"""The kinds of figure of runs of studies: each is a module here, with what a run must hold for it."""

from __future__ import annotations

FIGURES: dict[str, str] = {}

#: Those that hang on no score of landscapes, which all do.
UNSCORED = frozenset(FIGURES)
#: Those that show one setting of tuning, which is part of the file's name.
ONE_SETTING: frozenset[str] = frozenset()
#: Those that need the curves of the rows.
OF_CURVES: frozenset[str] = frozenset()
