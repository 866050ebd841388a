"""A small suite from the command to its table and pictures, as a user meets it."""

from __future__ import annotations

import json

import pytest

from optbench.records.schema import SCHEMA_VERSION

SUITE = """
name = "tiny"
version = 1
question = "Does it work?"
budget = 60
starts = { tune = 2, report = 3 }
grid = { lr = { low = 1e-2, high = 1.0, points = 3 } }
optimizers = [{ name = "sgd" }, { name = "nag" }]
problems = [{ name = "himmelblau", instance = 1 }, { name = "sphere", dim = 3, instance = 1 }]
"""


@pytest.fixture(scope="module")
def ran(module_shell):
    (module_shell.folder / "tiny.toml").write_text(SUITE)
    return module_shell("run", "tiny.toml")


def test_run_prints_a_table_and_leaves_pictures(ran, module_shell):
    assert ran.returncode == 0, ran.stderr
    assert "himmelblau-2d-i1" in ran.stdout
    assert "60/60 cells" in ran.stderr
    (run,) = (module_shell.folder / "results" / "tiny").iterdir()
    assert list((run / "figures").glob("*.png"))
    assert f"figures: {run.relative_to(module_shell.folder)}/figures" in ran.stderr
    manifest = json.loads((run / "manifest.json").read_text())
    assert (manifest["schema_version"], manifest["state"]) == (SCHEMA_VERSION, "finished")
    assert manifest["suite"]["text"] == SUITE


def test_the_same_command_shows_the_same_table(ran, module_shell):
    again = module_shell("run", "tiny.toml")
    assert again.stdout == ran.stdout
    assert len(list((module_shell.folder / "results" / "tiny").iterdir())) == 1
    assert module_shell("table", "tiny").stdout == ran.stdout
    assert "note:" not in ran.stderr
    (run,) = (module_shell.folder / "results" / "tiny").iterdir()
    when = json.loads((run / "manifest.json").read_text())["finished_utc"]
    note = (
        f"note:    tiny/{run.name} was computed at {when} and is shown again; --fresh (fresh=True) computes it anew\n"
    )
    assert note in again.stderr


def test_a_table_by_touched_targets_says_so(ran, module_shell):
    touched = module_shell("table", "tiny", "--score", "touched")
    assert touched.returncode == 0, touched.stderr
    assert "score: log-time area over touched targets" in " ".join(touched.stdout.split())
    assert module_shell("table", "tiny", "--score", "settled").stdout == ran.stdout
    wrong = module_shell("table", "tiny", "--score", "touchd")
    assert wrong.returncode == 2
    assert "'touchd' is not one of 'settled', 'touched'" in wrong.stderr


def test_fresh_computes_the_same_table_beside_it(ran, module_shell):
    fresh = module_shell("run", "tiny.toml", "--fresh")
    assert fresh.stdout == ran.stdout
    assert len(list((module_shell.folder / "results" / "tiny").iterdir())) == 2


def test_status_table_and_plot_read_the_run(ran, module_shell):
    assert ": finished, 4/4 shards committed" in module_shell("status", "tiny").stdout
    json.loads(module_shell("table", "tiny", "--kind", "long", "--format", "json").stdout)
    plotted = module_shell("plot", "tiny", "--kind", "convergence", "--format", "svg", "--out", "pictures")
    assert plotted.stdout.splitlines()[0] == "pictures/convergence.svg"
    assert (module_shell.folder / "pictures" / "convergence.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["tiny.toml", "--problems", "rosenbrok"], 2, "unknown problem 'rosenbrok'; did you mean 'rosenbrock'"),
        (["tiny.toml", "--optimizers", ","], 2, "--optimizers selects none of 2 optimizers"),
        (["tiny.toml", "--problems", "himmelblau[dim=3]"], 2, "dimension must be 2 only; got 3"),
        (["broken.toml"], 2, "broken.toml: is not TOML: "),
        (["unknown.toml"], 2, "unknown.toml: unknown key 'budgt'; did you mean 'budget'?"),
        (["negative.toml"], 2, "grid.lr.low: must be greater than 0; got -0.01"),
        (["nan.toml"], 2, "grid.lr.low: must be a finite number; got nan"),
        (["tiny.toml", "--out", "tiny.toml/results"], 74, "tiny.toml/results"),
        (["tiny.toml", "--out", "/proc/results"], 74, "/proc/results"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_wrong_input_is_one_message(ran, module_shell, invoke, monkeypatch, words, code, message):
    folder = module_shell.folder
    (folder / "broken.toml").write_text(SUITE.replace("version = 1", "version = = 1"))
    (folder / "unknown.toml").write_text(SUITE.replace("budget", "budgt"))
    (folder / "negative.toml").write_text(SUITE.replace("low = 1e-2", "low = -1e-2"))
    (folder / "nan.toml").write_text(SUITE.replace("low = 1e-2", "low = nan"))
    monkeypatch.chdir(folder)
    result = invoke("run", *words)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
