"""Studies, judged: by hand on made rows, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optbench.analysis.studies.calibration import study_calibration, study_reliability
from optbench.analysis.studies.closed_form import closed_form
from optbench.analysis.studies.cross_validation import cross_validation, refits
from optbench.analysis.studies.curves import curve_ends, learning_curves
from optbench.analysis.studies.decomposition import decomposition, decomposition_changes
from optbench.analysis.studies.ensembles import ensembles
from optbench.analysis.studies.integrity import check_study_rows
from optbench.analysis.studies.study import configured
from optbench.analysis.studies.summary import studies_summary
from optbench.errors import DataError
from tests import studied

R = 6


@pytest.fixture(scope="module")
def runs():
    return studied.runs(R)


@pytest.fixture(scope="module")
def manifest():
    return studied.manifest(R)


def answers(row):
    return np.asarray(row["test_probabilities"]).reshape(studied.N_TEST, studied.CLASSES)


def poisoned(runs, studies):
    """Returns the rows with other test labels: all that is of test examples changes."""
    other = runs.copy()
    for number in np.flatnonzero(runs["study"].isin(studies) & (runs["test_labels"].map(lambda x: x is not None))):
        labels = (np.asarray(runs.loc[number, "test_labels"]) + 1) % studied.CLASSES
        other.at[number, "test_labels"] = labels.astype(np.int32)
        other.at[number, "test_accuracy"] = float((answers(runs.loc[number]).argmax(axis=1) == labels).mean())
    return other


def test_made_rows_are_a_whole_run(runs, manifest):
    check_study_rows(runs, manifest)


def test_cross_validation_is_the_mean_over_folds_and_replicates(runs, manifest):
    found = cross_validation(runs, manifest)
    folds = runs[(runs["study"] == "choose") & (runs["role"] == "fold")]
    assert found["setting"].tolist() == ["lr=0.01", "lr=0.1"]
    for config, row in enumerate(found.to_dict("records")):
        means = folds[folds["config"] == config].groupby("replicate")["validation_accuracy"].mean()
        low, high = stats.t.interval(0.95, R - 1, loc=means.mean(), scale=stats.sem(means))
        assert (row["validation"], row["validation_low"], row["validation_high"]) == pytest.approx(
            (means.mean(), low, high)
        )
    assert found["chosen"].sum() == R


def test_a_lost_fold_counts_as_nothing_right(runs, manifest):
    lost = runs.copy()
    first = np.flatnonzero(lost["role"] == "fold")[0]
    lost.loc[first, ["status", "validation_accuracy", "validation_loss"]] = ["diverged", np.nan, np.nan]
    before, after = (cross_validation(rows, manifest).iloc[0] for rows in (runs, lost))
    right = runs.loc[first, "validation_accuracy"]
    assert after["validation"] == pytest.approx(before["validation"] - right / (3 * R))
    assert (after["failed"], after["validation_loss"]) == (1, np.inf)


def test_optimism_is_what_validation_promised_too_much(runs, manifest):
    (row,) = refits(runs, manifest).to_dict("records")
    refit = runs[runs["role"] == "refit"].set_index("replicate")
    folds = runs[(runs["study"] == "choose") & (runs["role"] == "fold")]
    promised = [
        folds[(folds["config"] == refit.loc[r, "config"]) & (folds["replicate"] == r)]["validation_accuracy"].mean()
        for r in range(R)
    ]
    assert row["test"] == pytest.approx(refit["test_accuracy"].mean())
    assert row["optimism"] == pytest.approx(np.mean(promised) - refit["test_accuracy"].mean())


def test_poisoned_test_labels_change_no_choice(runs, manifest):
    """Which configuration is chosen, by how many, and what folds reached does not hang on test examples."""
    other = poisoned(runs, ["choose", "bag", "boost"])
    kept = ["config", "setting", "validation", "validation_low", "validation_high", "validation_loss", "chosen"]
    pd.testing.assert_frame_equal(cross_validation(runs, manifest)[kept], cross_validation(other, manifest)[kept])
    assert refits(other, manifest)["most_chosen"].tolist() == refits(runs, manifest)["most_chosen"].tolist()
    assert refits(other, manifest)["test"].iloc[0] < refits(runs, manifest)["test"].iloc[0]


def test_ensembles_are_put_together_by_hand(runs, manifest):
    found = ensembles(runs, manifest).set_index(["study", "way", "members"])
    gains = {key: [] for key in (("bag", "average"), ("bag", "vote"), ("boost", "weighted vote"))}
    for replicate in range(R):
        for (study, way), values in gains.items():
            rows = runs[(runs["study"] == study) & (runs["replicate"] == replicate)]
            single = rows[rows["role"] == "single"].iloc[0]
            members = rows[rows["role"] != "single"].sort_values("member").head(3)
            labels = np.asarray(single["test_labels"])
            said = np.stack([answers(row) for _, row in members.iterrows()])
            if way == "average":
                together = said.mean(axis=0)
            else:
                weights = np.ones(3) if way == "vote" else members["vote"].to_numpy()
                together = np.zeros_like(said[0])
                for one, weight in zip(said, weights, strict=True):
                    together[np.arange(len(labels)), one.argmax(axis=1)] += weight
            values.append(np.mean(together.argmax(axis=1) == labels) - single["test_accuracy"])
    for (study, way), values in gains.items():
        row = found.loc[study, way, 3]
        assert row["gain"] == pytest.approx(np.mean(values))
        assert row["accuracy"] - row["single"] == pytest.approx(row["gain"])
        assert row["cost"] == 3
        assert row["gain_low"] < row["gain"] < row["gain_high"]


def test_rounds_without_a_vote_say_nothing(runs, manifest):
    """Votes of 0, as of rounds that are no better than guessing; before any vote the first round's model answers."""
    none = runs.copy()
    rounds = none["role"] == "round"
    none.loc[rounds & (none["member"] > 0), "vote"] = 0.0
    found = ensembles(none, manifest)
    found = found[found["study"] == "boost"]
    assert found["accuracy"].nunique() == 1
    none.loc[rounds, "vote"] = 0.0
    none.loc[rounds & (none["member"] == 2), "vote"] = 1.0
    again = ensembles(none, manifest)
    again = again[again["study"] == "boost"].set_index("members")["accuracy"]
    assert again.loc[1] == again.loc[2] == found["accuracy"].iloc[0]
    third = none[rounds & (none["member"] == 2)]["test_accuracy"].mean()
    assert again.loc[3] == again.loc[4] == pytest.approx(third)


