"""Where the files of data sets lie, one folder for each set."""

from __future__ import annotations

import os
from pathlib import Path

from optbench.tasks.data.registry import DataSet, File

#: The root of all data sets.
DATA_VARIABLE = "OPTBENCH_DATA"


def root(folder: Path | str | None = None) -> Path:
    """Returns the root of all data sets: ``folder``, else ``$OPTBENCH_DATA``, else the user's cache.

    Args:
        folder: The root, where the caller knows it.

    Returns:
        A path that need not exist.
    """
    named = folder or os.environ.get(DATA_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optbench" / "data"


def path(found: DataSet, file: File, folder: Path | str | None = None) -> Path:
    """Returns where a file of a data set belongs.

    Args:
        found: The data set.
        file: One of its files.
        folder: The root of all data sets, as in ``root``.

    Returns:
        The path.
    """
    return root(folder) / found.folder / file.name
