"""A third kind of suite is its own folders and one literal line: added to a copy of the package and run to a table."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "optbench"
KINDS = 'KINDS = {"landscapes": "problems", "networks": "tasks"'

SUITE = """
name = "fair"
version = 1
question = "Is the coin fair?"
tuning = "default"
tosses = 100
optimizers = [{ name = "sgd" }, { name = "adam" }]
coins = [{ name = "penny", heads = [0.0, 1.0] }]
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kind")
    package = folder / "optbench"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TESTS / "toy_kind", package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    literal = package / "kinds.py"
    text = literal.read_text(encoding="utf-8")
    assert text.count(KINDS) == 1
    literal.write_text(text.replace(KINDS, f'{KINDS}, "coins": "coins"'), encoding="utf-8")
    (folder / "fair.toml").write_text(SUITE)

    def run(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "optbench", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return run


def test_a_new_kind_is_planned_run_resumed_and_shown(command):
    assert "4 coins to toss" in command("run", "fair.toml", "--dry-run")
    table = command("run", "fair.toml")
    assert "penny-0" in table
    assert "1.00" in table
    assert "cost: tosses" in table
    assert "is shown again" in command("run", "fair.toml")
    assert "finished, 4/4 shards committed" in command("status", "fair")
    verified = command("verify", "fair", "--rerun", "4")
    assert "4 rows computed again, 4 the same to the bit" in verified
    assert "All that was checked holds: files, rows, rendering, identity, rerun." in verified
    rows = json.loads(command("table", "fair", "--format", "json"))["rows"]
    assert [(row["coin"], row["optimizer"], row["heads"]) for row in rows] == [
        (f"penny-{heads}", rule, float(heads)) for heads in (0, 1) for rule in ("adam", "sgd")
    ]


def test_its_tables_and_selections_are_its_own(command):
    said = command("run", "fair.toml", "--problems", "sphere", code=2)
    assert "--problems is not for a suite of coins; --coins selects" in said
    part = command("run", "fair.toml", "--optimizers", "sgd")
    assert "part of the suite: 1 of 2 optimizers" in part
