"""What was measured of runs on test functions, beside what their rows say; and the configurations of those runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.facts import problem_facts
from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.measures.configurations import CONFIGURATIONS, named
from optbench.analysis.measures.measured import joined
from optbench.records import Split

#: Columns that are read for it.
COLUMNS = (
    *("cell_id", "problem", "optimizer", "config", "swept", "swept_value", "is_default", "split", "start"),
    *("status", "f_last"),
)


def measured(runs: pd.DataFrame | Rows, measures: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Puts each row of a measure beside what is known of its run.

    Args:
        runs: Rows with the columns of ``records.landscapes``; only those of measured cells are kept in memory.
        measures: Rows with the columns of ``records.measures``.
        manifest: The run's manifest.

    Returns:
        The frame of ``analysis.measures.measured.joined``; ``loss`` is the relative gap of the point without noise,
        ``family`` the problem. Nothing is tested, so ``test_accuracy`` and ``gap`` are NaN.
    """
    rows, cells = held(runs), set(measures["cell_id"].astype(str))
    columns = [*COLUMNS, *(["curve_f"] if (measures["point"] == "snapshot").any() else [])]
    parts = []
    for problem in rows.problems:
        part = rows.of([problem], columns)
        parts.append(part[part["cell_id"].astype(str).isin(cells)])
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    facts = problem_facts(manifest)
    problems = manifest["problems"]
    known = found.drop_duplicates("cell_id", ignore_index=True).assign(
        unit=lambda frame: frame["start"],
        family=lambda frame: frame["problem"],
        batch=lambda frame: [_batch(problems[label]) for label in frame["problem"]],
        test_accuracy=np.nan,
        gap=np.nan,
    )

    def loss_at(row: Mapping[str, Any], point: str, evals: int) -> float:
        fact = facts[row["problem"]]
        if point == "last":
            f = row["f_last"]
        else:
            places = np.flatnonzero(fact.steps(float(manifest["budget"])) == evals)
            f = row["curve_f"][places[0]] if len(places) and row.get("curve_f") is not None else None
        return float("nan") if f is None else (float(f) - fact.f_star) / fact.f_scale

    return joined(measures, known, manifest, "problem", loss_at)


def _batch(problem: Mapping[str, Any]) -> float:
    """Returns how many terms of a finite sum a batch has, NaN where none is drawn."""
    noise = problem.get("noise") or {}
    return float(noise["level"]) if noise.get("kind") == "batch" else float("nan")


def configurations(measured: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Returns every configuration that was measured on reported starts, with the settings it stands for.

    Args:
        measured: The frame of ``measured``.
        summary: The frame of ``analysis.landscapes.summarize``, which says what stands for each setting.

    Returns:
        One row per problem, optimizer and configuration, with ``problem`` and the columns of ``CONFIGURATIONS``.
    """
    stands: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    for row in summary.to_dict("records"):
        place = (str(row["problem"]), str(row["optimizer"]), int(row["config"]))
        stands.setdefault(place, []).append({str(key): value for key, value in row.items()})
    report = measured[measured["split"] == str(Split.REPORT)]
    rows = []
    for _, mine in report.groupby(["problem", "optimizer", "config"], sort=True):
        first = mine.iloc[0]
        place = (str(first["problem"]), str(first["optimizer"]), int(first["config"]))
        said = stands.get(place, [])
        rows.append({
            **dict.fromkeys(CONFIGURATIONS, np.nan),
            **dict(zip(("problem", "optimizer", "config"), place, strict=True)),
            "settings": named(str(row["setting"]) for row in said),
            "swept": str(first["swept"]),
            "swept_value": float(first["swept_value"]),
            "at_edge": any(bool(row["at_edge"]) for row in said),
            "n_units": int(mine["unit"].nunique()),
            "diverged": int(said[0]["diverged"]) if said else np.nan,
            "failed": int(said[0]["failed"]) if said else np.nan,
            "n_test": 0,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["problem", *CONFIGURATIONS])
