"""Rows that a suite might have left, made from formulas: what reads them is measured at full size without a run.

python benchmarks/speed/synthetic.py landscapes FOLDER --problems 'ackley*'
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from optbench import store
from optbench.records import GAP_TARGETS, NEVER, curve_steps
from optbench.records.landscapes import ROWS
from optbench.runner.execution import Execution
from optbench.runner.kinds.landscapes.kind import Landscapes
from optbench.runner.manifest import identity
from optbench.suite.landscapes.plan import LandscapeGroup
from optbench.suite.parse import load

#: Share of the runs that diverge.
DIVERGED = 0.15


def rows(group: LandscapeGroup, rng: np.random.Generator) -> dict[str, Any]:
    """Returns the columns of a group: gaps that fall as ``g exp(-speed t)``, some runs diverged."""
    problem, n, seeds = group.problem.build(), group.n_cells, group.noise_seeds
    n_starts, n_configs = len(group.starts) * seeds, len(group.configs)
    split, index = zip(*(start for start in group.starts for _ in range(seeds)), strict=True)
    # All optimizers share the starts, hence their values.
    shared = np.random.default_rng([group.seed, *group.problem_label.encode()]).uniform(0.5, 5.0, n_starts)
    first = np.tile(shared, n_configs)
    speed = 10.0 ** rng.uniform(-4.0, 0.0, n)
    costs = np.array(curve_steps(group.trips), float)
    last = first * np.exp(-speed * group.trips)
    diverged = rng.random(n) < DIVERGED
    at = np.where(diverged, rng.integers(1, group.trips + 1, n), -1)
    targets = np.array([*GAP_TARGETS, max((problem.f_solved - problem.f_star) / problem.f_scale, 1e-12)])
    hits = np.ceil(np.log(np.maximum(first[:, None] / targets, 1.0)) / speed[:, None])
    hits = np.where((hits <= group.trips) & ~diverged[:, None], hits, NEVER).astype(np.int32)
    f = problem.f_star + problem.f_scale * first[:, None] * np.exp(-speed[:, None] * costs)
    f[diverged[:, None] & (costs >= at[:, None])] = np.inf
    values = np.array([config[group.swept] for config in group.configs])
    steps = np.where(diverged, at, group.trips).astype(np.int32)
    end = problem.f_star + problem.f_scale * last
    known: dict[str, Any] = {
        "cell_id": [f"{number:016x}" for number in rng.integers(0, 2**62, n).tolist()],
        "problem": [group.problem_label] * n,
        "optimizer": [group.optimizer_label] * n,
        "config": np.repeat(np.arange(n_configs, dtype=np.int32), n_starts),
        "hyper": ["{}"] * n,
        "swept": [group.swept] * n,
        "swept_value": np.repeat(values, n_starts),
        "is_default": np.repeat(np.arange(n_configs) == group.default, n_starts),
        "split": list(split) * n_configs,
        "start": np.tile(np.array(index, np.int32), n_configs),
        "start_distance": np.full(n, np.nan),
        "noise_seed": np.tile(np.arange(seeds, dtype=np.int32), len(group.starts) * n_configs),
        "status": np.where(diverged, "diverged", "ok").tolist(),
        "message": np.where(diverged, "not finite", "").tolist(),
        "diverged_at": at.astype(np.int32),
        "escaped_at": np.full(n, -1, np.int32),
        "f_start": problem.f_star + problem.f_scale * first,
        "f_last": end,
        "f_best": end,
        "f_tail": np.where(diverged, np.inf, end),
        "cost": steps * group.trip_cost,
        "grad_evals": steps,
        "sample_grads": steps.astype(np.int64) * (problem.batch_size or 0),
        "hits": hits,
        "settled": hits,
        "curve_f": f,
        "curve_best": f,
        "wells": np.empty((n, 0), np.int32),
    }
    return {name: known.get(name, np.zeros(n, np.int32)) for name in ROWS.columns}


def write(suite: str, out: Path, problems: list[str] | None, leave_out: list[str]) -> Path:
    """Writes a run of a suite and returns its folder; what is left out ``optbench run`` will compute, and finish it.

    Args:
        suite: Name of the suite.
        out: Folder of all results.
        problems: Names, labels or patterns of its problems; ``None`` for all.
        leave_out: Labels of problems whose rows are not written.

    Returns:
        The run's folder.
    """
    selection: dict[str, Any] = {"optimizers": None, "problems": problems}
    read = load(suite)
    kind = Landscapes(read.spec, selection)
    folder = store.run_folder(out, kind.plan.spec.name, identity(kind))
    rng = np.random.default_rng(0)
    with store.writing(folder):
        execution = Execution(folder, read, kind, selection, ["synthetic"], lambda report: None)
        execution.ledger.begin()
        for name, group in kind.groups.items():
            if group.problem_label not in leave_out:
                execution.ledger.commit(name, rows(group, rng), {"run_s": 0.0, "thread_s": 0.0, "blocks": 1})
        if not leave_out:
            execution.ledger.close(compile_s=0.0, made_s=0.0, programs=[])
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("out", type=Path, help="folder of all results")
    parser.add_argument("--problems", help="only these, as of optbench run")
    parser.add_argument("--leave-out", default="", help="labels of problems that are left for optbench run to compute")
    given = parser.parse_args()
    chosen = None if given.problems is None else given.problems.split(",")
    print(write(given.suite, given.out, chosen, given.leave_out.split(",") if given.leave_out else []))