def test_a_lost_member_moves_no_answer_and_a_lost_single_model_is_wrong(runs, manifest):
    lost = runs.copy()
    for number in np.flatnonzero((lost["study"] == "bag") & ((lost["member"] == 4) | (lost["role"] == "single"))):
        lost.loc[number, ["status", "test_accuracy"]] = ["diverged", np.nan]
        lost.at[number, "test_probabilities"] = np.zeros(0, np.float32)
        lost.at[number, "test_labels"] = np.zeros(0, np.int32)
    check_study_rows(lost, manifest)
    before, after = (ensembles(rows, manifest).set_index(["study", "way", "members"]) for rows in (runs, lost))
    for way in ("average", "vote"):
        assert after.loc["bag", way, 5]["accuracy"] == pytest.approx(before.loc["bag", way, 4]["accuracy"])
        assert after.loc["bag", way, 5]["single"] == 0.0
        assert after.loc["bag", way, 5]["failed"] == 2 * R


def test_parts_sum_to_the_error_and_are_near_the_closed_form(runs, manifest):
    found = decomposition(runs, manifest)
    total = found["bias"] + found["variance"] + found["noise"].fillna(0.0)
    assert np.abs(total - found["error"]).max() < 1e-6
    wrong = found[found["loss"] == "0-1"]
    assert (wrong["variance"] - (wrong["unbiased"] - wrong["biased"])).abs().max() < 1e-12
    members = runs[(runs["study"] == "fit") & (runs["factor_value"] == 3)]
    squared = found[found["loss"] == "squared"].set_index("factor_value")
    assert squared.loc[3, "error"] == pytest.approx(members["test_loss"].mean())
    for part in ("bias", "variance", "noise"):
        # Six replicates of twelve members: within 4 of the errors that the intervals show.
        half = (squared[f"{part}_high"] - squared[f"{part}_low"]) / 2 / stats.t.ppf(0.975, R - 1)
        assert (np.abs(squared[part] - squared[f"closed_{part}"]) < 4 * half + 1e-9).all(), part


