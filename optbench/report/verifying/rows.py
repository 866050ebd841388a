"""Are the rows of a run whole, each cell once, and such as analysis takes them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from optbench import store
from optbench.errors import DataError
from optbench.report.evidence import Evidence
from optbench.store import Check, Fault, Level


def check_rows(run: store.Run) -> Check:
    """Checks that every planned cell has one row, and what analysis of its kind assumes of rows.

    Args:
        run: A run whose files were found whole.

    Returns:
        What was found. Of a run that is not finished, shards may be missing.
    """
    try:
        rows = store.read_runs(run.path, ["cell_id", "status"], schema=run.schema)
        faults = [*_shard_faults(run), *_cell_faults(run, rows), *_measure_faults(run, rows)]
    except DataError as error:
        return Check.of(Level.ROWS, "rows could not be read", [_refused(error)])
    if not faults:
        faults = list(_analysis_faults(run))
    finished = run.manifest["state"] == "finished"
    planned = f"of {run.manifest['n_cells']:,} planned" if not finished else "one for each planned cell"
    said = f"{len(rows):,} rows, {planned}" + ("; the run is not finished" if not finished else "")
    if Evidence.of(run).of_kind.check_rows is None:
        said += "; analysis of this kind has no checks of its own"
    elif run.manifest.get("answers"):
        said += f"; answers {run.manifest['answers']}, so what analysis checks of them was not"
    return Check.of(Level.ROWS, said if not faults else f"{len(rows):,} rows", faults, {"n_rows": len(rows)})


def _refused(error: DataError) -> Fault:
    return Fault("shards", "rows that can be read and judged", " ".join(str(error).split()))


def _shard_faults(run: store.Run) -> Iterator[Fault]:
    """Yields shards that are not those of the plan."""
    planned, there = set(run.manifest["shards"]), set(store.committed(run.path))
    for name in sorted(there - planned):
        yield Fault(f"shards/{name}.parquet", "a shard that the manifest plans", "one that it does not name")
    if run.manifest["state"] == "finished":
        for name in sorted(planned - there):
            yield Fault(f"shards/{name}.parquet", "a committed shard, since the run is finished", "none")


def _cell_faults(run: store.Run, rows: pd.DataFrame) -> Iterator[Fault]:
    """Yields what is wrong with the number of rows, their ids and how they ended."""
    manifest = run.manifest
    if twice := rows["cell_id"][rows["cell_id"].duplicated()].unique().tolist():
        yield Fault("shards", "each cell once", f"{len(twice):,} more than once, such as {twice[0]}")
    finished = manifest["state"] == "finished"
    if len(rows) > manifest["n_cells"] or (finished and len(rows) != manifest["n_cells"]):
        yield Fault("manifest.json: n_cells", f"{manifest['n_cells']:,} rows", f"{len(rows):,}")
    counts = _counts(Counter(rows["status"]))
    if finished and counts != _counts(manifest["status_counts"]):
        yield Fault("manifest.json: status_counts", _words(manifest["status_counts"]), _words(counts))
    said: Counter[str] = Counter()
    for record in store.committed(run.path).values():
        said.update(record.get("status_counts", {}))
    if said and counts != _counts(said):
        yield Fault("shards: commit records", _words(said), _words(counts))


def _counts(counts: dict[str, int]) -> dict[str, int]:
    return {name: n for name, n in sorted(counts.items()) if n}


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {status}" for status, n in _counts(counts).items()) or "none"


def _measure_faults(run: store.Run, rows: pd.DataFrame) -> Iterator[Fault]:
    """Yields what is wrong with rows of measures: they are of cells of the run, each once for a point."""
    measures = run.measures
    if unknown := sorted(set(measures["cell_id"]) - set(rows["cell_id"])):
        yield Fault("shards/measures", "measures of cells of the run", f"{len(unknown):,} others, such as {unknown[0]}")
    keys = ["cell_id", "point", "evals", "other_cell_id", "measure", "settings"]
    if twice := int(measures.duplicated(keys).sum()):
        yield Fault("shards/measures", "each measure of a point once", f"{twice:,} more than once")


def _analysis_faults(run: store.Run) -> Iterator[Fault]:
    """Yields why analysis would refuse the rows; it names the first fault that it finds."""
    evidence = Evidence.of(run)
    check = evidence.of_kind.check_rows
    # Without the answers of its models a study's rows are incomplete on purpose; frames stand in for them.
    if check is None or run.manifest.get("answers"):
        return
    try:
        check(evidence)
    except DataError as error:
        yield _refused(error)
