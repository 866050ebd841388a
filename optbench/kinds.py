"""The kinds of a suite, a literal line each; all else about a kind is found by its name.

A kind's own modules and packages bear its name, such as ``optbench.suite.networks``. They are imported when a suite or
a run is of that kind: a suite of functions never loads what networks need.
"""

from __future__ import annotations

from collections.abc import Container

#: Name of the kind, and the table of a suite file, and of a manifest, that makes it one of this kind.
KINDS = {"landscapes": "problems", "networks": "tasks", "studies": "studies"}
#: Tables of a suite file from which that of its kind is derived.
DERIVED_FROM = {"networks": ("arms", "ladder")}
#: The kind of a manifest that names none, which is from before there were kinds.
UNNAMED = next(iter(KINDS))


def kind_of(tables: Container[str]) -> str:
    """Returns the kind of a suite or a run.

    Args:
        tables: A suite as TOML has it, or the manifest of a run.

    Returns:
        The name of its kind; of what has none of their tables, the first.

    Example:
        >>> kind_of({"name": "mine", "tasks": [{"data": "digits", "model": "lenet"}]})
        'networks'
    """
    known = ((kind, (table, *DERIVED_FROM.get(kind, ()))) for kind, table in KINDS.items())
    return next((kind for kind, some in known if any(table in tables for table in some)), UNNAMED)
