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


def rule_of(label: str, swept: str) -> str:
    """Returns the label of an optimizer without the value at which it holds the swept hyperparameter.

    Example:
        >>> rule_of("sgd[lr=0.1]", "lr"), rule_of("momentum[lr=0.1,beta=0.99]+sam", "lr"), rule_of("adam", "lr")
        ('sgd', 'momentum[beta=0.99]+sam', 'adam')
    """
    before, bracket, rest = label.partition("[")
    inside, closed, after = rest.partition("]")
    if not closed:
        return label
    kept = [item for item in inside.split(",") if not item.startswith(f"{swept}=")]
    return before + (f"{bracket}{','.join(kept)}{closed}" if kept else "") + after