def test_the_closed_form_is_that_of_ordinary_least_squares():
    """For a line through the truth there is no bias, and the variance is sigma^2 times leverage."""
    x, at = np.linspace(0, 2, 9), np.array([0.1, 1.0, 1.9])
    found = closed_form([1.0, -2.0], 0.5, (0.0, 2.0), 9, 1, at)
    leverage = 1 / 9 + (at - 1.0) ** 2 / ((x - 1.0) ** 2).sum()
    assert found == pytest.approx((0.0, 0.25 * leverage.mean(), 0.25), abs=1e-12)
    mean = closed_form([1.0, -2.0], 0.5, (0.0, 2.0), 9, 0, at)
    assert mean.bias == pytest.approx((4 * (at - 1.0) ** 2).mean())


def test_another_truth_than_was_stored_is_refused(runs, manifest):
    facts = {**manifest["studies"], "fit": {**manifest["studies"]["fit"], "truth": [0.0, 1.0]}}
    with pytest.raises(DataError, match=r"study fit: test_truth must be the values of \[0.0, 1.0\] at test_points"):
        decomposition(runs, {**manifest, "studies": facts})


def test_changes_are_paired_by_replicate(runs, manifest):
    found = decomposition_changes(runs, manifest).set_index(["study", "loss"])
    parts = decomposition(runs, manifest)
    for (study, loss), row in found.iterrows():
        own = parts[(parts["study"] == study) & (parts["loss"] == loss)].sort_values("factor_value")
        for name in ("error", "bias", "variance"):
            assert row[name] == pytest.approx(own[name].iloc[-1] - own[name].iloc[0])
    assert found.loc[("batches", "Brier"), "variance_low"] > 0  # members of large batches have more noise here


def test_fewer_than_three_members_are_not_split(runs, manifest):
    few = runs[~((runs["study"] == "batches") & (runs["member"] >= 2))]
    assert set(decomposition(few, manifest)["study"]) == {"fit"}


def test_calibration_is_of_the_mean_probabilities(runs, manifest):
    found = study_calibration(runs, manifest).set_index(["study", "what"])
    scores = []
    for replicate in range(R):
        rows = runs[(runs["study"] == "bag") & (runs["replicate"] == replicate) & (runs["role"] == "member")]
        mean = np.mean([answers(row) for _, row in rows.iterrows()], axis=0)
        scores.append(((mean - np.eye(4)[rows["test_labels"].iloc[0]]) ** 2).sum(axis=1).mean())
    row = found.loc["bag", "ensemble"]
    assert row["brier"] == pytest.approx(np.mean(scores))
    assert row["brier_low"] == pytest.approx(np.mean(scores) - stats.t.ppf(0.975, R - 1) * stats.sem(scores))
    difference = found.loc["bag", "ensemble - single"]
    assert difference["brier"] == pytest.approx(row["brier"] - found.loc["bag", "single"]["brier"])
    assert difference["brier_high"] < 0
    assert 0 < row["disagreement"] < 1


