"""Stored runs for the tests of the command line."""

from __future__ import annotations

import json
from pathlib import Path

from optbench.records.schema import SCHEMA_VERSION


def write_run(folder: Path, *, created: str = "2030-01-01T00:00:00Z", **changes) -> Path:
    """Writes the manifest of a run without rows."""
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run_id": folder.name,
        "suite": {"name": folder.parent.name, "version": 1},
        "state": "running",
        "shards": ["a-1", "b-2"],
        "status_counts": {},
        "created_utc": created,
        "finished_utc": None,
        "command": ["optbench", "run", "quick"],
        "budget": 10,
        **changes,
    }
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
