"""Suites of networks: what a file may say, which cells a plan has, and what is wrong in one message."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.records import Split
from optbench.suite.networks.plan import plan as plan_networks
from optbench.suite.parse import load, parse
from optbench.tasks import data
from optbench.tasks.data.splitting import sizes, split

TEXT = """
name = "small"
version = 1
question = "Does it plan?"
epochs = 3
batch_size = 32
early_stopping = false
seeds = { tune = 2, report = 3 }

[grid]
lr = { low = 1e-3, high = 1e-1, points = 3 }

[[optimizers]]
name = ["sgd", "adam", "momentum+sam"]

[[tasks]]
data = "digits"
model = "lenet"
regularization = [{}, { dropout = 0.5, penalty = 1e-3 }, { batch_norm = true, ghost = 16 }]

[[tasks]]
data = "digits"
model = "lenet"
early_stopping = true

[[tasks]]
data = "mnist1d"
model = ["conv1d", "linear"]
batch_size = 100
"""


def small(*replacements):
    text = TEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return parse(text, source="small.toml")


def messages(*replacements):
    with pytest.raises(UsageError) as error:
        small(*replacements)
    return str(error.value)


def cells(planned):
    """Returns {cell id: (task, optimizer, configuration, split, seed)} if tuning chose the last configuration."""
    found = {}
    for group in planned.groups:
        parts = ((Split.TUNE, group.tuned), (Split.REPORT, group.reported(group.trials - 1 if group.trials else None)))
        for part, places in parts:
            for cell, place in zip(group.cell_ids(part, places), places, strict=True):
                found[cell] = (*group.labels, place[0], str(part), place[1])
    return found


def test_lists_stand_for_one_task_each_and_labels_say_what_differs():
    assert [task.label for task in small().tasks] == [
        "digits-lenet",
        "digits-lenet+penalty=0.001+dropout=0.5",
        "digits-lenet+batch_norm+ghost=16",
        "digits-lenet+early_stopping",
        "mnist1d-conv1d-b100",
        "mnist1d-linear-b100",
    ]


def test_a_regularized_task_knows_its_plain_twin():
    spec = small()
    plain = {task.label: base.label if (base := spec.plain(task)) else None for task in spec.tasks}
    assert plain["digits-lenet"] is None
    assert {plain[label] for label in plain if label.startswith("digits-lenet+")} == {"digits-lenet"}
    assert plain["mnist1d-conv1d-b100"] is None


def test_a_loss_and_a_warm_start_are_in_the_label_and_epochs_only_where_they_are_asked_for():
    changes = ("batch_size = 100", 'loss = "squared"\nwarm_start = { batch_size = 8, epochs = 2 }\nepochs = 7')
    task = small(changes).tasks[-1]
    assert task.label == "mnist1d-linear+squared+warm_start=8x2"
    assert task.showing(["epochs"]).label == "mnist1d-linear+squared+warm_start=8x2+epochs=7"
    assert task.showing(["epochs"]).model_dump() == task.model_dump()


def test_a_warm_start_has_a_phase_of_its_own_in_whole_steps():
    changes = ("batch_size = 100", "batch_size = 100\nwarm_start = { batch_size = 400, epochs = 1 }")
    groups = plan_networks(small(changes), tasks=["mnist1d-linear"]).groups
    found = {group.labels[1]: (group.warm_start.batch_size, group.warm_trips, group.trips) for group in groups}
    assert found == {"adam": (400, 9, 108), "momentum+sam": (400, 8, 108), "sgd": (400, 9, 108)}


def test_numbers_of_pixels_and_examples_are_whole():
    strengths = small().tasks[2].strengths()
    assert (strengths.batch_norm, strengths.ghost) == (True, 16)
    assert isinstance(strengths.ghost, int)
    assert "ghost must be a whole number of examples; got 15.5" in messages(("ghost = 16", "ghost = 15.5"))


def test_every_combination_is_one_cell():
    planned = plan_networks(small())
    found = cells(planned)
    tuned = 3 * 2
    # The last rate, 0.1, is no rule's default.
    assert len(found) == planned.n_cells == 6 * 3 * (tuned + 2 * 3)
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    "change",
    [
        ("epochs = 3", "epochs = 4"),
        ("batch_size = 32", "batch_size = 16"),
        ("early_stopping = false", "early_stopping = false\nseed = 1"),
        ("early_stopping = false", "early_stopping = false\nsplit_seed = 1"),
        ("early_stopping = false", 'early_stopping = false\ndtype = "bfloat16"'),
        ("early_stopping = false", 'early_stopping = false\nnew_data = true\ntuning = "default"'),
        # Runs with levels are scored at other points.
        ("early_stopping = false", "early_stopping = false\nlevels = [0.3, 0.1]"),
    ],
)
def test_whatever_changes_a_result_changes_the_id(change):
    changed = small(change)
    assert changed.hash() != small().hash()
    digits = "digits-lenet"

    def ids(spec):
        return {cell for cell, place in cells(plan_networks(spec)).items() if place[0] == digits}

    assert not ids(changed) & ids(small())


def test_ids_do_not_move_with_the_schema_of_functions():
    """Columns of networks are those of schema 2, so what was trained then is found again."""
    first = plan_networks(small()).groups[0]
    assert first.cell_ids(Split.TUNE, first.tuned[:2]) == ["53f2ffb24c7220c4", "68fa6a1c20065b3e"]


def test_one_strength_more_changes_the_id():
    assert not set(cells(plan_networks(small(), tasks=["digits-lenet"]))) & set(
        cells(plan_networks(small(), tasks=["digits-lenet+early_stopping"]))
    )


def test_a_rule_of_two_gradients_a_step_has_the_same_budget():
    trips = {group.labels[1]: group.trips for group in plan_networks(small(), tasks=["digits-lenet"]).groups}
    per_pass = 1294 // 32
    assert trips == {"sgd": 3 * per_pass, "adam": 3 * per_pass, "momentum+sam": 3 * per_pass}
    odd = plan_networks(small(("epochs = 3", "epochs = 1"), ("batch_size = 32", "batch_size = 400")), tasks=["digits"])
    assert {group.trips for group in odd.groups if group.labels[1] == "momentum+sam"} == {2}
    assert {group.trips for group in odd.groups if group.labels[1] == "sgd"} == {3}


def test_a_budget_without_a_step_is_refused():
    spec = small(("epochs = 3", "epochs = 1"), ("batch_size = 32", "batch_size = 1294"), ("ghost = 16", "ghost = 2"))
    with pytest.raises(UsageError, match=r"epochs must be at least 2 for one step of momentum\+sam; got 1"):
        plan_networks(spec, tasks=["digits-lenet"])


@pytest.mark.parametrize("name", ["digits", "mnist1d"])
def test_sizes_are_those_of_the_split(name):
    parts = split(data.load(name), seed=3)
    assert sizes(data.SETS[name]) == tuple(len(part) for part in parts)


def test_a_choice_that_is_the_default_is_not_run_twice():
    group = plan_networks(small(), tasks=["digits-lenet"], optimizers=["adam"]).groups[0]
    assert group.configs[group.default]["lr"] == 1e-3
    assert len(group.reported(group.default)) == 3
    assert len(group.reported(1)) == 6


def test_selection_by_label_data_set_and_pattern():
    def chosen(*items):
        return [task.label for task in plan_networks(small(), tasks=list(items)).spec.tasks]

    assert chosen("mnist1d") == ["mnist1d-conv1d-b100", "mnist1d-linear-b100"]
    assert chosen("*dropout*") == ["digits-lenet+penalty=0.001+dropout=0.5"]
    assert chosen("digits-lenet") == ["digits-lenet"]
    assert len(chosen("digits")) == 4
    assert chosen("mnist1d-linear") == ["mnist1d-linear-b100"]
    with pytest.raises(UsageError, match=r"unknown task of the suite 'mnist1d-conv'; did you mean 'mnist1d-conv1d"):
        chosen("mnist1d-conv")
    added = plan_networks(small(), optimizers=["adam", "nag"]).spec.optimizers
    assert [entry.label for entry in added] == ["adam", "nag"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('data = "digits"\nmodel = "lenet"\nearly', 'data = "digit"\nmodel = "lenet"\nearly', "did you mean 'digits'?"),
        ('model = "lenet"\nearly', 'model = "lennet"\nearly', "unknown model 'lennet'; did you mean 'lenet'"),
        ('model = "lenet"\nearly', 'model = "alexnet"\nearly', "tasks[1].model: "),
        ('model = "lenet"\nearly', 'model = "conv1d"\nearly', "takes inputs of length x channels"),
        ("dropout = 0.5", "dropuot = 0.5", "unknown regularizer 'dropuot'; did you mean 'dropout'"),
        ("dropout = 0.5", "dropout = 1.5", "dropout must be a number in [0, 0.999]; got 1.5"),
        ("dropout = 0.5", "shift = 3", "regularization.shift: digits allows at most 1 pixels; got 3"),
        ("dropout = 0.5", "flip = 0.5", "a mirror image of digits is not of the same class"),
        ("dropout = 0.5", "crop = 0.5", "digits allows no share below 0.85; got 0.5"),
        ("dropout = 0.5", "ghost = 8", "regularization.ghost: lenet has no batch normalization"),
        ("dropout = 0.5", "mixup = 1.0, cutmix = 1.0", "mixup and cutmix are both on"),
        ("ghost = 16", "batch_noise = 8", "regularization.batch_noise: lenet has batch normalization, which mixes"),
        ("dropout = 0.5", "batch_noise = 32", "batch_noise must be below the batch of 32; got 32"),
        ("ghost = 16", "ghost = 15", "must divide the batch of 32; got 15"),
        ("batch_size = 32", "batch_size = 1295", "must be at most 1294, the examples that digits trains on; got 1295"),
        ("batch_size = 100", "batch_size = 0", "tasks[2].batch_size: must be 1 or more; got 0"),
        ("epochs = 3", "epoch = 3", "unknown key 'epoch'; did you mean 'epochs'?"),
        ("tune = 2", "tuen = 2", "seeds: unknown key 'tuen'; did you mean 'tune'?"),
        ("tune = 2", "tune = 0", "seeds.tune: must be 1 or more for tuning = 'grid'; got 0"),
        ("lr = {", "eps = {", "grid has no range for 'lr'"),
        (
            "epochs = 3",
            "epochs = 3\nlevels = [0.1, 0.3]",
            "levels: must descend, as a training loss does; got 0.1, 0.3",
        ),
        ("epochs = 3", "epochs = 3\nlevels = [0.3, 0.3]", "levels: must descend"),
        ("epochs = 3", "epochs = 3\nlevels = [0.3, 0.0]", "levels[1]: must be greater than 0; got 0.0"),
        (
            "epochs = 3",
            "epochs = 3\nlevels = [0.3, 0.1]\nprimary_level = 0.2",
            "must be one of levels, 0.3, 0.1; got 0.2",
        ),
        ("epochs = 3", "epochs = 3\nprimary_level = 0.2", "primary_level: must be one of levels, none; got 0.2"),
        ("batch_size = 100", 'loss = "mse"', "tasks[2].loss: must be 'cross_entropy' or 'squared'; got 'mse'"),
        ("batch_size = 100", "warm_start = { batch_size = 5 }", "tasks[2].warm_start.epochs: is required"),
        (
            "batch_size = 100",
            "warm_start = { batch_size = 3601, epochs = 1 }",
            "mnist1d-linear+warm_start=3601x1: warm_start.batch_size must be at most 3600, the examples",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old, new, words):
    assert words in messages((old, new))


def test_dropout_needs_a_place():
    text = ('model = ["conv1d", "linear"]', 'model = "linear"\nregularization = { dropout = 0.5 }')
    assert "tasks[2].regularization.dropout: linear has no place for it" in messages(text)


def test_all_that_is_wrong_is_said_at_once():
    found = messages(("epochs = 3", "epochs = 0"), ("dropout = 0.5", "dropout = -1"), ("tune = 2", "tune = -2"))
    assert all(place in found for place in ("epochs: ", "tasks[0].regularization: ", "seeds.tune: "))


def test_a_suite_is_of_functions_or_of_networks():
    with pytest.raises(UsageError, match="has both problems and tasks"):
        parse(TEXT + '\n[[problems]]\nname = "sphere"\n', source="both.toml")


@pytest.mark.parametrize("name", ["networks", "regularization", "images", "sharpness"])
def test_shipped_suites_have_one_budget_and_one_number_of_trials(name):
    planned = plan_networks(load(name).spec)
    for task in planned.spec.tasks:
        groups = [group for group in planned.groups if group.task == task]
        assert len({group.trials for group in groups}) == 1
        (batch_size,) = {group.batch_size for group in groups}
        samples = {group.trips * batch_size for group in groups}
        assert max(samples) - min(samples) <= batch_size


def test_epochs_of_the_quick_size_hold_for_tasks_with_their_own():
    own = small(("batch_size = 100\n", "batch_size = 100\nepochs = 7\n[quick]\nepochs = 2\n"))
    assert {group.epochs for group in plan_networks(own).groups} == {3, 7}
    assert {group.epochs for group in plan_networks(own, quick=True).groups} == {2}


def test_the_quick_size_is_a_part_of_the_suite():
    planned = plan_networks(load("networks").spec, quick=True)
    assert planned.quick
    assert planned.spec.seeds.report == 3
    assert [task.label for task in planned.spec.tasks] == ["digits-lenet"]
    assert len(planned.spec.optimizers) >= 8
    with pytest.raises(UsageError, match="has no quick size"):
        plan_networks(load("images").spec, quick=True)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'model = "lenet"\nearly_stopping = true',
            'model = "lenet"\nearly_stopping = false',
            "'digits-lenet+last_epoch' is the same task as 'digits-lenet'",
        ),
        (
            'model = "lenet"\nearly_stopping = true',
            'model = "lenet"\nbatch_size = 32',
            "'digits-lenet-b32' is the same task as 'digits-lenet'",
        ),
        (
            "dropout = 0.5, penalty = 1e-3",
            "dropout = 0.0",
            "'digits-lenet+dropout=0' is the same task as 'digits-lenet'",
        ),
        ("ghost = 16", "ghost = 1", "batch normalization needs more than one example together; got 1"),
        (
            'model = ["conv1d", "linear"]',
            'model = "linear"\nregularization = { batch_norm = true }',
            "has no place for it",
        ),
        (
            'model = "lenet"\nearly',
            'model = "vgg"\nregularization = { batch_norm = true }\nearly',
            "tasks[1].regularization.batch_norm: vgg has batch normalization already",
        ),
        ('"momentum+sam"]', '"adam+decay"]', "weight decay is a task's"),
        (
            "seeds = { tune = 2, report = 3 }",
            'seeds = { tune = 2, report = 3 }\ntuning = "random"\n[[optimizers]]\nname = "lion"\n'
            "search = { weight_decay = { low = 1e-4, high = 1e-1 } }",
            "optimizers[0]: lion: weight decay is a task's",
        ),
        ('"momentum+sam"]', '"adam"]\nhyper = { b1 = 0.8, weight_decay = 0.1 }', "weight_decay"),
    ],
)
def test_what_would_not_be_what_it_seems_is_refused(old, new, words):
    assert words in messages((old, new))


def test_a_rule_for_few_parameters_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match=r"mnist1d-linear-b100: newton takes at most 100 parameters; linear has 410"):
        plan_networks(small(), tasks=["mnist1d-linear"], optimizers=["newton"], tuning="default")
