"""Runs of coins have no figures."""

FIGURES: dict[str, str] = {}
UNSCORED = ONE_SETTING = OF_CURVES = frozenset()
