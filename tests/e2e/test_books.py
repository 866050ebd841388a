"""What a run says of itself: one number of cells everywhere, and seconds of the clock apart from those of threads."""

from __future__ import annotations

import time

import pytest
from click.testing import CliRunner

import optbench as ob
from optbench import store
from optbench.cli import cli
from optbench.report import tables
from tests.e2e.command import call

#: Adam's default is the one value that is tried, so tuning chooses it; SGD's is not.
NETWORKS = """
name = "tiny"
version = 1
question = "How many cells has a run?"
epochs = 1
batch_size = 64
seeds = { tune = 1, report = 2 }
tasks = [{ data = "digits", model = "linear" }]
optimizers = [
  { name = "adam", sweep = { lr = { low = 1e-3, high = 1e-3, points = 1 } } },
  { name = "sgd", sweep = { lr = { low = 1e-1, high = 1e-1, points = 1 } } },
]
"""
LANDSCAPES = """
name = "tiny"
version = 1
question = "How long does a run take?"
budget = 200
starts = { tune = 2, report = 3 }
grid = { lr = { low = 1e-3, high = 1e0, points = 3 } }
optimizers = [{ name = "sgd" }, { name = "adam" }]
problems = [{ name = "sphere", dim = 3 }, { name = "himmelblau" }]
"""


def made(tmp_path, text):
    """Returns a run of a suite, all reports of its progress, and the seconds that it took."""
    (tmp_path / "tiny.toml").write_text(text)
    reports = []
    begin = time.perf_counter()
    run = ob.run(str(tmp_path / "tiny.toml"), out=tmp_path / "results", progress=reports.append)
    return run, reports, time.perf_counter() - begin


@pytest.mark.parametrize(("text", "cells"), [(NETWORKS, 1 + 2 + 1 + 4), (LANDSCAPES, 2 * (3 + 4) * 5)])
def test_all_counts_of_cells_agree(tmp_path, monkeypatch, text, cells):
    run, reports, _ = made(tmp_path, text)
    assert len(run.runs) == cells
    assert run.manifest["n_cells"] == sum(run.manifest["status_counts"].values()) == cells
    assert (reports[-1].cells_done, reports[-1].cells_total) == (cells, cells)
    assert all(report.cells_done <= report.cells_total for report in reports)
    totals = [report.cells_total for report in reports]
    assert totals == sorted(totals, reverse=True)
    assert f"Rows: {cells} of {cells} planned;" in tables.render(run)
    assert "INCOMPLETE" not in tables.render(run)
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(cli, ["status", "tiny"]).stdout
    assert f"cells:    {cells} of {cells}: {cells} ok" in shown


def test_a_dry_run_of_networks_says_that_it_counts_at_most(tmp_path, monkeypatch):
    (tmp_path / "tiny.toml").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(cli, ["run", "tiny.toml", "--dry-run"]).stdout
    assert "10 training runs at most" in shown
    assert "  show     1.7 s for the table and all figures" in shown


@pytest.mark.parametrize("text", [NETWORKS, LANDSCAPES], ids=["networks", "landscapes"])
def test_seconds_of_the_clock_are_those_and_those_of_threads_stand_apart(tmp_path, text):
    run, _, elapsed = made(tmp_path, text)
    records = store.committed(run.path).values()
    assert all(record["run_s"] > 0 and record["thread_s"] > 0 for record in records)
    manifest = run.manifest
    assert manifest["run_s"] >= round(sum(record["run_s"] for record in records), 3)
    assert manifest["thread_s"] == pytest.approx(sum(record["thread_s"] for record in records), abs=2e-3)
    assert manifest["run_s"] + manifest["compile_s"] < elapsed


def test_a_suite_that_names_another_table_shows_it_without_computing_again(tmp_path):
    run, _, _ = made(tmp_path, LANDSCAPES)
    assert (run.manifest["table"], tables.headline(run)) == (None, "main")
    again, reports, _ = made(tmp_path, LANDSCAPES + 'table = "ert"\n')
    assert (again.path, reports) == (run.path, [])
    assert (again.manifest["table"], tables.headline(again)) == ("ert", "ert")
    assert again.manifest["finished_utc"] == run.manifest["finished_utc"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suite", "words", "shown"),
    [
        ("claims", ("--quick",), "The claims of the suite, judged"),
        ("basins", ("--quick",), "Sharp or flat: in which well runs are, at equal excess loss"),
        ("theory", ("--quick",), "Quadratics: theory beside measurement"),
    ],
)
def test_a_suite_prints_what_it_asks(tmp_path, suite, words, shown):
    done = call(tmp_path, "run", suite, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(shown)
    assert call(tmp_path, "table", suite).stdout == done.stdout
