"""Under- and overfitting: loss and accuracy over training, and at its end against what is varied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.studies.replicates import drawn_of, number_over, share_over
from optbench.analysis.studies.study import KEYS, has_answers, rights, studies
from optbench.records.studies import Role

#: Least and largest values, where there are any.
RANGES = {
    "train_accuracy": (0.0, 1.0),
    "test_accuracy": (0.0, 1.0),
    "train_loss": (0.0, np.inf),
    "test_loss": (0.0, np.inf),
}
#: What a curve has of the training part and of the test part.
VALUES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
#: ``passes`` are gradients of single examples over the training rows; quartiles are over replicates.
LEARNING = (
    *KEYS,
    *("factor", "factor_value", "n_replicates", "grads", "passes"),
    *(f"{name}_{q}" for name in VALUES for q in ("q25", "median", "q75")),
)
#: At the last step; ``gap`` is training accuracy minus test accuracy, ``loss_gap`` test loss minus training loss.
ENDS = (
    *KEYS,
    *("factor", "factor_value", "n_replicates", "n_train"),
    *(f"{name}{end}" for name in (*VALUES, "gap", "loss_gap") for end in ("", "_low", "_high")),
    "failed",
)


def learning_curves(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns loss and accuracy over training: median and quartiles over replicates at each point.

    A model that diverged or failed counts with an infinite loss and an accuracy of 0 where it has no point.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study, value of its factor and point, with the columns of ``LEARNING``.
    """
    rows = []
    for study in studies(runs, manifest, "curve"):
        for value, models in study.of(Role.SINGLE).groupby("factor_value", dropna=False, sort=True):
            lengths = [0 if curve is None else len(curve) for curve in models["curve_test_loss"]]
            longest = models["curve_grads"].iloc[int(np.argmax(lengths))] if max(lengths) else None
            first = models.iloc[0]
            tables = {name: _table(models[f"curve_{name}"], max(lengths), name) for name in VALUES}
            for place, grads in enumerate([] if longest is None else longest):
                row: dict[str, Any] = {**study.keys, "factor": str(first["factor"]), "factor_value": float(str(value))}
                row |= {"n_replicates": len(models), "grads": int(grads)}
                row["passes"] = float(grads) * float(first["batch_size"]) / float(first["n_train"])
                for name, table in tables.items():
                    low, middle, high = np.quantile(table[:, place], (0.25, 0.5, 0.75), method="nearest")
                    row |= {f"{name}_q25": low, f"{name}_median": middle, f"{name}_q75": high}
                rows.append(row)
    return pd.DataFrame(rows, columns=list(LEARNING))


def curve_ends(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes the last step of each curve, by value of its factor.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study and value, with the columns of ``ENDS``: means over the models that have scores, with
        intervals over replicates.
    """
    rows = []
    for study in studies(runs, manifest, "curve"):
        drawn = drawn_of(study)
        for value, models in study.of(Role.SINGLE).groupby("factor_value", dropna=False, sort=True):
            values = {name: models[name].to_numpy(np.float64, na_value=np.nan) for name in VALUES}
            values["loss_gap"] = values["test_loss"] - values["train_loss"]
            row: dict[str, Any] = {
                **study.keys,
                "factor": str(models["factor"].iloc[0]),
                "factor_value": float(str(value)),
            }
            row |= {"n_replicates": len(models), "n_train": int(models["n_train"].iloc[0])}
            for name, numbers in values.items():
                row |= number_over(numbers, *RANGES.get(name, (-np.inf, np.inf))).named(name)
            # Another test part would move these two, so examples are drawn anew as well where all share one.
            scored = models[has_answers(models)]
            answers, trained = rights(scored), scored["train_accuracy"].to_numpy(np.float64)
            gaps = [t - own for t, own in zip(trained, answers, strict=True)]
            row |= share_over(answers, drawn, (0.0, 1.0)).named("test_accuracy")
            row |= share_over(gaps, drawn, (-1.0, 1.0)).named("gap")
            row["failed"] = int((models["status"] != "ok").sum())
            rows.append(row)
    return pd.DataFrame(rows, columns=list(ENDS))


def _table(curves: pd.Series, n: int, name: str) -> np.ndarray:
    """Returns curves as rows of one length; what a model lacks is an infinite loss or an accuracy of 0."""
    lost = np.inf if name.endswith("loss") else 0.0
    table = np.full((len(curves), n), lost)
    for row, curve in enumerate(curves):
        if curve is not None:
            values = np.asarray(curve, dtype=np.float64)[:n]
            table[row, : len(values)] = np.where(np.isfinite(values), values, lost)
    return table
