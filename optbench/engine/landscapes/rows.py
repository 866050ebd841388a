"""Lanes become rows: the columns of ``records.landscapes`` from the carry that a program leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from optbench.core.keys import canonical
from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.record import Records
from optbench.engine.outcomes import Columns, EndPoint, Point
from optbench.problems.units import Units
from optbench.records import N_TARGETS, NEVER, Status, curve_steps
from optbench.suite.landscapes.plan import LandscapeGroup


def planned(group: LandscapeGroup, distance: np.ndarray) -> Columns:
    """Returns the columns that are known before a group runs, in the order of ``cell_ids``.

    Args:
        group: The group.
        distance: Distance of each start from a saddle's stable manifold, NaN elsewhere.

    Returns:
        Identity, configuration and start of each cell.
    """
    seeds = group.noise_seeds
    n_starts, n_configs = len(group.starts) * seeds, len(group.configs)
    split, index = zip(*(start for start in group.starts for _ in range(seeds)), strict=True)
    values = np.array([config[group.swept] for config in group.configs])
    return {
        "cell_id": group.cell_ids(),
        "problem": [group.problem_label] * group.n_cells,
        "optimizer": [group.optimizer_label] * group.n_cells,
        "config": np.repeat(np.arange(n_configs, dtype=np.int32), n_starts),
        "hyper": [text for config in group.configs for text in [canonical(dict(config))] * n_starts],
        "swept": [group.swept] * group.n_cells,
        "swept_value": np.repeat(values, n_starts),
        "is_default": np.repeat(np.arange(n_configs) == group.default, n_starts),
        "split": list(split) * n_configs,
        "start": np.tile(np.array(index, np.int32), n_configs),
        "start_distance": np.tile(np.repeat(distance, seeds), n_configs),
        "noise_seed": np.tile(np.arange(seeds, dtype=np.int32), len(group.starts) * n_configs),
    }


def measured(
    r: Records,
    n: int,
    trips: int,
    rule: Optimizer,
    target_order: np.ndarray,
    *,
    hvps: np.ndarray | None = None,
    trip_cost: float = 1.0,
    batch_size: int | None = None,
) -> Columns:
    """Returns the columns that a block of lanes has measured.

    Args:
        r: What was kept of ``trips + 1`` trips: trip ``t`` scored the iterate that
            ``t`` gradient evaluations had led to.
        n: Number of lanes that count; the others are padding.
        trips: Gradient evaluations that the budget allows.
        rule: The rule, for the gradients that one step asks for.
        target_order: Which target each row of ``hits`` and ``above`` belongs to.
        hvps: Hessian-vector products of each lane, of a rule that asks for them.
        trip_cost: Cost of one gradient.
        batch_size: Terms of a mini-batch, ``None`` where the whole function is seen.

    Returns:
        Columns of ``n`` entries each.
    """
    n_curve = len(curve_steps(trips))
    diverged_at = r.diverged_at[:n]
    diverged = diverged_at >= 0
    hits, settled = np.empty((n, N_TARGETS), np.int32), np.empty((n, N_TARGETS), np.int32)
    hits[:, target_order] = r.hits[:, :n].T
    # A lane is settled from the trip after the last one above; one that ends above, or diverged, is nowhere.
    stays = (r.above[:, :n] < trips) & ~diverged
    settled[:, target_order] = np.where(stays, r.above[:, :n] + 1, NEVER).T
    tail = r.tail[: int(r.tail_next), :n]
    # The step that would exceed the budget is not begun, so a rule of two gradients a step spends
    # an even number.
    spent = np.where(diverged, diverged_at, trips - trips % rule.evals_per_step).astype(np.int32)
    # What a run that has diverged asked for later was not part of it.
    products = np.zeros(n, np.int32) if hvps is None else np.minimum(hvps[:n], spent // 2).astype(np.int32)
    return {
        "status": np.where(diverged, Status.DIVERGED.value, Status.OK.value).tolist(),
        "message": [
            f"not finite or out of bounds at cost {at * trip_cost:.10g}" if at >= 0 else "" for at in diverged_at
        ],
        "diverged_at": diverged_at,
        "escaped_at": r.escaped_at[:n],
        "f_start": r.curve_f[0, :n],
        "f_last": r.last[:n],
        "f_best": r.best[:n],
        # An infinite value is one of a lane that has diverged: its tail has no median.
        "f_tail": np.where(np.isinf(tail).any(axis=0), np.inf, np.median(tail, axis=0)),
        "cost": spent * trip_cost,
        "grad_evals": spent - 2 * products,
        "value_evals": np.zeros(n, np.int32),
        "hvps": products,
        "sample_grads": spent.astype(np.int64) * (batch_size or 0),
        "hits": hits,
        "settled": settled,
        "curve_f": r.curve_f[:n_curve, :n].T,
        "curve_best": r.curve_best[:n_curve, :n].T,
    }


def failed(n: int, trips: int, status: Status, message: str) -> Columns:
    """Returns the measured columns of cells that could not be run.

    Args:
        n: Number of cells.
        trips: Gradients that the budget allows.
        status: ``error``, ``timeout`` or ``oom``.
        message: What went wrong.

    Returns:
        Columns of ``n`` entries each: nothing spent, no target met, values null.
    """
    n_curve = len(curve_steps(trips))
    nothing = np.full(n, np.nan)
    return {
        "status": [status.value] * n,
        "message": [message] * n,
        "diverged_at": np.full(n, -1, np.int32),
        "escaped_at": np.full(n, -1, np.int32),
        "f_start": nothing,
        "f_last": nothing,
        "f_best": nothing,
        "f_tail": nothing,
        "cost": np.zeros(n),
        "grad_evals": np.zeros(n, np.int32),
        "value_evals": np.zeros(n, np.int32),
        "hvps": np.zeros(n, np.int32),
        "sample_grads": np.zeros(n, np.int64),
        "hits": np.full((n, N_TARGETS), NEVER, np.int32),
        "settled": np.full((n, N_TARGETS), NEVER, np.int32),
        "curve_f": np.full((n, n_curve), np.inf),
        "curve_best": np.full((n, n_curve), np.inf),
    }


def ends_of(ids: Sequence[str], r: Records, kept: Mapping[int, np.ndarray], units: Units, last: int) -> list[EndPoint]:
    """Returns the points that a block of lanes has led to: what a run did after it had diverged is none of its points.

    Args:
        ids: Cells of the lanes that count.
        r: What was kept of the runs.
        kept: Judged iterates in the rules' units by the number of evaluations that had led there, each (lanes, dim).
        units: How rules see the problem.
        last: Evaluations that the budget allows: that iterate is the last, all others are snapshots.

    Returns:
        The points, in the problem's own units.
    """
    return [
        EndPoint(cell, Point.LAST if trip == last else Point.SNAPSHOT, trip, x)
        for trip, z in kept.items()
        for cell, x, diverged in zip(ids, units.outward(z[: len(ids)]), r.diverged_at[: len(ids)], strict=True)
        if not 0 <= diverged <= trip
    ]


def reordered(parts: list[Columns], order: np.ndarray) -> Columns:
    """Joins blocks and puts their rows back into the order of the plan.

    Args:
        parts: Columns of the blocks.
        order: For each joined row its place in the plan.

    Returns:
        Columns in the order of the plan.
    """
    back = np.argsort(order)
    joined: Columns = {}
    for name in parts[0]:
        if isinstance(parts[0][name], np.ndarray):
            joined[name] = np.concatenate([part[name] for part in parts])[back]
        else:
            flat = [value for part in parts for value in part[name]]
            joined[name] = [flat[i] for i in back]
    return joined
