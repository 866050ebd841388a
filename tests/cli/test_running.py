"""``run`` and ``status``: what is handed over, printed, and how it ends."""

from __future__ import annotations

import json

import pytest

from optbench import store
from optbench.cli.process import Terminated
from optbench.console import Progress
from optbench.errors import BusyError, DataError, StorageError, UsageError
from optbench.report import figures, tables
from tests.cli.stored import write_run


@pytest.fixture
def drawn(monkeypatch):
    """Stands in for tables and figures."""
    calls = []
    monkeypatch.setattr(tables, "render", lambda run, kind, form, **options: f"table {kind} {form}\n")

    def draw(run, kinds, form, out_dir):
        calls.append((kinds, form, out_dir))
        out_dir.mkdir(parents=True)
        (out_dir / "convergence.png").write_bytes(b"ink")
        return [out_dir / "convergence.png"]

    monkeypatch.setattr(figures, "draw", draw)
    return calls


def test_run_hands_over_prints_the_table_and_draws(invoke, stand_in, drawn, tmp_path):
    seen = {}

    def run(suite, **options):
        options["progress"](Progress(10, 10))
        seen.update(options, suite=suite)
        return store.Run(tmp_path / "x", {"status_counts": {"ok": 9, "diverged": 1}})

    stand_in(run)
    result = invoke(
        "run", "quick", "--optimizers", "sgd,adam[b1=0.5,b2=0.9]", "--problems", "sph*", "--out", "o", "--fresh"
    )
    assert result.exit_code == 0
    assert result.stdout == "table None terminal\n"
    assert "10/10 cells" in result.stderr
    assert f"figures: {tmp_path / 'x' / 'figures'} (1 files)" in result.stderr
    del seen["progress"]
    assert {key: value for key, value in seen.items() if value is not None} == {
        "suite": "quick",
        "out": "o",
        "optimizers": "sgd,adam[b1=0.5,b2=0.9]",
        "problems": "sph*",
        "quick": False,
        "fresh": True,
        "keep_weights": False,
    }
    assert drawn == [(None, "png", tmp_path / "x" / "figures")]


def test_another_tuning_is_handed_over_and_resumed_by_the_same_command(invoke, stand_in, drawn, tmp_path):
    seen = {}

    def run(suite, **options):
        seen.update(options)
        raise KeyboardInterrupt

    stand_in(run)
    result = invoke("run", "quick", "--tuning", "random", "--trials", "8")
    assert (seen["tuning"], seen["trials"]) == ("random", 8)
    assert "resume with: optbench run quick --out results --tuning random --trials 8" in result.stderr


def test_a_device_is_handed_over_and_named_in_the_command_that_resumes(invoke, stand_in, drawn):
    seen = {}

    def run(suite, **options):
        seen.update(options)
        raise KeyboardInterrupt

    stand_in(run)
    result = invoke("run", "networks", "--device", "cpu")
    assert seen["device"] == "cpu"
    assert "resume with: optbench run networks --out results --device cpu\n" in result.stderr


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_device_that_is_not_here_ends_with_2(invoke, more):
    result = invoke("run", "quick", "--device", "tpu", *more)
    assert result.exit_code == 2
    assert result.stderr == "error: device 'tpu': there is none here that JAX can use; it has cpu\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--tuning", "random", "--trials", "8"), ("sgd                          lr from 0.001 to 100", "8 trials")),
        (
            ("--tuning", "default"),
            ("sgd                          its default", "0 starts to tune on, 32 others to report"),
        ),
    ],
)
def test_dry_run_says_what_another_tuning_tries(invoke, words, shown):
    result = invoke("run", "quick", "--optimizers", "sgd", "--problems", "sphere*", *words, "--dry-run")
    assert result.exit_code == 0, result.output
    assert all(part in result.stdout for part in shown)


def test_failed_cells_end_with_3(invoke, stand_in, drawn, tmp_path):
    stand_in(lambda suite, **options: store.Run(tmp_path, {"status_counts": {"ok": 5, "error": 2, "oom": 1}}))
    result = invoke("run", "quick")
    assert result.exit_code == 3
    assert "some cells failed: 2 error, 1 oom" in result.stderr


