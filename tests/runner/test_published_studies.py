"""Runs of studies are published without what models say of each test example, and tell the same."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.canonical import ANSWERS, FORMATS, TABLES, compress
from optbench import store
from optbench.errors import DataError
from optbench.report import figures, tables


@pytest.fixture(scope="module")
def published(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "little"
    compress(run, folder)
    return store.load(folder)


def test_what_is_left_out_is_empty_and_all_else_is_as_it_was(run, published):
    assert set(ANSWERS) < set(run.schema.columns)
    assert all(published.runs[list(ANSWERS)].map(len).to_numpy().ravel() == 0)
    kept = [name for name in run.schema.columns if name not in ANSWERS]
    one, other = (each.runs.sort_values("cell_id")[kept].reset_index(drop=True) for each in (run, published))
    assert one.equals(other)
    assert store.verify(published.path) == []
    assert published.manifest["answers"] == "left out, judged in frames"


@pytest.mark.parametrize(("table", "ending"), TABLES["studies"])
def test_every_committed_table_is_that_of_the_full_run(table, ending, run, published):
    shown = tables.render(published, table, FORMATS[ending])
    assert shown == tables.render(run, table, FORMATS[ending])
    assert len(shown.splitlines()) > 3


def test_every_figure_can_be_drawn(run, published, tmp_path):
    one, other = (
        figures.draw(each, None, "svg", tmp_path / name) for name, each in zip("ab", (run, published), strict=True)
    )
    assert [path.name for path in one] == [path.name for path in other]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_rows_without_answers_are_not_judged_again_without_frames(published, tmp_path):
    bare = shutil.copytree(published.path, tmp_path / "bare", ignore=shutil.ignore_patterns("frames"))
    with pytest.raises(DataError, match="must have probabilities"):
        tables.render(store.load(bare), "ensembles", "markdown")
