"""Compile seconds of the suite ``quick``: shared programs, one program a pair, plain scans."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np
from scans import compile_scan
from workload import Workload

from optbench.engine.program import compile_program, compiled
from optbench.engine.record import record
from optbench.engine.recorder import compile_recorder, example
from optbench.engine.shelves import Pair, shelves
from optbench.suite.parse import load
from optbench.suite.plan import plan


def compile_seconds() -> list[dict[str, Any]]:
    """Compiles everything that ``quick`` needs in three ways, one program after the other.

    Returns:
        One row for each way: number of programs and seconds of all of them.
    """
    groups = plan(load("quick").spec).groups
    pairs = [Pair(group.problem.build(), group.optimizer.build()) for group in groups]
    begin = time.perf_counter()
    shared = shelves(pairs, "cpu")
    for shelf in shared.values():
        compile_program(shelf)
    widths = {shelf.lanes for shelf in shared.values()}
    for lanes in widths:
        compile_recorder(lanes)
    rows = [_row("optbench: shared programs and recorders", len(shared) + len(widths), begin)]

    begin = time.perf_counter()
    for pair in pairs:
        (shelf,) = shelves([pair], "cpu").values()
        compile_program(shelf)
        with jax.enable_x64(True):
            # A function of its own: JAX would find the recorder of the last pair in its cache.
            compiled(lambda *arguments: record(*arguments), *example(shelf.lanes))
    rows.append(_row("one program for each (rule, function), with the same records", len(pairs), begin))

    begin = time.perf_counter()
    for pair in pairs:
        lanes, values = 512, list(pair.rule.defaults().values())
        work = Workload(pair.problem, pair.rule, np.zeros((lanes, pair.problem.dim)), np.tile(values, (lanes, 1)), 2000)
        compile_scan(work, trace_all=True)
    rows.append(_row("plain jit(vmap(scan(optax))) for each, without records", len(pairs), begin))
    for row in rows:
        row["times_ours"] = row["seconds"] / rows[0]["seconds"]
    return rows


def _row(way: str, programs: int, begin: float) -> dict[str, Any]:
    row = {"way": way, "programs": programs, "seconds": time.perf_counter() - begin}
    print(row, flush=True)
    return row