def test_reliability_counts_every_example_once(runs, manifest):
    found = study_reliability(runs, manifest)
    counts = found.groupby(["study", "what"])["n_examples"].sum()
    assert set(counts) == {R * studied.N_TEST}
    single = found[(found["study"] == "bag") & (found["what"] == "single")]
    accuracy = runs[(runs["study"] == "bag") & (runs["role"] == "single")]["test_accuracy"].mean()
    assert (single["accuracy"] * single["n_examples"]).sum() / single["n_examples"].sum() == pytest.approx(accuracy)
    # All right in every replicate is no certainty.
    assert (single["accuracy_low"][single["accuracy"] == 1.0] < 1.0).all()


def test_curves_have_passes_and_quartiles(runs, manifest):
    found = learning_curves(runs, manifest)
    first = found[(found["study"] == "sizes") & (found["factor_value"] == 50)]
    assert first["passes"].tolist() == [grads * 32 / 50 for grads in (1, 3, 10, 30)]
    ends = curve_ends(runs, manifest).set_index(["study", "factor_value"])
    own = runs[(runs["study"] == "sizes") & (runs["factor_value"] == 200)]
    gaps = own["train_accuracy"] - own["test_accuracy"]
    assert ends.loc[("sizes", 200.0), "gap"] == pytest.approx(gaps.mean())


def test_the_summary_takes_each_number_from_the_study_s_own_frame(runs, manifest):
    found = studies_summary(runs, manifest).set_index("study")
    assert list(found.index) == list(studied.STUDIES)
    own = ensembles(runs, manifest)
    bag = own[(own["study"] == "bag") & (own["way"] == "average") & (own["members"] == 5)].iloc[0]
    row = found.loc["bag"]
    assert (row["estimate"], row["low"], row["new_low"]) == (bag["gain"], bag["gain_low"], bag["new_gain_low"])
    assert row["new_low"] < row["low"]
    assert found.loc["fit", "low"] < 0 < found.loc["fit", "high"]


def without_answers(runs, rows):
    """Returns the rows as they are where some models have diverged."""
    lost = runs.copy()
    for number in np.flatnonzero(rows):
        lost.loc[number, ["status", "test_accuracy"]] = ["diverged", np.nan]
        lost.at[number, "test_probabilities"] = np.zeros(0, np.float32)
        lost.at[number, "test_labels"] = np.zeros(0, np.int32)
    return lost


@pytest.mark.parametrize("name", ["choose", "batches", "sizes", "learn"])
def test_splits_of_one_file_have_a_wider_interval_for_new_data(name, runs, manifest):
    """After Nadeau and Bengio: the half-width grows by the root of 1 + R n_test / n_train."""
    row = studies_summary(runs, manifest).set_index("study").loc[name]
    own = runs[runs["study"] == name]
    factor = np.sqrt(1 + R * studied.N_TEST / own["n_train"].max())
    for end in ("low", "high"):
        assert row[f"new_{end}"] - row["estimate"] == pytest.approx(factor * (row[end] - row["estimate"]))


def test_generated_data_have_one_interval():
    found = studies_summary(studied.runs(R, origin="generated"), studied.manifest(R, origin="generated"))
    assert found["new_low"].tolist() == found["low"].tolist()
    assert found["new_high"].tolist() == found["high"].tolist()


def test_an_official_test_part_is_drawn_anew_for_accuracies_gaps_and_optimism():
    """Six models that agree: over replicates alone nothing would be uncertain, while the sixty examples are few."""
    rows, stated = studied.runs(R, origin="official"), studied.manifest(R, origin="official")
    for name, role in (("choose", "refit"), ("sizes", "single")):
        own = np.flatnonzero((rows["study"] == name) & (rows["role"] == role))
        for column in ("test_probabilities", "test_labels"):
            for number in own:
                rows.at[number, column] = rows.at[own[0], column]
        rows.loc[own, ["test_accuracy", "train_accuracy"]] = [rows.loc[own[0], "test_accuracy"], 1.0]
    share = rows.loc[own[0], "test_accuracy"]
    found = curve_ends(rows, stated).set_index("study").loc["sizes"].iloc[0]
    (refit,) = refits(rows, stated).to_dict("records")
    for row, column in ((found, "test_accuracy"), (found, "gap"), (refit, "test")):
        half = (row[f"{column}_high"] - row[f"{column}_low"]) / 2
        assert half == pytest.approx(1.96 * np.sqrt(share * (1 - share) / studied.N_TEST), rel=0.2)
    assert refit["optimism_high"] - refit["optimism_low"] > 0.1


