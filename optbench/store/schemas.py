"""Which schema a run's rows have: the one that its kind names."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from optbench.errors import DataError
from optbench.kinds import KINDS, UNNAMED
from optbench.records.schema import Schema


def row_schema(manifest: Mapping[str, Any]) -> Schema:
    """Returns the schema of a run's rows: ``ROWS`` of the module of ``records`` that bears the name of the kind.

    Args:
        manifest: The run's manifest; one without a ``kind`` is of functions.

    Returns:
        The schema.

    Raises:
        DataError: The kind is not known here.

    Example:
        >>> row_schema({"kind": "networks"}).order
        ('task', 'optimizer', 'split', 'config', 'seed')
    """
    kind = manifest.get("kind", UNNAMED)
    if kind not in KINDS:
        run, version = manifest.get("run_id", "?"), manifest.get("version", "?")
        raise DataError(f"run {run}, made by optbench {version}: kind must be one of {', '.join(KINDS)}; got {kind!r}")
    rows: Schema = importlib.import_module(f"optbench.records.{kind}").ROWS
    return rows
