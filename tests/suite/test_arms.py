"""Arms: the optimizers, tasks and runs that are derived from them, selections, the quick size, what is wrong."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.runner import kinds, running
from optbench.runner.part import part_of
from optbench.suite.networks.plan import plan
from optbench.suite.parse import parse
from optbench.suite.selection import select

TEXT = """
name = "batches"
version = 1
question = "Does it derive?"
tuning = "default"
early_stopping = false
new_data = true
levels = [1.0, 0.1]
primary_level = 0.1
seeds = { tune = 0, report = 2 }

[ladder]
data = "mnist1d"
model = "conv1d"
optimizer = "sgd"
hyper = { lr = 0.05 }
batch_size = [20, 400]
epochs = [10, 120]

[[arms]]
name = "constant"
title = "Constant rate"
says = "Keskar et al. 2017."
is_primary = true

[[arms]]
name = "equal-epochs"
epochs = 10

[[arms]]
name = "equal-updates"
epochs = 10
updates = "equal"

[[arms]]
name = "linear"
scale = "linear"

[[arms]]
name = "adam"
optimizer = "adam"

[[arms]]
name = "noise-of-ghosts"
regularization = { batch_norm = true, ghost = 20 }

[[arms]]
name = "warm"
warm_start = { batch_size = 20, epochs = 3 }
"""
QUICK = '\n[quick]\narms = ["c*", "equal-updates"]\nbatch_size = [30, 360]\nepochs = 2\nlevels = [1.0]\n'
B20, B400 = "mnist1d-conv1d-b20", "mnist1d-conv1d-b400"


def spec(*replacements, more=""):
    text = TEXT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return parse(text + more, source="s.toml")


def faults(*replacements, more=""):
    with pytest.raises(UsageError) as caught:
        spec(*replacements, more=more)
    return list(caught.value.problems)


def runs(suite):
    return {arm.name: [(run.optimizer, run.task) for run in arm.runs] for arm in suite.arms}


def test_arms_derive_what_they_run():
    found = runs(spec())
    assert found["constant"] == [("sgd[lr=0.05]", B20), ("sgd[lr=0.05]", f"{B400}+epochs=120")]
    assert found["equal-epochs"] == [("sgd[lr=0.05]", B20), ("sgd[lr=0.05]", f"{B400}+epochs=10")]
    # 180 updates an epoch of batches of 20, 9 of 400.
    assert found["equal-updates"][1] == ("sgd[lr=0.05]", f"{B400}+epochs=200")
    assert found["linear"] == [("sgd[lr=0.05]", B20), ("sgd[lr=1]", f"{B400}+epochs=120")]
    assert found["adam"] == [("adam", B20), ("adam", f"{B400}+epochs=120")]
    # Batches of 20 are the ghosts of themselves; a run that begins as it goes on has no warm start.
    ghosts = [task for _, task in found["noise-of-ghosts"]]
    assert ghosts == [f"{B20}+batch_norm", f"{B400}+batch_norm+ghost=20"]
    assert [task for _, task in found["warm"]] == [B20, f"{B400}+warm_start=20x3"]


def test_a_pair_of_two_arms_is_run_once_and_no_other_pair_is_run():
    planned = plan(spec())
    pairs = [(group.labels[1], group.labels[0]) for group in planned.groups]
    wanted = {run for some in runs(spec()).values() for run in some}
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == wanted
    assert len(pairs) < len(planned.spec.tasks) * len(planned.spec.optimizers)
    epochs = {group.labels: group.epochs for group in planned.groups}
    assert epochs[f"{B400}+epochs=120", "sgd[lr=1]"] == 120
    assert epochs[B20, "adam"] == 10


@pytest.mark.parametrize(("scale", "rate"), [("sqrt", 0.05 * 20**0.5), ("linear", 1.0), ("none", 0.05)])
def test_a_rate_grows_with_the_batch_size_from_the_smallest(scale, rate):
    planned = plan(spec(('scale = "linear"', f'scale = "{scale}"')), arms=["linear"])
    assert [group.configs[0]["lr"] for group in planned.groups] == [0.05, pytest.approx(rate, rel=5e-6)]


def test_a_rule_s_own_rate_is_scaled_where_none_is_held():
    suite = spec(('name = "adam"\noptimizer = "adam"', 'name = "adam"\noptimizer = "adam"\nscale = "linear"'))
    assert [group.configs[0]["lr"] for group in plan(suite, arms=["adam"]).groups] == [0.001, 0.02]


def test_equal_updates_are_as_many_or_nearly_as_many():
    suite = spec(("batch_size = [20, 400]", "batch_size = [20, 500]"))
    small, large = plan(suite, arms=["equal-updates"]).groups
    assert (small.trips, large.trips) == (1800, 1799)  # 257 epochs of 7 batches


def test_what_is_derived_is_what_a_suite_could_have_listed():
    listed = parse(
        TEXT.partition("[ladder]")[0]
        + 'optimizers = [{ name = "sgd", hyper = { lr = 0.05 } }]\n'
        + 'tasks = [{ data = "mnist1d", model = "conv1d", batch_size = 20, epochs = 10 }]\n',
        source="t.toml",
    )
    (group,) = plan(spec(), arms=["constant"], tasks=[B20]).groups
    (other,) = plan(listed).groups
    cells = group.reported(None)
    from optbench.records import Split

    assert group.cell_ids(Split.REPORT, cells) == other.cell_ids(Split.REPORT, cells)


def test_the_arms_are_part_of_what_a_run_is_known_by_and_their_words_are_not():
    assert spec(('title = "Constant rate"', 'title = "Another"')).hash() == spec().hash()
    assert spec(('name = "linear"', 'name = "scaled"')).hash() != spec().hash()
    assert spec(("is_primary = true", "is_primary = false")).hash() != spec().hash()


def test_arms_optimizers_and_tasks_select_runs_of_arms():
    assert list(runs(select(spec(), arms=["constant", "w*"]))) == ["constant", "warm"]
    only = select(spec(), optimizers=["adam"])
    assert runs(only) == {"adam": runs(spec())["adam"]}
    assert [task.label for task in only.tasks] == [B20, f"{B400}+epochs=120"]
    assert runs(select(spec(), arms=["constant"], tasks=["*epochs=120"])) == {
        "constant": [("sgd[lr=0.05]", f"{B400}+epochs=120")]
    }


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"arms": ["constnat", "warm"]}, "unknown arm 'constnat'; did you mean 'constant'?"),
        ({"arms": []}, "--arms selects none of 7 arms"),
        ({"optimizers": ["nag"]}, "unknown entry of the arms 'nag'"),
        (
            {"arms": ["adam"], "optimizers": ["sgd"]},
            "no arm has a run of the selected optimizers",
        ),
        ({"tuning": "grid"}, "ladder.hyper.lr: the rate is chosen for each batch size by tuning = 'grid'"),
        ({"seed": -1}, "seed: must be 0 or more; got -1"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(selection, words):
    with pytest.raises(UsageError) as caught:
        plan(spec(), **selection)
    assert words in str(caught.value)


def test_only_suites_with_arms_have_arms_to_select():
    listed = parse(
        'name = "s"\nversion = 1\nquestion = "q"\ntuning = "default"\noptimizers = [{ name = "sgd" }]\n'
        'tasks = [{ data = "digits", model = "linear" }]\n',
        source="s.toml",
    )
    with pytest.raises(UsageError, match="--arms is for suites with arms"):
        select(listed, arms=["a"])
    with pytest.raises(UsageError, match="--arms is not for a suite of functions"):
        running.describe("quick", arms=["a"])


def test_another_seed_is_another_run_that_its_command_resumes():
    assert select(spec(), seed=1).hash() != spec().hash()
    assert select(spec(), seed=0).hash() == spec().hash()
    assert part_of(spec(), select(spec(), seed=1)) == {"seed": 1}
    cells = [plan(spec(), seed=seed).groups[0].cell_ids("report", [(0, 0)]) for seed in (0, 1)]
    assert cells[0] != cells[1]
    assert running.command("large-batch", "results", seed=7, arms=["b", "a"])[-4:] == ["--seed", "7", "--arms", "a,b"]


def test_a_selection_of_arms_is_said():
    assert part_of(spec(), select(spec(), arms=["adam"])) == {
        "optimizers": {"kept": 1, "of": 3, "added": 0},
        "tasks": {"kept": 2, "of": 7, "added": 0},
        "arms": {"kept": 1, "of": 7, "added": 0},
    }


def test_the_quick_size_holds_for_every_arm():
    small = select(spec(more=QUICK), quick=True)
    b30, b360 = "mnist1d-conv1d-b30", "mnist1d-conv1d-b360"
    assert runs(small) == {
        "constant": [("sgd[lr=0.05]", b30), ("sgd[lr=0.05]", f"{b360}+epochs=2")],
        "equal-updates": [("sgd[lr=0.05]", b30), ("sgd[lr=0.05]", f"{b360}+epochs=24")],
    }
    assert (small.levels, small.primary_level) == ((1.0,), 1.0)
    own = select(spec(more=QUICK.replace("epochs = 2", "epochs = [2, 7]")), quick=True)
    assert {run[1] for some in runs(own).values() for run in some} == {b30, b360}
    assert {task.epochs for task in own.tasks} == {2, 7}


def test_the_manifest_says_what_each_arm_runs():
    kind = kinds.planned(spec(), {})
    said = kind.manifest()
    assert (said["new_data"], said["levels"], said["primary_level"]) == (True, [1.0, 0.1], 0.1)
    assert said["arms"][0] == {
        "name": "constant",
        "title": "Constant rate",
        "says": "Keskar et al. 2017.",
        "is_primary": True,
        "runs": [
            {"optimizer": "sgd[lr=0.05]", "task": B20, "batch_size": 20, "setting": "default"},
            {"optimizer": "sgd[lr=0.05]", "task": f"{B400}+epochs=120", "batch_size": 400, "setting": "default"},
        ],
    }
    assert (said["arms"][1]["title"], said["arms"][1]["says"]) == ("equal-epochs", "")
    warm = said["tasks"][f"{B400}+warm_start=20x3"]
    assert (warm["loss"], warm["warm_start"]) == ("cross_entropy", {"batch_size": 20, "epochs": 3})
    assert not warm["shares_test"]
    assert said["tasks"][B20]["warm_start"] is None


def test_rates_that_are_tuned_are_reported_so():
    tuned = (
        ('tuning = "default"', "grid = { lr = { low = 0.01, high = 1.0, points = 3 } }"),
        ("tune = 0", "tune = 1"),
        ("hyper = { lr = 0.05 }\n", ""),
        ('scale = "linear"', 'scale = "none"'),
    )
    planned = plan(spec(*tuned))
    assert {run[0] for some in runs(planned.spec).values() for run in some} == {"sgd", "adam"}
    assert {group.trials for group in planned.groups} == {3}
    # A suite that tunes may be run as it is without tuning.
    assert {group.trials for group in plan(spec(*tuned), tuning="default").groups} == {0}
    said = kinds.planned(spec(*tuned), {}).manifest()
    assert {run["setting"] for arm in said["arms"] for run in arm["runs"]} == {"tuned"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('model = "conv1d"\n', "", "arms[0].model: is required, here or in ladder"),
        ('model = "conv1d"', 'model = "conv1"', "ladder.model: unknown model 'conv1'; did you mean 'conv1d'"),
        ('optimizer = "adam"', 'optimizer = "adm"', "arms[4].optimizer: unknown optimizer 'adm'; did you mean 'adam'"),
        ("hyper = { lr = 0.05 }", "hyper = { ls = 0.05 }", "ladder.hyper: unknown hyperparameter of sgd 'ls'"),
        ("[20, 400]", "[400, 20]", "ladder.batch_size: must ascend; got 400, 20"),
        ("[20, 400]", "[20, 20]", "ladder.batch_size: must ascend; got 20, 20"),
        ("[20, 400]", "[20, 4000]", "ladder.batch_size: batch_size must be at most 3600, the examples that mnist1d"),
        ("[20, 400]", "[]", "ladder.batch_size: must have at least one entry; got an empty array"),
        ("[20, 400]", "[20, 0]", "ladder.batch_size[1]: must be 1 or more; got 0"),
        (
            "[10, 120]",
            "[10, 12, 14]",
            "ladder.epochs: must be one number, or one for each batch size; got 3 numbers for 2",
        ),
        ("[10, 120]", '"x"', "ladder.epochs[0]: must be an integer; got 'x'"),
        (
            'epochs = 10\nupdates = "equal"',
            'updates = "equal"',
            "ladder.epochs: must be one number where updates are equal",
        ),
        ('updates = "equal"', 'updates = "equals"', "arms[2].updates: must be 'equal'; got 'equals'"),
        ('optimizer = "adam"', 'optimizer = "adadelta"\nscale = "sqrt"', "arms[4].scale: adadelta has no rate lr"),
        ("ghost = 20", "ghost = 30", "arms[5].regularization: ghost must divide the batch of 400; got 30"),
        ("ghost = 20", "ghosts = 20", "arms[5].regularization: unknown regularizer 'ghosts'"),
        ("batch_size = 20, epochs = 3", "batch_size = 9999, epochs = 3", "arms[6].warm_start: warm_start.batch_size"),
        ("ghost = 20", "ghost = 400", "arms[5].regularization: ghost = 400 would do nothing: it acts on batches that"),
        ('name = "linear"', 'name = "adam"', "arms[4]: 'adam' stands in arms[3] already"),
        ('name = "linear"', 'name = "linear"\nis_primary = true', "arms[3].is_primary: one arm is primary"),
        ("primary_level = 0.1\n", "", "primary_level: is required: the level at which 'constant' is judged"),
        ("primary_level = 0.1", "primary_level = 0.2", "primary_level: must be one of levels, 1, 0.1; got 0.2"),
        ('optimizer = "adam"', 'optimizer = "adam+decay"', "arms[4].optimizer: adam+decay: weight decay is a task's"),
        ('name = "linear"', 'nam = "linear"', "arms[3]: unknown key 'nam'; did you mean 'name'"),
        (
            'scale = "linear"',
            "sweep = { lr = { low = 0.1, high = 1.0, points = 2 } }",
            "arms[3].sweep: is for suites that",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old, new, words):
    assert any(line.startswith(words) for line in faults((old, new))), faults((old, new))


def test_a_step_of_several_gradients_needs_as_many_batches():
    pair = ('optimizer = "adam"', 'optimizer = "adam+sam"')
    said = faults(("[20, 400]", "[20, 3600]"), ("[10, 120]", "1"), ("ghost = 20", "ghost = 10"), pair)
    assert said == ["ladder.epochs: must be at least 2 for one step of adam+sam with batches of 3600; got 1"]


def test_all_that_is_wrong_is_said_at_once():
    wrong_rule = ('optimizer = "adam"', 'optimizer = "adm"')
    said = faults(("[20, 400]", "[400, 20]"), wrong_rule, ("primary_level = 0.1", "primary_level = 0.5"))
    assert [line.partition(":")[0] for line in said] == ["ladder.batch_size", "primary_level"]
    said = faults(wrong_rule, ("ghost = 20", "ghost = 30"), ("[1.0, 0.1]", "[0.1, 1.0]"))
    assert [line.partition(":")[0] for line in said] == ["arms[4].optimizer", "arms[5].regularization", "levels"]


def test_what_would_act_on_no_batch_size_is_refused():
    ladder = '[ladder]\ndata = "mnist1d"\nmodel = "conv1d"\noptimizer = "sgd"\nbatch_size = 20\nepochs = 2\n'
    settings = "regularization = { batch_noise = 20 }\nwarm_start = { batch_size = 20, epochs = 1 }\n"
    head = 'name = "s"\nversion = 1\nquestion = "q"\ntuning = "default"\n'
    with pytest.raises(UsageError) as error:
        parse(head + ladder + settings + '[[arms]]\nname = "a"\n', source="s.toml")
    assert str(error.value).splitlines()[1:] == [
        "  ladder.regularization: batch_noise = 20 would do nothing: it acts on batches that are larger, and there are "
        "none",
        "  ladder.warm_start: would do nothing: it is for other batch sizes than its own 20, and there are none",
    ]
    # What the ladder says may be for one of its arms.
    larger = '[[arms]]\nname = "b"\nbatch_size = 400\n'
    for one in settings.splitlines(keepends=True):
        assert parse(head + ladder + one + '[[arms]]\nname = "a"\n' + larger, source="s.toml").arms


def test_a_primary_arm_compares():
    said = faults(("[20, 400]", "[20]"), ("[10, 120]", "10"))
    assert "ladder.batch_size: a primary arm compares two batch sizes or more; got 1" in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('\n[quick]\narms = ["x"]\n', "quick.arms: unknown arm 'x'"),
        ('\n[quick]\ntasks = ["*"]\n', "quick.tasks: is derived from arms; name those that stay in quick.arms"),
        ("\n[quick]\nepochs = [1, 2, 3]\n", "quick: ladder.epochs: must be one number, or one for each batch size"),
        ("\n[quick]\nbatch_size = [20, 9000]\n", "quick: ladder.batch_size: batch_size must be at most 3600"),
        ("\n[quick]\nlevels = [0.1, 1.0]\n", "quick.levels: must descend"),
        (
            '\n[[tasks]]\ndata = "digits"\nmodel = "linear"\n',
            "tasks: is derived from arms, so it cannot stand beside them",
        ),
        ('\n[[optimizers]]\nname = "sgd"\n', "optimizers: is derived from arms"),
    ],
)
def test_what_does_not_go_with_arms_is_said(more, words):
    assert any(line.startswith(words) for line in faults(more=more)), faults(more=more)


def test_what_needs_arms_says_so():
    head = 'name = "s"\nversion = 1\nquestion = "q"\ntuning = "default"\n'
    plain = head + 'optimizers = [{ name = "sgd" }]\ntasks = [{ data = "digits", model = "linear" }]\n'
    for more, words in (
        ("[ladder]\nepochs = 3\n", "arms: is required beside ladder"),
        ('[quick]\narms = ["a"]\n', "quick.arms: is for suites with arms; this one has none"),
        ("[quick]\nepochs = [1, 2]\n", "quick.epochs: is one number in a suite without arms"),
    ):
        with pytest.raises(UsageError, match=words):
            parse(plain + more, source="s.toml")
    with pytest.raises(UsageError, match="arms: is required beside ladder"):
        parse(head + "[ladder]\nepochs = 3\n", source="s.toml")


def test_the_dry_run_shows_arms_levels_and_seconds():
    said = kinds.planned(spec(), {}).describe()
    assert "weights are kept at training losses of 1, 0.1, the primary one 0.1" in said
    assert "each seed has data of its own" in said
    assert "  constant, primary            batches of 20 for 10 epochs, 400 for 120 epochs; " in said
