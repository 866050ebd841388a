"""What was run: write-once shards, a manifest, and the way back to data frames. Imports no JAX.

Every function here raises ``StorageError`` where the file system refuses, and ``DataError`` where
stored files are missing, damaged or of another schema.
"""

from __future__ import annotations

from optbench.store.checks import Check, Fault, Level, Verdict, check_files
from optbench.store.frames import read_frame, write_frame
from optbench.store.loaded import Run, load
from optbench.store.lock import writing
from optbench.store.manifest import add_sums, file_sums, read_manifest, stopped_copy, verify, write_manifest
from optbench.store.measures import read_measures
from optbench.store.paths import run_folder, run_id, shard_name, slug
from optbench.store.pictures import read_picture, write_picture
from optbench.store.rows import StoredRows
from optbench.store.schemas import row_schema
from optbench.store.shards import (
    committed,
    damaged,
    quarantine,
    read_runs,
    read_shards,
    shard_table,
    write_shard,
)
from optbench.store.weights import read_weights, write_weights

__all__ = [
    "Check",
    "Fault",
    "Level",
    "Run",
    "StoredRows",
    "Verdict",
    "add_sums",
    "check_files",
    "committed",
    "damaged",
    "file_sums",
    "load",
    "quarantine",
    "read_frame",
    "read_manifest",
    "read_measures",
    "read_picture",
    "read_runs",
    "read_shards",
    "read_weights",
    "row_schema",
    "run_folder",
    "run_id",
    "shard_name",
    "shard_table",
    "slug",
    "stopped_copy",
    "verify",
    "write_frame",
    "write_manifest",
    "write_picture",
    "write_shard",
    "write_weights",
    "writing",
]
