"""Runs of the command in this process, with a stand-in for what executes suites, and in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from optbench import runner
from optbench.cli import cli


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Runs the command in an empty folder, as wide as it is without a terminal: xdist tells its workers a width."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return lambda *words: CliRunner().invoke(cli, list(words), prog_name="optbench")


class Shell:
    """Runs the command as a process in one folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *words, env=None):
        inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        environ = {**inherited, "NO_COLOR": "1", **(env or {})}
        command = [sys.executable, "-m", "optbench", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=environ, timeout=300)


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def module_shell(tmp_path_factory):
    return Shell(tmp_path_factory.mktemp("shell"))


@pytest.fixture
def stand_in(monkeypatch):
    """Puts a function in the place of ``optbench.runner.run``."""

    def put(function):
        monkeypatch.setattr(runner, "run", function)

    return put
