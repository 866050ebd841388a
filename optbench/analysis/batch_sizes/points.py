"""The points at which batch sizes are compared: where a run came down to a training loss, and its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.runs import ReportedRuns, reported
from optbench.records import Status

#: A run enters a level if the training loss of the weights that were kept lies within this share of it.
NEAR = 0.1

#: Scores of a point, and what a run had spent when it was there.
SCORES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "gap")
COSTS = ("grad_evals", "sample_grads", "cost", "seconds")

#: ``level`` is NaN for the end of a run, which is the point that is judged; ``replicate`` the seed, shared by all
#: batch sizes; ``reached`` whether there is such a point, ``enters`` whether it counts; ``evals`` the gradients of
#: batches that had led there, -1 without a point.
POINTS = (
    *("arm", "batch_size", "task", "optimizer", "setting", "replicate", "cell_id", "status"),
    *("level", "reached", "enters", "evals"),
    *SCORES,
    *COSTS,
)

#: One run of an arm, as the manifest has it.
ArmRun = Mapping[str, Any]


def arm_points(runs: pd.DataFrame, manifest: Mapping[str, Any], seconds: Mapping[str, float]) -> pd.DataFrame:
    """Returns every reported run of every arm at every level and at its end.

    A point enters a level only if its training loss lies within 10 % of it: networks of unequal loss are not
    compared. The end of a run enters wherever it has scores.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest, with ``arms`` and ``levels``.
        seconds: Of threads, that each run took, by ``cell_id``; those that are not there are unknown. What a level took
            is the share of its gradients.

    Returns:
        One row for each arm, batch size, replicate and level, with the columns of ``POINTS``; sorted.
    """
    found = reported(runs, manifest)
    rows = [
        {"arm": arm["name"], **{name: run[name] for name in ("batch_size", "task", "optimizer", "setting")}, **point}
        for arm in manifest.get("arms", ())
        for run in arm["runs"]
        if (entry := found.get((run["setting"], run["task"], run["optimizer"]))) is not None
        for point in _points(entry, run, manifest, seconds)
    ]
    frame = pd.DataFrame(rows, columns=list(POINTS))
    places = {arm["name"]: place for place, arm in enumerate(manifest.get("arms", ()))}
    # The end of a run, whose level is NaN, comes last.
    order = pd.DataFrame({
        "arm": frame["arm"].map(places), "batch": frame["batch_size"], "level": -frame["level"].astype(np.float64),
        "replicate": frame["replicate"],
    }).sort_values(["arm", "batch", "level", "replicate"], kind="stable")  # fmt: skip
    return frame.loc[order.index].reset_index(drop=True)


def _points(
    entry: ReportedRuns, run: ArmRun, manifest: Mapping[str, Any], seconds: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    """Yields the points of the runs of one configuration."""
    task = manifest.get("tasks", {}).get(run["task"], {})
    for scored, (_, row) in zip(entry.scored, entry.rows.iterrows(), strict=True):
        whole = seconds.get(str(row["cell_id"]), np.nan)
        known = {"replicate": int(row["seed"]), "cell_id": str(row["cell_id"]), "status": str(row["status"])}
        for level in manifest.get("levels", ()):
            yield {**known, **_at_level(row, float(level), task, int(run["batch_size"]), whole)}
        yield {**known, **_at_end(row, whole, scored=bool(scored))}


def _at_end(row: pd.Series, seconds: float, *, scored: bool) -> dict[str, Any]:
    grads = int(row["curve_grads"][row["chosen"]]) if scored else -1
    return {
        "level": np.nan, "reached": scored, "enters": scored, "evals": grads,
        **_scores({name: row[name] if scored else np.nan for name in SCORES[:-1]}),
        "grad_evals": float(row["grad_evals"]), "sample_grads": float(row["sample_grads"]),
        "cost": float(row["cost"]), "seconds": seconds,
    }  # fmt: skip


def _at_level(row: pd.Series, level: float, task: Mapping[str, Any], batch: int, seconds: float) -> dict[str, Any]:
    """Returns the point at which a run reached a level; without one, what is known of it is NaN."""
    place = _place(row, level)
    grads = -1 if place is None else int(row["level_grads"][place])
    if place is None or grads < 0:
        nothing = dict.fromkeys((*SCORES, *COSTS), np.nan)
        return {"level": level, "reached": False, "enters": False, "evals": -1, **nothing}
    scores = _scores({name: row[f"level_{name}"][place] for name in SCORES[:-1]})
    samples = _samples(row, grads, task, batch)
    return {
        "level": level, "reached": True, "enters": abs(scores["train_loss"] / level - 1) <= NEAR, "evals": grads,
        **scores,
        "grad_evals": float(grads), "sample_grads": samples, "cost": samples / task.get("n_train", np.nan),
        "seconds": seconds * grads / row["grad_evals"],
    }  # fmt: skip


def _place(row: pd.Series, level: float) -> int | None:
    """Returns the place of a level in the lists of a row; ``None`` where the run was not asked for it."""
    levels = row.get("level")
    if row["status"] not in (str(Status.OK), str(Status.DIVERGED)) or levels is None:
        return None
    found = np.flatnonzero(np.isclose(np.asarray(levels, dtype=np.float64), level, rtol=1e-9, atol=0.0))
    return int(found[0]) if len(found) else None


def _scores(given: Mapping[str, Any]) -> dict[str, float]:
    found = {name: np.nan if value is None else float(value) for name, value in given.items()}
    return {**found, "gap": found["train_accuracy"] - found["test_accuracy"]}


def _samples(row: pd.Series, grads: int, task: Mapping[str, Any], batch: int) -> float:
    """Returns the gradients of single examples up to a point; a warm start's first batches are smaller."""
    warm = task.get("warm_start")
    first = int(warm["batch_size"]) if warm else batch
    if first == batch:
        return float(grads * batch)
    # Of g gradients g1 are of the first phase: g1 first + (g - g1) batch are all that were asked for.
    switch = (int(row["grad_evals"]) * batch - int(row["sample_grads"])) / (batch - first)
    return float(first * min(grads, switch) + batch * max(grads - switch, 0.0))
