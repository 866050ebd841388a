"""A run is known by the code that it runs: the modules of its objects, and all of the user's that these import."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import py_compile
import sys
import types
import zipfile

import pytest

from optbench.errors import UsageError
from optbench.user_code import loaded, sums

HERE = "lab_mod"


def of(lab, *attributes, module=HERE):
    lab.load(module)
    return dict(sums({module: attributes or ("rule",)}).of)


def test_sums_are_those_of_sha256sum(lab):
    lab.write(lab_mod="rule = 1\n")
    assert of(lab) == {HERE: hashlib.sha256(b"rule = 1\n").hexdigest()}


@pytest.mark.parametrize("changed", ["lab_mod", "lab_near", "lab_far", "lab_late"])
def test_each_module_that_is_imported_directly_or_not_counts(lab, changed):
    texts = {
        "lab_mod": "import numpy, jax.numpy, optax, json, lab_near\ndef rule():\n    import lab_late\n",
        "lab_near": "from lab_far import *\n",
        "lab_far": "from optbench.optimizers.gradient import sgd\n",
        "lab_late": "",
        "lab_stranger": "",
    }
    lab.write(**texts)
    before = of(lab)
    assert set(before) == {"lab_mod", "lab_near", "lab_far", "lab_late"}
    lab.forget()
    lab.write(**{changed: texts[changed] + "# edited\n"})
    after = of(lab)
    assert {name for name in after if after[name] != before[name]} == {changed}


def test_a_package_counts_with_its_init_and_relative_imports(lab):
    lab.write(
        {
            "lab_pkg/__init__": "from . import unneeded\n",
            "lab_pkg/unneeded": "",
            "lab_pkg/rules/adam": "from ..parts import step\nfrom . import near\nrule = step\n",
            "lab_pkg/rules/__init__": "",
            "lab_pkg/rules/near": "",
            "lab_pkg/rules/other": "",
            "lab_pkg/parts": "def step(): pass\n",
        }
    )
    wanted = {"", ".unneeded", ".rules", ".rules.adam", ".rules.near", ".parts"}
    assert set(of(lab, module="lab_pkg.rules.adam")) == {f"lab_pkg{name}" for name in wanted}


def test_a_namespace_package_has_no_file_and_what_is_in_it_has(lab):
    lab.write({"lab_space/rules": "import lab_space.parts\nrule = 1\n", "lab_space/parts": ""})
    assert set(of(lab, module="lab_space.rules")) == {"lab_space.rules", "lab_space.parts"}


def test_the_module_that_made_a_function_counts_however_it_was_found(lab):
    lab.write(
        lab_mod="import importlib\nname = 'lab_' + 'made'\nrule = importlib.import_module(name).make(3)\n",
        lab_made="import functools\ndef _f(a, b): pass\ndef make(a): return {'r': [functools.partial(_f, a)]}\n",
    )
    assert set(of(lab)) == {"lab_mod", "lab_made"}


def test_a_module_without_source_counts_by_its_bytes(lab):
    lab.write(lab_mod="import lab_hidden\nrule = 1\n", lab_hidden="x = 1\n")
    source, bytecode = lab.folder / "lab_hidden.py", lab.folder / "lab_hidden.pyc"
    py_compile.compile(str(source), cfile=str(bytecode))
    source.unlink()
    assert of(lab)["lab_hidden"] == hashlib.sha256(bytecode.read_bytes()).hexdigest()


def test_a_module_in_an_archive_counts(lab, monkeypatch):
    with zipfile.ZipFile(lab.folder / "lib.zip", "w") as archive:
        archive.writestr("lab_zipped.py", "rule = 1\n")
    monkeypatch.syspath_prepend(str(lab.folder / "lib.zip"))
    lab.names.add("lab_zipped")
    assert of(lab, module="lab_zipped") == {"lab_zipped": hashlib.sha256(b"rule = 1\n").hexdigest()}
    assert sums({"lab_zipped": ["rule"]}).edited == ()


def test_what_is_installed_counts_only_where_it_is_named(lab, monkeypatch):
    packages = lab.folder / "lib" / "site-packages"
    monkeypatch.syspath_prepend(packages)
    lab.write(
        {
            "lib/site-packages/lab_inst/__init__": "",
            "lib/site-packages/lab_inst/rules": "from .parts import rule\nimport lab_dep\n",
            "lib/site-packages/lab_inst/parts": "rule = 1\n",
            "lib/site-packages/lab_dep": "",
        },
        lab_mod="import lab_inst.rules\nrule = 1\n",
    )
    lab.names |= {"lab_inst", "lab_dep"}
    assert set(of(lab)) == {"lab_mod"}
    assert set(of(lab, module="lab_inst.rules")) == {"lab_inst", "lab_inst.rules", "lab_inst.parts"}


def test_an_editable_install_is_a_users(lab, monkeypatch):
    """As setuptools does it: a finder that knows where a package is edited."""
    place = lab.folder / "elsewhere" / "src.py"
    lab.write({"elsewhere/src": "rule = 1\n"}, lab_mod="import lab_edit\nrule = 1\n")

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return importlib.util.spec_from_file_location(name, place) if name == "lab_edit" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    lab.names.add("lab_edit")
    assert set(of(lab)) == {"lab_mod", "lab_edit"}


def test_an_edited_file_counts_as_it_was_until_it_is_loaded_anew(lab):
    lab.write(lab_mod="import lab_near\nrule = 1\n", lab_near="x = 1\n")
    before = of(lab)
    lab.write(lab_near="x = 2\n")
    again = sums({HERE: ["rule"]})
    assert dict(again.of) == before
    assert again.edited == ("lab_near",)
    importlib.reload(sys.modules["lab_near"])
    again = sums({HERE: ["rule"]})
    assert again.of["lab_near"] == hashlib.sha256(b"x = 2\n").hexdigest()
    assert again.edited == ()


def test_a_function_of_an_older_load_is_refused(lab):
    lab.write(lab_mod="from lab_near import step\nrule = [step]\n", lab_near="def step(): return 1\n")
    of(lab)
    lab.write(lab_near="def step(): return 2\n")
    importlib.reload(sys.modules["lab_near"])
    with pytest.raises(
        UsageError, match=r"lab_near.step, which would run, is not the one in .*lab_near.py: begin a new"
    ):
        sums({HERE: ["rule"]})
    importlib.reload(sys.modules[HERE])
    assert set(sums({HERE: ["rule"]}).of) == {"lab_mod", "lab_near"}


def test_an_edit_before_the_module_was_first_seen_is_refused(lab):
    lab.write(lab_mod="import jax\n@jax.jit\ndef rule(x): return x\n")
    lab.load(HERE)
    lab.write(lab_mod="import jax\n@jax.jit\ndef rule(x): return x + 1\n")
    with pytest.raises(UsageError, match=r"lab_mod.rule, which would run, is not the one in"):
        sums({HERE: ["rule"]})


def test_bytecode_of_an_older_text_is_refused(lab, monkeypatch):
    """Python takes a file for unchanged that has the size and the second of the one that it compiled."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    lab.write(lab_mod="rule = 1\n")
    path = lab.folder / "lab_mod.py"
    os.utime(path, (1_000_000_000, 1_000_000_000))
    of(lab)
    lab.forget()
    lab.write(lab_mod="rule = 2\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert lab.load(HERE).rule == 1
    with pytest.raises(UsageError, match=r"keeps bytecode of an older text of .*lab_mod.py.*: save it once more"):
        sums({HERE: ["rule"]})


def test_what_is_written_for_a_module_by_a_library_is_no_stranger(lab):
    lab.write(
        lab_mod=(
            "import dataclasses, functools, typing, jax\n"
            "@dataclasses.dataclass\nclass D:\n    x: int = 0\n    @property\n    def p(self): return self.x\n"
            "class N(typing.NamedTuple):\n    y: int\n"
            "@functools.lru_cache\ndef cached(a=lambda: 1): return [i for i in a()]\n"
            "from unittest.mock import MagicMock, call\nmock = MagicMock()\n"
            "rule = {'d': D(), 'n': N(1), 'c': cached, 'g': jax.grad(lambda x: x), 'e': property(lambda s: s)}\n"
        )
    )
    assert set(of(lab)) == {HERE}


def test_a_loader_that_rewrites_what_it_compiles_is_believed(lab):
    """As jaxtyping's and beartype's import hooks do."""

    class Rewriting(importlib.machinery.SourceFileLoader):
        def source_to_code(self, data, path, *, _optimize=-1):
            return compile(data.replace(b"return 1", b"return 1 + 1"), path, "exec", dont_inherit=True)

    lab.write(lab_mod="def rule(): return 1\n")
    spec = importlib.util.spec_from_loader(HERE, Rewriting(HERE, str(lab.folder / "lab_mod.py")))
    sys.modules[HERE] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.rule() == 2
    assert of(lab) == {HERE: hashlib.sha256(b"def rule(): return 1\n").hexdigest()}


def test_a_loader_of_anybodys_is_asked_for_no_more_than_it_has(lab):
    """As those that import notebooks: a file, and a way to run it."""

    class Own:
        @staticmethod
        def create_module(spec):
            return None

        @staticmethod
        def exec_module(module):
            module.__file__, module.rule = str(lab.folder / "notes.ipynb"), 1

    (lab.folder / "notes.ipynb").write_text("{}")
    sys.modules[HERE] = module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(HERE, Own()))
    lab.names.add(HERE)
    module.__spec__.loader.exec_module(module)
    assert dict(sums({HERE: ["rule"]}).of) == {HERE: hashlib.sha256(b"{}").hexdigest()}


