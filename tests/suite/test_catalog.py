"""The catalogue and the shelves say the same thing, and names are found or explained."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

import optbench.optimizers
import optbench.problems
from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.errors import UsageError
from optbench.problems.landscape import Landscape

ENTRIES = [*catalog.OPTIMIZERS, *catalog.PROBLEMS]


def test_names_are_unique():
    names = [entry.name for entry in ENTRIES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_module_exports_the_object_under_its_name(entry):
    found = getattr(importlib.import_module(entry.module), entry.name)
    assert isinstance(found, Optimizer if entry in catalog.OPTIMIZERS else Landscape)
    assert found.name == entry.name
    assert entry.summary
    assert not entry.summary.endswith(".")


@pytest.mark.parametrize(
    ("package", "kind", "entries"),
    [
        (optbench.optimizers, Optimizer, catalog.OPTIMIZERS),
        (optbench.problems, Landscape, catalog.PROBLEMS),
    ],
)
def test_every_object_of_a_shelf_has_a_line(package, kind, entries):
    import pkgutil

    found = set()
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        found |= {
            value.name for value in vars(importlib.import_module(module.name)).values() if isinstance(value, kind)
        }
    assert found == {entry.name for entry in entries}


def test_there_are_at_least_28_functions_in_five_shelves():
    assert len(catalog.PROBLEMS) >= 28
    assert len({entry.group for entry in catalog.PROBLEMS}) == 5


@pytest.mark.parametrize("alias", catalog.ALIASES)
def test_aliases_lead_to_registered_names_and_are_none_themselves(alias):
    names = {entry.name for entry in ENTRIES}
    assert catalog.ALIASES[alias] in names
    assert alias not in names


@pytest.mark.parametrize(
    ("look_up", "name", "message"),
    [
        (catalog.optimizer, "adm", "unknown optimizer 'adm'; did you mean 'adam'?"),
        (catalog.optimizer, "Heavy-Ball", "unknown optimizer 'Heavy-Ball'; did you mean 'momentum'?"),
        (catalog.landscape, "rosenbrok", "unknown problem 'rosenbrok'; did you mean 'rosenbrock'?"),
        (catalog.landscape, "banana", "unknown problem 'banana'; did you mean 'rosenbrock'?"),
    ],
)
def test_unknown_name_gets_the_nearest(look_up, name, message):
    with pytest.raises(UsageError) as caught:
        look_up(name)
    assert str(caught.value) == message


def test_problem_is_built_with_its_options():
    problem = catalog.problem("ellipsoid", 3, instance=2, rotated=True, condition=1e6)
    assert problem.label == "ellipsoid-3d-i2-rot[condition=1e+06]"
    assert catalog.problem("rosenbrock").dim == 2


def test_user_object_is_loaded_by_reference(monkeypatch):
    module = types.ModuleType("mine")
    module.rule = catalog.optimizer("sgd")
    module.number = 3
    monkeypatch.setitem(sys.modules, "mine", module)
    assert catalog.optimizer("mine:rule") is module.rule
    with pytest.raises(UsageError, match=r"'mine:number' must be an optbench Optimizer; it is a int"):
        catalog.optimizer("mine:number")
    with pytest.raises(UsageError, match=r"unknown attribute of mine 'rul'; did you mean 'rule'\?"):
        catalog.optimizer("mine:rul")
    with pytest.raises(UsageError, match=r"cannot import 'no_such_module': ModuleNotFoundError"):
        catalog.landscape("no_such_module:f")
