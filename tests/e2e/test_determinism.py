"""The same suite gives the same bytes, whatever the folder and the order of its lists; a selection the same values."""

from __future__ import annotations

import json
import socket

import pandas as pd
import pytest

from optbench import store
from tests.e2e.command import OPTIMIZERS, PROBLEMS, evidence, made_in, rendered, run_in, suite

IDENTITY = {"schema_version", "version", "run_id", "suite", "selection", "seed", "units", "budget", "dtype", "shards"}
SOURCE = {"commit", "dirty", "diff_sha256", "versions", "freeze_sha256", "command"}
MACHINE = {"machine", "flags", "programs", "problems", "optimizers", "n_cells"}
OUTCOME = {"created_utc", "finished_utc", "state", "status_counts", "files", "compile_s", "run_s", "thread_s"}


def test_the_same_suite_in_another_folder_and_process_gives_the_same_bytes(reference, reference_tables, tmp_path):
    again = run_in(tmp_path)
    assert again.path.name == reference.path.name
    assert evidence(again) == evidence(reference)
    assert rendered(again) == reference_tables


def test_the_order_in_which_a_suite_lists_its_entries_changes_nothing(reference, reference_tables, tmp_path):
    shuffled = made_in(tmp_path, suite(PROBLEMS[::-1], OPTIMIZERS[1:] + OPTIMIZERS[:1]))
    assert shuffled.path.name == reference.path.name
    assert evidence(shuffled) == evidence(reference)
    assert rendered(shuffled) == reference_tables


def test_a_selection_has_the_rows_of_the_whole(reference, tmp_path):
    """But for rounding: its programs hold fewer functions."""
    part = made_in(tmp_path, optimizers=["nag", "adam"], problems=["sphere", "himmelblau"])
    assert part.path.name != reference.path.name
    whole = reference.runs.set_index("cell_id").loc[part.runs["cell_id"]].reset_index()
    assert len(part.runs) < len(reference.runs)
    pd.testing.assert_frame_equal(part.runs, whole, rtol=1e-9)


def test_the_manifest_says_how_the_run_was_made_and_verifies(reference):
    manifest = reference.manifest
    assert not (IDENTITY | SOURCE | MACHINE | OUTCOME) - set(manifest)
    assert {"name", "version", "question", "hash", "text"} <= set(manifest["suite"])
    assert {"python", "jax", "jaxlib", "optax", "numpy", "pandas", "pyarrow"} <= set(manifest["versions"])
    assert {"cpu", "cores", "device_kind", "platform", "threads"} <= set(manifest["machine"])
    assert manifest["state"] == "finished"
    assert sum(manifest["status_counts"].values()) == manifest["n_cells"] == len(reference.runs)
    assert store.verify(reference.path) == []


def test_the_manifest_names_no_person_and_no_machine(tmp_path):
    home = tmp_path / "ada"
    run = run_in(home, None, "--out", f"{home}/results", "--problems", "himmelblau", HOME=str(home), USER="ada")
    text = json.dumps(run.manifest)
    assert run.manifest["command"][-3:-1] == ["~/results", "--problems"]
    assert str(tmp_path) not in text
    if len(socket.gethostname()) > 3:
        assert socket.gethostname() not in text


@pytest.mark.parametrize("name", ["contours", "trajectories", "basins"])
def test_pictures_cover_the_problems_in_two_dimensions_only(reference, name):
    assert set(store.read_picture(reference.path, name)["problem"]) == {"himmelblau-2d-i1"}
