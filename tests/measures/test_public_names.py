"""The public names of ``optbench.measures``: each is what it says, whichever module was imported first."""

from __future__ import annotations

import importlib
import pkgutil
import types

import pytest

import optbench as ob


def test_no_public_name_is_that_of_a_module():
    """Importing such a module would put it in the place of the function."""
    modules = {module.name for module in pkgutil.iter_modules(ob.measures.__path__)}
    assert not modules & set(ob.measures.__all__)


def test_each_name_resolves_after_all_modules_are_imported():
    for module in pkgutil.iter_modules(ob.measures.__path__):
        importlib.import_module(f"optbench.measures.{module.name}")
    for name in ob.measures.__all__:
        found = getattr(ob.measures, name)
        assert callable(found)
        assert not isinstance(found, types.ModuleType)
    assert dir(ob.measures) == sorted(ob.measures.__all__)


def test_a_name_that_is_not_there_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'eigenvalue'"):
        ob.measures.eigenvalue  # noqa: B018  (reading the attribute is the test)
