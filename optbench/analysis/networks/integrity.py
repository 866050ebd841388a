"""Are these rows of networks a whole and honest run? Checked before anything is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.integrity import check_known
from optbench.errors import DataError
from optbench.records import SCORED, Split, Status
from optbench.records.networks import ROWS

#: Columns that the rows of tuning runs leave empty.
TEST_COLUMNS = ("test_loss", "test_accuracy")

#: Curves are stored in single precision.
SINGLE = 1e-6


def check_network_rows(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> None:
    """Checks what every judgement of networks assumes of rows.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Raises:
        DataError: A status, split, task or optimizer is unknown; a cell, or a seed of a configuration, appears twice;
            a tuning run holds results on test examples; a run of status ``ok`` has no judged point or no scores; a
            score is no share, or not that of the curve or of the answers at the judged point; a curve's columns
            differ in length.
    """
    labels = {column: manifest.get(f"{column}s", {}) for column in ("task", "optimizer")}
    check_known(runs, {column: names for column, names in labels.items() if names})
    for columns, what in ((["cell_id"], "cell"), ([*ROWS.order], "seed")):
        twice = runs[runs.duplicated(columns)]
        if len(twice):
            first = twice.iloc[0]
            where = ", ".join(str(first[column]) for column in columns)
            raise DataError(f"every {what} must appear once; {len(twice)} appear twice, such as {where}")
    tune = runs[runs["split"] == str(Split.TUNE)]
    peeked = tune[list(TEST_COLUMNS)].notna().any(axis=1) | (_lengths(tune["test_right"]) > 0)
    if peeked.any():
        _refuse(tune[peeked], "tuning runs must hold nothing of test examples", manifest)
    judged = runs[runs["chosen"] >= 0]
    if missing := [row for _, row in runs[(runs["status"] == Status.OK) & (runs["chosen"] < 0)].iterrows()]:
        _refuse(pd.DataFrame(missing), "runs of status ok must have a judged point", manifest)
    for _, row in judged.iterrows():
        if (wrong := _wrong(row, manifest)) is not None:
            _refuse(row.to_frame().T, wrong, manifest)


def _lengths(lists: pd.Series) -> pd.Series:
    return lists.map(lambda entries: 0 if entries is None else len(entries)).astype(np.int64)


def _wrong(row: pd.Series, manifest: Mapping[str, Any]) -> str | None:
    """Returns what is wrong with a row that has a judged point."""
    # Canonical results leave the curves out, but not where their points are.
    curves = () if manifest.get("curves") else ROWS.curves.columns.values()
    n = 0 if row["curve_grads"] is None else len(row["curve_grads"])
    lengths = {name: 0 if row[name] is None else len(row[name]) for name in curves}
    if odd := [name for name, length in lengths.items() if length != n]:
        return f"{odd[0]} must have the {n} points of curve_grads; got {lengths[odd[0]]}"
    if row["chosen"] >= n:
        return f"chosen must lie on the curve of {n} points; got {row['chosen']}"
    parts = ("train", "validation") if row["split"] == str(Split.TUNE) else ("train", "validation", "test")
    for part in parts:
        share = row[f"{part}_accuracy"]
        if pd.isna(share) or not 0.0 <= share <= 1.0:
            return f"{part}_accuracy must lie in [0, 1]; got {share}"
        # The curve of a large training part is that of its first examples.
        n_seen = manifest.get("tasks", {}).get(row["task"], {}).get("n_train", 0) if part == "train" else 0
        if not curves or part == "test" or n_seen > SCORED:
            continue
        if abs(share - float(row[f"curve_{part}_accuracy"][row["chosen"]])) > SINGLE:
            return f"{part}_accuracy must be that of the curve at the judged point; got {share}"
    if "test" in parts:
        answers = row["test_right"]
        n_test = manifest.get("tasks", {}).get(row["task"], {}).get("n_test")
        if answers is None or not len(answers) or (n_test is not None and len(answers) != n_test):
            got = 0 if answers is None else len(answers)
            return f"test_right must hold {n_test or 'all'} answers; got {got}"
        if abs(float(np.mean(answers)) - row["test_accuracy"]) > SINGLE:
            return (
                f"test_accuracy must be the share of right answers, {np.mean(answers):.6f}; got {row['test_accuracy']}"
            )
    return None


def _refuse(rows: pd.DataFrame, message: str, manifest: Mapping[str, Any]) -> None:
    first = rows.iloc[0]
    where = f"{first['task']}, {first['optimizer']}, configuration {first['config']}, {first['split']} {first['seed']}"
    more = f" ({len(rows)} rows)" if len(rows) > 1 else ""
    raise DataError(f"run {manifest.get('run_id', '?')}: {where} (cell {first['cell_id']}): {message}{more}")
