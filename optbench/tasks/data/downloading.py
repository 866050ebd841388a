"""A download that can be cut and goes on: the downloader that pooch is given.

Pooch downloads a file whole, checks its sum and renames it; it neither resumes nor limits size. This class keeps what
has come in a hidden file beside the target and asks for the rest (HTTP Range, RFC 9110, section 14).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin, urlsplit

from optbench.errors import BusyError

if TYPE_CHECKING:
    import requests

#: Seconds to connect, and seconds without a single byte; the slowest host sends 50 kB/s.
TIMEOUT_S = (20.0, 60.0)
MOST_REDIRECTS = 5
_CHUNK_BYTES = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)

#: Called with bytes so far and bytes in all.
Report = Callable[[int, int], None]


class Refused(Exception):
    """The server's answer is not the file, or a part of it; another server may have it."""


class Cut(Exception):
    """The connection ended early; what came is kept."""


class Downloader:
    """Downloads one file, as pooch calls it.

    Attributes:
        resumed: Whether the last file began with bytes of an earlier attempt.
    """

    def __init__(self, partial: Path, n_bytes: int, report: Report) -> None:
        """Prepares a download.

        Args:
            partial: Where bytes are kept until the file is whole.
            n_bytes: The file's size; more is refused.
            report: Called as bytes come.
        """
        self.partial = partial
        self.n_bytes = n_bytes
        self.report = report
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Downloads a file to a path.

        Args:
            url: Its address.
            output_file: The path; pooch checks the sum of what is there.
            pooch: Unused, but pooch gives it.

        Raises:
            Refused: The answer is not the file.
            Cut: The connection ended early.
            BusyError: Another process downloads it.
        """
        descriptor = os.open(self.partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(f"another process is downloading {self.partial}; wait until it has ended") from error
            file.seek(0, os.SEEK_END)
            if file.tell() > self.n_bytes:
                file.truncate(0)
            self.resumed = file.tell() > 0
            if file.tell() < self.n_bytes:
                self._rest(url, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.partial, output_file)

    def _rest(self, url: str, file: BinaryIO) -> None:
        """Appends what is missing to a file."""
        import requests
        import urllib3

        start = file.seek(0, os.SEEK_END)
        try:
            with requests.Session() as session, _answer(session, url, start) as answer:
                start = self._first_byte(answer, start)
                self.resumed = start > 0
                file.truncate(start)
                file.seek(start)
                # Bytes as they are sent: the sums are those of the compressed files.
                while chunk := answer.raw.read(_CHUNK_BYTES, decode_content=False):
                    if file.tell() + len(chunk) > self.n_bytes:
                        file.truncate(0)
                        raise Refused(f"sends more than the expected {self.n_bytes:,} bytes")
                    file.write(chunk)
                    self.report(file.tell(), self.n_bytes)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Cut(f"no connection ({_reason(error)})") from error
        except urllib3.exceptions.HTTPError as error:
            raise Cut(f"ended after {file.tell():,} of {self.n_bytes:,} bytes") from error
        except requests.RequestException as error:
            raise Refused(_reason(error)) from error
        if file.tell() < self.n_bytes:
            came = file.tell()
            # It ended in order, so this is all that the server has: another file.
            file.truncate(0)
            raise Refused(f"sends {came:,} bytes, expected {self.n_bytes:,}")

    def _first_byte(self, answer: requests.Response, start: int) -> int:
        """Returns at which byte of the file an answer begins, and refuses one that cannot be the file."""
        length = answer.headers.get("Content-Length", "")
        rest = self.n_bytes
        if start and answer.status_code == 206:
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != start or found[2] not in ("*", str(self.n_bytes)):
                raise Refused(f"answers with the range {answer.headers.get('Content-Range')!r}")
            rest -= start
        elif answer.status_code == 200:
            start = 0
        else:
            raise Refused(f"answers {answer.status_code} {answer.reason or ''}".rstrip())
        if length.isdigit() and int(length) != rest:
            raise Refused(f"sends {int(length):,} bytes, expected {rest:,}")
        return start


def _answer(session: requests.Session, url: str, start: int) -> requests.Response:
    """Returns the answer of a server, redirects followed as long as they keep the scheme."""
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    for _ in range(MOST_REDIRECTS + 1):
        answer = session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S, allow_redirects=False)
        if answer.status_code not in _REDIRECTS:
            return answer
        target = urljoin(url, answer.headers.get("Location", ""))
        answer.close()
        if urlsplit(target).scheme != urlsplit(url).scheme:
            raise Refused(f"redirects to another scheme: {target}")
        url = target
    raise Refused(f"redirects more than {MOST_REDIRECTS} times")


def _reason(error: Exception) -> str:
    """Returns the innermost reason of an error of the network in a few words."""
    reason: object = error
    while isinstance(reason, Exception):
        inner = getattr(reason, "reason", None) or reason.__cause__ or (reason.args[0] if reason.args else None)
        if not isinstance(inner, Exception):
            break
        reason = inner
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    # urllib3 puts the object before the words.
    return str(reason).rpartition(": ")[2] or type(reason).__name__
