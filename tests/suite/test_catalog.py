"""The catalogue and the shelves say the same thing, and names are found or explained."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import types

import pytest

import optbench.optimizers
import optbench.problems
import optbench.tasks
from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.errors import UsageError
from optbench.optimizers import modifiers
from optbench.problems import noise
from optbench.problems.landscape import Landscape
from optbench.tasks.models.model import Model

ENTRIES = [*catalog.OPTIMIZERS, *catalog.PROBLEMS, *catalog.MODELS]
KINDS = {**dict.fromkeys(catalog.OPTIMIZERS, Optimizer), **dict.fromkeys(catalog.PROBLEMS, Landscape)}


def test_names_are_unique():
    names = [entry.name for entry in ENTRIES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_module_exports_the_object_under_its_name(entry):
    found = getattr(importlib.import_module(entry.module), entry.name)
    assert isinstance(found, KINDS.get(entry, Model))
    assert found.name == entry.name
    assert entry.summary
    assert not entry.summary.endswith(".")


@pytest.mark.parametrize(
    ("package", "kind", "entries"),
    [
        (optbench.optimizers, Optimizer, catalog.OPTIMIZERS),
        (optbench.problems, Landscape, catalog.PROBLEMS),
        (optbench.tasks, Model, catalog.MODELS),
    ],
)
def test_every_object_of_a_shelf_has_a_line(package, kind, entries):
    import pkgutil

    found = set()
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        found |= {
            value.name for value in vars(importlib.import_module(module.name)).values() if isinstance(value, kind)
        }
    assert found == {entry.name for entry in entries}


def test_there_are_at_least_60_optimizers_and_90_problems():
    assert len(catalog.OPTIMIZERS) >= 60
    assert len(catalog.PROBLEMS) >= 90
    assert len([entry for entry in catalog.PROBLEMS if entry.group == "bbob"]) == 24


def test_groups_of_optimizers_stand_together():
    groups = [entry.group for entry in catalog.OPTIMIZERS]
    assert [group for group, _ in itertools.groupby(groups)] == list(dict.fromkeys(groups))


def test_modifiers_and_noise_are_those_that_exist():
    assert [entry.name for entry in catalog.MODIFIERS] == list(modifiers.MODIFIERS)
    assert [entry.name for entry in catalog.NOISE] == list(noise.KINDS)
    assert all(importlib.import_module(entry.module) for entry in (*catalog.MODIFIERS, *catalog.NOISE))


def test_no_name_means_two_things():
    """But ``sam``, ``asam`` and ``lookahead`` are rules and modifiers of any; ``linear`` is a model and a schedule."""
    names = {entry.name for entry in ENTRIES}
    assert names & {entry.name for entry in catalog.MODIFIERS} == {"sam", "asam", "lookahead", "linear"}
    assert not names & {entry.name for entry in catalog.NOISE}


@pytest.mark.parametrize("alias", catalog.ALIASES)
def test_aliases_lead_to_registered_names_and_are_none_themselves(alias):
    names = {entry.name for entry in ENTRIES}
    assert catalog.ALIASES[alias] in names
    assert alias not in names


@pytest.mark.parametrize(
    ("look_up", "name", "message"),
    [
        (catalog.optimizer, "adm", r"unknown optimizer 'adm'; did you mean 'adam'( or '\w+')*\?"),
        (catalog.optimizer, "adm+cosine", r"unknown optimizer 'adm'; did you mean 'adam'( or '\w+')*\?"),
        (catalog.optimizer, "adam+cosin", r"unknown modifier 'cosin'; did you mean 'cosine'\?"),
        (catalog.optimizer, "Heavy-Ball", r"unknown optimizer 'Heavy-Ball'; did you mean 'momentum'\?"),
        (catalog.optimizer, "L-BFGS", r"unknown optimizer 'L-BFGS'; did you mean 'lbfgs'\?"),
        (catalog.landscape, "rosenbrok", r"unknown problem 'rosenbrok'; did you mean 'rosenbrock'( or '\w+')*\?"),
        (catalog.model, "lenett", r"unknown model 'lenett'; did you mean 'lenet'( or '\w+')*\?"),
        (catalog.landscape, "banana", r"unknown problem 'banana'; did you mean 'rosenbrock'\?"),
    ],
)
def test_unknown_name_gets_the_nearest(look_up, name, message):
    with pytest.raises(UsageError) as caught:
        look_up(name)
    assert re.fullmatch(message, str(caught.value))


def test_problem_is_built_with_its_options():
    problem = catalog.problem("ellipsoid", 3, instance=2, rotated=True, condition=1e6)
    assert problem.label == "ellipsoid-3d-i2-rot[condition=1e+06]"
    assert catalog.problem("rosenbrock").dim == 2


def test_instance_0_of_numbered_instances_is_the_first():
    assert catalog.problem("bbob_f01").label == catalog.problem("bbob_f01", instance=1).label == "bbob_f01-2d-i1"


def test_user_object_is_loaded_by_reference(monkeypatch):
    module = types.ModuleType("mine")
    module.rule = catalog.optimizer("sgd")
    module.number = 3
    monkeypatch.setitem(sys.modules, "mine", module)
    assert catalog.optimizer("mine:rule").update is module.rule.update
    with pytest.raises(UsageError, match=r"'mine:number' must be an optbench Optimizer, an optax .*; it is a int"):
        catalog.optimizer("mine:number")
    with pytest.raises(UsageError, match=r"unknown attribute of mine 'rul'; did you mean 'rule'\?"):
        catalog.optimizer("mine:rul")
    with pytest.raises(UsageError, match=r"cannot import 'no_such_module': ModuleNotFoundError"):
        catalog.landscape("no_such_module:f")
