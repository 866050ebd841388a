"""``list`` and ``info``."""

from __future__ import annotations

import json

import pytest

from optbench import catalog


def test_list_names_everything(invoke):
    result = invoke("list")
    assert result.exit_code == 0
    for entry in (*catalog.OPTIMIZERS, *catalog.PROBLEMS):
        assert f"  {entry.name} " in result.stdout
    assert "suites (2)\n  quick  How do" in result.stdout


@pytest.mark.parametrize("kind", ["optimizers", "problems", "suites"])
def test_list_of_one_kind_as_json(invoke, kind):
    rows = json.loads(invoke("list", kind, "--json").stdout)
    assert {"name", "summary"} <= set(rows[0])
    assert set(json.loads(invoke("list", "--json").stdout)) == {"optimizers", "problems", "suites"}


def test_list_of_something_else_is_refused(invoke):
    result = invoke("list", "optimiser")
    assert result.exit_code == 2
    assert "is not one of 'optimizers', 'problems', 'suites'" in result.stderr


def test_info_of_an_optimizer(invoke):
    text = invoke("info", "adam[b1=0.95]").stdout
    assert text.startswith("adam: ")
    assert "lr (swept)" in text
    assert "b1              0.95        0.9         [0, 1)" in text
    facts = json.loads(invoke("info", "adam", "--json").stdout)
    assert facts["hyper"]["eps"] == {
        "value": 1e-7,
        "default": 1e-7,
        "range": facts["hyper"]["eps"]["range"],
        "source": facts["hyper"]["eps"]["source"],
    }


def test_info_of_a_problem(invoke):
    text = invoke("info", "himmelblau").stdout
    for part in ("formula ", "2 only", "[-5, 5]^2", "(3, 2); (-2.80512, 3.13131)", "Himmelblau"):
        assert part in text
    assert text.count("×") == 4 + 1  # four minimizers and the key
    facts = json.loads(invoke("info", "ellipsoid[dim=3,instance=1,condition=100]", "--json").stdout)
    assert (facts["label"], facts["parameters"]) == ("ellipsoid-3d-i1[condition=100]", {"condition": 100.0})


def test_info_draws_only_two_dimensions(invoke):
    assert "│" in invoke("info", "sphere").stdout
    assert "│" not in invoke("info", "sphere[dim=3]").stdout


@pytest.mark.parametrize("entry", [*catalog.OPTIMIZERS, *catalog.PROBLEMS], ids=lambda entry: entry.name)
def test_info_knows_every_name(invoke, entry):
    result = invoke("info", entry.name)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{entry.name}: {entry.summary} ({entry.group})")
    assert max(map(len, result.stdout.splitlines())) <= 140


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adm", "error: unknown name 'adm'; did you mean 'adam'"),
        ("nesterov", "error: unknown name 'nesterov'; did you mean 'nag'?\n"),
        ("quick", "error: 'quick' is a suite; see: optbench run quick --dry-run\n"),
        ("beale[dim=10]", "error: beale: dimension must be 2 only; got 10\n"),
        ("adam[lr=-1]", "error: adam: lr must be a number in (0, inf); got -1\n"),
        ("adam[lr=nan]", "error: adam: lr must be a number in (0, inf); got nan\n"),
        ("sphere[dim=3,", "error: 'sphere[dim=3,': must be name[key=value,...]\n"),
        ("sphere[rotated=3]", "error: rotated: must be true or false; got 3\n"),
        ("no.module:x", "error: 'no.module:x': cannot import 'no.module'"),
    ],
)
def test_wrong_names_are_explained(invoke, name, message):
    result = invoke("info", name)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message)


def test_picture_without_unicode(shell):
    result = shell("info", "sphere", env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert "@@@@@" in result.stdout
    assert result.stdout.isascii()
