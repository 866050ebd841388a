"""The members of an archive, read one by one: nothing is extracted by the archive's own names."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from optbench.errors import DataError
from optbench.tasks.data.registry import DataSet, File

#: Bytes of headers, padding and notes that an archive may have beside its files.
MOST_OTHER_BYTES = 1 << 20
#: Small text files in CIFAR's archive that nothing needs.
NOTES = ("batches.meta.txt", "readme.html")


def unpack(archive: Path, found: DataSet, folder: Path) -> None:
    """Writes the files of a set out of its archive, all or none.

    Args:
        archive: The gzipped tar file.
        found: The data set. Members are named ``folder/name``.
        folder: Where its files go; it exists, and a file there of such a name is replaced.

    Raises:
        DataError: A member is not a regular file of an expected name and size, is there twice or not at all, or has
            another sum; or the archive cannot be read. Nothing is written then.
        OSError: The system refused to read or write.
    """
    try:
        contents = _contents(archive, found)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise DataError(f"{archive} cannot be unpacked: {error}") from error
    missing = [file.name for file in found.files if file not in contents]
    if missing:
        raise DataError(f"{archive} lacks {', '.join(missing)}; nothing was unpacked")
    for file, data in contents.items():
        _write(folder / file.name, data)


def _contents(archive: Path, found: DataSet) -> dict[File, bytes]:
    """Returns the bytes of every expected member, in memory: nothing is written before all are known to be good."""
    expected = {f"{found.folder}/{file.name}": file for file in found.files}
    notes = {f"{found.folder}/{name}" for name in NOTES}
    most = sum(file.n_bytes for file in found.files) + MOST_OTHER_BYTES
    contents: dict[File, bytes] = {}
    with gzip.open(archive) as unzipped:
        limited: Any = _Limited(unzipped, most, archive)
        # A stream reads each byte once, and asks for nothing behind the limit.
        with tarfile.open(fileobj=limited, mode="r|") as tar:
            for member in tar:
                if member.isdir() and member.name == found.folder:
                    continue
                if not member.isreg() or member.name not in expected.keys() | notes:
                    raise DataError(f"{archive} has the unexpected member {member.name!r}; nothing was unpacked")
                if member.name in notes:
                    continue
                file = expected[member.name]
                if file in contents:
                    raise DataError(f"{archive} has {member.name!r} twice; nothing was unpacked")
                if member.size != file.n_bytes:
                    raise DataError(
                        f"{archive}: {member.name!r} has {member.size:,} bytes, expected {file.n_bytes:,}; nothing was "
                        "unpacked"
                    )
                content = tar.extractfile(member)
                data = b"" if content is None else content.read()
                actual = hashlib.sha256(data).hexdigest()
                if actual != file.sha256:
                    raise DataError(
                        f"{archive}: {member.name!r} has SHA-256 {actual}, expected {file.sha256}; nothing was unpacked"
                    )
                contents[file] = data
    return contents


def _write(path: Path, data: bytes) -> None:
    """Writes a file so that a reader sees all of it or nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than a number of bytes: a small file may unpack to any size."""

    def __init__(self, stream: gzip.GzipFile, most: int, path: Path) -> None:
        self._stream = stream
        self._left = most
        self._path = path

    def read(self, size: int = -1, /) -> bytes:
        """Returns the next bytes."""
        data = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"{self._path} unpacks to more bytes than its files have; nothing was unpacked")
        return data
