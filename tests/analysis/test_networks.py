"""Frames of a run of networks against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optbench.analysis.networks.curves import network_curves, network_rates
from optbench.analysis.networks.effects import network_effects, regularizer
from optbench.analysis.networks.integrity import check_network_rows
from optbench.analysis.networks.ranking import compare, network_ranking
from optbench.analysis.networks.summary import network_summary, student
from optbench.errors import DataError
from tests import networks
from tests.networks import DEFAULT, N_TEST

TASK, TWIN = "digits-lenet", "digits-lenet+dropout=0.5"


def report(rights, task=TASK, optimizer="sgd", config=DEFAULT, train=1.0, **entries):
    """Reported runs, one for each seed's number of right answers."""
    return [
        networks.row(task, optimizer, config, "report", seed, right=np.arange(N_TEST) < n, **entries)
        | {"train_accuracy": train}
        for seed, n in enumerate(rights)
    ]


def summary(rows, **entries):
    return network_summary(networks.frame(rows), networks.manifest(**entries)).to_dict("records")


def test_the_summary_is_what_one_counts_by_hand():
    """Of 50 examples 45, 46 and 47 are right: accuracies 0.90, 0.92, 0.94; training is all right."""
    (row,) = summary(report((45, 46, 47), train_loss=0.1, test_loss=0.4))
    assert (row["setting"], row["n_seeds"], row["n_scored"], row["n_test"]) == ("default", 3, 3, 50)
    assert row["test_accuracy"] == pytest.approx(0.92)
    assert row["seed_sd"] == pytest.approx(0.02)
    assert row["gap"] == pytest.approx(0.08)
    assert row["loss_gap"] == pytest.approx(0.3)
    # Seeds: var(0.90, 0.92, 0.94) / 3. Examples: 45 are always right, then 2/3, 1/3, and 3 never; one right and one
    # wrong are added.
    by_example = np.array([1.0] * 45 + [2 / 3, 1 / 3] + [0.0] * 3 + [1.0, 0.0])
    center, seeds, examples = by_example.mean(), 0.0004 / 3, by_example.var(ddof=1) / 52
    half = np.sqrt(stats.t.ppf(0.975, 2) ** 2 * seeds + stats.t.ppf(0.975, 51) ** 2 * examples)
    assert (row["test_low"], row["test_high"]) == pytest.approx((center - half, min(1.0, center + half)))
    # All of training is right, so the gap is the mirrored accuracy.
    assert (row["gap_low"], row["gap_high"]) == pytest.approx((1 - center - half, 1 - center + half))
    # The point before the last of a curve of 140 batches of 100 in 1400 examples stands at batch 126.
    assert (row["stop"], row["cost"], row["tune_cost"]) == (9.0, 10.0, 0.0)


def test_a_failed_run_counts_as_wrong_and_enters_no_gap():
    rows = report((45, 45), train=0.9 + 0.1)
    rows.append(networks.row(TASK, "sgd", DEFAULT, "report", 2, status="oom"))
    (row,) = summary(rows)
    assert (row["n_seeds"], row["n_scored"], row["failed"], row["diverged"]) == (3, 2, 1, 0)
    assert row["test_accuracy"] == pytest.approx(0.6)
    assert row["train_accuracy"] == pytest.approx(2 / 3)
    assert row["gap"] == pytest.approx(0.1)
    assert (row["test_low"], row["test_high"]) == (0.0, 1.0)


def test_a_diverged_run_keeps_its_judged_point_and_is_counted():
    rows = report((45, 46))
    rows[1] |= {"status": "diverged", "diverged_at": 140}
    (row,) = summary(rows)
    assert (row["diverged"], row["n_scored"]) == (1, 2)
    assert row["test_accuracy"] == pytest.approx(0.91)


def test_all_failed_is_a_row_and_not_an_error():
    rows = [networks.row(TASK, "sgd", DEFAULT, "report", s, status="error") for s in range(2)]
    (row,) = summary(rows)
    assert (row["test_accuracy"], row["failed"]) == (0.0, 2)
    assert np.isnan([row["gap"], row["stop"], row["test_loss"]]).all()


def test_a_single_seed_has_no_interval():
    (row,) = summary(report((45,)))
    assert row["test_accuracy"] == pytest.approx(0.9)
    assert np.isnan([row["test_low"], row["gap_high"], row["loss_gap_low"], row["seed_sd"]]).all()


