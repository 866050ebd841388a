"""A zip file whose bytes depend on its contents alone: fixed order of members, one time stamp, one permission."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from optbench.errors import DataError
from optbench.report.formats.escaping import clean

#: The earliest time that a zip file can say: a clock would make equal contents differ.
_WHEN = (1980, 1, 1, 0, 0, 0)
#: A plain file that its owner may write and all may read, as a zip file of Unix says it.
_UNIX, _MODE = 3, 0o100644 << 16
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

#: Media types by ending, and whether such files are compressed already. Deflating them again gains nothing.
_TYPES = {
    ".bib": ("application/x-bibtex", False),
    ".csv": ("text/csv", False),
    ".json": ("application/json", False),
    ".md": ("text/markdown", False),
    ".npz": ("application/zip", True),
    ".parquet": ("application/vnd.apache.parquet", True),
    ".pdf": ("application/pdf", True),
    ".png": ("image/png", True),
    ".svg": ("image/svg+xml", False),
    ".toml": ("application/toml", False),
}
_PLAIN = ("text/plain", False)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        name: Its path there, of safe parts with slashes between them.
        about: What it is, in a few words.
        size: Number of bytes.
        sha256: Their sum.
    """

    name: str
    about: str
    size: int
    sha256: str

    @property
    def media_type(self) -> str:
        """Its media type, by the ending of its name."""
        return _type(self.name)[0]


class Archive:
    """A zip file that is being written; its table of contents is written where its block ends.

    Attributes:
        members: What is in it so far, in its order.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Begins an archive.

        Args:
            file: What to write to; it can be sought in.
        """
        self._zip = zipfile.ZipFile(file, "w", allowZip64=True)
        self.members: list[Member] = []

    def add(self, name: str, content: bytes | Iterable[bytes], about: str) -> Member:
        """Adds a file.

        Args:
            name: Its path.
            content: Its bytes, in pieces where they are too many to be held.
            about: What it is, in a few words.

        Returns:
            The member.
        """
        info = zipfile.ZipInfo(safe_path(name), _WHEN)
        info.create_system, info.external_attr = _UNIX, _MODE
        info.compress_type = zipfile.ZIP_STORED if _type(name)[1] else zipfile.ZIP_DEFLATED
        whole = isinstance(content, bytes)
        total, sums = 0, hashlib.sha256()
        # Where the size is not known beforehand, the header needs room for one beyond 4 GB.
        with self._zip.open(info, "w", force_zip64=not whole) as file:
            for piece in (content,) if isinstance(content, bytes) else content:
                file.write(piece)
                sums.update(piece)
                total += len(piece)
        member = Member(name, about, total, sums.hexdigest())
        self.members.append(member)
        return member

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *failure: object) -> None:
        self._zip.close()


def safe_path(name: str) -> str:
    """Returns a member's path if it is safe on every system: relative, and nothing in it leads elsewhere or is hidden.

    Args:
        name: The path.

    Returns:
        ``name`` unchanged.

    Raises:
        DataError: It is not safe.

    Example:
        >>> safe_path("shards/rosenbrock-2d-i1--adam-6ddaf2e8.parquet")
        'shards/rosenbrock-2d-i1--adam-6ddaf2e8.parquet'
    """
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        raise DataError(
            f"{clean(name)}: names in an archive must be of letters, digits, '.', '_' and '-'; got {name!r}"
        )
    return name


def _type(name: str) -> tuple[str, bool]:
    return _TYPES.get(name[name.rfind(".") :] if "." in name else "", _PLAIN)
