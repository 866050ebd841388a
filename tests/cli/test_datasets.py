"""``optbench data``: what it prints, and that listing is light."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from optbench.tasks.data.registry import SETS

NAMES = ["digits", "mnist1d", "mnist", "fashion-mnist", "cifar10"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTBENCH_DATA", str(tmp_path / "sets"))
    return tmp_path / "sets"


def test_list_has_a_line_for_each_set(invoke, root):
    result = invoke("data", "list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"data sets (5), files in {root}"
    assert [line.split()[0] for line in lines[2:]] == NAMES
    for line in lines[2:]:
        found = SETS[line.split()[0]]
        state = {"embedded": "embedded", "generated": "generated"}.get(found.origin, "absent")
        assert f"  {'x'.join(map(str, found.shape))} " in line
        assert f"{found.n_train + found.n_test:,}" in line
        assert f"  {found.license} " in line
        assert f"  {state} " in line
        assert line.endswith(found.summary)


def test_list_as_json(invoke, root):
    found = json.loads(invoke("data", "list", "--json").stdout)
    assert [row["name"] for row in found] == NAMES
    mnist = found[2]
    assert (mnist["shape"], mnist["n_classes"], mnist["n_train"], mnist["n_test"]) == ([28, 28, 1], 10, 60_000, 10_000)
    assert (mnist["state"], mnist["folder"]) == ("absent", str(root / "mnist"))
    assert mnist["files"][0] == {
        "name": "train-images-idx3-ubyte.gz",
        "condition": "missing",
        "n_bytes": 0,
        "expected_bytes": 9_912_422,
        "sha256": None,
        "expected_sha256": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    }


def test_list_sees_wrong_sizes(invoke, root):
    (root / "mnist").mkdir(parents=True)
    (root / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"x")
    states = {row["name"]: row["state"] for row in json.loads(invoke("data", "list", "--json").stdout)}
    assert states["mnist"] == "damaged"
    assert states["fashion-mnist"] == "absent"


def test_verify_says_which_sets_are_absent(invoke, root):
    result = invoke("data", "verify")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "digits: embedded, SHA-256 of scikit-learn's copy checked",
        "mnist1d: generated, needs no files",
        f"mnist: absent, 0 of 4 files good, in {root / 'mnist'}",
        f"fashion-mnist: absent, 0 of 4 files good, in {root / 'fashion-mnist'}",
        f"cifar10: absent, 0 of 6 files good, in {root / 'cifar-10-batches-bin'}",
    ]


def test_verify_of_an_absent_set_says_how_to_get_it(invoke, root):
    result = invoke("data", "verify", "cifar10")
    assert result.exit_code == 5
    assert result.stderr.startswith("error: data set 'cifar10': 6 of 6 files cannot be used\n")
    assert "get them with: optbench data fetch cifar10" in result.stderr
    assert "put cifar-10-binary.tar.gz there (170,052,171 bytes, SHA-256 c4a38c50" in result.stderr
    as_json = invoke("data", "verify", "cifar10", "--json")
    assert as_json.exit_code == 5
    assert json.loads(as_json.stdout)["state"] == "absent"


@pytest.mark.parametrize("name", ["digits", "mnist1d"])
def test_a_set_without_files_needs_no_fetch(invoke, root, name):
    result = invoke("data", "fetch", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("needs no files\n")
    assert not root.exists()


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_an_unknown_name_gets_the_nearest(invoke, root, command):
    result = invoke("data", command, "cifar-10")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: unknown data set 'cifar-10'; did you mean 'cifar10'")


def test_the_users_cache_is_the_default(invoke, monkeypatch, tmp_path):
    monkeypatch.delenv("OPTBENCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = invoke("data", "list").stdout.splitlines()[0]
    assert first.endswith(f"files in {tmp_path / 'cache' / 'optbench' / 'data'}")


def test_list_imports_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom optbench.cli import cli\n"
        "assert CliRunner().invoke(cli, ['data', 'list']).exit_code == 0\n"
        "heavy = {'jax', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'pooch', 'requests', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    environ = {**os.environ, "OPTBENCH_DATA": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert result.stdout == "[]\n", result.stderr
