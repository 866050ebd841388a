"""What each study found, in one number with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.studies.cross_validation import refits
from optbench.analysis.studies.curves import curve_ends
from optbench.analysis.studies.decomposition import decomposition, decomposition_changes
from optbench.analysis.studies.ensembles import ensembles
from optbench.analysis.studies.replicates import Drawn, drawn_of
from optbench.analysis.studies.study import KEYS, studies

#: ``quantity`` says what the estimate is of, ``unit`` is ``points`` (of accuracy), ``Brier``, ``nats`` or ``squared``;
#: ``low`` and ``high`` are as of the study's own frame, ``new_`` ends for new data: wider where replicates split one
#: file, see ``replicates``.
#: ``beside`` says the next thing to know, in a few words.
SUMMARY = (
    *KEYS,
    *("quantity", "unit", "estimate", "low", "high", "new_low", "new_high"),
    *("n_replicates", "beside"),
)

#: A row without the study's own keys.
Found = dict[str, Any]


def studies_summary(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes every study.

    Cross-validation: what the chosen configuration's validation accuracy promised too much. Bagging and boosting: the
    gain of all members over a single model. Bias and variance: how the variance of probabilities changes from the first
    value of the factor to the last. Regression: the error minus the closed form, at the degree at which that is least.
    Curves: the gap at the end.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study that has a result, with the columns of ``SUMMARY``, in the manifest's order.
    """
    makers: tuple[Callable[[pd.DataFrame, Mapping[str, Any]], Iterator[Found]], ...] = (
        _cross_validated, _gained, _varied, _regressed, _fitted,
    )  # fmt: skip
    drawn = {study.name: drawn_of(study) for study in studies(runs, manifest)}
    rows = [_widened(row, drawn[row["study"]]) for make in makers for row in make(runs, manifest)]
    stated = [*manifest.get("studies", {})]
    rows.sort(key=lambda row: (stated.index(row["study"]) if row["study"] in stated else len(stated), row["study"]))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns the rows of a frame as mappings."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _row(row: Mapping[str, Any], name: str, quantity: str, unit: str, beside: str) -> Found:
    keys = {key: row[key] for key in (*KEYS, "n_replicates")}
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    found = {"quantity": quantity, "unit": unit, "estimate": row[name], "low": low, "high": high, "beside": beside}
    new = {f"new_{end}": row[f"new_{name}_{end}"] for end in ("low", "high") if f"new_{name}_{end}" in row}
    return {**keys, **found, **new}


def _widened(row: Found, drawn: Drawn) -> Found:
    """Returns a row with an interval for new data, where its own frame has none."""
    if "new_low" in row:
        return row
    wider = np.sqrt(drawn.overlap(row["n_replicates"]))
    ends = {f"new_{end}": row["estimate"] + wider * (row[end] - row["estimate"]) for end in ("low", "high")}
    return {**row, **ends}


def _cross_validated(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> Iterator[Found]:
    for row in records(refits(runs, manifest)):
        said = f"{row['most_chosen'] or 'the only one'} ({row['chosen']}/{row['n_replicates']})"
        beside = f"{said}; test {100 * row['test']:.1f}"
        yield _row(row, "optimism", "optimism of the choice", "points", beside)


def _gained(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> Iterator[Found]:
    frame = ensembles(runs, manifest)
    for row in records(frame[(frame["members"] == frame["most"]) & (frame["way"] != "vote")]):
        beside = f"{100 * row['single']:.1f} to {100 * row['accuracy']:.1f}, cost {row['cost']:.3g}"
        how = "bagged" if row["way"] == "average" else "boosted"
        yield _row(row, "gain", f"gain of {row['members']} {how} models", "points", beside)


def _varied(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> Iterator[Found]:
    frame = decomposition_changes(runs, manifest)
    for row in records(frame[frame["loss"] == "Brier"]):
        what = f"variance: {row['factor']} {row['first']:g} to {row['last']:g}"
        beside = f"bias² {row['bias']:+.3f} [{row['bias_low']:+.3f}, {row['bias_high']:+.3f}]"
        yield _row(row, "variance", what, "Brier", beside)


def _regressed(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> Iterator[Found]:
    frame = decomposition(runs, manifest)
    for _, own in frame[frame["loss"] == "squared"].groupby("study", sort=False):
        closed = (own["closed_bias"] + own["closed_variance"] + own["closed_noise"]).to_numpy(np.float64)
        # Where the formula has its least error: the least of measured ones would be low by being chosen.
        place = int(closed.argmin())
        row = records(own)[place]
        for end in ("error", "error_low", "error_high"):
            row[end] -= closed[place]
        at = f"{row['factor']} {row['factor_value']:g}"
        best = own["factor_value"].iloc[int(own["error"].to_numpy().argmin())]
        beside = f"closed form {closed[place]:.3g}; measured, least at {row['factor']} {best:g}"
        yield _row(row, "error", f"error - closed form, {at}", "squared", beside)


def _fitted(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> Iterator[Found]:
    for _, own in curve_ends(runs, manifest).groupby("study", sort=False):
        first, row = records(own)[0], records(own)[-1]
        at = "" if np.isnan(row["factor_value"]) else f", {row['factor']} {row['factor_value']:g}"
        beside = f"test {100 * row['test_accuracy']:.1f}"
        if len(own) > 1:
            beside += f"; gap at {row['factor']} {first['factor_value']:g}: {100 * first['gap']:.1f}"
        yield _row(row, "gap", f"gap at the end{at}", "points", beside)
