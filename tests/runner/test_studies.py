"""What each method of a study trains and chooses, and on which rows."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from optbench.core.keys import generator
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.outcomes import Point
from optbench.engine.retraining import drawing, samme
from optbench.engine.retraining.members import Trainer
from optbench.runner.kinds.studies import boosting, cross_validation
from optbench.runner.kinds.studies.ensembles import _member
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.tasks.task import Examples
from tests.runner.studies import SUITE, group_of, run_in


def test_only_what_may_see_the_test_part_is_scored_on_it(rows):
    networks = rows[rows["study"] != "poly"]
    folds = networks["role"] == "fold"
    assert networks.loc[folds, ["test_loss", "test_accuracy"]].isna().all(axis=None)
    assert networks.loc[folds, "test_probabilities"].map(len).eq(0).all()
    tested = networks[~folds]
    assert tested["test_accuracy"].notna().all()
    for row in tested.to_dict("records"):
        shown = np.reshape(row["test_probabilities"], (60, 10))
        np.testing.assert_allclose(shown.sum(axis=1), 1.0, atol=1e-5)
        right = shown.argmax(axis=1) == row["test_labels"]
        assert right.mean() == pytest.approx(row["test_accuracy"], abs=1e-6)
        likely = shown[np.arange(60), row["test_labels"]].astype(float)
        assert -np.log(likely).mean() == pytest.approx(row["test_loss"], rel=1e-4)
    assert networks.loc[networks["role"] == "refit", "validation_accuracy"].isna().all()


def test_folds_hold_out_each_row_outside_of_the_test_part_once(rows):
    group = group_of("cv")
    for index in range(2):
        pool = Replicate(group, index).pool
        assert len(pool.rows) == 133
        held = np.concatenate([held_out for _, held_out in pool.folds])
        assert sorted(held.tolist()) == list(range(133))
        for train, held_out in pool.folds:
            assert sorted([*train.tolist(), *held_out.tolist()]) == list(range(133))
    folds = rows[(rows["study"] == "cv") & (rows["role"] == "fold")]
    assert set(folds["n_train"]) <= {88, 89}
    assert (rows.loc[rows["role"] == "refit", "n_train"] == 133).all()


def test_the_refit_is_the_configuration_with_the_best_mean_over_folds(rows):
    for index in range(2):
        own = rows[(rows["study"] == "cv") & (rows["replicate"] == index)]
        folds = own[own["role"] == "fold"]
        means = folds.groupby("config").agg({"validation_accuracy": "mean", "validation_loss": "mean"})
        order = means.sort_values(["validation_accuracy", "validation_loss"], ascending=[False, True])
        (refit,) = own[own["role"] == "refit"].to_dict("records")
        assert refit["config"] == order.index[0]
        chosen = folds[folds["config"] == refit["config"]].iloc[0]
        assert (chosen["hyper"], chosen["regularization"]) == (refit["hyper"], refit["regularization"])
    # The choice means something: rates a hundred times apart do not tie.
    assert json.loads(refit["hyper"])["lr"] == 1e-2


def test_a_choice_is_by_accuracy_then_loss_then_order_and_never_of_a_configuration_that_failed():
    assert cross_validation.choose([[(0.5, 1.0), (0.7, 1.0)], [(0.6, 0.9), (0.6, 0.9)]]) == 1
    assert cross_validation.choose([[(0.5, 1.0)], [(0.5, 1.0)]]) == 0
    assert cross_validation.choose([[(0.9, 0.1), None], [(0.1, 3.0), (0.1, 3.0)]]) == 1
    assert cross_validation.choose([[None], [None]]) is None


def trained_alone(base, rows, seed, setting):
    """Returns what the engine makes of a task with those rows, trained by itself."""
    x, y = base.train
    task = replace(base, train=Examples(x[rows], y[rows]))
    fitter = Fitter(task, setting.rule().build(), batch_size=setting.batch_size)
    (fit,) = fitter.fit([Lane(setting.hypers(len(rows)), seed)], epochs=setting.epochs, stop_early=False)
    return fit


def test_a_member_is_the_network_that_its_rows_train(rows):
    group = group_of("bag")
    (setting,) = group.settings
    replicate = Replicate(group, 1)
    base = replicate.task(setting)
    drawn = drawing.with_replacement(120, generator(0, "studies", "rows", "bootstrap", 1, 2))
    fit = trained_alone(base, drawn, group.run_seed(1, group.cells[3]), setting)
    (row,) = rows[(rows["study"] == "bag") & (rows["replicate"] == 1) & (rows["member"] == 2)].to_dict("records")
    assert (row["train_loss"], row["test_loss"]) == (fit.judged.loss, fit.test.loss)
    assert row["sample_grads"] == 2 * 120
    (single,) = rows[(rows["study"] == "bag") & (rows["replicate"] == 1) & (rows["role"] == "single")].to_dict(
        "records"
    )
    whole = trained_alone(base, np.arange(120), group.run_seed(1, group.cells[0]), setting)
    assert single["test_loss"] == whole.test.loss
    assert single["sample_grads"] == row["sample_grads"]
    assert group.run_seed(1, group.cells[0]) == group.run_seed(1, group.cells[1])


def test_rounds_of_boosting_are_samme_on_rows_drawn_by_weight(rows):
    group = group_of("boost")
    (setting,) = group.settings
    base = Replicate(group, 1).task(setting)
    weights = samme.equal_weights(120)
    own = rows[(rows["study"] == "boost") & (rows["replicate"] == 1) & (rows["role"] == "round")]
    for cell, row in zip(group.cells[1:], own.to_dict("records"), strict=True):
        drawn = drawing.by_weight(weights, generator(0, "studies", "boosting rows", 1, cell.member))
        fit = trained_alone(base, drawn, group.run_seed(1, cell), setting)
        network, stats, _ = fit.ends[Point.LAST]
        logits = np.asarray(network(base.train.x, stats, train=False)[0])
        wrong = logits.argmax(axis=1) != base.train.y
        # The update, by hand.
        error = weights[wrong].sum()
        vote = math.log((1 - error) / error) + math.log(9.0)
        assert row["weighted_error"] == pytest.approx(error, rel=1e-12)
        assert row["vote"] == pytest.approx(vote if error < 0.9 else 0.0, rel=1e-9)
        assert row["test_loss"] == fit.test.loss
        weights = weights * np.exp(row["vote"] * wrong)
        weights /= weights.sum()


def test_members_of_bias_and_variance_share_rows_and_seeds_across_the_factor(rows):
    group = group_of("bv")
    replicate = Replicate(group, 0)
    by_value = {value: [_member(replicate, cell) for cell in group.cells if cell.value == value] for value in (0, 1)}
    for one, other in zip(by_value[0], by_value[1], strict=True):
        assert one.rows.tolist() == other.rows.tolist()
        assert one.seed == other.seed
        assert len(set(one.rows.tolist())) == 60
    assert by_value[0][0].rows.tolist() != by_value[0][1].rows.tolist()
    assert set(rows.loc[rows["study"] == "bv", "n_train"]) == {60}


@pytest.mark.parametrize("sets", ["fresh", "same", "bootstrap"])
def test_other_ways_of_drawing_training_sets(sets):
    text = SUITE.replace("factor = { batch_size = [10, 30] }", f'factor = {{ batch_size = [10, 30] }}\nsets = "{sets}"')
    group = group_of("bv", text)
    replicate = Replicate(group, 0)
    first, second = (_member(replicate, cell) for cell in group.cells[:2])
    assert first.seed != second.seed
    tasks = first.task(), second.task()
    assert all(len(task.train.y) == 120 for task in tasks)
    assert np.array_equal(tasks[0].test.x, tasks[1].test.x)
    assert np.array_equal(tasks[0].train.x, tasks[1].train.x) == (sets == "same")
    if sets == "fresh":
        old = {row.tobytes() for row in replicate.task(group.settings[0]).train.x}
        assert not old & {row.tobytes() for row in tasks[0].train.x}


def test_a_narrower_model_is_another_network_with_the_same_rows(rows):
    own = rows[(rows["study"] == "wide") & (rows["replicate"] == 0)]
    assert own.groupby("factor_value")["n_params"].first().to_dict() == {
        0.5: 41 * 64 + 65 * 32 + 33 * 10, 1.0: 41 * 128 + 129 * 64 + 65 * 10,
    }  # fmt: skip
    assert own["train_loss"].nunique() == 6
    assert set(own["n_train"]) == {120}


def test_curves_are_of_the_training_and_the_test_part(rows):
    own = rows[rows["study"] == "learn"]
    assert sorted(set(own["factor_value"])) == [40.0, 120.0]
    for row in own.to_dict("records"):
        assert row["n_train"] == row["factor_value"]
        assert row["curve_grads"][0] == 0
        assert row["curve_grads"][-1] == 2 * (row["n_train"] // 20)
        assert row["curve_test_loss"][-1] == pytest.approx(row["test_loss"], rel=1e-6)
        assert row["curve_test_accuracy"][-1] == pytest.approx(row["test_accuracy"], rel=1e-6)
        assert math.isnan(row["validation_loss"])
    small, large = own[own["replicate"] == 0].sort_values("factor_value").to_dict("records")
    assert small["test_labels"].tolist() == large["test_labels"].tolist()
    others = rows[(rows["study"] != "learn") & (rows["study"] != "poly")]
    assert others["curve_grads"].map(len).eq(0).all()


def test_bias_and_variance_of_a_regression_are_those_of_the_closed_form(tmp_path):
    text = SUITE[: SUITE.index("[[studies]]")] + SUITE[SUITE.index('[[studies]]\nname = "poly"') :]
    text = text[: text.index('[[studies]]\nname = "learn"')].replace("members = 4", "members = 2000")
    rows = run_in(tmp_path, text.replace("seeds = 2", "seeds = 1")).runs
    points = np.linspace(-1.0, 1.0, 12)
    for degree, own in rows.groupby("factor_value"):
        at = np.stack(own["test_points"])[0]
        truth, clean = at - 2.0 * at**2, points - 2.0 * points**2
        np.testing.assert_allclose(np.stack(own["test_truth"]), np.tile(truth, (2000, 1)))
        power = int(degree) + 1
        hat = np.vander(at, power) @ np.linalg.pinv(np.vander(points, power))
        bias, variance = hat @ clean - truth, 0.25 * (hat**2).sum(axis=1)
        predictions = np.stack(own["test_predictions"])
        error = 4.0 * np.sqrt(variance / 2000)
        assert (np.abs(predictions.mean(axis=0) - truth - bias) < error).all()
        np.testing.assert_allclose(predictions.var(axis=0, ddof=1), variance, rtol=0.15)
        targets = np.stack(own["test_targets"])
        assert (targets - truth).std() == pytest.approx(0.5, rel=0.03)
        expected = (bias**2 + variance + 0.25).mean()
        assert own["test_loss"].mean() == pytest.approx(expected, rel=0.05)
        assert ((predictions - targets) ** 2).mean() == pytest.approx(own["test_loss"].mean(), rel=1e-12)
        assert len({tuple(row) for row in targets.round(12)}) == 2000


def test_a_round_that_failed_leaves_the_weights_as_they_were(monkeypatch):
    group = group_of("boost")
    replicate, drawn = Replicate(group, 0), []
    real = drawing.by_weight
    monkeypatch.setattr(drawing, "by_weight", lambda weights, rng: drawn.append(weights) or real(weights, rng))

    class Failing(Trainer):
        def train(self, members, *args):
            found = super().train(members, *args)
            if len(drawn) == 1:
                bad = replace(found[0].fit, status="error", message="no", ends={})
                return [replace(found[0], fit=bad)]
            return found

    (rows,) = boosting.run([replicate], Failing(), lambda said: None)
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "ok"]
    assert drawn[0].tolist() == drawn[1].tolist()
    assert drawn[2].tolist() != drawn[1].tolist()