@pytest.mark.parametrize(("interrupt", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_interrupted_run_says_how_to_resume(invoke, stand_in, interrupt, code):
    def run(suite, **options):
        options["progress"](Progress(37, 120))
        raise interrupt

    stand_in(run)
    result = invoke("run", "my suite.toml", "--optimizers", "adam[b1=0.5]", "--fresh")
    assert result.exit_code == code
    assert result.stdout == ""
    resume = "optbench run 'my suite.toml' --out results --optimizers 'adam[b1=0.5]'"
    assert f"saved 37/120 cells; resume with: {resume}\n" in result.stderr


@pytest.mark.parametrize("error", [UsageError, DataError, BusyError, StorageError])
def test_explained_failures_end_with_their_code(invoke, stand_in, error):
    def run(suite, **options):
        raise error("this and that")

    stand_in(run)
    result = invoke("run", "quick")
    assert result.exit_code == error.exit_code
    assert result.stderr == "error: this and that\n"


def test_dry_run_prints_the_plan_and_runs_nothing(invoke, stand_in):
    stand_in(lambda *_, **__: pytest.fail("a dry run ran"))
    result = invoke("run", "quick", "--dry-run")
    assert result.exit_code == 0
    for part in ("64,512 cells", "programs (9)", "estimates", "adadelta", "eps from 1e-08", "rastrigin-10d-i1-rot"):
        assert part in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("quik",), "unknown suite 'quik'; did you mean 'quick'?"),
        (("quick", "--problems", "rosenbrok,zz*"), "unknown problem 'rosenbrok'; did you mean 'rosenbrock'"),
        (("quick", "--optimizers", ""), "--optimizers selects none of 7 optimizers"),
        (("quick", "--problems", "beale[dim=10]"), "beale: dimension must be 2 only; got 10"),
        (("quick", "--trials", "8"), "--trials needs --tuning random; this suite's tuning is 'grid'"),
        (("quick", "--tuning", "bayes"), "tuning: must be 'grid', 'random' or 'default'; got 'bayes'"),
        (("quick", "--optimizers", "sgd[lr=-1]"), "must be a number in (0, inf); got -1.0"),
        (("quick", "--optimizers", "momentum[beta=nan]"), "must be a number in [0, 1); got nan"),
    ],
)
def test_wrong_requests_end_with_2(invoke, words, message):
    result = invoke("run", *words, "--dry-run")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_misspelled_options_and_commands_get_the_nearest(invoke):
    result = invoke("run", "quick", "--optimizer", "sgd")
    assert result.exit_code == 2
    assert "--optimizers" in result.stderr
    result = invoke("rum", "quick")
    assert result.exit_code == 2
    assert "run" in result.stderr


def test_status_counts_shards(invoke, tmp_path, monkeypatch):
    write_run(tmp_path / "results" / "quick" / "0f3a")
    monkeypatch.setattr(store, "committed", lambda folder: {"a-1": {}})
    result = invoke("status", "quick")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "quick/0f3a: running, 1/2 shards committed"
    assert "resume:   optbench run quick" in result.stdout
    facts = json.loads(invoke("status", "quick", "--json").stdout)
    assert (facts["shards_done"], facts["shards_total"], facts["state"]) == (1, 2, "running")


def test_status_says_which_part_of_the_suite_it_is(invoke, tmp_path):
    path = write_run(tmp_path / "results" / "quick" / "0f3a") / "manifest.json"
    assert "part:" not in invoke("status", "quick").stdout
    path.write_text(json.dumps({**json.loads(path.read_text()), "part": {"problems": {"kept": 2, "of": 12}}}))
    assert "part:     2 of 12 problems\n" in invoke("status", "quick").stdout
    assert json.loads(invoke("status", "quick", "--json").stdout)["part"] == "part of the suite: 2 of 12 problems"


def test_status_of_a_damaged_run_ends_with_5(invoke, tmp_path):
    run = write_run(tmp_path / "results" / "quick" / "0f3a")
    (run / "manifest.json").write_text("{")
    result = invoke("status", "quick/0f3a")
    assert result.exit_code == 5
    assert "is damaged" in result.stderr
