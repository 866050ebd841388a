"""Trains the cells of a group, and turns what was recorded into the columns of ``records.networks``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optbench.core.keys import canonical, generator
from optbench.engine.networks import warm_start
from optbench.engine.networks.along import with_cell
from optbench.engine.networks.fitting import Fitter
from optbench.engine.networks.in_threads import InThreads
from optbench.engine.networks.lane import Fit, Lane, failed_fit
from optbench.engine.outcomes import Columns, EndPoint, Outcome, Point, without_nan
from optbench.records import Split, Status
from optbench.records.networks import ROWS
from optbench.suite.networks.plan import NetworkGroup
from optbench.tasks.task import Task

Cells = Sequence[tuple[int, int]]


def lanes_of(group: NetworkGroup, split: Split, cells: Cells, tasks: Mapping[int, Task]) -> list[Lane]:
    """Returns the runs of some cells; seeds are shared by all tasks and rules of a suite.

    Args:
        group: The group.
        split: What the cells are for; the two share no seed.
        cells: (configuration, seed) of each.
        tasks: Data of the seeds that have their own.

    Returns:
        One lane for each cell.
    """
    return [Lane(group.configs[config], seed_of(group.seed, split, seed), tasks.get(seed)) for config, seed in cells]


def seed_of(suite_seed: int, split: Split, index: int) -> int:
    """Returns the seed of initialization, order and regularization of a run.

    Example:
        >>> seed_of(0, Split.TUNE, 0) == seed_of(0, Split.REPORT, 0)
        False
    """
    return int(generator(suite_seed, "network run", str(split), index).integers(2**31))


def trained(
    group: NetworkGroup,
    split: Split,
    cells: Cells,
    fitter: Fitter | Exception,
    *,
    first: Fitter | Exception | None = None,
    tasks: Mapping[int, Task] | None = None,
    keep: bool = False,
    keep_state: bool = False,
) -> Outcome:
    """Trains some cells; tuning never sees the test examples, and is not measured.

    Args:
        group: The group.
        split: What the cells are for.
        cells: (configuration, seed) of each.
        fitter: What trains the group's task by its rule, or what kept it from being compiled.
        first: The same of the first phase, where the group has a warm start.
        tasks: Data of the seeds that have their own, by seed.
        keep: Whether the points of the curves are handed back as well, as snapshots.
        keep_state: Whether the rule's state is handed back with the judged points.

    Returns:
        Rows in the order of the cells; judged and last points, and of reported cells those that are kept for levels;
        what was measured along the path; and where lanes ran in threads the seconds of all and of each.
    """
    broken = next((one for one in (first, fitter) if isinstance(one, Exception)), None)
    facts: dict[str, Any] = {}
    if broken is not None:
        fits = [failed_fit(broken)] * len(cells)
    else:
        assert isinstance(fitter, Fitter)
        lanes = lanes_of(group, split, cells, tasks or {})
        given: dict[str, Any] = {
            "epochs": group.epochs,
            "stop_early": group.early_stopping,
            "test": split is Split.REPORT,
            "measure": split is Split.REPORT,
            "keep": keep,
            "keep_state": keep_state,
            "levels": group.levels,
        }
        if isinstance(first, Fitter):
            fits = warm_start.fitted(group, lanes, first, fitter, **given)
        else:
            fits = fitter.fit(lanes, **given)
        if fitter.facts["lanes"] == InThreads.name:
            each_s = [round(fit.run_s, 6) for fit in fits]
            facts = {"thread_s": round(sum(each_s), 6), "each_s": each_s}
    ids = group.cell_ids(split, cells)
    pairs = list(zip(ids, fits, strict=True))
    ends = [end for cell_id, fit in pairs for end in _ends(cell_id, fit, levels=split is Split.REPORT)]
    along = [one for cell_id, fit in pairs for one in with_cell(fit.along, cell_id)]
    return Outcome(_columns(group, split, cells, fits), facts, tuple(ends), tuple(along))


def _ends(cell_id: str, fit: Fit, *, levels: bool) -> list[EndPoint]:
    """Returns the points that a run has led to, and those that were kept on its way."""
    ends = [
        EndPoint(cell_id, point, int(fit.grads[fit.chosen if point is Point.JUDGED else -1]), *found)
        for point, found in fit.ends.items()
    ]
    ends += [EndPoint(cell_id, Point.SNAPSHOT, evals, *found) for evals, found in fit.kept.items()]
    served: dict[int, list[float]] = {}
    for kept in fit.levels if levels else ():
        served.setdefault(kept.grads, []).append(kept.level)
    at = {kept.grads: kept.at for kept in fit.levels}
    return ends + [
        EndPoint(cell_id, Point.LEVEL, grads, *at[grads], levels=tuple(some)) for grads, some in served.items()
    ]


def _columns(group: NetworkGroup, split: Split, cells: Cells, fits: Sequence[Fit]) -> Columns:
    """Returns the rows of some cells."""
    task, optimizer = group.labels
    rows = zip(group.cell_ids(split, cells), cells, fits, strict=True)
    made = [
        {
            "cell_id": cell_id,
            "task": task,
            "optimizer": optimizer,
            "config": config,
            "hyper": canonical(dict(group.configs[config])),
            "swept": group.swept,
            "swept_value": group.configs[config].get(group.swept),
            "is_default": config == group.default,
            "split": str(split),
            "seed": seed,
            **_measured(group, fit),
        }
        for cell_id, (config, seed), fit in rows
    ]
    return {name: [row[name] for row in made] for name in ROWS.columns}


def _measured(group: NetworkGroup, fit: Fit) -> dict[str, Any]:
    """Returns what was measured in one run."""
    grads = int(fit.grads[-1]) if len(fit.grads) else 0
    samples = warm_start.sample_grads(group, grads)
    at, judged = fit.chosen, fit.judged
    kept = {one.level: one for one in fit.levels}
    levels = [kept.get(level) for level in group.levels]
    tests = [None if one is None else one.test for one in levels]
    return {
        "status": str(fit.status),
        "message": fit.message,
        "diverged_at": grads if fit.status is Status.DIVERGED else -1,
        "grad_evals": grads,
        "sample_grads": samples,
        "cost": samples / group.task.parts().train,
        "chosen": at,
        "train_loss": None if judged is None else judged.loss,
        "train_accuracy": None if judged is None else judged.accuracy,
        "validation_loss": None if judged is None else float(fit.validation.loss[at]),
        "validation_accuracy": None if judged is None else float(fit.validation.accuracy[at]),
        "test_loss": None if fit.test is None else fit.test.loss,
        "test_accuracy": None if fit.test is None else fit.test.accuracy,
        "test_right": [] if fit.test_right is None else fit.test_right.astype(bool),
        "curve_grads": fit.grads.astype(np.int32),
        "curve_train_loss": without_nan(fit.train.loss),
        "curve_train_accuracy": without_nan(fit.train.accuracy),
        "curve_validation_loss": without_nan(fit.validation.loss),
        "curve_validation_accuracy": without_nan(fit.validation.accuracy),
        # The start has no gradient yet.
        "curve_grad_norm": [None, *without_nan(fit.grad_norm[1:])] if len(fit.grad_norm) else [],
        "level": list(group.levels),
        "level_grads": [-1 if one is None else one.grads for one in levels],
        "level_train_loss": [None if one is None else one.train.loss for one in levels],
        "level_train_accuracy": [None if one is None else one.train.accuracy for one in levels],
        "level_test_loss": [None if one is None else one.loss for one in tests],
        "level_test_accuracy": [None if one is None else one.accuracy for one in tests],
    }
