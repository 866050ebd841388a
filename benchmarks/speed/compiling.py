"""Compile seconds of whole suites: shared programs cold and from the cache, one program a pair, plain scans."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import jax
import numpy as np
from scans import compile_scan
from workload import RULES, Workload

from optbench.engine.compile import CACHE_VARIABLE, compile_function
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.program import compile_program
from optbench.engine.landscapes.record import record
from optbench.engine.landscapes.recorder import compile_recorder, example
from optbench.engine.landscapes.sharing import Pair, program_specs
from optbench.suite.landscapes.plan import plan
from optbench.suite.parse import load

#: Pairs of a suite that are compiled one by one; what they take is scaled to all.
SAMPLE = 40

#: New processes that load a suite's programs from the cache; the median counts.
SECOND_RUNS = 5


def compile_seconds(suites: Sequence[str] = ("quick", "landscapes")) -> list[dict[str, Any]]:
    """Compiles everything that suites need in several ways.

    Args:
        suites: Names of shipped suites.

    Returns:
        One row for each suite and way: number of programs and seconds of all of them.
    """
    return [row for suite in suites for row in _suite(suite)]


def _suite(suite: str) -> list[dict[str, Any]]:
    pairs = _pairs(suite)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        _forget()
        programs, seconds = _prepare(suite)
        rows = [_row(suite, "shared programs, compiled on all cores", programs, seconds, len(pairs))]
        again = statistics.median(_second_run(suite) for _ in range(SECOND_RUNS))
        rows.append(_row(suite, "the same in a new process, from the cache", programs, again, len(pairs)))
    os.environ[CACHE_VARIABLE] = "off"
    sample = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:SAMPLE]]
    share = len(pairs) / len(sample)
    begin = time.perf_counter()
    for pair in sample:
        _forget()
        (spec,) = program_specs([pair], "cpu").values()
        compile_program(spec)
        with jax.enable_x64(True):
            compile_function("record", lambda lanes=spec.lanes: (record, example(lanes)))  # type: ignore[misc]
    taken = (time.perf_counter() - begin) * share
    rows.append(_row(suite, "one program for each pair, with the same records", len(pairs), taken, len(sample)))
    classic = [pair for pair in sample if pair.rule.name in RULES]
    if classic:
        begin = time.perf_counter()
        for pair in classic:
            lanes, values = 512, list(pair.rule.defaults().values())
            start = np.zeros((lanes, pair.problem.dim))
            compile_scan(Workload(pair.problem, pair.rule, start, np.tile(values, (lanes, 1)), 2000), trace_all=True)
        taken = (time.perf_counter() - begin) * len(pairs) / len(classic)
        rows.append(_row(suite, "plain jit(vmap(scan(optax))), without records", len(pairs), taken, len(classic)))
    del os.environ[CACHE_VARIABLE]
    for row in rows:
        row["times_ours"] = row["seconds"] / rows[0]["seconds"]
    return rows


def _forget() -> None:
    """Forgets what this process has compiled."""
    compile_program.cache_clear()
    compile_recorder.cache_clear()
    jax.clear_caches()


def _pairs(suite: str) -> list[Pair]:
    groups = plan(load(suite).spec).groups
    return list(dict.fromkeys(Pair(group.problem.build(), group.optimizer.build()) for group in groups))


def _prepare(suite: str) -> tuple[int, float]:
    """Returns how many programs a suite needs and the seconds that they take, as its manifest says them."""
    engine = Engine()
    engine.prepare(_pairs(suite))
    return len(engine.programs) + len(engine.recorders), engine.compile_s


def _second_run(suite: str) -> float:
    """Returns the seconds that the programs of a suite take in a process that has compiled nothing."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_prepare, suite).result()[1]


def _row(suite: str, way: str, programs: int, seconds: float, measured: int) -> dict[str, Any]:
    row = {"suite": suite, "way": way, "programs": programs, "pairs_measured": measured, "seconds": seconds}
    print(row, flush=True)
    return row
