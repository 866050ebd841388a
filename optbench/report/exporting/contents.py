"""What stands in an archive of a run, file by file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from optbench.errors import DataError, OptbenchError
from optbench.records.measures import ROWS as MEASURES
from optbench.records.schema import Schema
from optbench.report import tables
from optbench.report.citing import Citation, of_software, render
from optbench.report.evidence import Evidence
from optbench.report.exporting import crate, dictionary, readme, rows
from optbench.report.exporting.archive import Archive
from optbench.report.formats.escaping import clean
from optbench.report.formats.machine import render_csv
from optbench.report.formats.markup import render_markdown
from optbench.report.rerun import without_places
from optbench.store import committed, file_sums, files, slug

SUMS = "SHA256SUMS"
#: What answers questions of a run of some kind, beside the table that answers its suite's; the others are views of it.
MAIN_TABLES = (
    *("main", "gap", "ranking", "contrasts", "arms", "levels", "sharpness"),
    *("cross_validation", "decomposition", "ensembles", "calibration", "curves"),
)
_FIGURES, _PICTURES = "figures", frozenset({".png", ".svg", ".pdf"})
#: What a file of evidence is, by its folder.
_ABOUT = {
    "shards": "rows as they are stored, Parquet, each with its commit record",
    "pictures": "what pictures of functions of two variables need: contours, trajectories, basins",
    "frames": "what was judged, of a run whose rows are too large to be kept whole",
    "weights": "points that runs led to, NumPy arrays",
}


def fill(archive: Archive, evidence: Evidence, citation: Citation, license: str) -> list[str]:
    """Puts a run into an archive.

    Args:
        archive: What is filled.
        evidence: The run.
        citation: How to cite it.
        license: SPDX identifier.

    Returns:
        What could not be made, a sentence each.

    Raises:
        DataError: A file is not what its manifest or its commit record says.
    """
    folder, manifest = Path(evidence.run.path), evidence.manifest
    constant = constants(evidence)
    described = tables_of(evidence)
    archive.add("manifest.json", _json(without_places(manifest)), "what was run, where, and how it ended")
    archive.add("suite.toml", _suite(manifest), "the suite as it was run, whole")
    for name, schema in described.items():
        about = (
            f"one line for each {'measure that was planned' if schema.is_beside_rows else 'run'}: its names and numbers"
        )
        archive.add(f"{name}.csv", rows.csv_pieces(folder, schema, constant), about)
    archive.add("columns.csv", dictionary.columns_csv(folder, described), "what each column is: type, unit, meaning")
    if (places := dictionary.places_csv(folder, described["rows"], manifest)) is not None:
        archive.add("places.csv", places, "what stands at each place of a list: targets, points of curves")
    left_out = [*_not_kept(manifest), *_add_tables(archive, evidence), *_add_figures(archive, folder)]
    _add_evidence(archive, folder, manifest)
    bib = render(citation, "bibtex") + "\n" + render(of_software(), "bibtex")
    archive.add("CITATION.bib", bib.encode(), "how to cite the run and the software, BibTeX")
    members = list(archive.members)
    archive.add(readme.NAME, readme.readme(manifest, citation, license, members, left_out), "what this is, for people")
    sums = {SUMS: "the sum of every file"}
    described_by = crate.crate(manifest, citation, license, archive.members, sums)
    archive.add(crate.NAME, described_by, "what this is, for programs")
    lines = [f"{member.sha256}  {member.name}\n" for member in sorted(archive.members, key=lambda member: member.name)]
    archive.add(SUMS, "".join(lines).encode(), sums[SUMS])
    return left_out


def _not_kept(manifest: Mapping[str, Any]) -> list[str]:
    """Returns a sentence for each thing that a published run says it was stored without: curves, answers."""
    said = ((what, manifest.get(what)) for what in ("curves", "answers"))
    return [f"Of the stored rows, {what} were {clean(how)}: these columns are empty." for what, how in said if how]


def constants(evidence: Evidence) -> dict[str, str]:
    """Returns the last columns of every CSV of rows, each with the value that all lines have."""
    values = (clean(evidence.manifest.get("run_id", "?")), evidence.watermark)
    return dict(zip(rows.CONSTANT, values, strict=True))


def tables_of(evidence: Evidence) -> dict[str, Schema]:
    """Returns the schemas of the tables that a run has rows of, by the names of their CSV: ``rows``, ``measures``."""
    from optbench.store import row_schema

    beside = {MEASURES.name: MEASURES} if committed(Path(evidence.run.path), MEASURES) else {}
    return {"rows": row_schema(evidence.manifest), **beside}


def _add_tables(archive: Archive, evidence: Evidence) -> list[str]:
    """Adds the run's main tables; returns a sentence for each that its rows do not suffice for."""
    left_out = []
    try:
        wanted = {*MAIN_TABLES, tables.headline(evidence)}
    except OptbenchError:
        # Said below, table by table.
        wanted = {*MAIN_TABLES}
    for kind in tables.KINDS[evidence.kind]:
        if kind.name not in wanted:
            continue
        try:
            table = tables.build(evidence, kind)
        except OptbenchError as error:
            left_out.append(f"The table {kind.name} could not be made: {clean(str(error).splitlines()[0])}")
            continue
        if table.blocks:
            about = "tables computed from the rows, each with its notes, as Markdown and CSV"
            archive.add(f"tables/{kind.name}.md", render_markdown(table).encode(), about)
            archive.add(f"tables/{kind.name}.csv", render_csv(table).encode(), about)
    return left_out


def _add_figures(archive: Archive, folder: Path) -> list[str]:
    """Adds the figures that lie in a run's folder; returns a sentence for each whose name is not safe everywhere."""
    left_out = []
    for path in sorted((folder / _FIGURES).glob("*")):
        if path.suffix not in _PICTURES or path.is_symlink() or not path.is_file():
            continue
        if slug(path.name) == path.name:
            archive.add(f"{_FIGURES}/{path.name}", files.read(path), "figures as they were drawn")
        else:
            said = f"The figure {clean(path.name)} was left out: its name must be of letters, digits, '.', '_' and '-'."
            left_out.append(said)
    return left_out


def _add_evidence(archive: Archive, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Adds every file of evidence as it is stored, once its sum was found right."""
    expected = manifest.get("files") or {}
    for name, found in _evidence(folder):
        if expected and expected.get(name) != found:
            raise DataError(f"{folder / name}: sha256 must be {expected.get(name, 'in the manifest')}; got {found}")
        data = files.read(folder / name)
        if hashlib.sha256(data).hexdigest() != found:
            raise DataError(f"{folder / name} has changed while it was read; export the run again")
        archive.add(name, data, _ABOUT[name.partition("/")[0]])
    if missing := sorted(set(expected) - {member.name for member in archive.members}):
        raise DataError(f"{folder}: missing {', '.join(missing)}; run the same suite again, which recomputes them")


def _evidence(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields the files of evidence with their sums; a shard without its commit record is none."""
    sums = file_sums(folder)
    for name, found in sums.items():
        if not name.startswith("shards/") or name.endswith(".json") or name.replace(".parquet", ".json") in sums:
            yield name, found


def _suite(manifest: Mapping[str, Any]) -> bytes:
    text = manifest.get("suite", {}).get("text")
    if not isinstance(text, str):
        run_id = clean(manifest.get("run_id", "?"))
        raise DataError(f"run {run_id}: suite.text of its manifest must be the text of the suite; got {text!r}")
    return text.encode()


def _json(content: Mapping[str, Any]) -> bytes:
    """Returns a manifest as ``store.write_manifest`` writes it."""
    return (json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()
