"""A finished run is shown again without JAX, and without making tables and figures that are there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

import optbench as ob
from optbench import environment
from optbench.cli import cli
from optbench.errors import UsageError
from optbench.report import figures, tables
from optbench.runner import again
from tests.e2e.command import environ

SUITE = """
name = "tiny"
version = 1
question = "Is it shown again?"
budget = 200
starts = { tune = 2, report = 3 }
grid = { lr = { low = 1e-3, high = 1e0, points = 3 } }
optimizers = [{ name = "sgd" }, { name = "adam" }]
problems = [{ name = "sphere", dim = 3 }, { name = "himmelblau" }]
"""
#: Runs the command and tells on stderr which large packages it loaded.
CHILD = """
import sys
from optbench.cli import cli
cli(sys.argv[1:], standalone_mode=False)
print(*sorted({"jax", "matplotlib", "scipy"} & set(sys.modules)), file=sys.stderr)
"""


def command(folder, *words):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *words], cwd=folder, env=environ(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("again")
    (folder / "tiny.toml").write_text(SUITE)
    return folder, command(folder, "run", "tiny.toml")


@pytest.fixture
def folder(made, tmp_path):
    """A copy of the folder in which the suite was run."""
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def where(folder):
    (found,) = (folder / "results" / "tiny").iterdir()
    return found


def test_the_second_time_it_prints_the_same_and_loads_neither_jax_nor_matplotlib(made):
    folder, first = made
    drawn = {path: path.stat().st_mtime_ns for path in (where(folder) / "figures").iterdir()}
    assert first.stderr.splitlines()[-1] == "jax matplotlib scipy"
    second = command(folder, "run", "tiny.toml")
    assert second.stdout == first.stdout
    assert second.stderr.splitlines()[-1] == ""
    assert "was computed at" in second.stderr
    assert second.stderr.splitlines()[-4:-1] == first.stderr.splitlines()[-4:-1]
    assert {path: path.stat().st_mtime_ns for path in (where(folder) / "figures").iterdir()} == drawn
    table = command(folder, "table", "tiny")
    assert (table.stdout, table.stderr) == (first.stdout, "\n")


def look(folder, monkeypatch, **options):
    """Asks for the finished run of the suite."""
    monkeypatch.chdir(folder)
    selection = {"optimizers": None, "problems": None, **options.pop("selection", {})}
    return again.finished("tiny.toml", folder / "results", selection, options.pop("device", None))


def test_the_run_that_is_found_is_the_one_that_planning_finds(folder, monkeypatch):
    found = look(folder, monkeypatch)
    assert found is not None
    monkeypatch.setattr(again, "finished", lambda *asked: None)
    monkeypatch.setattr(sys.modules["optbench.runner.running"], "finished", lambda *asked: None)
    planned = ob.run("tiny.toml")
    assert planned.path.resolve() == found.path.resolve()
    assert planned.manifest == found.manifest


@pytest.mark.parametrize(
    "change",
    [
        lambda text, manifest: text + "# a remark\n",
        lambda text, manifest: manifest.update(state="running"),
        lambda text, manifest: manifest.update(version="0.0.1"),
        lambda text, manifest: manifest.update(code_sha256="0"),
        lambda text, manifest: manifest["machine"].update(platform="gpu"),
        lambda text, manifest: manifest.update(sources={"mylab": "0"}),
        lambda text, manifest: manifest.update(selection={"optimizers": ["sgd"], "problems": None}),
        lambda text, manifest: manifest.pop("code_sha256"),
    ],
)
def test_whatever_may_make_another_run_is_left_to_planning(folder, monkeypatch, change):
    manifest = json.loads((where(folder) / "manifest.json").read_text())
    text = change(SUITE, manifest)
    (where(folder) / "manifest.json").write_text(json.dumps(manifest))
    if isinstance(text, str) and text.startswith("\nname"):
        (folder / "tiny.toml").write_text(text)
    assert look(folder, monkeypatch) is None


def test_a_selection_a_device_and_an_accelerator_are_left_to_planning(folder, monkeypatch):
    assert look(folder, monkeypatch, selection={"optimizers": ["sgd"]}) is None
    assert look(folder, monkeypatch, device="gpu") is None
    assert look(folder, monkeypatch, device="cpu") is not None
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    assert look(folder, monkeypatch) is None


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_a_damaged_run_is_repaired_and_not_shown(folder, monkeypatch, kind):
    first = look(folder, monkeypatch)
    shard = next(iter((where(folder) / "shards").glob(f"*.{kind}")))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    assert look(folder, monkeypatch) is None
    assert ob.run("tiny.toml").runs.equals(first.runs)
    assert look(folder, monkeypatch) is not None


def test_a_copy_that_was_stopped_goes_on(folder, monkeypatch):
    original = look(folder, monkeypatch)
    other = where(folder).with_name(where(folder).name + "-2")
    shutil.copytree(original.path, other)
    assert look(folder, monkeypatch).path == original.path
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps(manifest | {"state": "running"}))
    assert look(folder, monkeypatch) is None
    assert ob.run("tiny.toml").path.name == other.name


@pytest.fixture
def counted(folder, monkeypatch):
    """Runs the command in the folder and says what was made anew; of figures it makes two."""
    monkeypatch.chdir(folder)
    made = []
    render, draw = tables.render, figures.draw

    def few(run, _, *where):
        made.append("figures")
        return draw(run, ["convergence", "basins"], *where)

    monkeypatch.setattr(tables, "render", lambda *asked, **more: made.append("table") or render(*asked, **more))
    monkeypatch.setattr(figures, "draw", few)

    def run(*words):
        made.clear()
        cli(list(words), standalone_mode=False)
        return list(made)

    return run


def test_what_is_not_there_or_not_current_is_made_anew(folder, counted, monkeypatch, capsys):
    again_ = ("run", "tiny.toml")
    assert counted(*again_) == []
    (where(folder) / "figures" / "convergence.png").unlink()
    assert counted(*again_) == ["figures"]
    (where(folder) / "figures" / "basins.png").write_bytes(b"scribbled")
    assert counted(*again_) == ["figures"]
    monkeypatch.setenv("COLUMNS", "60")
    assert counted(*again_) == ["table"]
    assert counted("table", "tiny") == []
    assert counted("table", "tiny", "--kind", "ert") == counted("table", "tiny", "--format", "csv") == ["table"]
    (where(folder) / "shown.json").write_text("{")
    assert counted(*again_) == ["table", "figures"]
    monkeypatch.setattr(environment, "code_sha256", lambda: "of other code")
    assert counted("table", "tiny") == ["table"]
    assert counted(*again_) == ["table", "figures"]
    assert counted(*again_) == []
    shard = next(iter((where(folder) / "shards").glob("*.parquet")))
    shard.write_bytes(shard.read_bytes() + b"x")
    capsys.readouterr()
    counted("table", "tiny")
    assert "damaged shards" in capsys.readouterr().err


def test_names_may_stand_in_one_text_as_on_the_command_line(tmp_path):
    with pytest.raises(UsageError, match=r"unknown optimizer 'adm'; did you mean '\w+'"):
        ob.run("smoke", optimizers="sgd,adm", out=tmp_path)
