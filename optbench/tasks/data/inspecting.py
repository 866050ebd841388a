"""Whether a file is the original one, and what to say if it is not."""

from __future__ import annotations

import hashlib
import shlex
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from optbench.errors import StorageError
from optbench.tasks.data.registry import DataSet, File

_CHUNK_BYTES = 1 << 20


class Condition(StrEnum):
    """How a file is."""

    GOOD = "good"
    MISSING = "missing"
    TRUNCATED = "truncated"
    OVERSIZED = "oversized"
    CORRUPTED = "corrupted"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found where a file should be.

    Attributes:
        file: What should be there.
        path: Where.
        condition: How it is.
        n_bytes: Its size, 0 if it is missing.
        sha256: Its sum; empty if it was not computed.
    """

    file: File
    path: Path
    condition: Condition
    n_bytes: int = 0
    sha256: str = ""

    def explanation(self) -> str:
        """Returns one line that says what is wrong: the file, its size and sum, and what they should be."""
        if self.condition is Condition.MISSING:
            return f"{self.path} is missing: expected {self.file.n_bytes:,} bytes, SHA-256 {self.file.sha256}"
        text = f"{self.path} is {self.condition}: {self.n_bytes:,} bytes, expected {self.file.n_bytes:,}"
        return f"{text}; SHA-256 {self.sha256 or 'not computed'}, expected {self.file.sha256}"


def inspect(path: Path, file: File, *, sums: bool = True) -> Finding:
    """Tells how a file is; nothing is changed.

    Args:
        path: Where it should be.
        file: What should be there.
        sums: Whether to compute its SHA-256. Without, a file of the right size counts as good.

    Returns:
        What was found. The sum of an oversized file is not computed: it may be of any length.

    Raises:
        StorageError: The system refused to read it.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise StorageError(f"cannot read {path}: it is not a file")
        n_bytes = found.st_size
        if n_bytes > file.n_bytes:
            return Finding(file, path, Condition.OVERSIZED, n_bytes)
        sha256 = file_sum(path) if sums else ""
    except FileNotFoundError:
        return Finding(file, path, Condition.MISSING)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    if n_bytes < file.n_bytes:
        return Finding(file, path, Condition.TRUNCATED, n_bytes, sha256)
    good = not sums or sha256 == file.sha256
    return Finding(file, path, Condition.GOOD if good else Condition.CORRUPTED, n_bytes, sha256)


def file_sum(path: Path) -> str:
    """Returns the SHA-256 of a file as hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def explained(found: DataSet, findings: Iterable[Finding], *, archive: Path | None = None) -> str:
    """Returns the message about the files of a set that cannot be used.

    Args:
        found: The data set.
        findings: What was found; good files are not mentioned.
        archive: Its archive, if that lies there and can be unpacked.

    Returns:
        A line on the set, one for each bad file, and one on what to do.
    """
    bad = [finding for finding in findings if finding.condition is not Condition.GOOD]
    missing = [finding for finding in bad if finding.condition is Condition.MISSING]
    lines = [f"data set {found.name!r}: {len(bad)} of {len(found.files)} files cannot be used"]
    lines += [f"  {finding.explanation()}" for finding in bad]
    lines.append("  " + remedy(found, damaged=len(missing) < len(bad), archive=archive, folder=bad[0].path.parent))
    return "\n".join(lines)


def remedy(found: DataSet, *, damaged: bool, folder: Path, archive: Path | None = None) -> str:
    """Returns lines on how to get the files of a set.

    Args:
        found: The data set.
        damaged: Whether some file is there but is not the original.
        folder: The folder of the set.
        archive: Its archive, if that lies there and can be unpacked.

    Returns:
        The lines, the first without an indent.
    """
    command = f"optbench data fetch {found.name}"
    if archive is not None:
        return f"unpack {shlex.quote(str(archive))} with: {command} (needs no network)"
    kept = ", which keeps a damaged file under another name" if damaged else ""
    return f"get them with: {command}{kept}\n  {by_hand(found, folder)}"


def by_hand(found: DataSet, folder: Path) -> str:
    """Returns what to put where on a machine without a network.

    Args:
        found: The data set.
        folder: Its folder.

    Returns:
        One line, without an end of line.
    """
    if found.archive is None:
        return f"without a network: put the original files into {folder}, then: optbench data verify {found.name}"
    return (
        f"without a network: put the {len(found.files)} original .bin files into {folder}, then: optbench data verify "
        f"{found.name}; or put {found.archive.name} there ({found.archive.n_bytes:,} bytes, SHA-256 "
        f"{found.archive.sha256}), then: optbench data fetch {found.name}"
    )