def test_tuned_is_what_tuning_runs_choose_whatever_the_test_says():
    tune = [networks.row(TASK, "sgd", c, "tune", s, level=0.95 if c == 0 else 0.8) for c in range(4) for s in range(2)]
    rows = tune + report((40, 40)) + report((30, 30), config=0) + report((50, 50), config=3)
    found = {row["setting"]: row for row in summary(rows)}
    assert found["default"]["test_accuracy"] == pytest.approx(0.8)
    assert (found["tuned"]["config"], found["tuned"]["test_accuracy"]) == (0, pytest.approx(0.6))
    assert found["tuned"]["at_edge"]
    assert found["tuned"]["tune_cost"] == pytest.approx(80.0)


def test_where_the_choice_is_the_default_the_same_runs_stand_for_both():
    tune = [networks.row(TASK, "sgd", c, "tune", 0, level=0.95 if c == DEFAULT else 0.8) for c in range(4)]
    default, tuned = summary(tune + report((40, 41)))
    assert (default["setting"], tuned["setting"]) == ("default", "tuned")
    assert default["test_accuracy"] == tuned["test_accuracy"]


def test_student_is_scipys():
    values = np.array([0.1, 0.4, 0.2])
    expected = stats.t.interval(0.95, 2, values.mean(), values.std(ddof=1) / np.sqrt(3))
    assert student(values) == pytest.approx(expected)


def test_an_effect_is_paired_on_seeds_and_examples():
    """With dropout each seed gains two examples, whatever it had; training loses a tenth, so the gap falls by 0.14."""
    rows = report((40, 44, 46)) + report((42, 46, 48), task=TWIN, train=0.9)
    (row,) = network_effects(networks.frame(rows), networks.manifest()).to_dict("records")
    assert (row["base"], row["regularizer"], row["n_pairs"]) == (TASK, "dropout=0.5", 3)
    assert (row["test"], row["train"], row["gap"]) == pytest.approx((0.04, -0.1, -0.14))
    # Seeds do not differ in their gain: what is left is the examples, of which each seed gains two others.
    by_example = np.array([0.0] * 40 + [1 / 3] * 2 + [0.0] * 2 + [1 / 3] * 4 + [0.0] * 2 + [1.0, -1.0])
    half = stats.t.ppf(0.975, 51) * np.sqrt(by_example.var(ddof=1) / 52)
    center = by_example.mean()
    assert (row["test_low"], row["test_high"]) == pytest.approx((center - half, center + half))
    assert row["train_low"] < -0.1 < row["train_high"]


def test_an_effect_is_over_the_seeds_that_both_sides_have():
    lost = networks.row(TWIN, "sgd", DEFAULT, "report", 1, status="oom")
    rows = [*report((40, 44, 46)), *report((42,), task=TWIN), lost, *report((0, 0, 48), task=TWIN)[2:]]
    (row,) = network_effects(networks.frame(rows), networks.manifest()).to_dict("records")
    assert (row["n_pairs"], row["n_seeds"]) == (2, 3)
    assert row["test"] == pytest.approx(0.04)


def test_effects_need_a_base_and_the_same_test_examples():
    rows = networks.frame(report((40, 41), task="digits-mlp"))
    assert network_effects(rows, networks.manifest()).empty
    facts = networks.manifest()
    facts["tasks"][TWIN] = {**facts["tasks"][TWIN], "n_test": 60}
    with pytest.raises(DataError, match="must have the same test examples; got 60, 50"):
        network_effects(networks.frame(report((40,)) + report((40,), task=TWIN)), facts)


def test_a_regularizer_is_named_by_its_label_or_its_strengths():
    assert regularizer("a-b+early_stopping", "a-b", {"regularization": {}}) == "early_stopping"
    assert regularizer("c", "a-b", {"regularization": {"dropout": 0.5, "norm": True}}) == "dropout=0.5, norm"
    assert regularizer("c", "a-b", {}) == "c"


def ranked(n_seeds=12, **levels):
    """Tuned rules, each with its number of right answers and three seeds' worth of spread."""
    rows = []
    for name, n in levels.items():
        rows.append(networks.row(TASK, name, 0, "tune", 0))
        rows += report([n + s % 3 for s in range(n_seeds)], optimizer=name, config=0)
    return network_ranking(networks.frame(rows), networks.manifest())


