"""Bias, variance and noise of retrained models against what is varied: regression, the Brier score, the 0-1 error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.statistics.crossed import Crossed
from optbench.analysis.statistics.decomposition import FEWEST, brier_parts, squared_parts, zero_one_parts
from optbench.analysis.studies.closed_form import closed_form, truth_at
from optbench.analysis.studies.replicates import Over, number_over
from optbench.analysis.studies.study import KEYS, Study, has_answers, probabilities, studies
from optbench.errors import DataError
from optbench.records.studies import Role

#: Parts by loss, in the order in which they are shown. ``error = bias + variance + noise``; of the 0-1 loss the
#: variance is ``unbiased - biased``.
PARTS = ("error", "bias", "variance", "noise", "unbiased", "biased")
#: ``closed_`` columns are the closed form, of regression alone; ``n_members`` are those of a replicate.
DECOMPOSITION = (
    *KEYS,
    *("factor", "factor_value", "loss", "n_replicates", "n_members", "n_test"),
    *(f"{part}{end}" for part in PARTS for end in ("", "_low", "_high")),
    *("closed_bias", "closed_variance", "closed_noise", "failed"),
)
#: How each part changes from the first value of the factor to the last one, paired by replicate.
CHANGES = (
    *KEYS,
    *("factor", "first", "last", "loss", "n_replicates"),
    *(f"{part}{end}" for part in ("error", "bias", "variance") for end in ("", "_low", "_high")),
)

#: Losses, in the order of frames.
LOSSES = ("squared", "Brier", "0-1")

#: Parts by name, of one replicate.
Parts = Mapping[str, Crossed]


def decomposition(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Splits errors into their parts, for each study, value of its factor and loss.

    Each replicate is split alone, and its parts are averaged. Intervals are over replicates; of a single one over its
    members and examples. Members that diverged or failed are left out and counted.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study, value and loss, with the columns of ``DECOMPOSITION``; none where fewer than three members
        ended well.
    """
    rows = []
    for study in studies(runs, manifest, "bias_variance", "regression"):
        for value, models in _by_value(study):
            for loss, found in _split(models).items():
                rows.append({
                    **study.keys,
                    "factor": str(models["factor"].iloc[0]),
                    "factor_value": value,
                    "loss": loss,
                    "n_replicates": len(found),
                    "n_members": int(np.median([parts["error"].n_seeds for parts in found.values()])),
                    "n_test": max(parts["error"].n_examples for parts in found.values()),
                    **_averaged(list(found.values()), loss),
                    **_expected(study, models, value),
                    "failed": int((models["status"] != "ok").sum()),
                })  # fmt: skip
    return pd.DataFrame(rows, columns=list(DECOMPOSITION))


def decomposition_changes(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Tells how error, bias and variance change from the smallest value of a factor to the largest.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study and loss that has at least two values, with the columns of ``CHANGES``. Intervals are over the
        replicates that have both.
    """
    rows: list[dict[str, Any]] = []
    for study in studies(runs, manifest, "bias_variance", "regression"):
        by_value = dict(_by_value(study))
        if len(by_value) < 2:
            continue
        first, last = min(by_value), max(by_value)
        here, there = _split(by_value[first]), _split(by_value[last])
        for loss in here.keys() & there.keys():
            both = sorted(here[loss].keys() & there[loss].keys())
            changes = {
                name: np.array([there[loss][r][name].estimate - here[loss][r][name].estimate for r in both])
                for name in ("error", "bias", "variance")
            }
            change: dict[str, Any] = {**study.keys, "factor": str(study.rows["factor"].iloc[0]), "first": first}
            change |= {"last": last, "loss": loss, "n_replicates": len(both)}
            for name, values in changes.items():
                change |= number_over(values).named(name)
            rows.append(change)
    rows.sort(key=lambda one: LOSSES.index(str(one["loss"])))
    return pd.DataFrame(rows, columns=list(CHANGES))


def _by_value(study: Study) -> Iterator[tuple[float, pd.DataFrame]]:
    models = study.of(Role.MEMBER)
    for value, rows in models.groupby("factor_value", sort=True):
        yield float(str(value)), rows


def _split(models: pd.DataFrame) -> dict[str, dict[int, Parts]]:
    """Returns the parts by loss and replicate, of those that have members enough."""
    found: dict[str, dict[int, Parts]] = {}
    for replicate, rows in models.groupby("replicate", sort=True):
        for loss, parts in _of_regression(rows) if rows["method"].iloc[0] == "regression" else _of_classes(rows):
            found.setdefault(loss, {})[int(str(replicate))] = parts
    return found


def _of_regression(rows: pd.DataFrame) -> Iterator[tuple[str, Parts]]:
    kept = rows[rows["status"] == "ok"]
    if len(kept) < FEWEST:
        return
    predictions, targets = (np.stack([*kept[f"test_{name}"]]).astype(np.float64) for name in ("predictions", "targets"))
    found = squared_parts(predictions, targets, np.asarray(kept["test_truth"].iloc[0], dtype=np.float64))
    yield "squared", {name: part for name, part in found._asdict().items() if part is not None}


def _of_classes(rows: pd.DataFrame) -> Iterator[tuple[str, Parts]]:
    kept = rows[has_answers(rows)]
    if len(kept) < FEWEST:
        return
    said, labels = probabilities(kept)
    squared = brier_parts(said, labels)
    yield "Brier", {"error": squared.error, "bias": squared.bias, "variance": squared.variance}
    wrong = zero_one_parts(said.argmax(axis=2), labels)
    # The difference has an error of its own, which its parts do not tell; its interval is over replicates alone.
    net = wrong.unbiased._replace(estimate=wrong.unbiased.estimate - wrong.biased.estimate, seeds=np.nan)
    yield "0-1", {**wrong._asdict(), "variance": net}


def _averaged(found: list[Parts], loss: str) -> dict[str, float]:
    """Returns the columns of all parts, NaN for those that a loss has not."""
    columns: dict[str, float] = {}
    for name in PARTS:
        parts = [each[name] for each in found if name in each]
        # An error is no less than 0, while an unbiased part of it may be.
        least = 0.0 if name in ("error", "unbiased", "biased") else -np.inf
        most = 1.0 if loss == "0-1" and least == 0 else np.inf
        over = number_over(np.array([part.estimate for part in parts]), least, most)
        if len(parts) == 1:
            half = parts[0].half()
            over = Over(over.estimate, max(over.estimate - half, least), min(over.estimate + half, most))
        columns |= over.named(name)
    return columns


def _expected(study: Study, models: pd.DataFrame, degree: float) -> dict[str, float]:
    """Returns the closed form of a regression, checked against the truth that was stored; else NaN."""
    if study.method != "regression":
        return {f"closed_{part}": np.nan for part in ("bias", "variance", "noise")}
    facts, first = study.facts, models.iloc[0]
    points = np.asarray(first["test_points"], dtype=np.float64)
    if not np.allclose(truth_at(facts["truth"], points), np.asarray(first["test_truth"]), atol=1e-9):
        raise DataError(f"study {study.name}: test_truth must be the values of {facts['truth']!r} at test_points")
    n_train = int(first["n_train"])
    found = closed_form(facts["truth"], float(facts["noise"]), facts["interval"], n_train, int(degree), points)
    return {f"closed_{part}": value for part, value in found._asdict().items()}
