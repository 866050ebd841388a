"""What a stored table is: the names of its columns, their types, meanings and units, and how they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Of how files are laid out, as manifests and commit records say it. It rises when an older package would read a file
#: wrongly. A new column does not raise it: a shard without the column gives nulls, and no id depends on this number.
SCHEMA_VERSION = 3
READABLE_SCHEMAS = (2, 3)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a stored table.

    Attributes:
        type: Its Parquet type, such as ``float64`` or ``list<int32>``.
        meaning: What a value says, in one sentence.
        unit: In what it is counted; empty for names, shares and codes.
        splits_bytes: Whether the numbers of its lists are stored byte by byte: first bytes first, then the second ones.
    """

    type: str
    meaning: str
    unit: str = ""
    splits_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Curves:
    """Which columns hold a curve for each row, and how they are called in long form.

    Attributes:
        columns: Columns of the points' values, by their name in long form.
        clock: Name, in long form, of when each point was recorded.
        clock_column: The column that has it; ``None`` where it is ``curve_steps`` of the budget.
    """

    columns: Mapping[str, str]
    clock: str
    clock_column: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A stored table, named by who writes and who reads it, and never guessed from its columns.

    Attributes:
        name: Of rows, the kind of the suite; of a table beside them, its own.
        columns: In the order in which they are stored.
        order: Columns by which rows are sorted when they are read.
        curves: The curves of its rows, none by default.
        is_beside_rows: Whether it is a second table of a run. Its shards then lie in a folder of its name, inside that
            of the rows; they change neither the rows nor the id of the run.
    """

    name: str
    columns: Mapping[str, Column]
    order: tuple[str, ...]
    curves: Curves = Curves({}, clock="")
    is_beside_rows: bool = False
