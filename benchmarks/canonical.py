"""Makes the committed results of a suite: its rows without curves, its manifest, its tables and figures.

    python benchmarks/canonical.py quick

Curves are five sixths of a run's bytes and no table reads them, so the committed shards leave them
empty; the figures are drawn from the full run before. Tables in ``results/canonical/<suite>-<run-id>/tables``
are rendered from the committed rows, and ``.ci/run`` renders them again and compares.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import optbench as ob
from optbench import store
from optbench.records import RUN_COLUMNS
from optbench.report import figures, tables

#: Tables that are committed, as kind and ending.
TABLES = (
    ("main", "md"),
    ("main", "txt"),
    ("gaps", "md"),
    ("reach", "md"),
    ("solved", "md"),
    ("evals", "md"),
    ("long", "csv"),
    ("ranking", "md"),
    ("tuning", "md"),
    ("matrix", "md"),
)
FORMATS = {"md": "markdown", "csv": "csv", "txt": "terminal"}


def main() -> None:
    """Runs the suite afresh and writes its canonical results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        full = ob.run(options.suite, out=scratch)
        # Not beside the runs of users: there "optbench run" would take it for a run that is finished.
        name = f"{full.manifest['suite']['name']}-{full.manifest['run_id']}"
        compact = options.out / "canonical" / name
        shutil.rmtree(compact, ignore_errors=True)
        copy_without_curves(full, compact)
        drawn = figures.draw(full, None, "png", compact / "figures")
    run = store.load(compact)
    (compact / "tables").mkdir()
    for kind, ending in TABLES:
        (compact / "tables" / f"{kind}.{ending}").write_text(tables.render(run, kind, FORMATS[ending]))
    print(f"{compact}: {len(TABLES)} tables, {len(drawn)} figures")


def copy_without_curves(full: store.Run, folder: Path) -> None:
    """Writes a run's shards and manifest to another folder, the curves left empty."""
    (folder / "shards").mkdir(parents=True)
    for label, rows in full.runs.groupby(["problem", "optimizer"], sort=True):
        columns = {name: rows[name].tolist() for name in RUN_COLUMNS}
        columns |= {name: [[]] * len(rows) for name in ("curve_f", "curve_best")}
        name = store.shard_name(*label)
        record = store.committed(full.path)[name]
        facts = {key: record[key] for key in ("run_s", "blocks", "status_counts")}
        store.write_shard(folder, name, columns, facts)
    # The folder that was computed in is gone; the same command computes the run again anywhere.
    changed = {"command": full.manifest["command"][:3], "curves": "left out", "files": store.file_sums(folder)}
    store.write_manifest(folder, {**full.manifest, **changed})


if __name__ == "__main__":
    main()
