"""Stopped at any moment and started again, a run ends with the bytes of one that was never stopped."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time

import pytest

from optbench import store
from tests.e2e.command import N_SHARDS, call, environ, evidence, rendered, suite, words

KILLS = 10


class Victim:
    """The command as a process that can be signaled at a chosen moment."""

    def __init__(self, folder, *options):
        self.results = folder / "results" / "tiny"
        self.process = subprocess.Popen(
            words("run", "tiny.toml", *options),
            cwd=folder,
            env=environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def shards(self):
        return set(self.results.glob("*/shards/*.json"))

    def wait(self, condition):
        """Waits until something holds, which must be while the process runs."""
        until = time.monotonic() + 120
        while not condition():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.001)

    def begun(self):
        """Whether this process, not the one before it, holds the run: it writes its pid into the lock."""
        locks = list(self.results.glob("*/.lock"))
        return bool(locks) and locks[0].read_text().strip() == str(self.process.pid)

    def stop(self, number):
        """Sends a signal to the process, which must be running, and returns how it ended."""
        assert self.process.poll() is None
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.toml").write_text(suite())
    return tmp_path


@pytest.mark.slow
def test_killed_at_ten_random_moments_and_resumed(reference, reference_tables, folder):
    draw = random.Random(0)
    kept = {}
    for kill in range(KILLS):
        victim = Victim(folder)
        victim.wait(victim.begun)
        if kill % 3 == 0:  # somewhere between the lock and the first rows: manifest, compilation
            time.sleep(draw.uniform(0.0, 1.0))
        else:  # somewhere among the rows: inside a write, between two, or in the picture data
            goal = min(len(victim.shards()) + draw.randint(1, 4), N_SHARDS)
            victim.wait(lambda: len(victim.shards()) >= goal)  # noqa: B023  (called at once)
            time.sleep(draw.uniform(0.0, 0.02))
        code, _ = victim.stop(signal.SIGKILL)
        assert code == -signal.SIGKILL
        (path,) = victim.results.iterdir()
        found = {name: record["sha256"] for name, record in store.committed(path).items()}
        assert kept.items() <= found.items()
        assert store.damaged(path) == {}
        kept = found
    assert 0 < len(kept) <= N_SHARDS
    done = call(folder, "run", "tiny.toml")
    assert done.returncode == 0, done.stderr
    run = store.load(path)
    assert evidence(run) == evidence(reference)
    assert rendered(run) == reference_tables
    assert store.verify(path) == []
    assert not list(path.rglob(".tmp-*"))


def test_ctrl_c_and_sigterm_say_how_to_resume(reference, reference_tables, folder):
    for number, expected, n_shards in ((signal.SIGINT, 130, 2), (signal.SIGTERM, 143, 6)):
        victim = Victim(folder)
        victim.wait(lambda: len(victim.shards()) >= n_shards)  # noqa: B023  (called at once)
        code, errors = victim.stop(number)
        assert code == expected, errors
        assert "resume with: optbench run tiny.toml" in errors
        assert "Traceback" not in errors
    (path,) = victim.results.iterdir()
    status = call(folder, "status", "tiny").stdout
    assert ": running, " in status
    assert "resume:   optbench run tiny.toml --out results" in status
    incomplete = call(folder, "table", "tiny").stdout
    assert "INCOMPLETE" in incomplete
    assert call(folder, "run", "tiny.toml").returncode == 0
    assert rendered(store.load(path)) == reference_tables


def test_a_stopped_fresh_run_goes_on_beside_the_finished_one(reference, reference_tables, folder):
    path = folder / "results" / "tiny" / reference.path.name
    shutil.copytree(reference.path, path)
    victim = Victim(folder, "--fresh")
    beside = path.with_name(f"{path.name}-2")
    victim.wait(lambda: len(list(beside.glob("shards/*.json"))) >= 3)
    assert victim.stop(signal.SIGTERM)[0] == 143
    assert ": running, " in call(folder, "status", "tiny").stdout
    assert call(folder, "run", "tiny.toml").returncode == 0
    assert sorted(victim.results.iterdir()) == [path, beside]
    assert evidence(store.load(beside)) == evidence(reference)
    assert rendered(store.load(beside)) == reference_tables
