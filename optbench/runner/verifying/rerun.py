"""Rows of a stored run, computed again and compared; nothing of the run is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optbench import store
from optbench.errors import DataError
from optbench.records.schema import Schema
from optbench.runner.kinds import Kind
from optbench.runner.kinds.again import differences
from optbench.runner.kinds.compared import Compared
from optbench.runner.kinds.kind import cells_of
from optbench.runner.verifying import agreement, surroundings
from optbench.runner.verifying.agreement import Deviation
from optbench.store import Check, Fault, Level, Verdict, parquet

#: Said for a row whose bits are promised.
TO_THE_BIT = "to the bit"


def check_rerun(
    run: store.Run, planned: Kind | str, cells: Mapping[str, Sequence[str]], tell: Callable[[str, int], None]
) -> Check:
    """Computes rows again and compares them: to the bit where the environment is the run's, else within tolerance.

    Args:
        run: A run whose files and rows were found whole.
        planned: What ``replanned`` returned.
        cells: Ids of the rows, by shard.
        tell: Is told what is being done, and how many rows are done.

    Returns:
        What was found, with a fact for each row. Rows that cannot be computed here are a fault: they were asked for.
    """
    if isinstance(planned, str):
        return Check.of(Level.RERUN, "no row was computed again", [Fault("manifest.json: suite", "a plan", planned)])
    differs = surroundings.differences(run.manifest)
    faults: list[Fault] = []
    rows: list[dict[str, Any]] = []
    n_made = 0
    try:
        planned.check()
        for shard, wanted in cells.items():
            made, compared = _shard(run, planned, shard, wanted, differs, lambda said: tell(said, len(rows)))
            n_made += made
            for row, found in compared:
                rows.append(row)
                faults += found
    except DataError as error:
        faults.append(Fault("shards", "rows that can be computed here", str(error).splitlines()[0]))
    if not rows and not faults:
        return Check(Level.RERUN, Verdict.NOT_APPLICABLE, "the run has no row that ended ok or diverged")
    n_equal = sum(row["to_the_bit"] for row in rows)
    facts = {"rows": rows, "environment_differs": differs, "to_the_bit": n_equal, "rows_computed": n_made}
    return Check.of(Level.RERUN, _said(rows, n_made, n_equal, differs), faults, facts)


def _said(rows: Sequence[Mapping[str, Any]], n_made: int, n_equal: int, differs: Sequence[str]) -> str:
    """Returns what was compared, and how closely."""
    if not rows:
        return "no row could be computed again"
    said = f"{len(rows):,} row{'s' if len(rows) > 1 else ''} computed again"
    # Bits hang on what is computed together: of functions on blocks of lanes, of studies on the models before.
    said += f" (with their shards, {n_made:,} rows)" if n_made > len(rows) else ""
    said += f", {n_equal:,} the same {TO_THE_BIT}"
    if not differs:
        return f"{said}, as the same environment promises"
    said += "" if n_equal == len(rows) else ", the others compared within tolerance"
    return f"{said}; no bits are promised here: {'; '.join(differs)}"


def _shard(
    run: store.Run,
    kind: Kind,
    shard: str,
    wanted: Sequence[str],
    differs: Sequence[str],
    tell: Callable[[str], None],
) -> tuple[int, list[tuple[dict[str, Any], list[Fault]]]]:
    """Returns how many rows were computed for some of a shard, and those rows, each with its faults."""
    if shard not in {part.shard for part in kind.parts()}:
        raise DataError(f"this build plans no shard {shard}: another version made the run")
    schema = run.schema
    stored = store.read_shards(run.path, [shard], schema=schema)
    lacking = [*run.lacking, *_left_out(run, stored)]
    columns = [name for name in schema.columns if name not in lacking]
    plain = [name for name, column in schema.columns.items() if not column.type.startswith("list")]
    asked = stored[stored["cell_id"].isin(list(wanted))]
    made = kind.remake(shard, cells_of({name: asked[name].tolist() for name in plain}, plain), run.path, tell)
    remade = parquet.table_of(made, schema).to_pandas()
    again = {str(one["cell_id"]): one for one in _rows(remade)}
    peers, found_of = _peers(run, stored, kind.compared), []
    for row in _rows(asked):
        cell = str(row["cell_id"])
        if cell not in again:
            raise DataError(f"cell {cell} of {shard} is not among the rows that were computed again")
        other = again[cell]
        unequal = agreement.unequal(row, other, columns)
        found = _faults(run, shard, row, other, unequal, differs, peers, kind.compared)
        where = {name: _plain(row[name]) for name in schema.order}
        by = _distances(asked, remade[remade["cell_id"] == cell], unequal, schema)
        said = {"cell_id": cell, **where, "to_the_bit": not unequal, "differs": by, "agrees": not found}
        found_of.append((said, found))
    return len(remade), found_of


def _distances(stored: pd.DataFrame, again: pd.DataFrame, names: Sequence[str], schema: Schema) -> dict[str, Any]:
    """Returns by how much the columns of a row differ that are not the same; ``None`` where that is no number."""
    numbers = [name for name in names if schema.columns[name].type != "string"]
    columns = {str(name): values.tolist() for name, values in again.items()}
    (far,) = differences(stored, columns, numbers).values() or ({},)
    return {name: far[name] if np.isfinite(far.get(name, np.inf)) else None for name in names}


def _faults(
    run: store.Run,
    shard: str,
    row: Mapping[str, Any],
    other: Mapping[str, Any],
    unequal: Sequence[str],
    differs: Sequence[str],
    peers: pd.DataFrame,
    compared: Compared | None,
) -> list[Fault]:
    """Returns where a row does not agree with what was computed again."""
    place = f"shards/{shard}.parquet, cell {row['cell_id']}"
    if not differs:
        return [
            Fault(f"{place}: {name}", f"{_short(other[name])}, computed again", _short(row[name])) for name in unequal
        ]
    if not unequal:
        return []
    if compared is None:
        return [Fault(f"{place}: {name}", "the same bits", "others") for name in unequal]
    same = pd.Series(True, index=peers.index)
    for name in compared.peers:
        same &= (peers[name] == row[name]) | (peers[name].isna() & pd.isna(row[name]))
    dtype = str(run.manifest.get("dtype", "float32"))
    found = agreement.deviations(row, other, compared, peers[same], dtype)
    return [_fault(place, one) for one in found]


def _fault(place: str, one: Deviation) -> Fault:
    return Fault(f"{place}: {one.column}", f"{one.again}, computed again (may differ by {one.allowed})", one.stored)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _peers(run: store.Run, stored: pd.DataFrame, compared: Compared | None) -> pd.DataFrame:
    """Returns the stored rows among which those of the same configuration are: of studies those of all replicates."""
    if compared is None or "split" in run.schema.columns:
        return stored
    columns = dict.fromkeys(["cell_id", "status", *compared.peers, *compared.outcomes])
    return store.read_runs(run.path, list(columns), schema=run.schema)


def _left_out(run: store.Run, stored: pd.DataFrame) -> list[str]:
    """Returns the columns that a published run leaves empty, as its manifest says it does."""
    if not (run.manifest.get("curves") or run.manifest.get("answers")):
        return []
    lists = [name for name, column in run.schema.columns.items() if column.type.startswith("list")]
    return [name for name in lists if not stored[name].map(lambda values: values is not None and len(values)).any()]


def _plain(value: Any) -> Any:
    """Returns a value of a row as JSON has it."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _short(value: Any) -> str:
    """Returns a value as a message shows it; a curve by its length and ends."""
    if value is None or isinstance(value, str) or not hasattr(value, "__len__"):
        return repr(_plain(value))
    return f"{len(value)} values, {value[0]} to {value[-1]}" if len(value) else "no values"
