"""Rates, edges of stability and stationary losses as rows show them, beside what ``theory`` predicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.decay import envelope_slope
from optbench.analysis.intervals import LEVEL, student_quantile
from optbench.analysis.scores import Bools, Floats
from optbench.analysis.theory import LOOKS_AHEAD, Quadratic, edge, excess, iteration, quadratic, radius
from optbench.records import Status, curve_steps

#: The logarithm of the values must change by this much within the window: less is not yet the long run.
CHANGE = 20.0
#: Stationary losses are averaged over the recorded costs from this share of the budget on.
LATE = 0.5
#: At most this share of the predicted stationary loss may stem from the start.
REMAINDER = 0.01
#: Smallest value of a quadratic with its minimum 0 at the origin, in units of ``f_scale``: there is no rounding but
#: underflow, which begins at its square root for coordinates.
TINY = 1e-280

RATES = (
    *("problem", "optimizer", "lr", "beta", "edge", "radius", "radius_measured", "rate_error", "grows"),
    *("noise", "excess", "excess_measured", "excess_low", "excess_high"),
)
EDGES = (
    *("problem", "optimizer", "dim", "beta", "edge", "edge_low", "edge_high", "edge_measured", "edge_error"),
    *("best_lr", "best_radius", "best_measured", "best_error", "n_rates", "rate_error"),
    *("noise", "n_excess", "excess_ratio", "excess_ratio_low", "excess_ratio_high"),
)


@dataclass(frozen=True)
class TheoryAnalysis:
    """Predicted beside measured on quadratics.

    Attributes:
        theory_rates: One row per problem, optimizer and configuration.
        theory_edges: One row per problem and optimizer.
    """

    theory_rates: pd.DataFrame
    theory_edges: pd.DataFrame


@dataclass(frozen=True)
class _Losses:
    """Stationary losses of one rule at n rates.

    Attributes:
        expected: Predicted, shape (n,); NaN where the start is not yet forgotten within the budget.
        measured: Mean of each start, shape (n, starts).
    """

    expected: Floats
    measured: Floats


def analyze_theory(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> TheoryAnalysis:
    """Holds measured rates, edges and stationary losses against predicted ones.

    Nothing is chosen, so tuning starts count as well as reported ones.

    Args:
        runs: Rows with the columns of ``records.RUN_COLUMNS``.
        manifest: The run's manifest.

    Returns:
        The frames; empty if no rule that the theory covers ran on a quadratic.
    """
    rates: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for problem, optimizer, plain, noisy in _pairs(runs, manifest):
        found = _rates(problem, optimizer, plain, noisy, manifest)
        rates += found.to_dict("records")
        edges.append({"problem": problem, "optimizer": optimizer, **_whole(found, noisy, manifest)})
    return TheoryAnalysis(pd.DataFrame(rates, columns=list(RATES)), pd.DataFrame(edges, columns=list(EDGES)))
