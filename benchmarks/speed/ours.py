"""The engine as a suite uses it: shared programs, records on, all cores at work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from workload import Kept, Workload

from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from optbench.records import curve_steps


def prepared(works: Iterable[Workload]) -> Engine:
    """Returns an engine that has compiled what the workloads need."""
    engine = Engine()
    engine.prepare([Pair(work.problem, work.rule) for work in works])
    return engine


def runner(engine: Engine, work: Workload) -> Callable[[], Kept]:
    """Returns a call that does the work once."""
    task = engine.task(work.problem, work.rule, units="raw", budget=work.steps)
    lanes, points = task.program.spec.lanes, len(curve_steps(work.steps))
    blocks = [slice(begin, begin + lanes) for begin in range(0, len(work.starts), lanes)]
    pool, never = ThreadPoolExecutor(engine.threads), threading.Event()

    def once() -> Kept:
        jobs = [pool.submit(task.run, work.starts[b], work.hyper[b], work.steps + 1, never) for b in blocks]
        records = [job.result().records for job in jobs]
        n = len(work.starts)
        return Kept(
            best=np.concatenate([r.best for r in records])[:n],
            curve=np.concatenate([r.curve_best[:points] for r in records], axis=1)[:, :n],
            hits=np.concatenate([r.hits for r in records], axis=1)[:, :n],
        )

    return once
