"""What a check of a stored run says: a level, whether what it claims holds, and each thing that does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from optbench.store import parquet
from optbench.store.manifest import differences, read_manifest
from optbench.store.paths import FRAMES, PICTURES, QUARANTINE
from optbench.store.shards import committed, damaged

#: What every other check reads of a manifest, and what it must be there.
_ENTRIES: dict[str, type] = {
    "state": str,
    "suite": dict,
    "selection": dict,
    "shards": list,
    "n_cells": int,
    "status_counts": dict,
    "files": dict,
    "versions": dict,
    "machine": dict,
    "flags": dict,
}


class Level(StrEnum):
    """What of a run can be checked, each further from the bytes and nearer to the runs."""

    FILES = "files"
    ROWS = "rows"
    RENDERING = "rendering"
    IDENTITY = "identity"
    RERUN = "rerun"


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    #: The run has nothing of the kind, or it cannot hold here.
    NOT_APPLICABLE = "not applicable"
    #: Nobody asked for it, or another level must hold first.
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold.

    Attributes:
        file: The file in the run's folder, and where that helps the place in it.
        expected: What should be there.
        found: What is there.
    """

    file: str
    expected: str
    found: str


@dataclass(frozen=True)
class Check:
    """What was found at one level.

    Attributes:
        level: The level.
        verdict: How it ended.
        said: What was looked at, in a few words.
        faults: What does not hold.
        facts: What a program may want to know beside that; ready for JSON.
    """

    level: Level
    verdict: Verdict
    said: str
    faults: Sequence[Fault] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, level: Level, said: str, faults: Sequence[Fault], facts: Mapping[str, Any] | None = None) -> Check:
        """Returns a check that was made: it has passed if nothing is wrong.

        Example:
            >>> Check.of(Level.FILES, "2 files", []).verdict
            <Verdict.PASSED: 'passed'>
        """
        return cls(level, Verdict.FAILED if faults else Verdict.PASSED, said, faults, facts or {})


def check_files(folder: Path) -> Check:
    """Checks every file of evidence: its sum in the manifest, that in its commit record, and the sums of its pages.

    Of a run that is not finished the manifest has no sums yet; its commit records have those of their shards.

    Args:
        folder: The run's folder.

    Returns:
        What was found. Files in ``quarantine`` are named, and are no fault: the run has computed them again.

    Raises:
        DataError: The manifest is missing or damaged.
    """
    manifest = read_manifest(folder)
    if faults := list(manifest_faults(manifest)):
        return Check.of(Level.FILES, "entries of the manifest that all checks read", faults)
    finished = manifest.get("state") == "finished"
    found = differences(folder) if finished else []
    faults += [Fault(one.path, one.expected, one.found) for one in found]
    named = {one.path for one in found}
    broken = damaged(folder)
    for shard, wrong in broken.items():
        path = f"shards/{shard}.parquet"
        # A sum that differs from the manifest's differs from the record's, which is said already.
        if path not in named and f"shards/{shard}.json" not in named:
            faults.append(Fault(path, "a shard that its commit record describes", wrong))
    for part in (PICTURES, FRAMES):
        for file in sorted((folder / part).glob("*.parquet")):
            path = file.relative_to(folder).as_posix()
            if path not in named and isinstance(wrong_page := parquet.load(file), str):
                faults.append(Fault(path, "a Parquet file whose pages have their checksums", wrong_page))
    faults += [] if broken else _count_faults(folder)
    aside = sorted(p.relative_to(folder).as_posix() for p in (folder / QUARANTINE).rglob("*.parquet"))
    n_files = len(manifest.get("files", {}))
    said = f"{n_files:,} files have the SHA-256 of the manifest" if finished else "shards have that of their records"
    if finished and faults:
        said = f"{n_files:,} files, by SHA-256, commit records and page checksums"
    if aside:
        said += f"; set aside earlier: {', '.join(aside)}"
    return Check.of(Level.FILES, said, faults, {"files": n_files, "quarantined": aside, "readable": not broken})


def manifest_faults(manifest: Mapping[str, Any]) -> Iterator[Fault]:
    """Yields entries that a manifest lacks, or that are not of their type.

    Example:
        >>> [fault.file for fault in manifest_faults({"state": "finished"})][:2]
        ['manifest.json: suite', 'manifest.json: selection']
    """
    for key, kind in _ENTRIES.items():
        if not isinstance(manifest.get(key), kind):
            found = type(manifest[key]).__name__ if key in manifest else "nothing"
            yield Fault(f"manifest.json: {key}", f"an entry of type {kind.__name__}", found)
    shards = manifest.get("shards")
    if isinstance(shards, list) and not all(isinstance(name, str) for name in shards):
        yield Fault("manifest.json: shards", "names of shards", "something else among them")


def _count_faults(folder: Path) -> Iterator[Fault]:
    """Yields shards whose number of rows is not the one that their commit record has."""
    for name, record in committed(folder).items():
        path = f"shards/{name}.parquet"
        table = parquet.load(folder / path, lambda there: there[:1])
        if not isinstance(table, str) and table.num_rows != record["rows"]:
            yield Fault(path, f"{record['rows']:,} rows, as its commit record says", f"{table.num_rows:,}")