def test_a_refit_that_diverged_is_wrong_on_every_example(runs, manifest):
    refit = (runs["role"] == "refit") & (runs["replicate"] == 0)
    lost = without_answers(runs, refit)
    check_study_rows(lost, manifest)
    before, after = (refits(rows, manifest).iloc[0] for rows in (runs, lost))
    share = float(runs.loc[refit, "test_accuracy"].iloc[0]) / R
    assert after["test"] == pytest.approx(before["test"] - share)
    assert after["optimism"] == pytest.approx(before["optimism"] + share)
    config = int(runs.loc[refit, "config"].iloc[0])
    tests = [cross_validation(rows, manifest).set_index("config").loc[config, "test"] for rows in (runs, lost)]
    assert tests[1] < tests[0]


def test_replicates_in_which_nothing_could_be_chosen_are_counted_and_left_out(runs, manifest):
    """As the runner leaves them: a refit without a configuration, which failed."""
    refit = (runs["role"] == "refit") & (runs["replicate"] == 0)
    lost = without_answers(runs, refit)
    lost.loc[refit, "config"] = -1
    row = refits(lost, manifest).iloc[0]
    assert (row["n_replicates"], row["unchosen"]) == (R - 1, 1)
    assert row["test"] == pytest.approx(runs[(runs["role"] == "refit") & ~refit]["test_accuracy"].mean())
    lost.loc[lost["role"] == "refit", "config"] = -1
    assert refits(lost, manifest).empty
    assert "choose" not in set(studies_summary(lost, manifest)["study"])


def test_an_ensemble_is_calibrated_where_all_of_its_members_answer(runs, manifest):
    """A replicate that lost a member is left out, not put together from the others."""
    member = (runs["study"] == "bag") & (runs["role"] == "member") & (runs["replicate"] == 0) & (runs["member"] == 1)
    lost = without_answers(runs, member)
    found = study_calibration(lost, manifest).set_index(["study", "what"])
    assert found.loc[("bag", "ensemble"), ["n_replicates", "n_members"]].tolist() == [R - 1, 5]
    assert found.loc[("bag", "single"), "n_replicates"] == R
    rest = study_calibration(runs[runs["replicate"] > 0], manifest).set_index(["study", "what"])
    assert found.loc[("bag", "ensemble"), "brier"] == rest.loc[("bag", "ensemble"), "brier"]
    nobody = without_answers(runs, (runs["study"] == "bag") & (runs["role"] == "member"))
    assert "ensemble" not in set(study_calibration(nobody, manifest)["what"])


def test_a_regression_is_compared_where_the_closed_form_is_least(runs, manifest):
    """The least of measured errors would be low by being chosen."""
    own = decomposition(runs, manifest)
    own = own[own["study"] == "fit"]
    closed = own[["closed_bias", "closed_variance", "closed_noise"]].sum(axis=1)
    least = own.loc[closed.idxmin()]
    row = studies_summary(runs, manifest).set_index("study").loc["fit"]
    assert row["quantity"] == f"error - closed form, degree {least['factor_value']:g}"
    assert row["estimate"] == pytest.approx(least["error"] - closed.min())


def test_settings_are_told_apart_by_what_differs():
    rows = pd.DataFrame(
        {
            "hyper": ['{"lr":0.1,"momentum":0.9}', '{"lr":0.1,"momentum":0.5}'],
            "regularization": ["{}", '{"decay":0.001}'],
            "batch_size": [32, 32],
            "epochs": [5, 10],
        }
    )
    assert configured(rows) == ["decay=0, epochs=5, momentum=0.9", "decay=0.001, epochs=10, momentum=0.5"]
