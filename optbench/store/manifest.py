"""The manifest: one JSON file that says what a run is, where it was made and how it ended."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from optbench import __version__
from optbench.errors import DataError
from optbench.records.schema import READABLE_SCHEMAS, SCHEMA_VERSION, Schema
from optbench.store import files
from optbench.store.paths import FRAMES, MANIFEST, PICTURES, WEIGHTS, shard_folder, shard_folders, slug


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes or replaces a run's manifest in one step.

    Args:
        folder: The run's folder.
        manifest: JSON-able content; ``schema_version`` and ``version`` are set here if absent.
    """
    content = {"schema_version": SCHEMA_VERSION, "version": __version__, **manifest}
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    files.write_atomic(folder / MANIFEST, (text + "\n").encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Returns a run's manifest.

    Args:
        folder: The run's folder.

    Returns:
        Its content.

    Raises:
        DataError: There is none, it is damaged, or it has a schema that cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder} holds no run: {MANIFEST} is missing")
    try:
        manifest = json.loads(files.read(path))
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from error
    found = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if found not in READABLE_SCHEMAS or isinstance(found, bool):
        newer = isinstance(found, int) and found > SCHEMA_VERSION
        made_by = manifest.get("version", "?") if isinstance(manifest, dict) else "?"
        raise DataError(
            f"{path}: made by optbench {made_by} (schema {found}), this is {__version__} (schema {SCHEMA_VERSION}): "
            + ("upgrade optbench to read it" if newer else "run the suite again")
        )
    return dict(manifest)


def stopped_copy(out: Path, suite: str, identity: str) -> str | None:
    """Returns which copy of a run, begun with ``--fresh``, was stopped and can go on.

    Args:
        out: The results folder.
        suite: Name of the suite.
        identity: What ``run_id`` returned.

    Returns:
        Name of the newest unfinished copy, ``None`` if there is none.
    """
    copies = sorted(
        (int(path.name.removeprefix(f"{identity}-")), path)
        for path in (out / slug(suite)).glob(f"{identity}-*")
        if path.name.removeprefix(f"{identity}-").isdecimal() and (path / MANIFEST).is_file()
    )
    stopped = [path.name for _, path in copies if read_manifest(path).get("state") != "finished"]
    return stopped[-1] if stopped else None


def file_sums(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file of evidence of a run, for ``files`` in its manifest.

    Args:
        folder: The run's folder.

    Returns:
        Digests by path relative to ``folder``, sorted; shards, pictures, frames and weights, not what is rendered
        from them.
    """
    parts = [*shard_folders(folder), folder / PICTURES, folder / FRAMES, folder / WEIGHTS]
    paths = [p for part in parts for p in part.glob("*") if p.suffix in {".parquet", ".json", ".npz"}]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(files.read(p)).hexdigest() for p in sorted(paths)}


def add_sums(folder: Path, schema: Schema) -> None:
    """Writes into the manifest of a finished run the sums of a table that was added beside its rows.

    The sums of all other files stay as they were written, so that ``verify`` still tells whether one has changed.

    Args:
        folder: The run's folder, held by ``writing``.
        schema: What the table is.
    """
    manifest, place = read_manifest(folder), f"{shard_folder(folder, schema).relative_to(folder).as_posix()}/"
    kept = {path: digest for path, digest in manifest["files"].items() if not path.startswith(place)}
    added = {path: digest for path, digest in file_sums(folder).items() if path.startswith(place)}
    write_manifest(folder, {**manifest, "files": dict(sorted((kept | added).items()))})


class Difference(NamedTuple):
    """A file of a finished run that is not as the manifest has it.

    Attributes:
        path: Relative to the run's folder.
        expected: What the manifest says.
        found: What is there.
    """

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        """One line."""
        if self.found == MISSING:
            return f"{self.path}: missing"
        if self.expected == NO_FILE:
            return f"{self.path}: not in the manifest"
        return f"{self.path}: {self.expected.replace('sha256', 'sha256 must be', 1)}; got {self.found}"


#: What is expected where the manifest has no such file, and found where there is none.
NO_FILE, MISSING = "no file of this name in the manifest", "missing"


def differences(folder: Path) -> list[Difference]:
    """Returns what differs between a finished run's files and its manifest.

    Args:
        folder: The run's folder.

    Returns:
        One entry for each file that is missing, added or changed, sorted by path.
    """
    expected = read_manifest(folder).get("files", {})
    actual = file_sums(folder)
    found = []
    for path in sorted({*expected, *actual}):
        if path not in actual:
            found.append(Difference(path, f"sha256 {expected[path]}", MISSING))
        elif path not in expected:
            found.append(Difference(path, NO_FILE, actual[path]))
        elif actual[path] != expected[path]:
            found.append(Difference(path, f"sha256 {expected[path]}", actual[path]))
    return found


def verify(folder: Path) -> list[str]:
    """Returns what differs between a finished run's files and its manifest.

    Args:
        folder: The run's folder.

    Returns:
        One line for each file that is missing, added or changed; empty if all is well.
    """
    return [str(found) for found in differences(folder)]
