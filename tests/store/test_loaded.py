"""``load`` returns rows, curves and manifest of a stored run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import optbench
from optbench.errors import DataError, UsageError
from optbench.kinds import KINDS
from optbench.records import curve_steps
from optbench.records.landscapes import ROWS
from optbench.store import load, row_schema, run_folder, write_manifest, write_shard

from .rows import BUDGET, make_columns


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = run_folder(tmp_path, "quick", "ab12")
    write_shard(folder, "a", make_columns(), schema=ROWS)
    write_manifest(folder, {"budget": BUDGET})
    return folder


def test_runs_and_traces(folder: Path) -> None:
    run = load(folder)
    assert run.path == folder
    assert run.manifest["budget"] == BUDGET
    assert len(run.runs) == 6
    assert run.runs is run.runs
    steps = curve_steps(BUDGET)
    assert list(run.traces) == ["cell_id", "cost", "f", "f_best"]
    assert len(run.traces) == 5 * len(steps)
    for cell, trace in run.traces.groupby("cell_id"):
        row = run.runs[run.runs["cell_id"] == cell].iloc[0]
        assert trace["cost"].tolist() == list(steps)
        np.testing.assert_array_equal(trace["f"], row["curve_f"])
        np.testing.assert_array_equal(trace["f_best"], row["curve_best"])


def test_curves_of_another_budget_are_refused(folder: Path) -> None:
    write_manifest(folder, {"budget": BUDGET + 100})
    with pytest.raises(DataError, match=r"curve_f of sphere-2d, adam, 0, report, 0 must have 19 points; got 12"):
        _ = load(folder).traces


def test_a_run_without_rows_has_empty_frames(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    write_manifest(folder, {"budget": BUDGET})
    assert load(folder).runs.empty
    assert load(folder).traces.empty


def test_a_suite_folder_stands_for_its_only_run(folder: Path) -> None:
    assert load(folder.parent).path == folder
    write_manifest(run_folder(folder.parent.parent, "quick", "cd34"), {"budget": BUDGET})
    with pytest.raises(UsageError, match="holds 2 runs; name one of"):
        load(folder.parent)


def test_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        load(tmp_path / "nowhere")


def test_the_evidence_column_imports_no_jax() -> None:
    code = "import sys, optbench.store, optbench.analysis, optbench.environment; print('jax' in sys.modules)"
    root = Path(optbench.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_costs_are_costs_whatever_the_batch_size(tmp_path: Path) -> None:
    """Of a finite sum in batches a step costs less than 1; several batch sizes stand in one run."""
    folder = run_folder(tmp_path, "quick", "ab12")
    shares = {"plain": 1.0, "halves": 0.5, "eighths": 0.125}
    for label, share in shares.items():
        write_shard(folder, label, make_columns(label, budget=round(BUDGET / share)), schema=ROWS)
    problems = {label: {"trip_cost": share} for label, share in shares.items()}
    write_manifest(folder, {"budget": BUDGET, "problems": problems})
    run = load(folder)
    label_of = dict(zip(run.runs["cell_id"], run.runs["problem"], strict=True))
    ends = {}
    for cell, trace in run.traces.groupby("cell_id"):
        share = shares[label_of[cell]]
        assert trace["cost"].tolist() == [share * step for step in curve_steps(round(BUDGET / share))]
        row = run.runs[run.runs["cell_id"] == cell].iloc[0]
        np.testing.assert_array_equal(trace["f"], row["curve_f"])
        ends[label_of[cell]] = trace["cost"].max()
    assert ends == {"plain": 20.0, "halves": 20.0, "eighths": 19.75}


def test_curves_of_another_batch_size_are_refused_by_name(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    write_shard(folder, "a", make_columns("in-batches"), schema=ROWS)
    write_manifest(folder, {"budget": BUDGET, "problems": {"in-batches": {"trip_cost": 0.5}}})
    with pytest.raises(DataError, match=r"curve_f of in-batches, .* must have 15 points; got 12"):
        _ = load(folder).traces


def test_a_run_of_a_kind_that_is_not_known_here_is_refused(folder: Path) -> None:
    write_manifest(folder, {"budget": BUDGET, "kind": "kernels"})
    with pytest.raises(
        DataError, match=r"made by optbench .*: kind must be one of landscapes, networks, studies; got 'kernels'"
    ):
        _ = load(folder).runs


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_schema_that_bears_its_name(kind: str) -> None:
    schema = row_schema({"kind": kind})
    assert schema.name == kind
    named = {*schema.order, *schema.curves.columns.values(), schema.curves.clock_column or "cell_id"}
    assert named <= set(schema.columns)


def test_what_two_kinds_count_under_one_name_has_a_unit_of_its_own() -> None:
    functions, networks, *_ = (row_schema({"kind": kind}).columns for kind in KINDS)
    for name in ("cost", "diverged_at", "grad_evals", "sample_grads"):
        assert functions[name].unit
        assert networks[name].unit
        assert functions[name].unit != networks[name].unit
