"""The rules of the house as tests: layers, sizes, light imports, docstrings, versions, nothing that runs data."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import optbench
from optbench.kinds import KINDS

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "optbench").rglob("*.py"))
ALL = [path for folder in ("optbench", "tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
MODULES = sorted(module.name for module in pkgutil.walk_packages(optbench.__path__, "optbench."))
EVIDENCE = ("records", "environment", "errors", "console", "store", "analysis", "report")


def relative(path):
    return str(path.relative_to(ROOT))


def test_imports_flow_one_way_and_evidence_never_needs_jax():
    lint_imports = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_kind_imports_another_kinds_modules():
    """What two kinds need is no kind's: a third would find it in the folder of the first."""
    found = [
        f"{relative(path)}: {module}"
        for path in SOURCES
        for own in KINDS
        if own in (*path.relative_to(ROOT).parts, path.stem)
        for module in re.findall(
            r"^\s*(?:from|import) (optbench[\w.]*)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if {*module.split(".")} & KINDS.keys() - {own}
    ]
    assert found == []


def test_a_kind_is_named_in_its_own_modules_and_on_its_literal_line_alone():
    """Whoever writes a kind's name elsewhere branches on it, and would have to be found by whoever adds a third.

    A kind whose table has its name is left out: options name the table.
    """
    named = {
        relative(path)
        for path in SOURCES
        if not set(path.relative_to(ROOT).with_suffix("").parts) & set(KINDS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in KINDS.keys() - {*KINDS.values()}
    }
    assert named == {"optbench/kinds.py"}


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_module_is_named_after_nothing():
    vague = {"utils", "util", "misc", "common", "base", "helpers"}
    assert not [relative(path) for path in SOURCES if path.stem in vague]


@pytest.mark.parametrize("name", ["optbench", *(f"optbench.{part}" for part in EVIDENCE)])
def test_light_modules_import_no_jax(name):
    light = ("jax", "jaxlib", "optax")
    if name in ("optbench", "optbench.errors", "optbench.records", "optbench.console"):
        light += ("numpy", "pandas", "matplotlib", "scipy", "pydantic", "pyarrow", "rich")
    code = (
        f"import importlib, pkgutil, sys\n"
        f"module = importlib.import_module({name!r})\n"
        f"if {name!r} != 'optbench':\n"
        f"    for inner in pkgutil.walk_packages(getattr(module, '__path__', []), {name!r} + '.'):\n"
        f"        importlib.import_module(inner.name)\n"
        f"print(sorted(set({light!r}) & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name):
    if name == "optbench.__main__":
        return
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip(), name
    for key, value in vars(module).items():
        if key.startswith("_") or getattr(value, "__module__", None) != name:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            assert (value.__doc__ or "").strip(), f"{name}.{key}"
        if inspect.isclass(value):
            own = {k: v for k, v in vars(value).items() if not k.startswith("_")}
            methods = {k: v for k, v in own.items() if inspect.isfunction(v) and v.__name__ == k}
            assert not [f"{name}.{key}.{k}" for k, v in methods.items() if not (v.__doc__ or "").strip()]


def test_public_names_of_the_package_resolve():
    assert dir(optbench) == sorted(optbench.__all__)
    for name in optbench.__all__:
        assert getattr(optbench, name) is not None
    assert all(callable(getattr(optbench, name)) for name in ("problem", "trace", "run", "load"))
    with pytest.raises(AttributeError, match="module 'optbench' has no attribute 'nothing'"):
        optbench.nothing  # noqa: B018  (reading the attribute is the test)


def test_versions_agree():
    version = optbench.__version__
    citation = (ROOT / "CITATION.cff").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {version}\n" in citation
    assert re.search(r"^## (\d\S*)", changelog, re.MULTILINE).group(1) == version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "optbench.__version__"}


def test_constraints_pin_what_is_asked_for():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line) for line in lines)
    pinned = {re.split("==", line)[0].lower().replace("_", "-") for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    assert {re.match(r"[A-Za-z0-9_-]+", item).group().lower() for item in asked} <= pinned


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"}


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_runs_data(path):
    """No pickle, eval or YAML load, no shell, no unsafe archive: stored files are data, whoever wrote them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in FORBIDDEN_CALLS
            elif isinstance(node.func, ast.Attribute):
                assert node.func.attr not in ("extractall", "read_pickle", "to_pickle")
            for keyword in node.keywords:
                on = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                assert not (on and keyword.arg in ("shell", "allow_pickle"))


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_no_reminders_are_left(path):
    assert not re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", path.read_text(encoding="utf-8"))


def test_readme_and_ci_give_the_same_command():
    readme = ROOT / "README.md"
    install = "python -m pip install -c constraints.txt -e '.[test]'"
    assert install in readme.read_text(encoding="utf-8")
    assert "-c constraints.txt -e '.[test]'" in (ROOT / ".ci" / "run").read_text()
