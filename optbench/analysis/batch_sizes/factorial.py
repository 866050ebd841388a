"""Rate and batch size told apart: in a full factorial of both, the plane of a quantity over the cells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.batch_sizes.arms import labels_of
from optbench.analysis.batch_sizes.differences import END
from optbench.analysis.networks.summary import student
from optbench.analysis.statistics.arrays import Floats

#: What is doubled: the batch size at a fixed rate, the rate at a fixed batch size, both at a fixed ratio.
DOUBLED = ("batch", "rate", "both")

#: ``outcome`` is one of ``arms.OUTCOMES``: ``test`` and ``gap`` are shares, ``keskar`` and ``top`` logarithms to base
#: 2. ``n_replicates`` of ``n_planned`` have a number in all cells.
FACTORIAL = (
    *("level", "outcome", "n_rates", "n_sizes", "n_planned", "n_replicates"),
    *(f"{name}{end}" for name in DOUBLED for end in ("", "_low", "_high")),
)

#: Shares; all other outcomes are positive numbers, whose logarithm is taken.
_SHARES = ("test", "gap")
#: Hyperparameters of schedules: a rule that has one changes its rate as it goes.
_OF_SCHEDULES = ("horizon", "timescale")
#: What the tasks of cells may differ in: the batch size itself, how long is trained, and what is said of them.
_FREE = ("batch_size", "epochs", "base")

#: Rate by arm and batch size.
Design = dict[tuple[str, int], float]


def arm_factorial(
    points: pd.DataFrame,
    quantities: pd.DataFrame,
    runs: pd.DataFrame,
    settings: Mapping[str, Mapping[str, Any]],
    manifest: Mapping[str, Any],
) -> pd.DataFrame:
    """Returns how quantities change with the rate, with the batch size, and with both at a fixed ratio.

    Each replicate that has a number in all cells has a least-squares plane, ``y = a + b log2(batch size) +
    c log2(rate)``. ``batch`` is the mean of ``b`` over replicates, ``rate`` that of ``c``, ``both`` that of ``b + c``:
    where the ratio alone counts, ``y = a + c log2(rate / batch size)``, it is 0. Intervals are Student's over
    replicates, for new replicates.

    Args:
        points: The frame of ``points.arm_points``.
        quantities: The frame of ``quantities.arm_quantities``.
        runs: Rows with the columns of ``records.networks``.
        settings: Settings of the measures by label, as ``quantities.settings_of`` has them.
        manifest: The run's manifest.

    Returns:
        One row for each level (NaN for the end of runs) and outcome that was taken, with the columns of ``FACTORIAL``;
        none where the arms form no full factorial.
    """
    rates = design(points, runs, manifest)
    labels = {outcome: label for outcome, label in labels_of(settings).items() if label is not None}
    # NaN equals nothing, itself included.
    keyed = quantities.fillna({"level": END})
    known = {
        "n_rates": len(set(rates.values())), "n_sizes": len({size for _, size in rates}),
        "n_planned": max(int(manifest.get("seeds", {}).get("report", 0)), points["replicate"].nunique()),
    }  # fmt: skip
    rows = []
    for level in (*map(float, manifest.get("levels", ())), END) if rates else ():
        here = keyed[keyed["level"] == level]
        for outcome, label in labels.items():
            found = slopes(_by_replicate(here[here["quantity"] == label], rates, outcome), rates)
            row: dict[str, Any] = {"level": np.nan if level == END else level, "outcome": outcome, **known}
            row["n_replicates"] = len(found)
            for name, values in zip(DOUBLED, (*found.T, found.sum(axis=1)), strict=True):
                row[name] = float(values.mean()) if len(values) else np.nan
                row[f"{name}_low"], row[f"{name}_high"] = student(values)
            rows.append(row)
    return pd.DataFrame(rows, columns=list(FACTORIAL))


def design(points: pd.DataFrame, runs: pd.DataFrame, manifest: Mapping[str, Any]) -> Design:
    """Returns the rate of each cell, if all arms together are a full factorial of a constant rate and the batch size.

    They are, if each of at least two rates was trained at each of at least two batch sizes, once, by one rule, and
    nothing else differs but the length of training. A rate that was tuned, or that changes while a network is trained,
    is no factor.

    Args:
        points: The frame of ``points.arm_points``.
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Returns:
        Rates by arm and batch size; empty if they are not, or if a cell has no row yet that says its rate.
    """
    cells = [(str(arm["name"]), run) for arm in manifest.get("arms", ()) for run in arm["runs"]]
    hyper_of = dict(zip(runs["cell_id"], runs["hyper"], strict=True))
    first = points.drop_duplicates(["arm", "batch_size"])
    hypers = {
        (str(arm), int(size)): json.loads(hyper_of[cell] or "{}")
        for arm, size, cell in zip(first["arm"], first["batch_size"], first["cell_id"], strict=True)
    }
    rates: Design = {}
    for name, run in cells:
        hyper = hypers.get((name, int(run["batch_size"])), {})
        if run["setting"] != "default" or hyper.get("lr", 0.0) <= 0 or any(key in hyper for key in _OF_SCHEDULES):
            return {}
        rates[name, int(run["batch_size"])] = float(hyper["lr"])
    if not _are_alike(manifest, [run for _, run in cells], [hypers[cell] for cell in rates]):
        return {}
    crossed = {(rate, size) for (_, size), rate in rates.items()}
    n_rates, n_sizes = (len(set(side)) for side in (rates.values(), (size for _, size in rates)))
    is_full = len(cells) == len(crossed) == n_rates * n_sizes and min(n_rates, n_sizes) >= 2
    return rates if is_full else {}


def _are_alike(manifest: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], hypers: Sequence[Any]) -> bool:
    """Returns whether cells differ in nothing but rate, batch size and length of training."""
    tasks, entries = manifest.get("tasks", {}), manifest.get("optimizers", {})
    seen = [
        {key: value for key, value in tasks.get(cell["task"], {}).items() if key not in _FREE}
        | {"rule": entries.get(cell["optimizer"], {}).get("name", cell["optimizer"])}
        for cell in cells
    ]
    others = [{key: value for key, value in hyper.items() if key != "lr"} for hyper in hypers]
    return all(one == seen[0] for one in seen) and all(other == others[0] for other in others)


def _by_replicate(rows: pd.DataFrame, rates: Design, outcome: str) -> Floats:
    """Returns the numbers of the replicates that have one in all cells, of shape (replicates, cells)."""
    if rows.empty:
        return np.empty((0, len(rates)))
    wide = rows.pivot(index="replicate", columns=["arm", "batch_size"], values="value")
    values: Floats = wide.reindex(columns=pd.MultiIndex.from_tuples(list(rates))).to_numpy(np.float64)
    has_all = np.isfinite(values) & ((values > 0) | (outcome in _SHARES))
    values = values[has_all.all(axis=1)]
    return values if outcome in _SHARES else np.log2(values)


def slopes(values: Floats, rates: Design) -> Floats:
    """Returns the slopes of the least-squares plane of each replicate over the cells of a full factorial.

    There ``log2(batch size)`` and ``log2(rate)`` are uncorrelated over the cells, so that each slope is that of a line,
    ``sum (x - mean x) y / sum (x - mean x)^2``.

    Args:
        values: ``y``, shape (replicates, cells).
        rates: The rates of the cells, in the order of the columns.

    Returns:
        Slopes per doubling of the batch size and per doubling of the rate, shape (replicates, 2).

    Example:
        >>> cells = {("slow", 20): 0.1, ("slow", 80): 0.1, ("fast", 20): 0.4, ("fast", 80): 0.4}
        >>> slopes(np.array([[0.0, 2.0, -6.0, -4.0]]), cells).tolist()
        [[1.0, -3.0]]
    """
    x = np.log2(np.array([[size for _, size in rates], list(rates.values())], dtype=np.float64))
    x -= x.mean(axis=1, keepdims=True)
    found: Floats = values @ x.T / (x**2).sum(axis=1)
    return found
