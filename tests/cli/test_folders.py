"""Which run the user means."""

from __future__ import annotations

import pytest

from optbench.cli.folders import find_run
from optbench.errors import UsageError
from tests.cli.stored import write_run


def test_path_suite_and_run_id_lead_to_a_run(tmp_path):
    root = tmp_path / "results"
    old = write_run(root / "quick" / "zzz", created="2030-01-01T00:00:00Z")
    new = write_run(root / "quick" / "aaa", created="2030-01-02T00:00:00Z")
    assert find_run(str(old), root) == old
    assert find_run("quick/zzz", root) == old
    assert find_run("quick", root) == new
    assert find_run(str(root / "quick"), root) == new


def test_a_damaged_manifest_is_not_the_latest(tmp_path):
    good = write_run(tmp_path / "quick" / "aaa")
    bad = write_run(tmp_path / "quick" / "bbb")
    (bad / "manifest.json").write_text("{")
    assert find_run("quick", tmp_path) == good


def test_unknown_run_gets_the_nearest(tmp_path):
    write_run(tmp_path / "quick" / "0f3a")
    with pytest.raises(UsageError, match=r"no run 'quik' here or in .*; did you mean 'quick'"):
        find_run("quik", tmp_path)
    with pytest.raises(UsageError, match=r"holds none yet; start one with: optbench run quick"):
        find_run("quick", tmp_path / "nothing")
