"""The quick size of a suite: what it changes, what it leaves, and that it is a run of its own."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.landscapes.plan import plan
from optbench.suite.parse import load, parse
from optbench.suite.selection import quick_size
from tests.suite.conftest import OF_FUNCTIONS

BASE = """
name = "s"
version = 3
question = "?"
budget = 500
noise_seeds = 3
starts = { tune = 4, report = 6 }
[grid]
lr = { low = 1e-3, high = 1e2, points = 11 }
[[optimizers]]
name = "sgd"
[[optimizers]]
name = "adam"
hyper = { b1 = 0.95 }
[[optimizers]]
name = "adadelta"
sweep = { eps = { low = 1e-8, high = 1e-3, points = 11 } }
[[problems]]
name = "sphere"
dim = 10
instance = 1
[[problems]]
name = "sphere"
dim = 10
instance = 1
noise = { kind = "gaussian", level = 1.0 }
[[problems]]
name = "rosenbrock"
instance = 1
"""
CONTRAST = """
[[contrasts]]
name = "{name}"
claim = "c"
left = {{ optimizer = "{left}" }}
right = {{ optimizer = "sgd" }}
problems = "{problems}"
"""


def spec(quick: str = "", contrasts: str = ""):
    return parse(BASE + contrasts + quick, source="s")


def test_a_quick_size_changes_what_its_table_names():
    small = quick_size(spec("[quick]\nbudget = 50\nnoise_seeds = 1\npoints = 3\nstarts = { tune = 1, report = 2 }\n"))
    assert (small.budget, small.noise_seeds, small.starts.tune, small.starts.report) == (50, 1, 1, 2)
    assert [small.grid_of(entry).points for entry in small.optimizers] == [3, 3, 3]
    grid = small.grid_of(small.optimizers[0])
    assert (grid.low, grid.high) == (1e-3, 1e2)
    assert small.grid_of(small.optimizers[2]).low == 1e-8
    assert [e.label for e in small.optimizers] == ["sgd", "adam[b1=0.95]", "adadelta"]
    assert len(small.problems) == 3
    assert (small.name, small.version, small.seed, small.units) == ("s", 3, 0, "normalized")


def test_what_the_table_leaves_out_stays():
    small, whole = quick_size(spec("[quick]\nbudget = 50\n")), spec()
    assert small.model_copy(update={"budget": 500}) == whole


def test_names_labels_and_patterns_keep_entries():
    quick = '[quick]\noptimizers = ["adam", "sgd"]\nproblems = ["*~gaussian=?", "rosenbrock-2d-i1"]\n'
    small = quick_size(spec(quick))
    assert [e.label for e in small.optimizers] == ["sgd", "adam[b1=0.95]"]
    assert [e.label for e in small.problems] == ["sphere-10d-i1~gaussian=1", "rosenbrock-2d-i1"]


def test_contrasts_about_what_is_left_out_are_not_judged():
    claims = [("kept", "adam[b1=0.95]", "rosen*"), ("rule", "adadelta", "rosen*"), ("problem", "adam[b1=0.95]", "sph*")]
    contrasts = "".join(CONTRAST.format(name=n, left=o, problems=p) for n, o, p in claims)
    quick = '[quick]\noptimizers = ["sgd", "adam"]\nproblems = ["rosenbrock"]\n'
    assert [entry.name for entry in quick_size(spec(quick, contrasts)).contrasts] == ["kept"]


def test_the_table_changes_no_identity_of_the_suite_and_is_one_itself():
    whole, told = spec(), spec("[quick]\nbudget = 50\n")
    assert told.hash() == whole.hash()
    assert quick_size(told).hash() != whole.hash()
    ids = {group.problem_label: group.cell_ids() for group in plan(told).groups}
    small = plan(told, quick=True)
    assert small.quick
    assert not plan(told).quick
    assert all(set(group.cell_ids()).isdisjoint(ids[group.problem_label]) for group in small.groups)


def test_a_selection_applies_to_the_quick_size():
    small = plan(spec('[quick]\noptimizers = ["sgd", "adam"]\n'), quick=True, optimizers=["adam*"], problems=["sphere"])
    assert {group.optimizer_label for group in small.groups} == {"adam[b1=0.95]"}
    assert len(small.groups) == 2


@pytest.mark.parametrize(
    ("quick", "message"),
    [
        ("budget = 0", "quick.budget: must be 1 or more; got 0"),
        ("points = 1", "quick.points: must be 2 or more; got 1"),
        ("starts = { tune = 0, report = 1 }", "quick.starts.tune: must be 1 or more for tuning = 'grid'; got 0"),
        (
            'optimizers = ["adm"]',
            "quick.optimizers: unknown entry of the suite 'adm'; known: adadelta, adam[b1=0.95], sgd",
        ),
        ('problems = ["ackley*"]', "quick.problems: unknown entry of the suite 'ackley*'"),
        ("optimizers = []", "quick.optimizers: must have at least one entry; got an empty array"),
        ("budgt = 3", "quick: unknown key 'budgt'; did you mean 'budget'?"),
    ],
)
def test_faults_of_the_table_are_told_with_their_place(quick, message):
    with pytest.raises(UsageError) as caught:
        spec(f"[quick]\n{quick}\n")
    assert len(caught.value.problems) == 1
    assert message in caught.value.problems[0]


@pytest.mark.parametrize("name", [name for name in OF_FUNCTIONS if load(name).spec.quick is not None])
def test_quick_sizes_of_shipped_suites_are_small_and_tune(name):
    whole = load(name).spec
    small = plan(whole, quick=True)
    assert sum(g.n_cells * g.trips for g in small.groups) < sum(g.n_cells * g.trips for g in plan(whole).groups)
    assert small.spec.tuning == whole.tuning
    assert len(small.spec.optimizers) > 1


def test_a_claim_about_a_value_that_the_smaller_grid_lacks_is_left_out():
    text = """
name = "a"
version = 1
question = "q"
grid = { lr = { low = 1e-3, high = 1e0, points = 4 } }
optimizers = [{ name = "sgd" }, { name = "adam" }]
problems = [{ name = "sphere" }]
quick = { points = 2 }

[[contrasts]]
name = "ends"
claim = "c"
left = { optimizer = "sgd", at = 1e-3 }
right = { optimizer = "adam" }

[[contrasts]]
name = "middle"
claim = "c"
left = { optimizer = "sgd", at = 1e-2 }
right = { optimizer = "adam" }
"""
    spec = parse(text, source="s.toml")
    assert [entry.name for entry in spec.contrasts] == ["ends", "middle"]
    assert [entry.name for entry in quick_size(spec).contrasts] == ["ends"]
