"""The uninterrupted run that other runs are compared with."""

from __future__ import annotations

import pytest

from tests.e2e.command import made_in, rendered


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    return made_in(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="session")
def reference_tables(reference):
    return rendered(reference)
