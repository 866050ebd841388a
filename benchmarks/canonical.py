"""Makes the committed results of a suite: its rows without curves, its manifest, its tables and figures.

    python benchmarks/canonical.py quick
    python benchmarks/canonical.py regularization --run results/regularization/a40fee9b5e43

The second takes a run that is finished; without ``--run`` the suite is run afresh.

Curves are five sixths of a run's bytes and no table reads them, so the committed shards leave them empty; the
figures are drawn from the full run before. Of studies, what each model says of every test example is left out,
and the frames that analysis makes of it are committed beside the rows. Tables in
``results/canonical/<suite>-<run-id>/tables`` are rendered from what is committed, must be those of the full run,
and ``.ci/run`` renders them again and compares.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import optbench as ob
from optbench import store
from optbench.records.measures import ROWS as MEASURES
from optbench.report import figures, tables
from optbench.report.evidence import Evidence
from optbench.report.kinds.studies import FRAMES

#: Tables that are committed, as kind and ending, by the kind of run.
TABLES = {
    "landscapes": (
        ("main", "md"),
        ("main", "txt"),
        ("gaps", "md"),
        ("reach", "md"),
        ("solved", "md"),
        ("evals", "md"),
        ("long", "csv"),
        ("ranking", "md"),
        ("stability", "md"),
        ("tuning", "md"),
        ("matrix", "md"),
    ),
    "networks": (("main", "md"), ("gap", "md"), ("effects", "md"), ("ranking", "md"), ("long", "csv")),
    "studies": (
        ("main", "md"),
        ("main", "txt"),
        ("cross_validation", "md"),
        ("decomposition", "md"),
        ("ensembles", "md"),
        ("ensembles", "csv"),
        ("calibration", "md"),
        ("curves", "md"),
    ),
}
#: Figures that are committed, by the kind of run; all if ``None``.
FIGURES = {"landscapes": None, "networks": ("gap",), "studies": None}
#: Tables and figures of a run that is measured, of either kind.
MEASURED_TABLES = (("main", "md"), ("sharpness", "md"), ("sharpness", "csv"))
MEASURED_FIGURES = ("sharpness",)
#: Tables and figures of a run with arms, ways of training at several batch sizes.
ARM_TABLES = (("gap", "md"), ("arms", "md"), ("levels", "md"), ("levels", "csv"))
ARM_FIGURES = ("batch_size", "levels", "sharpness_gap", "interpolation", "warm_start")
#: What names a shard, by the kind of run.
SHARDS = {
    "landscapes": ("problem", "optimizer"),
    "networks": ("task", "optimizer", "split"),
    "studies": ("study", "replicate"),
}
#: Columns that committed rows leave empty, of studies, which have frames in their place; of others the curves.
ANSWERS = tuple(
    f"test_{name}" for name in ("probabilities", "labels", "points", "truth", "targets", "predictions")
) + tuple(f"curve_{name}" for name in ("grads", "train_loss", "train_accuracy", "test_loss", "test_accuracy"))
#: What a commit record says that tables show.
FACTS = ("run_s", "thread_s", "each_s", "blocks", "status_counts")
FORMATS = {"md": "markdown", "csv": "csv", "txt": "terminal"}


def main() -> None:
    """Runs the suite afresh and writes its canonical results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("--run", type=Path, help="a run of the suite that is finished")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        full = store.load(options.run) if options.run else ob.run(options.suite, out=scratch)
        # Not beside the runs of users: there "optbench run" would take it for a run that is finished.
        name = f"{full.manifest['suite']['name']}-{full.manifest['run_id']}"
        compact = options.out / "canonical" / name
        shutil.rmtree(compact, ignore_errors=True)
        compress(full, compact)
        wanted, pictures = shown(full)
        drawn = figures.draw(full, pictures, "png", compact / "figures")
        run = store.load(compact)
        (compact / "tables").mkdir()
        for table, ending in wanted:
            text = tables.render(run, table, FORMATS[ending])
            if text != tables.render(full, table, FORMATS[ending]):
                shutil.rmtree(compact)
                raise SystemExit(f"{table}.{ending} of the committed rows is not that of {full.path}")
            (compact / "tables" / f"{table}.{ending}").write_text(text)
    print(f"{compact}: {len(wanted)} tables, {len(drawn)} figures")


def shown(full: store.Run) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...] | None]:
    """Returns the tables of a run that are committed, as kind and ending, and the kinds of its figures."""
    if full.manifest.get("arms"):
        known = {spec["name"] for spec in full.manifest.get("measures", {}).values()}
        has = {"interpolation": "interpolation" in known, "warm_start": _has_warm_start(full)}
        return ARM_TABLES, tuple(name for name in ARM_FIGURES if has.get(name, True))
    if len(full.measures):
        return MEASURED_TABLES, MEASURED_FIGURES
    kind = full.schema.name
    return TABLES[kind], FIGURES[kind]


def _has_warm_start(full: store.Run) -> bool:
    return any(task.get("warm_start") for task in full.manifest["tasks"].values())


def compress(full: store.Run, folder: Path) -> None:
    """Writes a run's shards and manifest to another folder, what is large left empty."""
    (folder / "shards").mkdir(parents=True)
    schema = full.schema
    keys = SHARDS[schema.name]
    is_judged = schema.name == "studies"
    empty = ANSWERS if is_judged else schema.curves.columns.values()
    for (first, *others), rows in full.runs.groupby(list(keys), sort=True):
        name = store.shard_name(
            first, "--".join(_part(column, value) for column, value in zip(keys[1:], others, strict=True))
        )
        # Facts of a record stand in the order of its shard, which is not that of the run's rows.
        order = store.read_shards(full.path, [name], ["cell_id"], schema=schema)["cell_id"]
        rows = rows.set_index("cell_id", drop=False).loc[order]
        columns = {column: rows[column].tolist() for column in schema.columns}
        columns |= {column: [[]] * len(rows) for column in empty}
        record = store.committed(full.path)[name]
        facts = {key: record[key] for key in FACTS if key in record}
        store.write_shard(folder, name, columns, facts, schema=schema)
    # Measures were committed one by one as they came; of a finished run one shard for each is enough.
    for label, rows in full.measures.groupby("measure", sort=True):
        columns = {name: [_stored(value) for value in rows[name]] for name in MEASURES.columns}
        facts = {"seconds": rows["seconds"].tolist()}
        store.write_shard(folder, store.shard_name(label, "all"), columns, facts, schema=MEASURES)
    if is_judged:
        seen = Evidence.of(full)
        for name in FRAMES:
            store.write_frame(folder, name, seen.frame(name))
    # The folder that was computed in is gone; the same command computes the run again anywhere.
    changed = {"command": full.manifest["command"][:3], "files": store.file_sums(folder)}
    changed |= {"answers": "left out, judged in frames"} if is_judged else {"curves": "left out"}
    store.write_manifest(folder, {**full.manifest, **changed})


def _part(column: str, value: Any) -> str:
    """Returns what a value of a column adds to the name of a shard."""
    return f"{column}-{value}" if column == "replicate" else str(value)


def _stored(value: Any) -> Any:
    """Returns a value as it is stored: null where a frame has no number."""
    return None if isinstance(value, float) and np.isnan(value) else value


if __name__ == "__main__":
    main()