def test_far_apart_is_told_apart_and_close_is_not():
    found = ranked(sgd=20, adam=45, adadelta=45).set_index("optimizer")
    assert found["in_set"].to_dict() == {"adadelta": True, "adam": True, "sgd": False}
    assert found["rank_low"].to_dict() == {"adadelta": 1, "adam": 1, "sgd": 3}
    assert found["rank_high"].to_dict() == {"adadelta": 2, "adam": 2, "sgd": 3}
    assert found["test_accuracy"].to_dict() == pytest.approx({"adadelta": 0.92, "adam": 0.92, "sgd": 0.42})


def test_below_ten_seeds_or_two_rules_nothing_is_ranked():
    assert ranked(9, sgd=20, adam=45).empty
    assert ranked(10, sgd=20).empty
    assert len(ranked(10, sgd=20, adam=45)) == 2


def test_a_reference_line_is_not_ranked():
    rows = []
    for name in ("sgd", "adam", "adadelta"):
        rows.append(networks.row(TASK, name, 0, "tune", 0))
        rows += report([40 + s % 3 for s in range(10)], optimizer=name, config=0)
    manifest = networks.manifest()
    assert set(network_ranking(networks.frame(rows), manifest)["optimizer"]) == {"sgd", "adam", "adadelta"}
    manifest["optimizers"]["adam"]["ranked"] = False
    assert set(network_ranking(networks.frame(rows), manifest)["optimizer"]) == {"sgd", "adadelta"}


def test_what_was_not_tuned_is_not_ranked():
    rows = networks.frame(report([40] * 12) + report([20] * 12, optimizer="adam"))
    assert network_ranking(rows, networks.manifest(tuning="default")).empty


@pytest.mark.slow
@pytest.mark.parametrize("n_examples", [360, 2000])
def test_simultaneous_intervals_cover(n_examples):
    """Six rules at true accuracies from 94 to 97 %, ten seeds: all fifteen intervals hold in 94 % of the worlds."""
    from statistics import NormalDist

    rng = np.random.Generator(np.random.Philox(n_examples))
    between, shared = 0.08, 0.7
    truth = np.array([0.94, 0.95, 0.955, 0.96, 0.965, 0.97])
    clear = np.array([NormalDist().inv_cdf(a) for a in truth])[:, None, None] * np.sqrt(1 + between**2)
    hits, times = 0, 300
    for _ in range(times):
        skill = between * rng.standard_normal((6, 10, 1))
        noise = np.sqrt(1 - shared) * rng.standard_normal((6, 10, n_examples), np.float32)
        right = clear + skill + np.sqrt(shared) * rng.standard_normal(n_examples) + noise > 0
        found = compare(right.astype(float), rng, 500)
        error = np.abs(found.difference - (truth[:, None] - truth))
        hits += bool((error <= found.half + 1e-12).all())
    assert hits / times >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / times)


def test_curves_are_medians_over_seeds_and_lost_from_divergence_on():
    rows = report((45, 45, 45))
    for k, row in enumerate(rows):
        row["curve_validation_loss"] = row["curve_validation_loss"] * (1 + k)
    rows[0] |= {"status": "diverged", "diverged_at": 126}
    frame = network_curves(networks.frame(rows), networks.manifest())
    first = frame[frame["grads"] == 1].iloc[0]
    base = report((45,))[0]["curve_validation_loss"]
    assert first["loss_median"] == pytest.approx(2 * base[1])
    assert first["passes"] == pytest.approx(1 / 14)
    # From batch 126 on one loss is infinite: the median is the larger of the other two.
    last = frame.iloc[-1]
    assert (last["grads"], last["passes"]) == (140, 10.0)
    assert last["loss_median"] == pytest.approx(3 * base[-1])
    assert np.isinf(last["loss_q75"])


def test_a_run_without_curves_is_lost_throughout():
    rows = [*report((45,)), networks.row(TASK, "sgd", DEFAULT, "report", 1, status="oom")]
    frame = network_curves(networks.frame(rows), networks.manifest())
    assert np.isinf(frame["loss_median"]).all()
    assert network_curves(networks.frame(rows[1:]), networks.manifest()).empty


