"""Expected running times: worked out by hand, in any order, with intervals that cover."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze, expected_running_time
from optbench.analysis.landscapes.profiles import cost_per_success
from optbench.analysis.landscapes.running_time import RUNNING_TIMES, running_time_interval, running_times
from optbench.records import curve_steps
from optbench.records.landscapes import ROWS

from .synthetic import make_manifest, make_row, make_runs

INF = np.inf


def run_of(speeds: list[float], **status: int) -> tuple[pd.DataFrame, dict]:
    """Two tuning starts and a reported one for each speed; ``status`` names how one of them ended."""
    rows = [make_row("p1", "adam", 0, "tune", k, speed=0.1, g0=1.1 + k) for k in range(2)]
    rows += [make_row("p1", "adam", 0, "report", k, speed=speed) for k, speed in enumerate(speeds)]
    for name, start in status.items():
        rows[2 + start].update(status=name, diverged_at=10, cost=10.0)
    for k, row in enumerate(rows):
        row.update(is_default=True, f_start=row["f_start"] + 1e-3 * k)
    return pd.DataFrame(rows)[list(ROWS.columns)], make_manifest({"p1": "a"}, n_cells=len(rows))


def test_a_running_time_worked_by_hand() -> None:
    """Of four runs of 200 evaluations two reach 1e-3, at 50 and 100; one is too slow, one diverges at 10."""
    runs, manifest = run_of([np.log(1e3) / 49.5, np.log(1e3) / 99.5, 0.02, 0.5], diverged=3)
    frame = running_times(analyze(runs, manifest, replicates=200))
    assert list(frame) == list(RUNNING_TIMES)
    row = frame[frame["setting"] == "default"].iloc[0]
    assert (row["reach_count"], row["reach_runs"], row["n_starts"]) == (2, 4, 4)
    # The run that diverged has spent its budget too: (50 + 100 + 200 + 200) / 2.
    assert row["ert"] == 275.0
    assert row["ert"] == expected_running_time([50, 100, 200, 200], [True, True, False, False])
    assert row["ert_low"] < 275 < row["ert_high"]


def test_no_success_is_infinite_with_a_finite_lower_end() -> None:
    frame = running_times(analyze(*run_of([0.01] * 8), replicates=200))
    assert (frame["ert"] == INF).all()
    assert (frame["ert_high"] == INF).all()
    # All of 8 missed: the share of successes may still be some four in ten, so 200 x 6/4 is not excluded.
    assert frame["ert_low"].between(200, 400).all()


def test_starts_that_meet_the_target_leave_nothing_to_count() -> None:
    runs, manifest = run_of([0.1] * 8)
    runs["f_start"] = 3.0 + 1e-4
    row = running_times(analyze(runs, manifest, replicates=20)).iloc[0]
    assert row["reach_runs"] == 0
    assert row[["ert", "ert_low", "ert_high"]].isna().all()


def test_no_order_changes_a_bit() -> None:
    cost, hit = [0.1, 0.2, 0.3, 0.7, 1e16], [True, False, True, True, True]
    found = {
        expected_running_time([cost[k] for k in order], [hit[k] for k in order])
        for order in itertools.permutations(range(5))
    }
    assert len(found) == 1
    runs, manifest = make_runs({"p1": "a", "p2": "b"}, ["adam", "sgd"], n_configs=4, diverging=(3,))
    expected = running_times(analyze(runs, manifest, replicates=100))
    other = running_times(analyze(runs.sample(frac=1, random_state=1), manifest, replicates=100))
    pd.testing.assert_frame_equal(expected, other, check_exact=True)


def test_noise_seeds_of_a_start_are_runs_of_one_cluster() -> None:
    """Three starts of two seeds: (40 + 79), (40 + 200), (200 + 200) evaluations, and three successes.

    Curves fall for good at 50 or 100; the point before is the first whose median with the next two lies below.
    """
    manifest = make_manifest({"p1": "a"}, n_cells=7, noise={"kind": "gaussian", "level": 1.0})
    manifest["budget"] = 200
    rows = [make_row("p1", "adam", 0, "tune", 0, speed=0.1, g0=1.3)]
    for start, hits in enumerate(((50, 100), (50, None), (None, None))):
        for seed, hit in enumerate(hits):
            row = make_row("p1", "adam", 0, "report", start, speed=0.001)
            row.update(cell_id=f"{start}, {seed}", noise_seed=seed, f_start=row["f_start"] + start)
            if hit is not None:
                row["curve_f"] = np.where(np.array(curve_steps(200)) >= hit, 3.0 + 2.0 * 9e-4, 5.0)
            rows.append(row)
    runs = pd.DataFrame(rows)[list(ROWS.columns)].assign(is_default=True)
    row = running_times(analyze(runs, manifest, replicates=100)).iloc[0]
    assert (row["reach_count"], row["reach_runs"]) == (3, 6)
    assert row["ert"] == (40 + 79 + 40 + 200 + 200 + 200) / 3


def test_every_replicate_chooses_again() -> None:
    """Two rates that tuning starts cannot tell apart, one of them useless: the interval knows of both."""
    rows = []
    for config, good in ((0, 0.14), (1, 0.002)):
        for start in range(6):
            speed = 0.1 if (start + config) % 2 else 0.05
            rows.append(make_row("p1", "adam", config, "tune", start, speed=speed, g0=1.0 + 0.01 * start))
        rows += [make_row("p1", "adam", config, "report", k, speed=good, g0=1.5 + 0.01 * k) for k in range(8)]
    runs = pd.DataFrame(rows)[list(ROWS.columns)].assign(is_default=lambda frame: frame["config"] == 0)
    frame = running_times(analyze(runs, make_manifest({"p1": "a"}, n_cells=len(runs)))).set_index("setting")
    assert frame.loc["default", "ert"] == frame.loc["tuned", "ert"] == 53
    assert frame.loc["default", "ert_high"] < 300
    assert frame.loc["tuned", "ert_high"] == INF


def test_cost_per_success_is_never_nan() -> None:
    np.testing.assert_array_equal(cost_per_success(np.array([0.0, 4.0]), np.array([0.0, 0.5])), [INF, 8.0])


@pytest.mark.parametrize("seeds", [1, 4])
def test_one_start_or_two_say_nothing_and_three_do(seeds: int) -> None:
    for n in (1, 2):
        for reached in itertools.product([0.0, 1.0], repeat=n):
            assert running_time_interval(np.full(n, 10.0), np.array(reached), 100.0, seeds=seeds) == (0.0, INF)
    low, high = running_time_interval(np.array([9.0, 10.0, 11.0]), np.ones(3), 100.0)
    assert low < 10 < high < 1000


@pytest.mark.parametrize("n", range(1, 65))
def test_every_number_of_starts_and_successes_has_an_interval_around_the_running_time(n: int) -> None:
    rng = np.random.default_rng(n)
    for count in range(n + 1):
        reached = np.arange(n) < count
        spent = np.where(reached, rng.uniform(1, 100, n), 100.0)
        low, high = running_time_interval(spent, reached.astype(float), 100.0)
        assert 0 <= low <= expected_running_time(spent, reached) <= high


@pytest.mark.parametrize("n", [8, 12, 32])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("spread", [0.1, 1.5])
def test_running_time_intervals_cover(n: int, share: float, spread: float) -> None:
    """At least 94 % of 2,000 samples, less two standard errors of the simulation."""
    rng = np.random.default_rng(n)
    times = 150 * np.exp(spread * rng.standard_normal(50_000))
    times = times[times <= 2000]
    truth = times.mean() + 2000 * (1 - share) / share
    covered = 0
    for _ in range(2000):
        hit = rng.random(n) < share
        low, high = running_time_interval(np.where(hit, rng.choice(times, n), 2000.0), hit.astype(float), 2000.0)
        covered += low <= truth <= high
    assert covered / 2000 >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / 2000)


def test_intervals_over_clusters_cover() -> None:
    """Twelve starts, four seeds each; how often a start's runs succeed differs from start to start."""
    rng = np.random.default_rng(0)
    truth = 100 + 1000 * (1 - 0.6) / 0.6
    covered = 0
    for _ in range(2000):
        chance = rng.beta(1.2, 0.8, 12)
        reached = rng.binomial(4, chance) / 4
        spent = 100 * reached + 1000 * (1 - reached)
        low, high = running_time_interval(spent, reached, 1000.0, seeds=4)
        covered += low <= truth <= high
    assert covered / 2000 >= 0.94
