"""A run as files for others: an archive that explains itself, or its rows alone as one CSV or one Parquet file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optbench.errors import UsageError, unknown_name
from optbench.report.citing import of_run
from optbench.report.citing.citation import LICENSE
from optbench.report.evidence import Evidence, StoredRun
from optbench.report.exporting import contents, rows
from optbench.report.exporting.archive import Archive
from optbench.store import files

FORMATS = ("zip", "csv", "parquet")
_LICENSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        format: One of ``FORMATS``.
        members: Number of files in an archive; 1 of a single file.
        rows: Number of rows of the run.
        watermark: ``INCOMPLETE n/N`` where rows are missing, else empty.
        left_out: What could not be made, a sentence each.
        footer: The line below every table of the run.
    """

    path: Path
    format: str
    members: int
    rows: int
    watermark: str
    left_out: tuple[str, ...]
    footer: str


def export(
    run: StoredRun | Evidence,
    out: str | Path | None = None,
    format: str | None = None,
    *,
    authors: Sequence[str] = (),
    license: str = LICENSE,
) -> Exported:
    """Writes a run to one file; the same run gives the same bytes, wherever and whenever.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.
        out: The file, whose ending is the format's; by default suite and run id, in the working folder.
        format: ``zip``, all of it in an archive; ``csv``, the scalar columns of its rows; ``parquet``, all of their
            columns. By default what the ending of ``out`` says, else ``zip``.
        authors: Who made the run.
        license: SPDX identifier of the license under which it is given away.

    Returns:
        What was written.

    Raises:
        UsageError: The format, the ending, the license or a name is not usable, all said at once; or the file would lie
            in the run's folder.
    """
    form, problems = _form(out, format)
    if not _LICENSE.fullmatch(license):
        problems.append(f"--license must be an SPDX identifier such as CC-BY-4.0; got {license!r}")
    if problems:
        raise UsageError(problems)
    evidence = Evidence.of(run)
    citation = of_run(evidence, authors)
    folder = Path(evidence.run.path)
    path = Path(f"{citation.key}.{form}") if out is None else Path(out)
    with files.explained("open", path):
        if path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"--out must lie outside the run's folder {folder}; got {path}")
        if path.is_dir():
            raise UsageError(f"--out must be a file; {path} is a folder")
        files.make_folder(path.parent)
    members, left_out = 1, list[str]()
    with files.streamed_atomic(path) as file:
        if form == "zip":
            with Archive(file) as archive:
                left_out = contents.fill(archive, evidence, citation, license)
            members = len(archive.members)
        elif form == "csv":
            for piece in rows.csv_pieces(folder, contents.tables_of(evidence)["rows"], contents.constants(evidence)):
                file.write(piece)
        else:
            facts = {**citation.facts, "footer": citation.footer, "license": license}
            rows.write_parquet(folder, contents.tables_of(evidence)["rows"], file, facts)
    return Exported(path, form, members, evidence.n_rows, evidence.watermark, tuple(left_out), citation.footer)


def _form(out: str | Path | None, format: str | None) -> tuple[str, list[str]]:
    """Returns the format, and what is wrong with it."""
    if format is not None and format not in FORMATS:
        return format, [unknown_name("format", format, FORMATS)]
    ending = "" if out is None else Path(out).suffix.removeprefix(".").lower()
    form = format or ending or FORMATS[0]
    if out is None or ending == form in FORMATS:
        return form, []
    wanted = f".{format}" if format else ", ".join(f".{name}" for name in FORMATS)
    return form, [f"--out must end in {wanted}; got {str(out)!r}"]
