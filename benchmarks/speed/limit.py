"""The engine beside hand-written C on one core: the twelve kernels of ``limit.c``."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import ours
from clock import side_by_side
from workload import DIMS, Workload, workload

SOURCE = Path(__file__).with_name("limit.c")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
FUNCTIONS, RULES = ("rosenbrock", "sphere", "rastrigin"), ("sgd", "adam")
#: Lanes of a block, as in the source.
BLOCK = {2: 256, 30: 32}


def library(folder: Path) -> ctypes.CDLL:
    """Compiles the kernels.

    Args:
        folder: Where to put the library.

    Returns:
        The library.

    Raises:
        FileNotFoundError: There is no C compiler.
    """
    path = folder / "limit.so"
    subprocess.run(["cc", *FLAGS, "-o", str(path), str(SOURCE), "-lm"], check=True)
    return ctypes.CDLL(str(path))


def kernel(found: ctypes.CDLL, work: Workload, width: int) -> Callable[[], np.ndarray]:
    """Returns a call that runs all starts, block after block on one core, and gives the best values."""
    name = f"{work.problem.name.upper()}_{work.rule.name}_{work.problem.dim}"
    call: Callable[..., None] = getattr(found, name)
    rates = np.full(width, work.hyper[0, 0])

    def pointer(array: np.ndarray) -> Any:
        return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))

    def once() -> np.ndarray:
        best = np.empty(len(work.starts))
        for begin in range(0, len(work.starts), width):
            x = np.ascontiguousarray(work.starts[begin : begin + width].T)
            # The engine scores the last iterate, too.
            call(pointer(x), pointer(rates), pointer(best[begin : begin + width]), work.steps + 1)
        return best

    return once


def against_c(lanes: int, steps: int, rounds: int) -> list[dict[str, Any]]:
    """Measures every kernel.

    Args:
        lanes: Lanes, a multiple of 256.
        steps: Steps of each.
        rounds: Rounds of the clock.

    Returns:
        One row for each kernel.
    """
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        found = library(Path(folder))
        for dim in DIMS:
            works = [
                workload(rule, function, dim, lanes=lanes, steps=steps) for rule in RULES for function in FUNCTIONS
            ]
            works = [work.at_one_rate() for work in works]
            engine = ours.prepared(works)
            for work in works:
                rule, function = work.rule.name, work.problem.name
                c = kernel(found, work, BLOCK[dim])
                calls = {"ours": ours.runner(engine, work), "c": c}
                _check_equal(calls["ours"]().best, c())
                seconds = side_by_side(calls, rounds=rounds)
                speed = {name: work.run_steps / s for name, s in seconds.items()}
                rows.append(
                    {
                        "rule": rule,
                        "function": function,
                        "dim": dim,
                        "ours_steps_per_s": speed["ours"],
                        "c_steps_per_s": speed["c"],
                        "ratio": speed["ours"] / speed["c"],
                    }
                )
                print(f"{dim:3d} {rule:5s} {function:11s} ratio {rows[-1]['ratio']:.2f}", flush=True)
    return rows


def _check_equal(ours_best: np.ndarray, c_best: np.ndarray) -> None:
    """Stops unless both found the same best values: the same work was done."""
    np.testing.assert_allclose(ours_best, c_best, rtol=1e-6, atol=1e-12)
