"""A user's object is known by ``module:attribute`` alone, whatever it calls itself, and merges with nothing."""

from __future__ import annotations

import dataclasses
import sys
import types

import numpy as np
import pytest

from optbench import catalog, store
from optbench.engine.landscapes.sharing import Pair, program_specs
from optbench.errors import UsageError
from optbench.problems import constants
from optbench.problems.problem import Problem
from optbench.runner.kinds.landscapes.pictures import MOST_PICTURED, pictured
from optbench.suite.landscapes.plan import plan
from optbench.suite.networks.plan import plan as plan_networks
from optbench.suite.networks.task import TaskSpec
from optbench.suite.parse import load, parse
from optbench.suite.selection import select

OF_OURS = [entry.name for entry in catalog.OPTIMIZERS if "lr" in catalog.optimizer(entry.name).hyper][:20]


@pytest.fixture
def lab(monkeypatch):
    """A module whose objects all bear names of shipped ones."""
    import optax

    module = types.ModuleType("lab")
    sgd, sphere = catalog.optimizer("sgd"), catalog.landscape("sphere")
    module.adam = dataclasses.replace(sgd, name="adam")
    module.other = dataclasses.replace(sgd, name="adam")
    module.factory = lambda learning_rate=0.1: optax.sgd(learning_rate)
    module.sphere = dataclasses.replace(sphere, bounds=lambda dim: np.tile([-50.0, 50.0], (dim, 1)))
    module.bowl = dataclasses.replace(sphere, f=lambda x: 3.0 * (x @ x))
    module.mlp = dataclasses.replace(catalog.model("linear"), name="mlp")
    module.flat = dataclasses.replace(sphere, name="flat")
    module.wells = dataclasses.replace(catalog.landscape("two_wells_sum"), control="flat")
    monkeypatch.setitem(sys.modules, "lab", module)
    return module


def test_the_name_is_what_the_user_typed(lab):
    assert catalog.optimizer("lab:adam").name == "lab:adam"
    assert catalog.optimizer("lab:factory").name == "lab:factory"
    assert catalog.optimizer("lab:adam+warmup+cosine").name == "lab:adam+warmup+cosine"
    assert catalog.landscape("lab:sphere").name == "lab:sphere"
    assert catalog.problem("lab:sphere", 3).label == "lab:sphere-3d"
    assert catalog.model("lab:mlp").name == "lab:mlp"


def test_the_same_name_is_the_same_object_until_the_module_has_another(lab):
    first = catalog.optimizer("lab:adam"), catalog.landscape("lab:sphere")
    assert (catalog.optimizer("lab:adam"), catalog.landscape("lab:sphere")) == first
    lab.adam = dataclasses.replace(lab.adam)
    lab.sphere = dataclasses.replace(lab.sphere)
    assert catalog.optimizer("lab:adam") is not first[0]
    assert catalog.landscape("lab:sphere") is not first[1]


def test_a_selection_keeps_each_object_that_was_named(lab):
    spec = select(load("quick").spec, optimizers=["adam", "lab:adam", "lab:other", "lab:factory"])
    assert [entry.label for entry in spec.optimizers] == ["adam", "lab:adam", "lab:other", "lab:factory"]
    spec = select(load("quick").spec, problems=["sphere", "lab:sphere", "lab:bowl"])
    assert [entry.label for entry in spec.problems][-2:] == ["lab:sphere-2d", "lab:bowl-2d"]
    assert any(entry.name == "sphere" for entry in spec.problems)


def test_a_rule_of_ones_own_in_a_selection_of_networks(lab):
    planned = plan_networks(load("networks").spec, optimizers=["adam", "lab:adam"], tuning="default")
    assert {group.labels[1] for group in planned.groups} == {"adam", "lab:adam"}


