"""What a source imports is found by reading it, and whose a module is by where it lies."""

from __future__ import annotations

import sys

import numpy
import pytest

from optbench.user_code import imports


@pytest.mark.parametrize(
    ("source", "package", "found"),
    [
        ("import a, b.c as d", "", {"a", "b.c"}),
        ("from a import b, c", "", {"a", "a.b", "a.c"}),
        ("from a import *", "", {"a"}),
        ("def f():\n    import late", "", {"late"}),
        (
            "if TYPE_CHECKING:\n    import kind\ntry:\n    import x\nexcept ImportError:\n    import y",
            "",
            {"kind", "x", "y"},
        ),
        ("from . import b", "pkg.sub", {"pkg.sub", "pkg.sub.b"}),
        ("from ..c import d", "pkg.sub", {"pkg.c", "pkg.c.d"}),
        ("from ... import d", "pkg.sub", set()),
        ("import importlib\nm = importlib.import_module('plug')", "", {"importlib", "plug"}),
        ("m = __import__('plug'); n = import_module('.e', __package__)", "pkg", {"plug", "pkg.e"}),
        ("import_module(name)", "", set()),
        ("import_module('no/module'); import_module(''); __import__('\\0')", "", set()),
        ("this is no Python", "", set()),
    ],
)
def test_every_form_of_an_import_is_found(source, package, found):
    assert imports.imported(source.encode(), package) == found


def test_whose_a_file_is(tmp_path):
    assert imports.is_users(str(tmp_path / "lab.py"))
    assert not imports.is_users(numpy.__file__)
    assert not imports.is_users(imports.__file__)
    assert not imports.is_users(str(sys.modules["ast"].__file__))
    assert not imports.is_users(str(tmp_path / "lib" / "site-packages" / "lab.py"))


def test_a_module_is_looked_up_without_importing_it(tmp_path, monkeypatch):
    (tmp_path / "unloaded_pkg").mkdir()
    (tmp_path / "unloaded_pkg" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "unloaded_pkg" / "inner.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert imports.file_of("unloaded_pkg.inner") == str(tmp_path / "unloaded_pkg" / "inner.py")
    assert imports.file_of("unloaded_pkg.nothing") is imports.file_of("no_such_module.x") is None
    assert imports.file_of("sys") is None
    assert not imports.is_users(imports.file_of("os"))
    assert "unloaded_pkg" not in sys.modules
