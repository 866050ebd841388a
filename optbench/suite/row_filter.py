"""Which rows of a run are meant: pairs of a column and a pattern of its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.errors import UsageError, unknown_name
from optbench.records.schema import Schema
from optbench.suite.selector import split

if TYPE_CHECKING:
    import pandas as pd

#: Types of columns that can be asked for: a curve has no pattern.
_TYPES = ("string", "int32", "int64", "float64", "bool")
#: Values that a message names, at most.
_SHOWN = 12


def parse(texts: Iterable[str], schema: Schema) -> dict[str, list[str]]:
    """Returns patterns by column.

    Args:
        texts: Pairs ``column=pattern``, several with commas or blanks between them; commas in brackets belong to a
            pattern.
        schema: What rows have.

    Returns:
        The patterns; a row is meant if each column matches one of its patterns.

    Raises:
        UsageError: A text is no pair, or there is no such column; all problems at once.

    Example:
        >>> from optbench.records.networks import ROWS
        >>> parse(["task=digits*,optimizer=adam[b1=0.9,b2=0.99]", "task=mnist1d*"], ROWS)
        {'task': ['digits*', 'mnist1d*'], 'optimizer': ['adam[b1=0.9,b2=0.99]']}
    """
    columns = [name for name, column in schema.columns.items() if column.type in _TYPES]
    found: dict[str, list[str]] = {}
    wrong = []
    for item in (item for text in texts for part in split(text) for item in part.split()):
        column, equals, pattern = (part.strip() for part in item.partition("="))
        if not equals or not column or not pattern:
            wrong.append(f"{item!r} must be column=pattern, such as optimizer=adam or is_default=true")
        elif column not in columns:
            wrong.append(f"{item!r}: {unknown_name('column', column, columns)}")
        else:
            found.setdefault(column, []).append(pattern)
    if wrong:
        raise UsageError(wrong)
    return found


def faults(text: str, schema: Schema) -> tuple[str, ...]:
    """Returns what is wrong with pairs, nothing if they can be parsed."""
    try:
        parse([text], schema)
    except UsageError as error:
        return error.problems
    return ()


def matching(rows: pd.DataFrame, patterns: Mapping[str, list[str]]) -> np.ndarray:
    """Returns of each row whether it is meant.

    Args:
        rows: Rows with the columns of the patterns.
        patterns: What ``parse`` returned.

    Returns:
        (n,), booleans.
    """
    meant = np.ones(len(rows), np.bool_)
    for column, some in patterns.items():
        known = {value: any(_matches(value, pattern) for pattern in some) for value in rows[column].unique()}
        meant &= rows[column].map(known).to_numpy(np.bool_)
    return meant


def explained(rows: pd.DataFrame, patterns: Mapping[str, list[str]]) -> str:
    """Returns why no row is meant: the values that there are.

    Args:
        rows: The rows.
        patterns: What ``parse`` returned.
    """
    said = []
    for column, some in patterns.items():
        values = [_text(value) for value in sorted(rows[column].unique())]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        said.append(f"{column}={'|'.join(some)} (there are {', '.join(values[:_SHOWN])}{more})")
    return f"no reported row has {' and '.join(said)}"


def _matches(value: Any, pattern: str) -> bool:
    if isinstance(value, float):
        try:
            return value == float(pattern) or _text(value) == pattern
        except ValueError:
            pass
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, _text(value)) is not None


def _text(value: Any) -> str:
    """Returns a value as a table would show it."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
