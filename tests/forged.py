"""Stored runs that were changed by someone who knows how they are stored: sums, records and manifest fit again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from optbench.store import file_sums, parquet

CANONICAL = Path(__file__).parents[1] / "results" / "canonical"
#: Runs of networks, of functions and of networks with measures; the first is small.
IMAGES, QUICK = CANONICAL / "images-19d980e3a7c6", CANONICAL / "quick-891f94abd910"


def copied(run: Path, folder: Path) -> Path:
    """Copies a run; its folder may be changed at will."""
    return Path(shutil.copytree(run, folder / run.name))


def edit(folder: Path, **entries) -> None:
    """Changes entries of a manifest, whose sums stay as they are."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def sums_fit(folder: Path) -> None:
    """Gives the manifest the sums of the files that are there now."""
    edit(folder, files=file_sums(folder))


def rewrite(folder: Path, shard: str, change: Callable[[list[dict]], list[dict]]) -> None:
    """Changes the rows of a shard, its commit record and the manifest, so that all sums fit."""
    path = folder / "shards" / f"{shard}.parquet"
    table = pq.read_table(path)
    replace(path, parquet.encode(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema)))
    record = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**record, "rows": pq.read_table(path).num_rows}))
    sums_fit(folder)


def replace(path: Path, data: bytes) -> None:
    """Writes a shard whose commit record and manifest then have its sum."""
    path.write_bytes(data)
    record = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**record, "sha256": hashlib.sha256(data).hexdigest()}))
    sums_fit(path.parents[1])


def shard_of(folder: Path, part: str = "") -> str:
    """Returns the first shard of rows whose name has a part."""
    return next(path.stem for path in sorted((folder / "shards").glob("*.parquet")) if part in path.name)