def test_rates_are_means_over_tuning_seeds_with_the_choice_and_the_default():
    tune = [networks.row(TASK, "sgd", c, "tune", s, level=0.5 + 0.1 * c + 0.02 * s) for c in range(4) for s in range(2)]
    tune[-1]["status"] = "diverged"
    frame = network_rates(networks.frame(tune), networks.manifest()).set_index("config")
    assert frame["is_default"].tolist() == [False, False, True, False]
    assert frame["is_chosen"].tolist() == [False, False, True, False]
    assert frame["missed"].tolist() == [0.0, 0.0, 0.0, 0.5]
    lowest, highest = (tune[k]["validation_accuracy"] for k in (4, 5))
    assert frame.loc[2, ["low", "accuracy", "high"]].tolist() == pytest.approx(
        [lowest, (lowest + highest) / 2, highest]
    )
    assert frame.loc[3, "accuracy"] == pytest.approx(tune[6]["validation_accuracy"] / 2)
    assert network_rates(networks.frame(report((45,))), networks.manifest()).empty


def test_a_default_that_is_no_trial_has_its_reported_seeds():
    tune = [networks.row(TASK, "sgd", c, "tune", 0, level=0.6 + 0.1 * c) for c in range(2)]
    rows = tune + report((40, 41, 42), level=0.9)
    frame = network_rates(networks.frame(rows), networks.manifest()).set_index("config")
    assert frame["split"].to_dict() == {0: "tune", 1: "tune", DEFAULT: "report"}
    assert frame["is_default"].to_dict() == {0: False, 1: False, DEFAULT: True}
    assert frame["is_chosen"].to_dict() == {0: False, 1: True, DEFAULT: False}
    assert frame["n_seeds"].to_dict() == {0: 1, 1: 1, DEFAULT: 3}
    assert frame.loc[DEFAULT, "accuracy"] == pytest.approx(rows[-1]["validation_accuracy"])


def test_a_whole_run_is_whole():
    run = networks.run()
    check_network_rows(run.runs, run.manifest)


def _cut(row):
    row["curve_train_accuracy"] = row["curve_train_accuracy"][:-1]


DAMAGE = {
    "status must be one of ok, diverged, error, timeout, oom; got 'fine'": lambda row: row.update(status="fine"),
    "task must be one of digits-lenet, .*; got 'mnist'": lambda row: row.update(task="mnist"),
    "optimizer must be one of .*; got 'lion'": lambda row: row.update(optimizer="lion"),
    "split must be one of tune, report; got 'holdout'": lambda row: row.update(split="holdout"),
    "every cell must appear once": lambda row: row.update(cell_id="0"),
    "every seed must appear once": lambda row: row.update(seed=1),
    "runs of status ok must have a judged point": lambda row: row.update(chosen=-1),
    "chosen must lie on the curve of 21 points; got 21": lambda row: row.update(chosen=21),
    "test_accuracy must be the share of right answers, 0.900000; got 0.95": lambda row: row.update(test_accuracy=0.95),
    r"train_accuracy must lie in \[0, 1\]; got 1.5": lambda row: row.update(train_accuracy=1.5),
    "validation_accuracy must be that of the curve": lambda row: row.update(validation_accuracy=0.5),
    "test_right must hold 50 answers; got 49": lambda row: row.update(test_right=np.ones(49, bool)),
    "curve_train_accuracy must have the 21 points of curve_grads; got 20": _cut,
}


@pytest.mark.parametrize("message", DAMAGE)
def test_damaged_rows_are_named(message):
    rows = [networks.row(TASK, "sgd", 0, "report", seed, level=0.9) for seed in range(2)]
    rows[1]["cell_id"] = "0" if "cell must" in message else rows[1]["cell_id"]
    DAMAGE[message](rows[0])
    with pytest.raises(DataError, match=message):
        check_network_rows(networks.frame(rows), networks.manifest())


@pytest.mark.parametrize(
    "seen",
    [{"test_accuracy": 0.9}, {"test_loss": 0.1}, {"test_right": np.ones(N_TEST, bool)}],
    ids=["share", "loss", "answers"],
)
def test_a_tuning_run_that_saw_test_examples_is_refused(seen):
    row = networks.row(TASK, "sgd", 0, "tune", 0) | seen
    with pytest.raises(DataError, match=r"digits-lenet, sgd, .*tune 0 .*must hold nothing of test examples"):
        check_network_rows(networks.frame([row]), networks.manifest())


def test_the_order_of_rows_changes_nothing():
    run = networks.run()
    for frame in (network_summary, network_effects, network_curves, network_rates):
        shuffled = run.runs.sample(frac=1, random_state=2)
        pd.testing.assert_frame_equal(frame(run.runs, run.manifest), frame(shuffled, run.manifest))
