"""A finished run is shown, a damaged one repaired, and a file system that refuses is explained."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

import optbench as ob
from optbench import store
from optbench.engine.landscapes.execute import Engine
from tests.e2e.command import call, environ, evidence, rendered, suite, words

#: Runs a command without root's power to write where it may not; does nothing for other users.
DROP = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def copy(reference, tmp_path):
    """A copy of the finished run, with its suite file."""
    shutil.copytree(reference.path, tmp_path / "results" / "tiny" / reference.path.name)
    (tmp_path / "tiny.toml").write_text(suite())
    return tmp_path


def written(run):
    return {path: path.stat().st_mtime_ns for path in run.rglob("*.parquet")}


def test_a_finished_run_is_shown_and_not_computed_again(reference, copy):
    path = copy / "results" / "tiny" / reference.path.name
    before = written(path)
    again = call(copy, "run", "tiny.toml")
    assert again.returncode == 0
    assert again.stdout == call(copy, "table", "tiny").stdout
    assert "compiled" not in again.stderr
    assert written(path) == before


def test_a_damaged_shard_is_set_aside_and_computed_again(reference, reference_tables, copy):
    path = copy / "results" / "tiny" / reference.path.name
    victim = sorted(path.glob("shards/*.parquet"))[5]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    refused = call(copy, "table", "tiny")
    assert (refused.returncode, refused.stdout) == (5, "")
    assert victim.name in refused.stderr
    before = written(path)
    assert call(copy, "run", "tiny.toml").returncode == 0
    run = store.load(path)
    assert [p.read_bytes() for p in (path / "quarantine").glob("*.parquet")] == [bytes(data)]
    assert evidence(run) == evidence(reference)
    assert rendered(run) == reference_tables
    assert store.verify(path) == []
    others = {p for p in before if p.parent.name == "shards"} - {victim}
    assert {p: written(path)[p] for p in others} == {p: before[p] for p in others}


def test_a_shard_is_computed_again_by_the_whole_program_it_came_from(reference, copy, monkeypatch):
    """A program of fewer functions could round otherwise."""
    path = copy / "results" / "tiny" / reference.path.name
    victim = next(iter(sorted(path.glob("shards/rosenbrock-3d-i2-rot*adam*.parquet"))))
    victim.unlink()
    prepared = []
    kept = Engine.prepare

    def prepare(engine, pairs):
        prepared.extend(pairs := list(pairs))
        kept(engine, pairs)

    monkeypatch.setattr(Engine, "prepare", prepare)
    monkeypatch.chdir(copy)
    run = ob.run("tiny.toml", out="results")
    # Momentum and Adam have at most two state arrays, NAG looks ahead: it is in another program.
    assert {pair.rule.name for pair in prepared if pair.problem.dim == 3} == {"momentum", "adam"}
    assert len({pair.problem.label for pair in prepared if pair.problem.dim == 3}) == 10
    assert evidence(run) == evidence(reference)


def test_a_read_only_folder_ends_with_74_before_anything_is_compiled(tmp_path):
    if sys.platform != "linux":
        pytest.skip("root's power over permissions is taken away by a call of Linux")
    (tmp_path / "tiny.toml").write_text(suite())
    results = tmp_path / "results"
    results.mkdir()
    results.chmod(0o555)
    command = [sys.executable, "-c", DROP, *words("run", "tiny.toml")]
    done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=120)
    results.chmod(0o755)
    assert done.returncode == 74, done.stderr
    assert done.stderr.startswith("error: cannot write to results/tiny")
    assert "Permission denied; choose another folder with --out" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_closed_pipe_is_no_error(copy):
    table = subprocess.Popen(
        words("table", "tiny", "--kind", "long"),
        cwd=copy,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    table.stdout.readline()
    table.stdout.close()
    errors = table.stderr.read()
    table.stderr.close()
    assert (table.wait(timeout=60), errors) == (0, b"")
