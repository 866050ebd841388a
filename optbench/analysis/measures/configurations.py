"""The configurations whose points were measured: columns that every kind of run gives them."""

from __future__ import annotations

from collections.abc import Iterable

#: ``settings`` are those for which a configuration stands, such as ``default, tuned``; ``n_units`` the reported seeds
#: or starts. Scores are NaN where nothing is tested.
CONFIGURATIONS = (
    *("optimizer", "config", "settings", "swept", "swept_value", "at_edge", "n_units", "diverged", "failed"),
    *("n_test", "test_accuracy", "test_low", "test_high", "gap", "gap_low", "gap_high"),
)

#: What joins the settings.
AND = ", "


def named(settings: Iterable[str]) -> str:
    """Returns the settings that a configuration stands for, as one text.

    Example:
        >>> named(["default", "tuned"])
        'default, tuned'
    """
    return AND.join(settings)
