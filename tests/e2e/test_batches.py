"""A suite too large to have all programs at once leaves the same files as one that has them."""

from __future__ import annotations

import pytest

import optbench
from optbench.engine.landscapes import sharing
from optbench.engine.landscapes.execute import Engine

FILES = ("shards/*.parquet", "pictures/*.parquet")


@pytest.fixture
def whole(tmp_path):
    return optbench.run("smoke", out=tmp_path / "whole")


def test_programs_of_one_dimension_after_the_other_leave_the_same_files(whole, tmp_path, monkeypatch):
    """And those of ten dimensions are let go of, while those of two stay for the pictures."""
    held = []
    forget = Engine.forget

    def noted(self, dims):
        forget(self, dims)
        held.append((sorted(dims), sorted({key.dim for key in self.programs})))

    monkeypatch.setattr(sharing, "HELD_WEIGHT", 0.1)
    monkeypatch.setattr(Engine, "forget", noted)
    reports = []
    parted = optbench.run("smoke", out=tmp_path / "parted", progress=reports.append)
    assert held == [([], [2]), ([10], [2]), ([2, 10], [])]
    for pattern in FILES:
        names = sorted(path.name for path in whole.path.glob(pattern))
        assert names
        assert names == sorted(path.name for path in parted.path.glob(pattern))
        for path in whole.path.glob(pattern):
            assert path.read_bytes() == (parted.path / path.relative_to(whole.path)).read_bytes()
    said = [[{**facts, "compile_s": 0} for facts in run.manifest["programs"]] for run in (whole, parted)]
    assert said[0] == said[1]
    assert {facts["dim"] for facts in said[0]} == {2, 10}
    left = [report.eta_s for report in reports if " " in report.phase and report.cells_done and report.cells_total]
    assert left[-2] == 0.0


def test_a_small_suite_compiles_all_at_once(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(Engine, "forget", lambda self, dims: pytest.fail("nothing needs to be let go of"))
    phases = []
    optbench.run("smoke", out=tmp_path / "again", progress=lambda report: phases.append(report.phase))
    assert phases.count("compiling") == 1
