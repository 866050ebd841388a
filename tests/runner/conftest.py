"""A run of the small suite of studies, for all tests of such runs."""

from __future__ import annotations

import pytest

from tests.runner.studies import run_in


@pytest.fixture(scope="package")
def run(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="package")
def rows(run):
    return run.runs
