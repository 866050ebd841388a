"""Expected running time and performance profile, worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

import optbench as ob
from optbench.analysis import expected_running_time, performance_profile
from optbench.errors import DataError

INF = np.inf


@pytest.mark.parametrize(
    ("evaluations", "solved", "expected"),
    [
        ([10, 30], [True, True], 20.0),  # no misses: the mean
        ([10, 30, 100], [True, True, False], 70.0),  # 140 evaluations, 2 successes
        ([100, 100], [False, False], INF),  # never solved
        ([7], [True], 7.0),
    ],
)
def test_expected_running_time_by_hand(evaluations: list[float], solved: list[bool], expected: float) -> None:
    assert expected_running_time(evaluations, solved) == expected


def test_expected_running_time_is_that_of_simulated_restarts() -> None:
    """Draw runs until one succeeds; the mean of the sums is the expected running time."""
    cost, hit = np.array([10.0, 40.0, 100.0, 100.0, 70.0]), np.array([True, True, False, False, True])
    rng = np.random.default_rng(0)
    totals = []
    for _ in range(20_000):
        total = 0.0
        while True:
            run = rng.integers(5)
            total += cost[run]
            if hit[run]:
                break
        totals.append(total)
    assert np.mean(totals) == pytest.approx(expected_running_time(cost, hit), rel=0.02)


@pytest.mark.parametrize(
    ("evaluations", "solved", "message"),
    [
        ([1.0, np.nan], [True, True], "finite"),
        ([1.0, INF], [True, False], "finite"),
        ([1.0], [True, False], "one length"),
        ([], [], "one length"),
        ([1.0, 2.0], [1, 0], "true or false"),
    ],
)
def test_expected_running_time_refuses_what_hides_a_miss(evaluations: list, solved: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        expected_running_time(evaluations, solved)


TIMES = pd.DataFrame(
    {"a": [10.0, 40.0, INF, 5.0], "b": [20.0, 10.0, INF, INF], "c": [50.0, 15.0, INF, 5.0]},
    index=["p", "q", "nobody", "tie"],
)


def test_performance_profile_by_hand() -> None:
    """Ratios: a 1, 4, inf, 1; b 2, 1, inf, inf; c 5, 1.5, inf, 1. A tie counts for both, 5 is a miss."""
    profile = performance_profile(TIMES)
    assert profile.curve.index.tolist() == [1.0, 1.5, 2.0, 4.0]
    assert profile.curve["a"].tolist() == [0.5, 0.5, 0.5, 0.75]
    assert profile.curve["b"].tolist() == [0.25, 0.25, 0.5, 0.5]
    assert profile.curve["c"].tolist() == [0.25, 0.5, 0.5, 0.5]
    # (3 + 0 + 0 + 3)/12, (2 + 3)/12, (2.5 + 3)/12
    np.testing.assert_allclose(profile.area[["a", "b", "c"]], [0.5, 5 / 12, 5.5 / 12], rtol=1e-15)


@pytest.mark.parametrize("tau_max", [1.5, 4.0, 10.0])
def test_the_area_is_the_integral_of_the_curve(tau_max: float) -> None:
    rng = np.random.default_rng(3)
    values = np.where(rng.random((9, 4)) < 0.2, INF, np.exp(rng.normal(3, 1, (9, 4))))
    profile = performance_profile(pd.DataFrame(values, columns=list("wxyz")), tau_max)
    best = values.min(axis=1, keepdims=True)
    for k, name in enumerate("wxyz"):

        def rho(tau: float, k: int = k) -> float:
            return float((values[:, k] <= tau * best[:, 0])[np.isfinite(best[:, 0])].sum() / 9)

        jumps = profile.curve.index.to_numpy()
        parts = [integrate.quad(rho, a, b)[0] for a, b in itertools.pairwise(jumps)]
        assert profile.area[name] == pytest.approx(sum(parts) / (tau_max - 1), abs=1e-9)


def test_all_missed_is_zero_and_none_missed_may_be_one() -> None:
    assert performance_profile(pd.DataFrame({"a": [INF, INF]})).area["a"] == 0.0
    assert performance_profile(pd.DataFrame({"a": [3.0, 8.0]})).area["a"] == 1.0


@pytest.mark.parametrize(
    ("times", "tau_max", "message"),
    [
        (pd.DataFrame({"a": [1.0, np.nan]}, index=["p", "q"]), 4.0, "NaN in q"),
        (pd.DataFrame({"a": [1.0, 0.0]}), 4.0, "greater than 0"),
        (pd.DataFrame({"a": []}), 4.0, "at least one"),
        (pd.DataFrame({"a": [1.0]}), 1.0, "tau_max"),
    ],
)
def test_what_is_no_run_length_is_refused(times: pd.DataFrame, tau_max: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        performance_profile(times, tau_max)


def test_both_are_reachable_from_the_package() -> None:
    assert ob.analysis.performance_profile is performance_profile
    assert ob.analysis.expected_running_time is expected_running_time
