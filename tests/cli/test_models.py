"""``list models`` and ``info`` of a model."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from optbench import catalog


def test_list_names_models_with_input_and_parameters(invoke):
    result = invoke("list", "models")
    assert result.stdout.splitlines()[0] == f"models ({len(catalog.MODELS)}): and your own Models, module:attribute"
    for entry in catalog.MODELS:
        assert re.search(rf"^  {entry.name} +.*; [\dx]+, {entry.parameters:,} parameters$", result.stdout, re.MULTILINE)
    rows = {row["name"]: row for row in json.loads(invoke("list", "models", "--json").stdout)}
    assert rows["lenet"]["input"] == [28, 28, 1]
    assert rows["lenet"]["parameters"] == 61706


def test_listing_models_imports_neither_jax_nor_equinox():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom optbench.cli import cli\n"
        "assert CliRunner().invoke(cli, ['list', 'models']).exit_code == 0\n"
        "print(sorted({'jax', 'equinox', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


@pytest.mark.parametrize("entry", catalog.MODELS, ids=lambda entry: entry.name)
def test_info_knows_every_model(invoke, entry):
    result = invoke("info", entry.name)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{entry.name}: {entry.summary} ({entry.group})")
    assert f"parameters    {entry.parameters:,}\n" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 96


def test_info_of_alexnet_shows_both_counts(invoke):
    text = invoke("info", "alexnet").stdout
    for line in (
        r"conv1 +55x55x96 +11 +4 +0 +34,848 +34,848 +96 +105,415,200",
        r"conv2 +27x27x256 +5 +1 +2 +307,200 +307,200 +256 +223,948,800",
        r"fc1 +4096 +37,748,736 +177,209,344 +4,096 +37,748,736",
        r"total +60,954,656 +200,415,264 +10,568 +724,406,816",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE)
    assert "35k 307k 884k 663k 442k 177M 16M 4M" in " ".join(text.split())


def test_info_for_another_input_and_other_classes(invoke):
    facts = json.loads(invoke("info", "mlp[classes=100]", "--input", "40x1", "--json").stdout)
    assert facts["totals"]["parameters"] == 40 * 128 + 128 + 128 * 64 + 64 + 64 * 100 + 100
    assert (facts["input"], facts["classes"]) == ([40, 1], 100)


def test_info_of_a_model_of_ones_own(invoke, tmp_path):
    import importlib

    (tmp_path / "own_model.py").write_text(
        "import dataclasses\nfrom optbench import catalog\n"
        "net = dataclasses.replace(catalog.model('mlp'), name='net')\n"
    )
    importlib.invalidate_caches()
    facts = json.loads(invoke("info", "own_model:net", "--json").stdout)
    assert (facts["kind"], facts["name"], facts["totals"]["parameters"]) == ("model", "own_model:net", 109386)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenett"], "error: unknown name 'lenett'; did you mean 'lenet'"),
        (["sphere", "--input", "2x2"], "error: --input is for models; 'sphere' is none. See: optbench list models\n"),
        (
            ["lenet", "--input", "28"],
            "error: lenet: takes inputs of height x width x channels, such as 28x28x1; got 28",
        ),
        (["lenet", "--input", "28 x 28"], "error: input must be positive integers with x between them"),
        (["lenet[clases=3]"], "error: lenet: unknown option 'clases'; did you mean 'classes'?\n"),
        (["lenet[classes=2.5]"], "error: lenet: classes must be an integer of at least 2; got 2.5\n"),
    ],
)
def test_wrong_words_are_explained(invoke, words, message):
    result = invoke("info", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
