"""The shipped suites on batch size: what protocol.md asks of them, and that their first comments say what they run."""

from __future__ import annotations

import re

import pytest

from optbench.suite.networks.plan import plan
from optbench.suite.parse import load
from optbench.suite.source import read, shipped

NAMES = [name for name in shipped() if name.startswith("large-batch")]
#: Suites that state primary contrasts: the question itself, on each data set; and the headline's own arm among others.
CONFIRMING = {"large-batch", "large-batch-arms"} | {
    f"large-batch-{name}" for name in ("digits", "mnist", "fashion", "cifar10", "cifar10-c1")
}


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_there_are_all_of_them():
    others = ("arms", "squared", "tuned", "factorial", "ladder", "optimizers", "warm")
    assert set(NAMES) == CONFIRMING | {f"large-batch-{other}" for other in others}


def test_replicates_are_twelve_with_data_of_their_own_and_no_run_is_stopped(name):
    spec = load(name).spec
    assert (spec.seeds.report, spec.new_data, spec.early_stopping) == (12, True, False)
    # Half the squared error is 0.5 where all logits are 0, so that 1 says nothing there.
    first = 0.5 if {task.loss for task in spec.tasks} == {"squared"} else 1.0
    levels = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
    assert spec.levels == tuple(level for level in levels if first >= level >= spec.levels[-1])
    assert spec.primary_level in spec.levels
    assert [arm.name for arm in spec.arms if arm.is_primary] == [spec.arms[0].name] * (name in CONFIRMING)


def test_every_arm_says_what_it_tests_and_runs_in_ascending_batch_size(name):
    for arm in load(name).spec.arms:
        assert arm.title
        assert (arm.says or "").endswith(".")
        sizes = [run.batch_size for run in arm.runs]
        assert sizes == sorted(sizes)
        assert len(sizes) > 1


@pytest.mark.parametrize("quick", [False, True])
def test_the_first_comment_says_how_many_runs_there_are(name, quick):
    said = re.search(r"^# (\d+) runs(?: at most)?, .*--quick: (\d+) runs", read(name), re.MULTILINE)
    assert plan(load(name).spec, quick=quick).n_cells == int(said.group(1 + quick))


def test_arms_differ_from_the_headline_in_what_they_say_alone():
    tasks = {task.label: task for task in load("large-batch-arms").spec.tasks}
    (headline,) = load("large-batch").spec.arms
    (small, large) = (next(t for t in load("large-batch").spec.tasks if t.label == run.task) for run in headline.runs)
    by_name = {arm.name: arm for arm in load("large-batch-arms").spec.arms}
    assert [tasks[run.task].identity() for run in by_name["constant"].runs] == [small.identity(), large.identity()]
    noisy = tasks[by_name["added-noise"].runs[1].task]
    assert noisy.identity() == large.identity() | {"regularization": {"batch_noise": 20}}
    rates = {name: by_name[name].runs[1].optimizer for name in ("constant", "sqrt-rate", "linear-rate")}
    assert rates == {"constant": "sgd[lr=0.05]", "sqrt-rate": "sgd[lr=0.223607]", "linear-rate": "sgd[lr=1]"}
    samples = {run.task: tasks[run.task] for run in by_name["equal-updates"].runs}
    updates = {(task.parts().train // task.batch_size) * task.epochs for task in samples.values()}
    assert len(updates) == 1


def test_each_ratio_of_rate_and_batch_size_stands_in_several_cells_of_the_factorial():
    planned = plan(load("large-batch-factorial").spec)
    cells = {(group.configs[0]["lr"], group.batch_size) for group in planned.groups}
    rates, sizes = {rate for rate, _ in cells}, {size for _, size in cells}
    assert len(cells) == len(rates) * len(sizes) == 9
    ratios = [round(rate / size, 9) for rate, size in cells]
    assert sorted(map(ratios.count, set(ratios))) == [1, 1, 2, 2, 3]


def test_the_ladder_goes_from_one_example_to_the_whole_training_part():
    sizes = [run.batch_size for run in load("large-batch-ladder").spec.arms[0].runs]
    assert (sizes[0], sizes[-1]) == (1, 4000)
    by_name = {arm.name: arm for arm in load("large-batch-ladder").spec.arms}
    at_20 = {arm.name: arm.runs[2].optimizer for arm in by_name.values()}
    assert set(at_20.values()) == {"sgd[lr=0.05]"}
