"""What the rows of every kind must say; what else makes the rows of a kind whole, it checks itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from optbench.errors import DataError
from optbench.records import Split, Status

_OUTCOMES: dict[str, Collection[str]] = {"status": [*map(str, Status)], "split": [*map(str, Split)]}


def check_known(runs: pd.DataFrame, names: Mapping[str, Collection[str]] | None = None) -> None:
    """Checks that rows say only what is known: a status, a split where they have one, and labels that the manifest has.

    Args:
        runs: Rows of any kind.
        names: For further columns, the values that they may have.

    Raises:
        DataError: A column has another value.

    Example:
        >>> check_known(pd.DataFrame({"status": ["fine"], "split": ["tune"]}))
        Traceback (most recent call last):
        optbench.errors.DataError: status must be one of ok, diverged, error, timeout, oom; got 'fine'
    """
    checked = {**{column: known for column, known in _OUTCOMES.items() if column in runs}, **(names or {})}
    for column, known in checked.items():
        if unknown := sorted({str(value) for value in runs[column].unique()} - set(known)):
            raise DataError(f"{column} must be one of {', '.join(known)}; got {', '.join(map(repr, unknown))}")
