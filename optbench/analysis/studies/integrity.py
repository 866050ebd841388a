"""Are these rows of studies a whole and honest run? Checked before anything is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.integrity import check_known
from optbench.analysis.studies.study import has_answers, probabilities
from optbench.errors import DataError
from optbench.records import Status
from optbench.records.studies import Role

#: What a model that is held out of the test part must leave empty.
OF_TEST = ("test_loss", "test_accuracy")
#: Probabilities are stored in single precision, shares of examples are exact.
SINGLE = 1e-6


def check_study_rows(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> None:
    """Checks what every judgement of studies assumes of rows.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Raises:
        DataError: A study, role or status is unknown; a cell appears twice; a fold holds something of test examples; a
            model of status ``ok`` has no answers; a test accuracy is not the share of right answers; models of one
            replicate were tested on different examples.
    """
    stated = manifest.get("studies", {})
    known = {"study": stated} if stated else {}
    check_known(runs, {**known, "role": [str(role) for role in Role]})
    twice = runs[runs.duplicated("cell_id")]
    if len(twice):
        raise DataError(f"every cell must appear once; {len(twice)} appear twice, such as {twice['cell_id'].iloc[0]}")
    folds = runs[runs["role"] == str(Role.FOLD)]
    peeked = folds[list(OF_TEST)].notna().any(axis=1) | has_answers(folds)
    if peeked.any():
        _refuse(folds[peeked], "folds must hold nothing of test examples", manifest)
    judged = runs[(runs["role"] != str(Role.FOLD)) & (runs["method"] != "regression")]
    some = has_answers(judged)
    if (lost := (judged["status"] == str(Status.OK)) & ~some).any():
        _refuse(judged[lost], "models of status ok must have probabilities of the test examples", manifest)
    for (_, _, value), rows in judged[some].groupby(["study", "replicate", "factor_value"], dropna=False):
        lengths = {(len(row["test_probabilities"]), len(row["test_labels"])) for _, row in rows.iterrows()}
        if len(lengths) > 1 or any(n == 0 or length % n for length, n in lengths):
            _refuse(rows, "models of one replicate must have probabilities of the same test examples", manifest)
        labels = np.stack([np.asarray(row["test_labels"]) for _, row in rows.iterrows()])
        if (labels != labels[0]).any():
            _refuse(rows, f"models of one replicate must have the same test examples (value {value})", manifest)
        answers, right = probabilities(rows)
        found = (answers.argmax(axis=2) == right).mean(axis=1)
        wrong = ~(np.abs(found - rows["test_accuracy"].to_numpy(np.float64)) <= SINGLE)
        if wrong.any():
            said = f"test_accuracy must be the share of right answers, {found[wrong][0]:.6f}"
            _refuse(rows[wrong], f"{said}; got {rows['test_accuracy'][wrong].iloc[0]}", manifest)


def _refuse(rows: pd.DataFrame, message: str, manifest: Mapping[str, Any]) -> None:
    first = rows.iloc[0]
    where = f"{first['study']}, replicate {first['replicate']}, {first['role']} {first['member']}"
    more = f" ({len(rows)} rows)" if len(rows) > 1 else ""
    raise DataError(f"run {manifest.get('run_id', '?')}: {where} (cell {first['cell_id']}): {message}{more}")
