"""Runs of networks are published without curves, and what stands beside the rows still belongs to them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.canonical import compress
from optbench import store
from optbench.analysis.batch_sizes.seconds import seconds_by_cell

TUNED = next((Path(__file__).parents[2] / "results" / "canonical").glob("large-batch-tuned-*"))


def test_every_run_keeps_its_own_seconds(tmp_path):
    """They stand in the order of a shard, in which the chosen rate's runs and the default's are not sorted as rows."""
    run = store.load(TUNED)
    compress(run, tmp_path / "again")
    again = store.load(tmp_path / "again")
    before, after = (seconds_by_cell(each.path, each.runs) for each in (run, again))
    assert len(set(before.values())) > len(before) / 2
    assert after == before
