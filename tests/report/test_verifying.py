"""Rows that are not whole, and tables that rows do not give, are found though all sums fit."""

from __future__ import annotations

import json

import pytest

from optbench import environment, store
from optbench.report.shown import Shown
from optbench.report.verifying import check_rendering, check_rows
from optbench.store import Verdict
from tests.forged import IMAGES, QUICK, copied, edit, rewrite, shard_of, sums_fit


@pytest.fixture
def run(tmp_path):
    return copied(IMAGES, tmp_path)


def faults(check, folder):
    found = check(store.load(folder))
    assert found.verdict is (Verdict.FAILED if found.faults else Verdict.PASSED)
    return [(fault.file, fault.expected, fault.found) for fault in found.faults]


def test_rows_of_canonical_runs_are_whole(run):
    assert faults(check_rows, run) == []
    assert faults(check_rows, QUICK) == []
    assert check_rows(store.load(QUICK)).said == "64,512 rows, one for each planned cell"


def test_a_row_that_was_taken_out_is_missed(run):
    rewrite(run, shard_of(run), lambda rows: rows[1:])
    named = [file for file, _, _ in faults(check_rows, run)]
    assert named == ["manifest.json: n_cells", "manifest.json: status_counts", "shards: commit records"]


def test_a_row_that_stands_twice_is_found(run):
    rewrite(run, shard_of(run), lambda rows: [rows[1], *rows[1:]])
    ((file, expected, found),) = faults(check_rows, run)
    assert (file, expected) == ("shards", "each cell once")
    assert found.startswith("1 more than once, such as ")


def test_a_shard_that_was_lost_with_its_sums_and_one_that_was_slipped_in_are_named(run):
    name = shard_of(run)
    for ending in ("parquet", "json"):
        path = run / "shards" / f"{name}.{ending}"
        path.rename(path.with_name(f"other.{ending}"))
    sums_fit(run)
    assert [(file, found) for file, _, found in faults(check_rows, run)] == [
        ("shards/other.parquet", "one that it does not name"),
        (f"shards/{name}.parquet", "none"),
    ]


def test_a_status_that_was_made_better_is_not_what_the_manifest_counted(run):
    rewrite(run, shard_of(run), lambda rows: [{**rows[0], "status": "diverged"}, *rows[1:]])
    assert [file for file, _, _ in faults(check_rows, run)] == [
        "manifest.json: status_counts",
        "shards: commit records",
    ]


def test_what_analysis_refuses_is_found(run):
    rewrite(run, shard_of(run, "report"), lambda rows: [{**rows[0], "test_accuracy": 1.0}, *rows[1:]])
    ((_, expected, found),) = faults(check_rows, run)
    assert expected == "rows that can be read and judged"
    assert "test_accuracy must be the share of right answers" in found


def test_shards_may_be_missing_of_a_run_that_is_not_finished(run):
    name = shard_of(run)
    for ending in ("parquet", "json"):
        (run / "shards" / f"{name}.{ending}").unlink()
    edit(run, state="running")
    assert faults(check_rows, run) == []
    assert check_rows(store.load(run)).said.endswith("of 36 planned; the run is not finished")


def test_published_tables_are_rendered_again(run):
    assert faults(check_rendering, run) == []
    assert check_rendering(store.load(run)).said.startswith("5 tables rendered again to the same bytes; figures have")


def test_a_number_that_was_changed_in_a_table_is_shown_with_its_line(run):
    table = run / "tables" / "main.md"
    lines = table.read_text().split("\n")
    place = next(number for number, line in enumerate(lines) if "0.9" in line)
    lines[place] = lines[place].replace("0.9", "0.8", 1)
    table.write_text("\n".join(lines))
    ((file, expected, found),) = faults(check_rendering, run)
    assert file == f"tables/main.md, line {place + 1}"
    assert "0.9" in expected
    assert "0.8" in found


def test_a_table_of_no_kind_and_another_file_are_named(run):
    (run / "tables" / "main.pdf").write_text("")
    (run / "tables" / "rankings.md").write_text("")
    named = {file: found for file, _, found in faults(check_rendering, run)}
    assert named["tables/main.pdf"] == "another file"
    assert "did you mean 'ranking'" in named["tables/rankings.md"]


def keep(folder):
    """Keeps a table and a figure as ``run`` does."""
    shown = Shown(store.load(folder))
    asked = json.dumps(["gap", "markdown", None, 80, False])
    shown.table(asked, lambda: (folder / "tables" / "gap.md").read_text())
    shown.figures(lambda: [folder / "figures" / "gap.png"])
    shown.keep()
    for path in (folder / "tables").iterdir():
        path.unlink()


def test_what_run_showed_last_is_rendered_again_and_figures_have_their_sums(run, monkeypatch):
    keep(run)
    assert faults(check_rendering, run) == []
    assert check_rendering(store.load(run)).facts == {"tables": 1, "figures": 1}
    (run / "figures" / "gap.png").write_bytes(b"another")
    kept = json.loads((run / "shown.json").read_text())
    (asked, text), *_ = kept["tables"].items()
    (run / "shown.json").write_text(json.dumps({**kept, "tables": {asked: text.replace("0.9", "0.8")}}))
    assert [file.partition(",")[0] for file, _, _ in faults(check_rendering, run)] == [
        "shown.json: table",
        "figures/gap.png",
    ]
    monkeypatch.setattr(environment, "code_sha256", lambda: "other")
    found = check_rendering(store.load(run))
    assert (found.verdict, found.said) == (
        Verdict.NOT_APPLICABLE,
        "what shown.json keeps was made by other code or libraries",
    )
