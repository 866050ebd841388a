"""What suites that compare optimizers share: tuning, selection, quick sizes; no kind loads another's modules."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import get_args

import pytest

from optbench.errors import UsageError
from optbench.kinds import KINDS
from optbench.runner import kinds, running
from optbench.suite.parse import parse
from optbench.suite.selection import quick_size, select

HEAD = """
name = "shared"
version = 1
question = "Do both kinds have it?"
grid = { lr = { low = 1e-3, high = 1.0, points = 4 } }
"""
#: Of each kind: what it is compared on, with two entries, and numbers of repetitions.
OF = {
    "landscapes": 'problems = [{ name = "sphere", dim = 3 }, { name = "levy" }]\nstarts = { tune = 2, report = 3 }\n',
    "networks": 'epochs = 2\ntasks = [{ data = "digits", model = ["linear", "mlp"] }]\n'
    "seeds = { tune = 2, report = 3 }\n",
}
RULES = 'optimizers = [{ name = "sgd" }, { name = "adam" }]\n'


def tunes(kind):
    return "grid" in get_args(importlib.import_module(f"optbench.suite.{kind}").SUITE.model_fields["tuning"].annotation)


@pytest.fixture(params=filter(tunes, KINDS))
def kind(request):
    return request.param


@pytest.fixture
def suite(kind):
    return lambda more="", rules=RULES: parse(HEAD + OF[kind] + rules + more, source="s.toml")


def groups(spec, **selection):
    return kinds.planned(spec, selection).plan.groups


def ids(group):
    """Returns the ids of what is tuned and of the first configuration, reported."""
    return set(group.cell_ids()) if hasattr(group, "starts") else set(group.cell_ids("tune", group.tuned))


def test_each_kind_has_a_case(kind):
    assert kind in OF
    assert kind == importlib.import_module(f"optbench.suite.{kind}").SUITE.KIND


def test_the_suites_grid_goes_before_a_rules_own_range_where_that_is_of_other_units(kind, suite):
    spec = suite('tuning = "random"\n')
    drawn = spec.ranges_of(spec.optimizers[0])["lr"]
    own = spec.optimizers[0].build().hyper["lr"].search
    grid = spec.grid["lr"]
    expected = {"landscapes": (own.low, own.high), "networks": (grid.low, grid.high)}
    assert (drawn.low, drawn.high) == expected[kind]


def test_the_order_of_entries_does_not_matter(suite):
    forth = suite()
    back = forth.model_copy(update={key: tuple(reversed(getattr(forth, key))) for key in forth.entries()})
    assert forth.hash() == back.hash()
    assert groups(forth) == groups(back)


@pytest.mark.parametrize("tuning", ["grid", "random"])
def test_the_default_is_always_a_configuration(suite, tuning):
    for group in groups(suite(), tuning=tuning):
        rule = group.optimizer.build()
        told = {name: value for name, value in group.configs[group.default].items() if rule.hyper[name].told}
        assert group.configs[group.default] == rule.resolve({**told, **group.optimizer.hyper})


def test_fewer_trials_are_the_beginning_of_more(suite):
    few, many = (groups(suite(), tuning="random", trials=trials)[0] for trials in (5, 12))
    assert (few.trials, many.trials) == (5, 12)
    assert few.configs[:5] == many.configs[:5]
    assert ids(few) < ids(many)


def test_ranges_of_random_tuning_are_part_of_what_is_run_and_of_a_grid_they_are_not(suite):
    narrow = 'optimizers = [{ name = "sgd", search = { lr = { low = 0.1, high = 1.0 } } }, { name = "adam" }]\n'
    assert suite().hash() == suite(rules=narrow).hash() == suite("trials = 9\n").hash()
    drawn = [suite('tuning = "random"\n' + more, rules).hash() for more, rules in (("", RULES), ("", narrow))]
    drawn += [suite(f'tuning = "random"\n{more}\n').hash() for more in ("trials = 9", "shift_decades = 1.0")]
    assert len({*drawn, suite().hash(), suite('tuning = "default"').hash()}) == 6
    rates = [c["lr"] for g in groups(suite(rules=narrow), tuning="random", optimizers=["sgd"]) for c in g.configs[:-1]]
    assert all(0.1 <= rate <= 1.0 for rate in rates)


def test_shifted_ranges_are_those_of_the_suite_moved(suite):
    (plain, *_), (moved, *_) = groups(suite()), groups(suite("shift_decades = -1.0\n"))
    tried = [[config["lr"] for config in group.configs[: group.trials]] for group in (plain, moved)]
    assert tried == [[1e-3, 1e-2, 0.1, 1.0], [1e-4, 1e-3, 1e-2, 0.1]]


def test_without_tuning_only_the_default_is_run(suite):
    for group in groups(suite(), tuning="default"):
        assert (len(group.configs), group.trials, group.default, group.n_cells) == (1, 0, 0, 3)


def test_a_quick_size_has_fewer_entries_values_and_trials(suite, kind):
    table = KINDS[kind]
    whole = suite(f'quick = {{ points = 2, trials = 3, optimizers = ["adam"], {table} = ["*l*"] }}\n')
    small = quick_size(whole)
    assert [entry.label for entry in small.optimizers] == ["adam"]
    assert (small.grid["lr"].points, small.trials) == (2, 3)
    assert len(groups(whole, quick=True, tuning="random")[0].configs) == 4
    assert small.hash() != whole.hash() == suite().hash()
    with pytest.raises(UsageError, match="has no quick size"):
        groups(suite(), quick=True)


def test_what_is_selected_keeps_its_ids(suite):
    found = {group.labels: ids(group) for group in groups(suite())}
    part = {group.labels: ids(group) for group in groups(suite(), optimizers=["ad*"])}
    assert part.items() < found.items()


def test_options_of_another_kind_are_refused(suite, kind):
    others = {"landscapes": ("tasks", "problems"), "networks": ("problems", "tasks")}
    option, instead = others[kind]
    with pytest.raises(UsageError, match=f"--{option} is not for a suite of .*; --{instead} selects"):
        select(suite(), **{option: ["x"]})


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"optimizers": []}, "--optimizers selects none of 2 optimizers"),
        ({"optimizers": ["adm"]}, "unknown optimizer 'adm'; did you mean 'adam'"),
        ({"optimizers": ["x*"]}, "'x*' matches none of 2 optimizers: sgd, adam"),
        ({"trials": 3}, "--trials needs --tuning random; this suite's tuning is 'grid'"),
        ({"tuning": "bayes"}, "tuning: must be 'grid', 'random' or 'default'; got 'bayes'"),
    ],
)
def test_what_cannot_be_selected_is_said(suite, selection, words):
    with pytest.raises(UsageError) as caught:
        select(suite(), **selection)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("seeed = 1\n", "unknown key 'seeed'; did you mean 'seed'"),
        ("quick = { pionts = 2 }\n", "quick: unknown key 'pionts'; did you mean 'points'"),
        ('quick = { optimizers = ["nag"] }\n', "quick.optimizers: unknown entry of the suite 'nag'; known: adam, sgd"),
        ('tuning = "random"\ntrials = 0\n', "trials: must be 1 or more; got 0"),
        ("shift_decades = 11.0\n", "shift_decades: must be 10.0 or less; got 11.0"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(suite, more, words):
    with pytest.raises(UsageError) as caught:
        suite(more)
    assert words in str(caught.value)


def test_a_dry_run_says_what_is_tried(suite, kind):
    grid, drawn = (kinds.planned(suite(), {"tuning": tuning}).describe() for tuning in ("grid", "random"))
    assert "  sgd                          lr from 0.001 to 1, 4 values" in grid
    highest = {"landscapes": 100, "networks": 1}[kind]
    assert f"lr from 0.001 to {highest}, 64 trials" in drawn


def test_a_plan_is_described_with_as_few_options_as_a_run_needs():
    assert running.describe("smoke").startswith("suite smoke, version ")


def test_a_dry_run_counts_one_thing_as_one(suite, kind):
    repeats, noun = {"landscapes": ("starts", "start"), "networks": ("seeds", "seed")}[kind]
    whole = suite(f"quick = {{ {repeats} = {{ tune = 1, report = 1 }} }}\n")
    assert f"1 {noun} to tune on, 1 other to report, seed 0" in kinds.planned(whole, {"quick": True}).describe()


def test_planning_loads_no_modules_of_another_kind(kind, tmp_path):
    code = (
        "import sys\n"
        "from optbench.runner import kinds\n"
        "from optbench.suite.parse import parse\n"
        f"kinds.planned(parse({HEAD + OF[kind] + RULES!r}, source='s'), {{}})\n"
        f"others = {[name for name in KINDS if name != kind]!r}\n"
        "own = ('optbench.suite', 'optbench.runner.kinds', 'optbench.records')\n"
        "print([m for m in sys.modules if m.startswith(own) and m.split('.')[-1] in others])\n"
        f"print('equinox' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines() == ["[]", str(kind == "networks")], result.stderr
