"""Stored runs of the three kinds, small ones, that tests export and cite."""

from __future__ import annotations

import json
import shutil
import zipfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from optbench import store
from optbench.records.studies import ROWS
from optbench.report.exporting import export
from tests import studied

CANONICAL = Path(__file__).parents[2] / "results" / "canonical"
QUICK, LARGE_BATCH = CANONICAL / "quick-891f94abd910", CANONICAL / "large-batch-78caa0650140"
LABELS = {"problems": ("himmelblau-2d-i1", "sphere-30d-i1"), "optimizers": ("adam", "sgd")}


def changed(folder: Path, **entries) -> dict:
    """Changes entries of a run's manifest, with the sums of its files as they are now; returns it."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text()) | {"files": store.file_sums(folder)} | entries
    path.unlink()
    store.write_manifest(folder, manifest)
    return manifest


def of_functions(folder: Path) -> Path:
    """Stores four shards of the committed run of functions, as if no other had been planned."""
    (folder / "shards").mkdir(parents=True)
    names = [store.shard_name(*labels) for labels in product(*LABELS.values())]
    for name in names:
        for ending in ("json", "parquet"):
            shutil.copy(QUICK / "shards" / f"{name}.{ending}", folder / "shards")
    shutil.copy(QUICK / "manifest.json", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {what: {label: manifest[what][label] for label in labels} for what, labels in LABELS.items()}
    counts: dict[str, int] = {}
    for record in store.committed(folder).values():
        for status, count in record["status_counts"].items():
            counts[status] = counts.get(status, 0) + count
    part = {"problems": {"kept": 2, "of": 12, "added": 0}, "optimizers": {"kept": 2, "of": 7, "added": 0}}
    changed(folder, **kept, shards=names, n_cells=4 * 768, status_counts=counts, part=part,
            command=["optbench", "run", "quick", "--out", "/data/ada", "--problems", "himmelblau,sphere"],
            selection={"problems": ["himmelblau", "sphere"], "optimizers": ["adam", "sgd"]})  # fmt: skip
    return folder


def of_networks(folder: Path) -> Path:
    """Copies the committed run of networks, which has measures and figures."""
    shutil.copytree(LARGE_BATCH, folder, ignore=shutil.ignore_patterns("tables"))
    return folder


def of_studies(folder: Path, *, optimizer: str = "sgd", **entries) -> Path:
    """Stores a synthetic run of studies, two replicates of each.

    Args:
        folder: Where.
        optimizer: Label of the optimizer in its rows.
        **entries: Entries of its manifest.
    """
    (folder / "shards").mkdir(parents=True)
    rows = studied.runs(2)
    rows["optimizer"] = rows["optimizer"].where(rows["optimizer"] == "", optimizer)
    for (study, replicate), some in rows.groupby(["study", "replicate"]):
        columns = {name: [_stored(value) for value in some[name]] for name in ROWS.columns}
        counts = {"status_counts": {"ok": len(some)}}
        store.write_shard(folder, store.shard_name(study, f"replicate-{replicate}"), columns, counts, schema=ROWS)
    manifest = studied.manifest(2, n_cells=len(rows), created_utc="2026-12-31T23:59:59+00:00", **entries)
    suite = {"name": "made", "version": 1, "question": "Do trees agree?", "text": 'name = "made"\n'}
    store.write_manifest(folder, {**manifest, "suite": suite | manifest["suite"], "files": store.file_sums(folder)})
    return folder


def _stored(value):
    return None if value is pd.NaT or (isinstance(value, float) and np.isnan(value)) else value


MAKERS = {"landscapes": of_functions, "networks": of_networks, "studies": of_studies}


class Export:
    """A run, its archive, and the archive unpacked."""

    def __init__(self, kind, root):
        self.run = store.load(MAKERS[kind](root / "run"))
        self.done = export(self.run, root / "out.zip")
        self.zip = zipfile.ZipFile(self.done.path)
        self.names = self.zip.namelist()
        self.folder = root / "unpacked"
        for name in self.names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.zip.read(name))

    def text(self, name):
        return self.zip.read(name).decode()
