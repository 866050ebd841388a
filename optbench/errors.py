"""The exceptions that optbench raises for its users, and their exit codes.

    OptbenchError                1   anything below; never shown as a traceback
    ├── UsageError               2   a bad name, value, suite file or selection
    ├── DataError                5   stored or downloaded data is missing or damaged
    ├── BusyError                6   another process holds the results folder
    └── StorageError            74   a folder cannot be read or written, a disk is full

Exit code 3 (finished, but some cells failed) is no exception: a failed cell is a row.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class OptbenchError(Exception):
    """A failure that is explained to the user in one message.

    Attributes:
        exit_code: Code with which the command line ends.
    """

    exit_code = 1


class UsageError(OptbenchError):
    """What the user asked for cannot be done as written."""

    exit_code = 2

    def __init__(self, message: str | Sequence[str], *, where: str = "") -> None:
        """Builds one message out of one or several problems.

        Args:
            message: One problem or all problems found, each a line of its own.
            where: The file or the command in which they stand.
        """
        problems = [message] if isinstance(message, str) else list(message)
        self.problems = tuple(problems)
        if where and len(problems) > 1:
            text = f"{where}: {len(problems)} errors\n" + "\n".join(f"  {p}" for p in problems)
        elif where:
            text = f"{where}: {problems[0]}"
        else:
            text = "\n".join(problems)
        super().__init__(text)


class DataError(OptbenchError):
    """Stored rows or a data set are missing, damaged or of another version."""

    exit_code = 5


class BusyError(OptbenchError):
    """Another process is writing the same run."""

    exit_code = 6


class StorageError(OptbenchError):
    """The file system refused to read or write."""

    exit_code = 74


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Returns up to three known names that resemble ``name``, the nearest first.

    Args:
        name: What the user typed.
        known: The valid names.

    Returns:
        The suggestions, possibly none.

    Example:
        >>> nearest("adm", ["adam", "sgd", "adagrad"])
        ['adam']
    """
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """Returns the message for a name that does not exist.

    Args:
        kind: What the name should denote, such as ``"optimizer"``.
        name: What the user typed; what is no text resembles none.
        known: The valid names.

    Returns:
        One line with the nearest valid names, or with all of them when none is near.

    Example:
        >>> unknown_name("optimizer", "adm", ["adam", "sgd"])
        "unknown optimizer 'adm'; did you mean 'adam'?"
    """
    names = sorted(known)
    close = nearest(name, names) if isinstance(name, str) else []
    if close:
        return f"unknown {kind} {name!r}; did you mean {' or '.join(map(repr, close))}?"
    return f"unknown {kind} {name!r}; known: {', '.join(names)}"
