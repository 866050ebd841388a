"""Rank correlations within each arm, against SciPy's on the arm's own rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.batch_sizes.correlation import CORRELATIONS
from optbench.analysis.statistics.rank_correlation import spearman
from optbench.report.evidence import Evidence
from tests import arms, factorials
from tests.analysis.test_batch_sizes import one


@pytest.fixture(scope="module")
def run():
    return Evidence.of(arms.run())


def of_arm(run, arm, level, measure):
    """Returns measure, gap and replicate of the networks of an arm, from its own rows."""
    quantities = run.frame("arm_quantities")
    mine = quantities[(quantities["arm"] == arm) & (quantities["quantity"].isin([measure, "gap"]))]
    mine = mine[mine["level"].isna() if level is None else mine["level"] == level]
    wide = mine.pivot(index=["batch_size", "replicate"], columns="quantity", values="value").dropna().reset_index()
    return wide[measure].to_numpy(float), wide["gap"].to_numpy(float), wide["replicate"].to_numpy()


@pytest.mark.parametrize("arm", ["constant", "equal-updates", "adam", "warm-3"])
@pytest.mark.parametrize("level", [0.1, None])
@pytest.mark.parametrize("measure", ["keskar", "hessian_top"])
def test_the_correlation_of_an_arm_is_that_of_its_own_networks(run, arm, level, measure):
    found = one(run.frame("arm_correlations"), arm=arm, level=level, measure=measure)
    values, gaps, replicates = of_arm(run, arm, level, measure)
    assert found["rho"] == pytest.approx(stats.spearmanr(values, gaps).statistic)
    assert (found["n_runs"], found["n_replicates"]) == (len(values), len(set(replicates)))
    # The runs of a replicate belong together within an arm as they do over all.
    known = spearman(values, gaps, replicates)
    assert (found["low"], found["high"]) == pytest.approx((known.low, known.high))


def test_all_arms_come_first_and_each_follows(run):
    frame = run.frame("arm_correlations")
    assert list(frame.columns) == list(CORRELATIONS)
    mine = frame[(frame["measure"] == "keskar") & (frame["level"] == 0.1)]
    assert mine["arm"].tolist() == ["", *(arm["name"] for arm in arms.arms())]


def test_a_network_of_two_arms_counts_in_both_and_once_over_all(run):
    twice = [*arms.arms(), {**arms.arms()[0], "name": "again", "is_primary": False}]
    frame = Evidence.of(arms.run(arms=twice)).frame("arm_correlations")
    keys = {"level": 0.1, "measure": "keskar"}
    again, constant, all_of_them = (one(frame, arm=arm, **keys) for arm in ("again", "constant", ""))
    assert (again["rho"], again["n_runs"]) == (constant["rho"], constant["n_runs"])
    assert all_of_them["n_runs"] == one(run.frame("arm_correlations"), arm="", **keys)["n_runs"]


def test_a_run_of_one_arm_has_the_correlation_of_all_alone():
    frame = Evidence.of(arms.run(arms=arms.arms()[:1])).frame("arm_correlations")
    assert set(frame["arm"]) == {""}
    assert Evidence.of(arms.run([])).frame("arm_correlations").empty


def test_arms_may_be_correlated_otherwise_than_any_of_them():
    """Simpson's paradox: within each rate sharper networks have the larger gap, over all rates the smaller one."""
    run = factorials.run()
    rate = run.runs["hyper"].str.extract(r"([\d.]+)}")[0].astype(float).to_numpy()
    size = np.array([int(task.split("-b")[1]) for task in run.runs["task"]])
    run.runs["level_test_accuracy"] = [np.full(3, 0.9 - 0.01 * np.log2(b / 20) + 0.05 * np.log2(lr)) for lr, b in
                                       zip(rate, size, strict=True)]  # fmt: skip
    sharpness = dict(zip(run.runs["cell_id"], size**0.5 * rate**2, strict=True))
    run.measures["estimate"] = run.measures["cell_id"].map(sharpness)
    frame = Evidence.of(run).frame("arm_correlations")
    keys = {"level": 0.1, "measure": "keskar"}
    assert one(frame, arm="", **keys)["rho"] < 0
    assert all(one(frame, arm=f"rate-{lr:g}", **keys)["rho"] == pytest.approx(1) for lr in factorials.RATES)
