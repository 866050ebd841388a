"""Small data sets in the registry, a loopback server, and the real files where a checkout has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from optbench.cli import cli
from optbench.tasks.data import registry
from tests.tasks.data.server import Server


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = Server()
    yield found
    found.close()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The root of all data sets, empty."""
    monkeypatch.setenv("OPTBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def register(monkeypatch):
    """Adds a data set to the list."""
    return lambda found: monkeypatch.setitem(registry.SETS, found.name, found)


@pytest.fixture
def invoke():
    """Runs the command in this process."""
    return lambda *words: CliRunner().invoke(cli, ["data", *words], prog_name="optbench")


@pytest.fixture(scope="session")
def real():
    """The folder of the original files, from ``OPTBENCH_TEST_DATA`` or beside the repository."""
    beside = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("OPTBENCH_TEST_DATA") or beside)
    if not (folder / "SHA256SUMS").is_file():
        pytest.skip("no original data files: set OPTBENCH_TEST_DATA to their folder")
    return folder
