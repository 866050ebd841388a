"""Which rows of a run are computed again: those that are named, or some that are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from optbench import store
from optbench.core.keys import generator
from optbench.errors import UsageError, unknown_name
from optbench.records import Status

#: Rows that come out again; what ended in another way ended so by what was around it.
COMES_OUT = (str(Status.OK), str(Status.DIVERGED))


def draw(run: store.Run, k: int = 0, seed: int = 0, named: Sequence[str] = ()) -> dict[str, list[str]]:
    """Returns the rows that are to be computed again.

    Args:
        run: The run, whose rows were found whole.
        k: How many are drawn of those that ended ``ok`` or ``diverged``; all if there are fewer.
        seed: Of the draw alone. The order of shards and rows does not matter to it.
        named: Ids of cells, beside those that are drawn.

    Returns:
        Ids by shard.

    Raises:
        UsageError: A named row is not there or ended in another way, or a number is out of range.
    """
    if k < 0 or seed < 0:
        raise UsageError(
            [f"{name} must be at least 0; got {n}" for name, n in (("--rerun", k), ("--seed", seed)) if n < 0]
        )
    rows = pd.concat(
        [
            pd.DataFrame({"cell_id": [], "status": [], "shard": []}, dtype=object),
            *(
                store.read_shards(run.path, [shard], ["cell_id", "status"], schema=run.schema).assign(shard=shard)
                for shard in store.committed(run.path)
            ),
        ]
    ).set_index("cell_id")
    wrong = []
    for cell in named:
        if cell not in rows.index:
            wrong.append(f"--row: {unknown_row(cell, rows.index)}")
        elif (status := str(rows.at[cell, "status"])) not in COMES_OUT:
            wrong.append(f"--row: {cell} ended in {status}; only rows of {' or '.join(COMES_OUT)} come out again")
    if wrong:
        raise UsageError(wrong)
    able = sorted(rows.index[rows["status"].isin(COMES_OUT)].astype(str).tolist())
    # The order of raw numbers is that of every version of NumPy, as its own choice may not be.
    order = np.argsort(generator(seed, "verify", "rows").random(len(able)), kind="stable")
    chosen = dict.fromkeys([*named, *(able[place] for place in order[:k])])
    found: dict[str, list[str]] = {}
    for cell in sorted(chosen, key=lambda cell: (rows.at[cell, "shard"], cell)):
        found.setdefault(str(rows.at[cell, "shard"]), []).append(cell)
    return found


def unknown_row(cell: str, known: pd.Index) -> str:
    """Returns the message for a cell that a run does not have; of tens of thousands only near ones are named."""
    near = [name for name in known if name[:6] == cell[:6]]
    return unknown_name("cell", cell, near) if near else f"the run has no cell {cell!r}; ids are in the column cell_id"
