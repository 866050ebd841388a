"""Every operation on the file system that writes, so that a test can make the n-th one fail.

A file appears whole or not at all: bytes go to a temporary file in the same folder, are flushed
to the disk, and take their name by an atomic rename that is itself flushed. Whatever the system
refuses leaves here as a ``StorageError`` with one clear message.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from optbench.errors import StorageError

#: Temporary files start so; a leftover is from a killed process.
TEMPORARY = ".tmp-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def open_new(path: Path) -> int:
    """Opens a file for writing, empty, never through a symbolic link; returns its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)


def write(descriptor: int, data: bytes) -> None:
    """Writes all of ``data``."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync(descriptor: int) -> None:
    """Flushes a file to the disk."""
    os.fsync(descriptor)


def rename(source: Path, target: Path) -> None:
    """Gives a file its name, replacing what had it, in one step."""
    os.replace(source, target)


def unlink(path: Path) -> None:
    """Removes a file; one that is not there is no error."""
    path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flushes a folder's entries, so that a rename in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it."""
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def explained(action: str, path: Path, *, needed: int | None = None) -> Iterator[None]:
    """Turns an ``OSError`` into one clear message.

    Args:
        action: What is tried, such as ``"write"``.
        path: On which file or folder.
        needed: Number of bytes to be written, for the message of a full disk.

    Yields:
        Nothing.

    Raises:
        StorageError: The system refused.
    """
    try:
        yield
    except OSError as error:
        message = f"cannot {action} {path}: {error.strerror or error}"
        if error.errno in _FULL:
            if needed is not None:
                message += f"; needs {needed:,} bytes"
            with suppress(OSError):
                message += f", {shutil.disk_usage(path if path.is_dir() else path.parent).free:,} bytes free"
            message += "; free some space and run the same command again, which continues"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            message += "; choose another folder with --out"
        raise StorageError(message) from error


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file so that a reader sees all of it or nothing, whenever the process dies.

    If the system refuses, no temporary file is left and an older file is intact.

    Args:
        path: The file; its folder exists.
        data: Its content.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    with explained("write", path, needed=len(data)):
        try:
            descriptor = open_new(temporary)
            try:
                write(descriptor, data)
                sync(descriptor)
            finally:
                os.close(descriptor)
            rename(temporary, path)
            sync_folder(path.parent)
        finally:
            # After the rename there is nothing to remove; after a failure, the torn file.
            with suppress(OSError):
                unlink(temporary)


@contextmanager
def streamed_atomic(path: Path) -> Iterator[BinaryIO]:
    """Writes a file too large to be held: a reader sees all of it once the block has ended, or nothing.

    If the block or the system fails, no temporary file is left and an older file is intact.

    Args:
        path: The file; its folder exists.

    Yields:
        What to write to; it can be sought in.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    with explained("write", path):
        try:
            with os.fdopen(open_new(temporary), "wb") as file:
                yield file
                file.flush()
                sync(file.fileno())
            rename(temporary, path)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                unlink(temporary)


def probe(folder: Path) -> None:
    """Checks that files can be written in ``folder``, before anything is computed for it.

    Args:
        folder: The folder; made where it is missing.
    """
    with explained("write to", folder):
        make_folder(folder)
        path = folder / f"{TEMPORARY}{os.getpid()}-probe"
        try:
            descriptor = open_new(path)
            try:
                write(descriptor, b"optbench")
                sync(descriptor)
            finally:
                os.close(descriptor)
        finally:
            with suppress(OSError):
                unlink(path)


def sweep(folder: Path) -> None:
    """Removes the temporary files that a killed process left in ``folder`` and two levels below.

    Args:
        folder: A run's folder; only the holder of its lock may sweep it.
    """
    with explained("clean", folder):
        for pattern in (f"{TEMPORARY}*", f"*/{TEMPORARY}*", f"*/*/{TEMPORARY}*"):
            for path in folder.glob(pattern):
                unlink(path)


def read(path: Path) -> bytes:
    """Returns a file's bytes.

    Args:
        path: The file, never a symbolic link.

    Returns:
        Its content.
    """
    with explained("read", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            return file.read()
