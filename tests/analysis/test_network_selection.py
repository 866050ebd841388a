"""Which configuration validation chooses: by hand, and what it may not see."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.analysis.networks.selection import choices, choose
from tests import networks


def tune(scores, optimizer="sgd", task="digits-lenet", **entries):
    """Rows of tuning runs: for each configuration the (accuracy, loss) of each seed."""
    return [
        networks.row(task, optimizer, config, "tune", seed, **entries)
        | {"validation_accuracy": accuracy, "validation_loss": loss}
        for config, seeds in enumerate(scores)
        for seed, (accuracy, loss) in enumerate(seeds)
    ]


def chosen(rows):
    return choose(networks.frame(rows))["digits-lenet", "sgd"]


def test_the_best_mean_over_seeds_is_chosen_and_not_the_best_run():
    # Means 0.85, 0.90, 0.80; the best single run is the last configuration's.
    rows = tune([[(0.9, 1), (0.8, 1)], [(0.9, 1), (0.9, 1)], [(0.99, 1), (0.61, 1)]])
    assert chosen(rows) == 1


def test_ties_go_to_the_lower_loss_then_to_the_smaller_value():
    assert chosen(tune([[(0.9, 0.5), (0.8, 0.5)], [(0.8, 0.4), (0.9, 0.4)]])) == 1
    assert chosen(tune([[(0.9, 0.5), (0.8, 0.5)], [(0.8, 0.5), (0.9, 0.5)]])) == 0
    # Indices need not stand in the order of the values.
    rows = tune([[(0.9, 0.5)], [(0.9, 0.5)]])
    rows[0]["swept_value"], rows[1]["swept_value"] = 1.0, 0.01
    assert chosen(rows) == 1


@pytest.mark.parametrize("status", ["diverged", "error", "oom", "timeout"])
def test_a_run_that_diverged_or_failed_scores_0(status):
    rows = tune([[(0.7, 1), (0.7, 1)], [(0.9, 1), (0.9, 1)]])
    rows[-1]["status"] = status
    assert chosen(rows) == 0
    # One seed at 0.9 and one at 0: the mean is 0.45.
    rows[0]["validation_accuracy"] = rows[1]["validation_accuracy"] = 0.44
    assert chosen(rows) == 1


def test_a_missing_run_scores_0():
    rows = tune([[(0.7, 1), (0.7, 1)], [(0.9, 1), (0.9, 1)]])
    assert chosen(rows[:-1]) == 0


def test_every_task_and_optimizer_chooses_for_itself():
    rows = tune([[(0.9, 1)], [(0.8, 1)]]) + tune([[(0.8, 1)], [(0.9, 1)]], "adam")
    rows += tune([[(0.8, 1)], [(0.9, 1)]], task="digits-mlp")
    found = choose(networks.frame(rows))
    assert found == {("digits-lenet", "adam"): 1, ("digits-lenet", "sgd"): 0, ("digits-mlp", "sgd"): 1}


def test_reported_rows_are_refused():
    rows = [*tune([[(0.9, 1)]]), networks.row("digits-lenet", "sgd", 0, "report", 0)]
    with pytest.raises(ValueError, match="choices are made on tuning runs alone; got rows of the split report"):
        choose(networks.frame(rows))


def test_nothing_of_test_examples_is_read():
    rows = networks.frame(tune([[(0.7, 1), (0.7, 1)], [(0.9, 1), (0.9, 1)]]))
    bare = rows.drop(columns=[name for name in rows.columns if name.startswith("test_")])
    assert choose(bare) == choose(rows)


def test_the_order_of_rows_does_not_matter():
    rows = networks.synthetic()
    rows = rows[rows["split"] == "tune"]
    assert list(choices(rows, {}).items()) == list(choices(rows.sample(frac=1, random_state=1), {}).items())


@pytest.mark.parametrize(
    ("accuracies", "flagged"),
    [
        ((0.7, 0.8, 0.9), True),
        ((0.9, 0.8, 0.7), True),
        ((0.8, 0.9, 0.8), False),
        # Flat at the end: the neighbor inside is less than half a point lower.
        ((0.7, 0.896, 0.9), False),
        ((0.9,), False),
    ],
)
def test_a_choice_at_the_edge_is_flagged_unless_it_is_flat_there(accuracies, flagged):
    rows = networks.frame(tune([[(accuracy, 1)] for accuracy in accuracies]))
    assert choices(rows, {})["digits-lenet", "sgd"].at_edge is flagged


@pytest.mark.parametrize(
    ("values", "accuracies", "flagged"),
    [
        # The neighbor of a drawn trial differs in more than the value: the ends are those of the range.
        ((0.01, 0.1, 1.0), (0.5, 0.6, 0.9), False),
        ((0.01, 0.1, 90.0), (0.5, 0.6, 0.9), True),
        ((0.0011, 0.1, 1.0), (0.9, 0.6, 0.5), True),
        ((80.0, 90.0, 1.0), (0.9, 0.7, 0.6), True),
        # Some trial further inside is as good, though it is no neighbor.
        ((0.1, 80.0, 90.0), (0.896, 0.6, 0.9), False),
        ((90.0,), (0.9,), False),
    ],
)
def test_a_drawn_choice_is_at_the_edge_of_its_range(values, accuracies, flagged):
    rows = tune([[(accuracy, 1)] for accuracy in accuracies])
    for row, value in zip(rows, values, strict=True):
        row["swept_value"] = value
    search = {"lr": {"low": 1e-3, "high": 1e2, "scale": "log"}, "beta": {"low": 0.5, "high": 0.9, "scale": "linear"}}
    drawn = {"optimizers": {"sgd": {"swept": "lr", "search": search}}}
    assert choices(networks.frame(rows), drawn)["digits-lenet", "sgd"].at_edge is flagged


def test_a_rule_without_a_swept_value_has_its_only_configuration():
    rows = tune([[(0.9, 1)]])
    rows[0]["swept_value"] = np.nan
    assert choices(networks.frame(rows), {})["digits-lenet", "sgd"] == (0, False)