def test_a_model_of_ones_own_is_another_task_than_the_shipped_one_of_its_name(lab):
    shipped, mine = TaskSpec(data="digits", model="mlp"), TaskSpec(data="digits", model="lab:mlp")
    assert (shipped.label, mine.label) == ("digits-mlp", "digits-lab:mlp")
    # The one that calls itself mlp is a linear model of 8 x 8 images.
    assert mine.n_params() == 64 * 10 + 10 != shipped.n_params()
    suite = load("networks").spec.model_copy(update={"tasks": (shipped, mine)})
    planned = plan_networks(suite, optimizers=["adam"], tuning="default")
    names = {store.shard_name(task, optimizer) for task, optimizer in (group.labels for group in planned.groups)}
    assert len(names) == len(planned.groups) == 2


def test_values_that_six_digits_do_not_tell_apart_are_refused_together():
    with pytest.raises(UsageError, match=r"'adam\[b1=0.12345672\]' is 'adam\[b1=0.123457\]', as another one is"):
        select(load("quick").spec, optimizers=["adam[b1=0.12345671]", "adam[b1=0.12345672]"])
    spec = select(load("quick").spec, optimizers=["adam[b1=0.5]", "adam[b1=0.50]", "adam[b1=0.5,b2=0.999]"])
    assert [entry.label for entry in spec.optimizers] == ["adam[b1=0.5]"]


SUITE = """
name = "mine"
version = 1
question = "Who is who?"
budget = 20
starts = { tune = 1, report = 1 }
grid = { lr = { low = 0.01, high = 0.1, points = 2 } }
optimizers = [{ name = ["adam", "lab:adam", "lab:other", "lab:adam+cosine", "lab:factory"] }]
problems = [{ name = ["sphere", "lab:sphere", "lab:bowl"], dim = 2 }]
"""


def test_groups_cells_and_files_are_apart(lab):
    planned = plan(parse(SUITE, source="mine"))
    names = {store.shard_name(group.problem_label, group.optimizer_label) for group in planned.groups}
    cells = [cell for group in planned.groups for cell in group.cell_ids()]
    assert len(planned.groups) == len(names) == 15
    assert len(set(cells)) == len(cells) == planned.n_cells
    assert all(":" not in name for name in names)


def test_branches_of_a_program_are_apart(lab):
    pairs = [Pair(g.problem.build(), g.optimizer.build()) for g in plan(parse(SUITE, source="mine")).groups]
    found = program_specs(pairs, "cpu").values()
    assert sorted(rule.name for spec in found for rule in spec.rules) == [
        *("adam", "lab:adam", "lab:adam+cosine", "lab:factory", "lab:other"),
    ]
    assert all([p.name for p in spec.problems] == ["lab:bowl", "lab:sphere", "sphere"] for spec in found)


def test_a_function_that_bears_a_shipped_name_has_constants_of_its_own(lab):
    shipped = catalog.problem("sphere", 2)
    assert shipped.is_shipped
    assert constants.frozen()["sphere-2d"] == shipped.constants
    # Its box is ten times as wide, so values at its starts are a hundred times as large.
    ratio = (lab.sphere.bounds(2)[0, 1] / catalog.landscape("sphere").bounds(2)[0, 1]) ** 2
    assert catalog.problem("lab:sphere", 2).f_scale / shipped.f_scale == pytest.approx(ratio, rel=0.02)
    # Nor has one that no reference names, though it is shipped but for its box.
    assert Problem(lab.sphere, 2).f_scale / shipped.f_scale == pytest.approx(ratio, rel=0.02)


def test_a_control_of_the_same_module_is_found_under_its_name(lab):
    assert catalog.landscape("lab:wells").control == "lab:flat"
    lab.wells = dataclasses.replace(lab.wells, control="one_well")
    assert catalog.landscape("lab:wells").control == "one_well"


def test_a_users_own_arepictured_first(lab):
    text = SUITE.replace(
        '["adam", "lab:adam", "lab:other", "lab:adam+cosine", "lab:factory"]', str([*OF_OURS, "lab:adam"])
    )
    groups = pictured(plan(parse(text.replace("'", '"'), source="mine")).groups)
    assert len({group.optimizer_label for group in groups}) == MOST_PICTURED
    assert "lab:adam" in {group.optimizer_label for group in groups}
