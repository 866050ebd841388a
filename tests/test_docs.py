"""The documentation says what is there: examples run, names and columns are listed, links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from optbench import catalog
from optbench.cli import cli
from optbench.records import landscapes, measures, networks, studies
from optbench.report import figures, tables
from optbench.suite import parse, source
from optbench.suite.landscapes.problem import ProblemSpec
from optbench.suite.landscapes.suite import LandscapeSuite
from optbench.suite.networks.arm import Arm
from optbench.suite.networks.ladder import Ladder
from optbench.suite.networks.suite import NetworkQuick, NetworkSuite, Seeds
from optbench.suite.networks.task import STRENGTHS, TaskSpec
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.studies.methods import METHODS, OF_NETWORKS
from optbench.suite.studies.study import StudySpec
from optbench.suite.studies.suite import StudyQuick
from optbench.suite.suite import Quick
from tests import moved, readme
from tests.optimizers import overview

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "results" / "README.md"]


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_examples_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert (failed, tried) == (0, 13)


def test_the_examples_of_the_page_on_python_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    assert doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False, optionflags=flags).failed == 0
    assert (tmp_path / "waves.png").is_file()


def test_the_examples_of_the_page_on_measures_run():
    assert doctest.testfile(str(ROOT / "docs" / "measures.md"), module_relative=False).failed == 0


def test_the_examples_of_the_page_on_generalization_run():
    """Those of Python, and the suite."""
    assert doctest.testfile(str(ROOT / "docs" / "generalization.md"), module_relative=False).failed == 0
    example = re.search(r"```toml\n(.*?)```", page("docs/generalization.md"), re.DOTALL).group(1)
    assert parse.parse(example, source="docs/generalization.md").studies[0].method == "bootstrap"


def test_each_measure_of_sharpness_has_its_line_with_what_leaves_it_unchanged():
    lines = page("docs/measures.md").splitlines()
    for entry in catalog.MEASURES:
        if entry.group == "sharpness":
            measure = catalog.measure(entry.name)
            line = next(line for line in lines if line.startswith(f"| `{entry.name}` |"))
            needs = next(iter(measure.invariant_with), "yes") if measure.is_invariant else "no"
            assert needs in line.rsplit("|", 2)[1]


def test_the_example_of_a_function_of_one_s_own_runs(tmp_path, monkeypatch):
    """Its module as it stands, its commands by the command line, and what Python shows of it."""
    section = page("docs/problems.md").split("## A function of your own")[1].split("\n## ")[0]
    module, shown = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (tmp_path / "mylab.py").write_text(module, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "mylab", None)  # whatever it is now, it is forgotten afterwards
    del sys.modules["mylab"]
    importlib.invalidate_caches()
    commands = [line for line in section.splitlines() if line.startswith("optbench ")]
    said = []
    for command in commands:
        result = CliRunner().invoke(cli, shlex.split(command)[1:], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        said.append(result.stdout)
    assert len(said) == 2
    assert "label         mylab:gully-3d[slope=100]\n" in said[0]
    assert "Rows: 48 of 48 planned; status: ok 48, " in said[1]
    test = doctest.DocTestParser().get_doctest(shown, {}, "docs/problems.md", "docs/problems.md", 0)
    assert doctest.DocTestRunner().run(test) == doctest.TestResults(failed=0, attempted=10)
    example = re.search(r"`problems = (\[.*?\])`", section).group(1)
    text = 'name = "one"\nversion = 1\nquestion = "Does it run?"\noptimizers = [{ name = "sgd" }]\n'
    text += f"problems = {example}\n[grid]\nlr = {{ low = 1e-3, high = 1.0, points = 4 }}\n"
    assert parse.parse(text, source="docs/problems.md").problems[0].label == "mylab:gully-5d[slope=100]"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_a_page_imports_or_names_by_its_module_is_there(path):
    text = path.read_text(encoding="utf-8")
    named = [f"{module}.{name}" for module, names in re.findall(r"from (optbench[\w.]*) import ([\w, ]+)", text)
             for name in names.replace(" ", "").split(",")]  # fmt: skip
    for name in {*named, *re.findall(r"\boptbench(?:\.[a-zA-Z_]\w*)+\b", text)}:
        if not name.endswith((".toml", ".py")):
            pkgutil.resolve_name(name)


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md"])
def test_the_first_pages_are_short(name):
    assert len(page(name).splitlines()) <= 150


def test_the_figure_of_the_readme_is_that_of_the_committed_run():
    committed = readme.committed_run() / "figures" / "convergence.png"
    assert readme.FIGURE.read_bytes() == committed.read_bytes()


@pytest.mark.parametrize(("path", "end", "found"), list(readme.pages()), ids=lambda part: getattr(part, "stem", ""))
def test_what_pages_show_of_committed_runs_is_what_the_rows_give(path, end, found):
    shown = path.read_text(encoding="utf-8").split(readme.BEGIN)[1].split(end)[0]
    assert shown == found, "run python -m tests.readme"
    assert len(shown.splitlines()) > 5


def test_every_regularizer_has_an_effect_on_its_page():
    found = page("docs/networks.md").split(readme.BEGIN)[1].split(readme.END_OF_EFFECTS)[0]
    # The noise of a smaller batch is no regularizer of that suite, but an arm of the one on batch sizes.
    shown = {*STRENGTHS, "early_stopping"} - {"batch_noise"}
    assert all(re.search(rf"[`+]{name}\b", found) for name in shown)


@pytest.mark.parametrize("name", [entry.name for entry in catalog.OPTIMIZERS])
def test_every_rule_is_documented_with_its_defaults(name):
    found = overview.defaults_line(name)
    assert found is not None, f"no line in {', '.join(overview.PAGES)}"
    for key, value in catalog.optimizer(name).defaults().items():
        assert f"`{key}` {value:g}" in found[1]


def test_the_overview_of_rules_is_that_of_the_catalogue():
    text = page("docs/optimizers.md")
    assert text == overview.filled(text), "run python -m tests.optimizers.overview"
    for line in (
        "| `adam` | adaptive | 1 | 2 | here | |",
        "| `optax_lbfgs` | quasi-Newton | 1 | 22 | [optax](optax.md) | |",
    ):
        assert line in text
    assert "| `newton` | second order | varies, 2 for a Hessian-vector product | dim + 6 | [line-searches]" in text


@pytest.mark.parametrize("entry", catalog.MODIFIERS, ids=lambda entry: entry.name)
def test_every_modifier_is_documented_with_its_hyperparameters(entry):
    line = next(line for line in page("docs/modifiers.md").splitlines() if line.startswith(f"| `{entry.name}` |"))
    added = set(catalog.optimizer(f"adam+{entry.name}").hyper) - set(catalog.optimizer("adam").hyper)
    assert set(re.findall(r"`(\w+)`", line.rpartition("|")[0].rpartition("|")[2])) == added


@pytest.mark.parametrize("entry", catalog.PROBLEMS, ids=lambda entry: entry.name)
def test_every_function_has_a_line(entry):
    pages = {"bbob": "docs/bbob.md", "finite sums": "docs/finite-sums.md"}
    lines = page(pages.get(entry.group, "docs/problems.md")).splitlines()
    assert any(line.startswith("| ") and f"`{entry.name}`" in line.split("|")[1] for line in lines)


@pytest.mark.parametrize("entry", catalog.MODELS, ids=lambda entry: entry.name)
def test_every_model_has_a_line_with_its_counts(entry):
    rows = catalog.model(entry.name).table()
    dense = sum(row.weights + row.biases for row in rows if row.name.startswith("fc"))
    shape = "x".join(map(str, entry.input_shape))
    counts = f"{entry.parameters:,} | {100 * dense / entry.parameters:.1f} % | {sum(r.multiply_adds for r in rows):,}"
    assert f"| `{entry.name}` | {shape} | {counts} | " in page("docs/models.md")


def test_every_kind_of_noise_is_documented():
    text = page("docs/noise.md")
    assert [entry.name for entry in catalog.NOISE if f"| `{entry.name}` | " not in text] == []


def test_every_page_can_be_reached_from_the_readme():
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", page("README.md")))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")}


def test_every_column_of_a_row_is_documented():
    text = page("docs/results-format.md")
    for name, column in (
        *landscapes.ROWS.columns.items(),
        *networks.ROWS.columns.items(),
        *studies.ROWS.columns.items(),
        *measures.ROWS.columns.items(),
    ):
        shown = f"`{column.type}`" if "<" in column.type else column.type
        assert f"| `{name}` | {shown} | {column.unit} | {column.meaning} |" in text


def test_every_command_option_kind_and_exit_code_is_documented():
    text = page("docs/cli.md")
    for name, command in cli.commands.items():
        assert f"| `optbench {name} " in text
        assert all(option in text for parameter in command.params for option in parameter.opts if "-" in option)
    assert all(f"| {code} |" in text for code in (0, 1, 2, 3, 5, 6, 74, 130, 143))
    assert all(f"| `{kind}` |" in page("docs/figures.md") for kinds in figures.names().values() for kind in kinds)
    assert all(f"| `{kind}` |" in page("docs/tables.md") for kinds in tables.names().values() for kind in kinds)


def test_every_key_of_a_suite_is_documented_and_the_example_is_one():
    text = page("docs/suites.md")
    for key in LandscapeSuite.model_fields:
        assert re.search(rf"`{key}[`.\[]", text), key
    for table, model in (("optimizers", OptimizerSpec), ("problems", ProblemSpec)):
        assert all(f"`{table}[].{key}`" in text for key in model.model_fields)
    assert all(f"| `{name}` |" in text for name in source.shipped())
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL).group(1)
    assert parse.parse(example, source="docs/suites.md").name == "mine"


def test_every_key_of_a_suite_of_networks_and_every_regularizer_is_documented():
    text = page("docs/networks.md")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    names = [parse.parse(example, source="docs/networks.md").name for example in examples if "question" in example]
    assert names == ["my-networks", "my-ladder"]
    for model in (NetworkSuite, TaskSpec, NetworkQuick, Seeds, Ladder, Arm):
        assert all(re.search(rf"\b{key}\b", "".join(examples)) for key in model.model_fields)
    assert all(re.search(rf"\| [^|]*`{name}`", text) for name in STRENGTHS)


def test_every_key_and_method_of_a_suite_of_studies_is_documented():
    section = page("docs/suites.md").split("\n## Studies\n")[1].split("\n## ")[0]
    example = re.search(r"```toml\n(.*?)```", section, re.DOTALL).group(1)
    assert [study.name for study in parse.parse(example, source="docs/suites.md").studies] == [
        "rate",
        "bagging",
        "degree",
    ]
    assert all(f"`studies[].{key}`" in section for key in StudySpec.model_fields)
    assert all(re.search(rf"`{key}`", section) for key in set(StudyQuick.model_fields) - set(Quick.model_fields))
    for name, method in METHODS.items():
        line = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(f"`{key}`" in line for key in (method.keys - OF_NETWORKS) | set(method.factors))


def test_no_page_calls_missing_what_is_there():
    """Whatever has a page or a suite of its own exists."""
    names = {path.stem for path in (ROOT / "docs").glob("*.md")} | set(source.shipped())
    for path in PAGES:
        text = path.read_text(encoding="utf-8").lower()
        missing = re.findall(r"^## not there[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        said = [line for line in text.splitlines() if "not there yet" in line] + missing
        words = {name for name in names for line in said if re.search(rf"\b{name.replace('-', '[- ]')}\b", line)}
        assert words == set(), path.name


@pytest.mark.parametrize(("where", "name", "table"), moved.TABLES, ids=[name for _, name, _ in moved.TABLES])
def test_tables_of_settled_and_touched_targets_are_those_of_the_committed_files(where, name, table):
    assert moved.read(where, name) == table(), "run python -m tests.moved"