def test_a_module_without_a_file_is_refused(monkeypatch):
    notebook = types.ModuleType("notebook_main")
    notebook.rule = 1
    monkeypatch.setitem(sys.modules, "notebook_main", notebook)
    with pytest.raises(UsageError, match=r"'notebook_main' has no file, .*: write them into a module, such as lab.py"):
        sums({"notebook_main": ["rule"]})


def test_a_module_whose_file_is_gone_is_refused_unless_it_was_read_before(lab):
    lab.write(lab_mod="rule = 1\n")
    before = of(lab)
    (lab.folder / "lab_mod.py").unlink()
    again = sums({HERE: ["rule"]})
    assert (dict(again.of), again.edited) == (before, (HERE,))
    loaded._SEEN.pop(HERE)
    with pytest.raises(UsageError, match=r"'lab_mod' was imported from .*lab_mod.py, which is not there: "):
        sums({HERE: ["rule"]})


def test_a_script_is_known_by_its_file(lab, monkeypatch):
    lab.write(script="import lab_near\nrule = 1\n", lab_near="")
    script = types.ModuleType("script_main")
    script.__file__ = str(lab.folder / "script.py")
    script.rule = 1
    monkeypatch.setitem(sys.modules, "script_main", script)
    assert set(sums({"script_main": ["rule"]}).of) == {"script_main", "lab_near"}


def test_of_two_files_of_one_name_the_one_that_was_imported_counts_and_the_other_is_named(lab, monkeypatch):
    lab.write({"other/lab_mod": "rule = 2\n"}, lab_mod="rule = 1\n")
    before = of(lab)
    assert sums({HERE: ["rule"]}).hidden == {}
    monkeypatch.syspath_prepend(lab.folder / "other")
    found = sums({HERE: ["rule"]})
    assert (dict(found.of), found.edited) == (before, ())
    assert found.hidden == {HERE: str(lab.folder / "other" / "lab_mod.py")}
