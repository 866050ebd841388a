"""The compiled recorder of one width, and the schedule of the steps that it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from optbench.engine.compile import compile_function
from optbench.engine.landscapes.operands import Goal
from optbench.engine.landscapes.record import CHUNKS, SEGMENT, Records, RecordSchedule, empty, record
from optbench.records import MAX_BUDGET, N_TARGETS, TAIL_POINTS, curve_steps

CURVE_POINTS = len(curve_steps(MAX_BUDGET))


@dataclass(frozen=True)
class Recorder:
    """A compiled recorder and what it took to compile.

    Attributes:
        lanes: Width of a block.
        call: ``call(records, rows, first, n, goal, schedule) -> records``; ``rows`` are a program's.
        blank: Records of lanes that have not started.
        compile_s: Seconds of tracing and compiling.
    """

    lanes: int
    call: Callable[..., Records]
    blank: Records
    compile_s: float


@lru_cache(maxsize=16)
def compile_recorder(lanes: int) -> Recorder:
    """Traces and compiles the recorder of a width, once in a process.

    Args:
        lanes: Width of a block.

    Returns:
        The recorder, ready to call from any thread.
    """
    begin = time.perf_counter()
    with jax.enable_x64(True):
        made = compile_function("record", lambda: (record, example(lanes)), identity=lanes, small=True)
        records = jax.device_put(example(lanes)[0])

    def call(records: Records, rows: tuple[Any, ...], first: Any, n: Any, goal: Goal, when: RecordSchedule) -> Records:
        return Records(*made.call(*records, *rows, first, n, *goal, *when))

    return Recorder(lanes, call, records, time.perf_counter() - begin)


def example(lanes: int) -> tuple[Any, ...]:
    """Returns arguments of ``record`` of the right shapes, for compiling."""
    records = empty(lanes, N_TARGETS, CURVE_POINTS, TAIL_POINTS)
    of_all = np.zeros((CHUNKS, lanes))
    row = np.zeros(lanes, np.int32)
    rows = np.zeros((SEGMENT, lanes)), row, row, of_all, of_all
    number, one = np.int32(1), np.ones(())
    return records, *rows, number, number, Goal(one, one, np.ones(N_TARGETS)), schedule(1)


def schedule(budget: int) -> RecordSchedule:
    """Returns the steps to keep for a budget, padded to the size that recorders have.

    Args:
        budget: Largest cost of a run.

    Returns:
        Curve points of the absolute log grid, and at most ``TAIL_POINTS`` steps evenly spread over
        the last tenth of the budget: every one of them up to a budget of 2,569.
    """
    never = np.iinfo(np.int32).max
    curve = np.full(CURVE_POINTS, never, np.int32)
    steps = curve_steps(budget)
    curve[: len(steps)] = steps
    n = max(budget // 10, 1)
    chosen = budget - n + 1 + np.unique(np.linspace(0, n - 1, min(TAIL_POINTS, n)).round().astype(int))
    tail = np.full(TAIL_POINTS, never, np.int32)
    tail[: len(chosen)] = chosen
    return RecordSchedule(curve, tail)
