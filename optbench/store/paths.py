"""Names and places: slugs, the identity of a run, and the layout of its folder.

The layout::

    <out>/<suite>/<run-id>/
        manifest.json       identity, plan, environment, outcome
        shards/             <shard>.parquet with its commit record <shard>.json
        shards/<table>/     the same of a table beside the rows
        pictures/           what the plots of 2-D problems need beyond rows
        frames/             what was judged, of a published run whose rows are too large
        weights/            points of runs, where they are kept: <shard>.npz with its record <shard>.json
        quarantine/         damaged shards, kept for a look
        tables/ figures/    what `table` and `plot` render
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from optbench.errors import UsageError
from optbench.records.schema import Schema
from optbench.store import files

MANIFEST = "manifest.json"
SHARDS = "shards"
PICTURES = "pictures"
FRAMES = "frames"
WEIGHTS = "weights"
QUARANTINE = "quarantine"

_MAX_NAME = 64
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def digest(content: object, *, size: int) -> str:
    """Returns the BLAKE2b hash of the canonical JSON of ``content``.

    Args:
        content: Strings, numbers, lists and dictionaries; the order of keys does not matter.
        size: Number of bytes.

    Returns:
        Twice ``size`` hexadecimal digits, equal on every machine.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


def run_id(content: dict[str, object]) -> str:
    """Returns the name of a run, a hash of what it computes.

    Args:
        content: Suite hash, selection, seeds and version: all that decides the rows.

    Returns:
        Twelve hexadecimal digits.

    Example:
        >>> run_id({"suite": "ab12", "seed": 0}) == run_id({"seed": 0, "suite": "ab12"})
        True
    """
    return digest(content, size=6)


def slug(text: str, *, length: int = _MAX_NAME) -> str:
    """Returns ``text`` as a file name of ``[A-Za-z0-9._-]`` that is safe on every system.

    Args:
        text: Any text.
        length: Largest number of characters.

    Returns:
        A name that is never empty, hidden, an option, or reserved.

    Example:
        >>> slug("ellipsoid-10d-i1[condition=1e+06]")
        'ellipsoid-10d-i1-condition-1e-06'
        >>> slug("../../etc/passwd"), slug("CON")
        ('etc-passwd', 'run-CON')
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text)
    name = re.sub(r"\.{2,}", ".", name).strip(".-")
    if not name or _RESERVED.fullmatch(name):
        name = f"run-{name}".rstrip("-")
    return name[:length].rstrip(".-")


def shard_name(problem: str, optimizer: str) -> str:
    """Returns the name of the shard that holds one problem's rows under one optimizer.

    Args:
        problem: Label of the problem.
        optimizer: Label of the optimizer.

    Returns:
        A readable slug and 8 digits of a hash, which keep labels apart whose slugs are equal.
    """
    return f"{slug(f'{problem}--{optimizer}', length=_MAX_NAME - 9)}-{digest([problem, optimizer], size=4)}"


def shard_folder(folder: Path, schema: Schema) -> Path:
    """Returns the folder of a table's shards in a run's folder."""
    return folder / SHARDS / slug(schema.name) if schema.is_beside_rows else folder / SHARDS


def shard_folders(folder: Path) -> list[Path]:
    """Returns the folders of all shards of a run: of its rows, then of each table beside them."""
    rows = folder / SHARDS
    return [rows, *sorted(path for path in rows.glob("*") if path.is_dir() and not path.is_symlink())]


def inside(root: Path, path: Path) -> Path:
    """Returns ``path`` if it stays inside ``root``, symbolic links followed.

    Args:
        root: The results folder.
        path: A path below it.

    Returns:
        ``path`` unchanged.

    Raises:
        UsageError: It leads elsewhere.
    """
    if not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path} must lie inside {root}; it leads to {path.resolve()}")
    return path


def run_folder(out: Path, suite: str, identity: str, *, fresh: bool = False) -> Path:
    """Makes a run's folder, after a test that it can be written.

    Args:
        out: The results folder; made where it is missing.
        suite: Name of the suite.
        identity: What ``run_id`` returned.
        fresh: Compute again beside what is there: the folder gets the first free number.

    Returns:
        ``<out>/<suite>/<identity>``, or with ``-2``, ``-3`` ... appended if ``fresh``.
    """
    parent = out / slug(suite)
    with files.explained("open", parent):
        inside(out, parent / identity)
        names = {p.name for p in parent.iterdir()} if parent.is_dir() else set()
    name, copy = identity, 2
    while fresh and name in names:
        name, copy = f"{identity}-{copy}", copy + 1
    folder = parent / name
    for part in (folder, folder / SHARDS):
        files.probe(inside(out, part))
    return folder
