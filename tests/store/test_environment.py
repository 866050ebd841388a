"""Provenance names versions and machine, never a person or a host."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

import pytest

from optbench import environment


def test_provenance_is_json_and_has_every_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/home/ada/cache")
    monkeypatch.setenv("SECRET_THING", "no")
    found = environment.provenance(["optbench", "run", "quick", "--out=/home/ada/results"])
    assert list(found) == [
        *("version", "commit", "dirty", "diff_sha256", "code_sha256", "versions", "freeze_sha256", "machine", "flags"),
        "command",
    ]
    text = json.dumps(found, allow_nan=False)
    assert "/home/ada" not in text
    assert "SECRET_THING" not in text
    assert found["flags"]["JAX_COMPILATION_CACHE_DIR"] == "~/cache"
    assert found["command"][-1] == "--out=~/results"
    assert found["versions"]["python"] == platform.python_version()
    assert {"jax", "numpy", "pyarrow"} <= set(found["versions"])
    assert found["machine"]["cores"] >= 1
    node = platform.node()
    assert not node or node not in json.dumps(found["machine"])


#: The administrator's home folder, which is no folder of this machine's alone.
ROOT = "/" + "root"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/Users/ada/x", "~/x"),
        (r"C:\Users\ada\x", r"~\x"),
        (f"{ROOT}/x:{ROOT}", "~/x:~"),
        ("/rooted/x", "/rooted/x"),
        ("--xla_dump_to=/home/ada/d --b", "--xla_dump_to=~/d --b"),
    ],
)
def test_home_folders_are_removed(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nobody")
    assert environment.without_home(text) == expected


def test_only_listed_variables_are_read() -> None:
    given = {"XLA_FLAGS": "--a", "OMP_NUM_THREADS": "2", "PATH": "/bin", "AWS_KEY": "x", "JAX_API_KEY": "x"}
    assert environment.flags(given) == {"OMP_NUM_THREADS": "2", "XLA_FLAGS": "--a"}


def git(folder: Path, *arguments: str) -> str:
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    done = subprocess.run(
        ["git", "-c", "commit.gpgsign=false", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **identity},
    )
    return done.stdout.strip()


def test_commit_and_dirty_flag(tmp_path: Path) -> None:
    (tmp_path / "optbench").mkdir()
    code = tmp_path / "optbench" / "a.py"
    code.write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert environment.source_state(tmp_path) == {"commit": head, "dirty": False, "diff_sha256": None}
    (tmp_path / "notes.txt").write_text("results beside the package")
    assert environment.source_state(tmp_path)["dirty"] is False
    code.write_text("a = 2\n")
    changed = environment.source_state(tmp_path)
    assert changed["dirty"] is True
    assert len(changed["diff_sha256"]) == 64


def test_another_repository_is_not_ours(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    inner = tmp_path / "site-packages"
    inner.mkdir()
    assert environment.source_state(inner) == {"commit": None, "dirty": None, "diff_sha256": None}


def test_absent_git_is_tolerated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert environment.source_state(tmp_path)["commit"] is None


def test_slow_git_is_tolerated(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("git", 5)

    monkeypatch.setattr(subprocess, "run", slow)
    assert environment.source_state()["commit"] is None
