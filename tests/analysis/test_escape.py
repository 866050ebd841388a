"""Steps to leave a saddle against log(1/distance)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze
from optbench.analysis.landscapes.facts import Facts
from optbench.analysis.quadratics.escape import escape_target, slope_interval
from optbench.records import GAP_TARGETS, NEVER
from optbench.records.landscapes import ROWS

from .synthetic import make_manifest, make_row


def saddle_runs(rate: float, budget: int = 200) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Runs whose cost to escape is ``5 + log(1/distance) / rate``, missed beyond the budget."""
    rows = []
    for split, n in (("tune", 4), ("report", 24)):
        for k in range(n):
            distance = 10.0 ** -(1 + 5 * (k + 0.1 * (split == "tune")) / n)
            row = make_row(
                "saddle-2d", "sgd", 0, split, k, speed=0.1, g0=1.0 + distance, distance=distance, is_default=True
            )
            cost = int(5 + np.log(1 / distance) / rate)
            row["hits"] = row["settled"] = np.full(51, cost if cost <= budget else NEVER, np.int32)
            rows.append(row)
    runs = pd.DataFrame(rows)[list(ROWS.columns)]
    return runs, make_manifest({"saddle-2d": "saddle"}, n_cells=len(runs), f_saddle=5.0)


def test_the_slope_is_found() -> None:
    runs, manifest = saddle_runs(rate=0.2)
    table = analyze(runs, manifest, replicates=10).escape
    assert table["setting"].tolist() == ["default", "tuned"]
    row = table.iloc[0]
    assert (row["n_starts"], row["escaped_count"], row["censored"]) == (24, 24, 0)
    assert row["slope"] == pytest.approx(5.0, rel=0.02)
    assert row["slope_low"] <= 5.0 <= row["slope_high"]


def test_runs_that_never_leave_are_counted_and_do_not_flatten_the_slope() -> None:
    """Leaving them out would keep the slope, too; replacing them by the budget would flatten it."""
    runs, manifest = saddle_runs(rate=0.05)
    row = analyze(runs, manifest, replicates=10).escape.iloc[0]
    assert row["censored"] > 0
    assert row["escaped_count"] + row["censored"] == 24
    assert row["slope"] >= 20.0 * 0.98
    assert row["slope_high"] == np.inf


def test_the_target_is_half_way_down_from_the_saddle() -> None:
    facts = Facts("saddle", 2, 3.0, 2.0, 3.0, 5.0, True)
    target = escape_target(facts)
    assert target is not None
    assert GAP_TARGETS[target] <= 0.5 < GAP_TARGETS[target - 1]
    assert escape_target(Facts("sphere", 2, 3.0, 2.0, 3.0, None, True)) is None


def test_slope_agrees_with_scipy_without_ties() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    x, noise = rng.random(30), rng.normal(0, 0.1, 30)
    slope, low, high = slope_interval(x, 3 * x + noise)
    expected = stats.theilslopes(3 * x + noise, x, 0.95)
    assert slope == pytest.approx(expected.slope)
    assert low == pytest.approx(expected.low_slope, rel=0.05)
    assert high == pytest.approx(expected.high_slope, rel=0.05)


def test_slopes_with_nothing_known() -> None:
    x = np.arange(5.0)
    nothing = slope_interval(x, np.full(5, np.inf))
    assert np.isnan(nothing[0])
    assert nothing[1:] == (-np.inf, np.inf)
    assert np.isnan(slope_interval(x[:1], x[:1])[0])
    # Four of ten pairs reach to infinity: the median slope is still known, its upper end is not.
    slope, low, high = slope_interval(np.arange(5.0), np.array([1.0, 2.0, 3.0, 4.0, np.inf]))
    assert (slope, high) == (1.0, np.inf)
    assert low <= 1.0


def test_slope_intervals_cover() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(600):
        x = rng.uniform(2, 14, 32)
        _, low, high = slope_interval(x, 5 + 4 * x + rng.normal(0, 3, 32))
        inside.append(low <= 4 <= high)
    assert np.mean(inside) >= 0.94
