"""One writer for each run: a lock that the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optbench.errors import BusyError
from optbench.store import files

LOCK = ".lock"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds a run's folder for writing; readers need no lock.

    The lock is ``flock``'s, so a process that is killed holds nothing. The file itself stays:
    removing it would let two processes lock two files of one name.

    Args:
        folder: The run's folder, as ``run_folder`` made it.

    Yields:
        Nothing.

    Raises:
        BusyError: Another process is writing this run.
    """
    with files.explained("lock", folder):
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        with files.explained("lock", folder):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
                raise BusyError(
                    f"{folder} is being written by another process (pid {holder}); "
                    "wait until it ends, or choose another folder with --out"
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        files.sweep(folder)
        yield
    finally:
        os.close(descriptor)
