"""Claims about networks: differences by hand, Student's interval, Holm's steps, few seeds and failed runs."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from optbench.analysis.networks.contrasts import ComparedTasks, contrasts
from optbench.analysis.statistics.crossed import crossed
from optbench.errors import DataError
from tests import networks

PLAIN, DROPOUT, MLP = networks.TASKS
SIDE = {"optimizer": "adam", "setting": "default"}


def claim(name="c", left=None, right=None, pairs=((DROPOUT, PLAIN),), measure="test", **more):
    return {
        "name": name,
        "claim": f"{name} holds.",
        "left": {**SIDE, **(left or {})},
        "right": {**SIDE, **(right or {})},
        "pairs": pairs,
        "measure": measure,
        **more,
    }


def answers(seed, task, share):
    """Returns right and wrong of a run: random, with a share that depends on the task."""
    rng = np.random.default_rng([seed, list(networks.TASKS).index(task)])
    return rng.random(networks.N_TEST) < share


def rows(n_seeds, shares, optimizers=("adam",), **changed):
    found = [
        networks.row(task, optimizer, networks.DEFAULT, "report", seed, right=answers(seed, task, share))
        for task, share in shares.items()
        for optimizer in optimizers
        for seed in range(n_seeds)
    ]
    return pd.DataFrame(found).assign(**changed)


def table(task, share, n_seeds=12):
    return np.stack([answers(seed, task, share) for seed in range(n_seeds)]).astype(float)


def judged(runs, *stated):
    return contrasts(runs, networks.manifest(contrasts=list(stated)))


def test_a_difference_is_that_of_the_means_and_its_interval_that_of_the_crossed_table():
    runs = rows(12, {PLAIN: 0.5, DROPOUT: 0.9})
    row = judged(runs, claim()).iloc[0]
    tables = [
        np.stack([answers(seed, task, share) for seed in range(12)]) for task, share in ((DROPOUT, 0.9), (PLAIN, 0.5))
    ]
    by_hand = tables[0].astype(float) - tables[1]
    assert row["difference"] == pytest.approx(by_hand.mean(), abs=1e-12)
    low, high = crossed(by_hand.mean(axis=1), by_hand.mean(axis=0), (-1.0, 1.0)).interval()
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
    assert (row["verdict"], row["n_pairs"], row["n_data"], row["n_seeds"]) == ("holds", 1, 1, 12)
    assert row["detectable"] == pytest.approx((high - low) / 2)


def test_the_p_value_is_where_the_interval_ends_at_zero():
    runs = rows(12, {PLAIN: 0.7, DROPOUT: 0.75})
    row = judged(runs, claim()).iloc[0]
    by_hand = table(DROPOUT, 0.75) - table(PLAIN, 0.7)
    part = crossed(by_hand.mean(axis=1), by_hand.mean(axis=0), (-1.0, 1.0))
    assert 0.0 < row["p"] < 1.0
    assert part.half(1 - row["p"]) == pytest.approx(abs(part.center), rel=1e-6)


def test_the_other_direction_fails_and_a_margin_that_is_wide_enough_mends_it():
    runs = rows(12, {PLAIN: 0.5, DROPOUT: 0.9})
    reverse = claim(pairs=((PLAIN, DROPOUT),))
    assert judged(runs, reverse).iloc[0]["verdict"] == "fails"
    wide = judged(runs, {**reverse, "margin": 0.9}).iloc[0]
    assert wide["verdict"] == "holds"
    assert wide["difference"] == pytest.approx(judged(runs, reverse).iloc[0]["difference"] + 0.9)


def test_below_ten_seeds_nothing_is_judged():
    row = judged(rows(9, {PLAIN: 0.5, DROPOUT: 0.9}), claim()).iloc[0]
    assert row["verdict"] == "few seeds"
    assert np.isnan(row["p_holm"])
    assert np.isfinite(row["low"])


def test_what_has_no_runs_of_both_sides_is_a_row():
    row = judged(rows(12, {PLAIN: 0.5}), claim()).iloc[0]
    assert (row["verdict"], row["n_pairs"]) == ("not run", 0)


def test_holms_steps_are_over_the_claims_that_are_judged():
    runs = rows(12, {PLAIN: 0.6, DROPOUT: 0.9, MLP: 0.62})
    found = judged(runs, claim("far"), claim("near", pairs=((MLP, PLAIN),)), claim("absent", pairs=((MLP, "none"),)))
    far, near, absent = (found.iloc[k] for k in range(3))
    assert absent["verdict"] == "not run"
    assert far["level"] == pytest.approx(0.975)
    assert near["level"] == pytest.approx(0.95)
    assert far["p_holm"] == pytest.approx(min(1.0, 2 * far["p"]))


def test_a_failed_run_gets_nothing_right():
    whole = rows(12, {PLAIN: 0.5, DROPOUT: 0.9})
    lost = (whole["task"] == DROPOUT) & (whole["seed"] == 3)
    broken = whole.assign(status=whole["status"].where(~lost, "error"), chosen=whole["chosen"].where(~lost, -1))
    before, after = (judged(runs, claim()).iloc[0]["difference"] for runs in (whole, broken))
    assert after == pytest.approx(before - answers(3, DROPOUT, 0.9).mean() / 12)


def test_tasks_that_were_tested_on_other_examples_are_not_compared():
    facts = networks.manifest(contrasts=[claim()])
    facts["tasks"][PLAIN]["n_test"] = networks.N_TEST - 1
    with pytest.raises(
        DataError, match=f"{re.escape(DROPOUT)} and {PLAIN} must have the same test examples; got 50, 49"
    ):
        contrasts(rows(12, {PLAIN: 0.5, DROPOUT: 0.9}), facts)


def test_tasks_of_one_data_set_share_their_examples_and_those_of_two_do_not():
    runs = rows(12, {PLAIN: 0.5, DROPOUT: 0.9, MLP: 0.7})
    stated = claim(pairs=((DROPOUT, PLAIN), (MLP, PLAIN)))
    row = judged(runs, stated).iloc[0]
    tables = {
        t: np.stack([answers(s, t, p) for s in range(12)]) * 1.0 for t, p in ((PLAIN, 0.5), (DROPOUT, 0.9), (MLP, 0.7))
    }
    mean = (tables[DROPOUT] + tables[MLP]) / 2 - tables[PLAIN]
    low, high = crossed(mean.mean(axis=1), mean.mean(axis=0), (-1.0, 1.0)).interval()
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((mean.mean(), low, high))
    assert (row["n_pairs"], row["n_data"]) == (2, 1)


def test_the_data_set_with_the_fewest_seeds_decides_whether_there_are_enough():
    runs = rows(12, {PLAIN: 0.5, DROPOUT: 0.9, MLP: 0.7})
    few = runs[(runs["task"] != MLP) | (runs["seed"] < 9)]
    tasks = {label: {**facts, "data": "other" if label == MLP else "digits"}
             for label, facts in networks.manifest()["tasks"].items()}  # fmt: skip
    stated = claim(right={"setting": "default", "optimizer": "sgd"}, pairs=((DROPOUT, DROPOUT), (MLP, MLP)))
    right = few.assign(optimizer="sgd", cell_id=few["cell_id"] + "s")
    row = contrasts(pd.concat([few, right]), networks.manifest(contrasts=[stated], tasks=tasks)).iloc[0]
    assert (row["n_data"], row["n_seeds"], row["verdict"]) == (2, 9, "few seeds")


def test_a_claim_of_few_seeds_takes_no_part_in_holms_procedure():
    runs = rows(12, {PLAIN: 0.6, DROPOUT: 0.7, MLP: 0.9})
    few = runs[(runs["task"] != MLP) | (runs["seed"] < 9)]
    near = claim("near", pairs=((DROPOUT, PLAIN),))
    both = judged(few, claim("few", pairs=((MLP, PLAIN),)), near)
    assert both["verdict"].tolist()[0] == "few seeds"
    pd.testing.assert_frame_equal(both.iloc[1:].reset_index(drop=True), judged(few, near))


def test_each_pair_of_tasks_counts_the_same_whatever_its_data_set():
    runs = rows(12, {PLAIN: 0.5, DROPOUT: 0.9, MLP: 0.7})
    other = runs.assign(optimizer="sgd", cell_id=runs["cell_id"] + "s",
                        test_right=[np.zeros(networks.N_TEST, bool)] * len(runs))  # fmt: skip
    tasks = {label: {**facts, "data": "other" if label == MLP else "digits"}
             for label, facts in networks.manifest()["tasks"].items()}  # fmt: skip
    stated = claim(right={"optimizer": "sgd"}, pairs=[(task, task) for task in (PLAIN, DROPOUT, MLP)])
    row = contrasts(pd.concat([runs, other]), networks.manifest(contrasts=[stated], tasks=tasks)).iloc[0]
    shares = [table(task, share).mean() for task, share in ((PLAIN, 0.5), (DROPOUT, 0.9), (MLP, 0.7))]
    assert (row["n_data"], row["n_pairs"]) == (2, 3)
    assert row["difference"] == pytest.approx(np.mean(shares))


def test_data_sets_are_independent():
    parts = [crossed(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.3, 0.2, 0.2]), (-1.0, 1.0)) for _ in range(2)]
    both = ComparedTasks(parts, np.array([0.5, 0.5]), 2, 3, 0.0).estimate()
    assert both.high - both.low == pytest.approx(2 * parts[0].half() / np.sqrt(2))


@pytest.mark.parametrize("measure", ["train", "gap"])
def test_other_measures(measure):
    runs = rows(12, {PLAIN: 0.5, DROPOUT: 0.9})
    row = judged(runs, claim(measure=measure)).iloc[0]
    accuracy = {t: runs[runs["task"] == t]["train_accuracy"].to_numpy() for t in (PLAIN, DROPOUT)}
    train = accuracy[DROPOUT] - accuracy[PLAIN]
    test = [np.mean(answers(s, DROPOUT, 0.9)) - np.mean(answers(s, PLAIN, 0.5)) for s in range(12)]
    expected = train if measure == "train" else train - np.array(test)
    assert row["difference"] == pytest.approx(expected.mean())


@pytest.mark.slow
def test_an_interval_covers_the_true_difference_as_often_as_it_says():
    """Seeds and examples drawn anew, 10 and 360 of them: a share right that varies by both."""
    rng, hits, n = np.random.default_rng(0), 0, 400
    for _ in range(n):
        ease, skill = rng.normal(0, 1, 360), rng.normal(0, 0.1, (2, 10))
        right = rng.random((2, 10, 360)) < norm.cdf(1.0 + ease + skill[..., None])
        table = right[0] * 1.0 - right[1]
        found = ComparedTasks(
            [crossed(table.mean(axis=1), table.mean(axis=0), (-1.0, 1.0))], np.ones(1), 1, 10, 0.0
        ).estimate()
        hits += found.low <= 0 <= found.high
    assert hits / n > 0.93
