"""The one place that downloads, called by ``optbench data fetch`` and by nothing else."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from optbench.errors import DataError, StorageError
from optbench.tasks.data import registry
from optbench.tasks.data.downloading import Cut, Downloader, Refused
from optbench.tasks.data.folder import path as path_of
from optbench.tasks.data.folder import root
from optbench.tasks.data.inspecting import Condition, Finding, by_hand, inspect
from optbench.tasks.data.registry import DataSet, File, Origin
from optbench.tasks.data.unpacking import unpack

#: How often a server is asked again after a connection that ended early, as long as it brings bytes.
MOST_CUTS = 20

#: Called with the file's name, bytes so far and bytes in all.
Report = Callable[[str, int, int], None]


def fetch(name: str, folder: Path | str | None = None, *, report: Report | None = None) -> list[Path]:
    """Downloads the files of a data set that are not there, and unpacks its archive if it has one.

    A download that was cut goes on where it stopped. A damaged file is kept under another name. Proxies are taken from
    the environment.

    Args:
        name: Name of the data set.
        folder: Root of all data sets, as in ``load``.
        report: Called as bytes come.

    Returns:
        The files that are new; none if all were there.

    Raises:
        UsageError: There is no such data set.
        DataError: No mirror has the file, or the archive is not the original.
        BusyError: Another process downloads the same file.
        StorageError: The system refused to write.
    """
    found = registry.find(name)
    if found.origin is not Origin.FILES:
        return []
    target = root(folder) / found.folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        needed = _set_aside([inspect(path_of(found, file, folder), file) for file in found.files])
        if not needed:
            return []
        if found.archive is None:
            for file in needed:
                _download(found, file, target / file.name, report)
        else:
            _from_archive(found, found.archive, target, report)
    except OSError as error:
        raise StorageError(f"cannot write to {target}: {error.strerror or error}") from error
    return [target / file.name for file in needed]


def _set_aside(findings: list[Finding]) -> list[File]:
    """Renames damaged files and returns all that are needed."""
    needed = []
    for finding in findings:
        if finding.condition is Condition.GOOD:
            continue
        needed.append(finding.file)
        if finding.condition is not Condition.MISSING:
            _keep(finding.path)
    return needed


def _keep(path: Path) -> None:
    """Gives a file a name that nothing has."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.replace(path, kept)


def _from_archive(found: DataSet, archive: File, target: Path, report: Report | None) -> None:
    """Unpacks the archive of a set: the user's own where it lies there, which stays, or a download, which does not."""
    path = target / archive.name
    finding = inspect(path, archive)
    if finding.condition is not Condition.GOOD:
        _set_aside([finding])
        _download(found, archive, path, report)
    unpack(path, found, target)
    if finding.condition is not Condition.GOOD:
        path.unlink()


def _download(found: DataSet, file: File, path: Path, report: Report | None) -> None:
    """Downloads a file from the first mirror that has it."""

    def show(done: int, total: int) -> None:
        if report is not None:
            report(file.name, done, total)

    partial = path.with_name(f".{file.name}.partial")
    downloader = Downloader(partial, file.n_bytes, show)
    failures = []
    for mirror in found.mirrors:
        url = mirror + file.name
        failure = _try(url, file, path, downloader)
        if not failure:
            return
        failures.append(f"  {url}: {failure}")
    lines = [
        f"cannot download {file.name} of data set {found.name!r} ({file.n_bytes:,} bytes, SHA-256 {file.sha256})",
        *failures,
    ]
    if n_bytes := _size(partial):
        lines.append(f"  {n_bytes:,} of {file.n_bytes:,} bytes are kept; the same command goes on from there")
    else:
        partial.unlink(missing_ok=True)
    lines.append("  " + by_hand(found, path.parent))
    raise DataError("\n".join(lines))


def _try(url: str, file: File, path: Path, downloader: Downloader) -> str:
    """Downloads a file from one address; returns why that failed, or an empty text."""
    # It takes a tenth of a second to import, and nothing else of optbench needs it.
    import pooch

    # Pooch announces each file on stderr; the caller's progress says more.
    pooch.get_logger().setLevel(logging.WARNING)
    again = True
    failure = ""
    for _ in range(MOST_CUTS):
        before = _size(downloader.partial)
        try:
            whole = pooch.retrieve(
                url, f"sha256:{file.sha256}", fname=f".{path.name}.whole", path=path.parent, downloader=downloader
            )
        except Refused as error:
            return str(error)
        except Cut as error:
            failure = str(error)
            if _size(downloader.partial) <= before:
                return failure
        except ValueError:
            # Pooch has removed the file. What an earlier attempt left may have been the wrong half of it.
            failure = "sends a file with another SHA-256"
            if not (downloader.resumed and again):
                return failure
            again = False
        else:
            os.replace(whole, path)
            return ""
    return failure


def _size(path: Path) -> int:
    """Returns the size of a file, 0 if it is not there."""
    return path.stat().st_size if path.exists() else 0
