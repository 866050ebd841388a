"""The table of measures: golden texts, what it must say, and what it says of a run without any."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from optbench.report import tables
from optbench.report.chosen import chosen
from optbench.report.evidence import Evidence
from optbench.report.tables.measures import TABLES
from tests import measured, networks
from tests.report.hostile import HOSTILE
from tests.report.test_tables import EXTENSIONS

GOLDEN = Path(__file__).parent / "golden" / "measures"
KINDS = [kind.name for kind in TABLES]
FEW = {name: measured.MEASURES[name] for name in ("top", "trace", "asam", "preconditioned")}


@pytest.fixture(scope="module")
def run():
    return Evidence.of(measured.network_run(networks.synthetic(7, optimizers=("sgd", "adam", "adadelta"))))


@pytest.fixture(scope="module")
def small():
    """Two rules on two tasks and four measures: the golden tables stay readable."""
    rows = networks.synthetic(7, tasks=("digits-lenet", "digits-mlp"), optimizers=("sgd", "adam"))
    found = networks.run(rows, measures=FEW)
    found.measures = measured.rows_of(rows, FEW)
    return Evidence.of(found)


def changed(run, measures=None, **manifest):
    rows = run.run.measures if measures is None else measures
    facts = {**run.run.manifest, **manifest}
    return SimpleNamespace(runs=run.run.runs, measures=rows, manifest=facts, path=None)


def text(run, kind="sharpness", form="markdown", **options):
    return tables.render(run, kind, form, **options)


def flat(run, kind="sharpness"):
    return " ".join(text(run, kind, "terminal", width=200).split())


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_tables_match_the_golden_files(small, kind, form):
    """To renew them after an intended change: delete the files, run the test twice, read the diff."""
    path = GOLDEN / f"{kind}.{EXTENSIONS[form]}"
    found = text(small, kind, form)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8", newline="")
        pytest.fail(f"{path.name} was missing and has been written")
    assert path.read_bytes().decode() == found


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_does_not_change_a_byte(small, kind, form):
    shuffled = changed(small, small.run.measures.sample(frac=1, random_state=3))
    shuffled.runs = small.run.runs.sample(frac=1, random_state=4)
    assert text(small, kind, form) == text(shuffled, kind, form)


@pytest.mark.parametrize("width", [24, 80, 120, 200])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_terminal_table_keeps_to_its_width(run, kind, width, ascii_only):
    shown = text(run, kind, "terminal", width=width, ascii_only=ascii_only)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert shown.isascii() or not ascii_only


def test_a_line_holds_what_the_rows_hold():
    """Seven runs whose top eigenvalues are 1 to 7 and whose errors are 0.5."""
    runs = networks.frame([networks.row("digits-lenet", "sgd", networks.DEFAULT, "report", s) for s in range(7)])
    rows = measured.rows_of(runs, {"top": FEW["top"]})
    rows = rows.assign(estimate=np.arange(1.0, 8.0), standard_error=0.5)
    found = networks.run(runs, measures=FEW)
    found.measures = rows
    (line,) = (x for x in text(found).splitlines() if x.startswith("| digits-lenet"))
    cells = [cell.strip().replace("\\", "") for cell in line.strip("|").split("|")]
    assert cells[1:4] == ["sgd", "0.1", "7"]
    assert float(cells[4]) == pytest.approx(runs["train_loss"].iloc[0], abs=0.005)
    assert cells[5].startswith("90.0 [")
    # The extremes of seven cover 98.4 %, the next ones 87.5 %; the weight of the latter is 0.733 (Hettmansperger and
    # Sheather): 2^0.733 and 7^0.267 6^0.733.
    assert cells[7] == "4 [1.66, 6.25] ±0.50"


def test_what_a_reader_must_know_stands_below(run):
    shown = flat(run)
    for words in (
        "Measured at the point at which the run is judged", "batch normalization by its running statistics",
        "no dropout, nothing augmented, no penalty; in float64", "hessian_top (steps 30, tol 0.001)",
        "95 %, these tasks, new seeds, by order statistics", "the estimator's own standard error in one run",
        "(Dinh et al. 2017): ASAM; it changes the others", "compare at equal loss only; here they differ",
        "preconditioned: no number of 42 runs, not applicable: sgd has no preconditioner.",
        "a run that diverged or failed has none", "No entry is marked as best", "optbench 0.1.0", "suite networks v1",
    ):  # fmt: skip
        assert words in shown, words


def test_what_is_measured_is_of_the_tasks_own_loss(run):
    assert "of the mean cross-entropy of the training examples" in flat(run)
    assert "training loss of the point, in nats," in flat(run)
    labels = list(run.manifest["tasks"])
    tasks = {label: {**task, "loss": "squared"} for label, task in run.manifest["tasks"].items()}
    shown = flat(changed(run, tasks=tasks))
    assert "of the mean of half the squared error of the training examples" in shown
    assert "training loss of the point, in squared logits," in shown
    assert "mean cross-entropy" not in shown
    some = {**run.manifest["tasks"], labels[0]: tasks[labels[0]]}
    shown = flat(changed(run, tasks=some))
    assert f"of the mean cross-entropy (on {labels[0]}: mean of half the squared error) of the training" in shown
    assert f"in nats (on {labels[0]}: squared logits), median" in shown


def test_runs_without_a_point_are_counted_and_a_measure_without_meaning_says_so(small):
    lines = text(small, "sharpness", "terminal", width=200).splitlines()
    assert any("6/7" in line for line in lines)
    assert sum("not applicable" in line for line in lines) >= 4


def test_errors_stand_beside_the_median_of_the_others(small):
    rows = small.run.measures.copy()
    top = rows.index[(rows["measure"] == "top") & (rows["status"] == "ok")]
    rows.loc[top[0], ["status", "message", "estimate"]] = ["oom", "no memory is left", np.nan]
    shown = flat(changed(small, rows))
    assert "1 oom" in shown
    assert "top: no number of 1 run, oom: no memory is left." in shown


def test_a_run_measured_along_its_path_alone_says_where_that_is_shown(run):
    other = changed(run, run.run.measures.assign(point="snapshot"))
    shown = flat(other)
    assert "No measure of this run is of the ends of single runs." in shown
    assert "`optbench plot RUN --kind edge`" in shown
    assert "Nothing was measured" not in shown
    assert json.loads(text(other, form="json"))["rows"] == []


def test_a_run_without_measures_says_how_to_get_them(run, evidence):
    for other in (changed(run, run.run.measures.iloc[:0]), evidence):
        shown = flat(other)
        assert "Nothing was measured in this run: `measures = [...]` in the suite" in shown
        assert "`optbench measure RUN --measures A,B`" in shown
        assert json.loads(text(other, form="json"))["rows"] == []


def test_settings_have_no_column_where_there_is_only_one():
    found = measured.factorial_run()
    shown = text(found, "sharpness", "terminal", width=200)
    assert "setting" not in shown.splitlines()[3]
    body = [line.split() for line in shown.splitlines() if line.startswith(("  sgd", "  adam"))]
    assert [line[:2] for line in body[:6]] == [
        [rule, rate] for rule in ("sgd", "adam") for rate in ("0.003", "0.03", "0.1")
    ]


def test_few_seeds_have_no_intervals_and_say_why():
    shown = flat(measured.factorial_run(3))
    assert "Fewer than 6 seeds have none" in shown


def test_machine_formats_hold_every_measure_of_every_configuration(small):
    rows = list(csv.DictReader(io.StringIO(text(small, form="csv"))))
    frame = small.frame("sharpness")
    assert len(rows) == len(frame)
    assert {row["measure"] for row in rows} == set(FEW)
    assert rows[0]["intervals"] == "95 %, these tasks, new seeds"
    (row,) = (r for r in rows if (r["task"], r["optimizer"], r["measure"]) == ("digits-mlp", "adam", "top"))
    assert (row["n_runs"], row["n_numbers"], row["no_point"], row["is_invariant"]) == ("7", "6", "1", "false")


def test_a_part_of_a_run_may_be_shown(small):
    part = chosen(small, optimizers=["adam"])
    shown = text(part, "sharpness", "terminal")
    assert "  sgd " not in shown
    assert "shown: 1 of " in " ".join(shown.split())


@pytest.mark.parametrize("form", EXTENSIONS)
def test_an_incomplete_run_and_other_precisions_say_so(small, form):
    other = changed(small, n_cells=999, dtype="bfloat16", size="quick")
    shown = text(other, form=form)
    assert f"INCOMPLETE {len(small.run.runs)}/999" in shown
    assert "dtype bfloat16" in shown


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", EXTENSIONS)
def test_hostile_names_are_only_shown(name, form):
    runs = networks.frame([networks.row(name, name, networks.DEFAULT, "report", s) for s in range(6)])
    told = {"name": name, "title": name, "unit": name, "is_invariant": True, "settings": {}}
    rows = measured.rows_of(runs, {"top": FEW["top"]}).assign(measure=name, message=name)
    found = networks.run(runs, measures={name: told}, tasks={name: networks.manifest()["tasks"]["digits-lenet"]},
                         optimizers={name: {}}, run_id="0")  # fmt: skip
    found.measures = rows
    shown = text(found, form=form)
    assert "\x1b" not in shown
    assert form != "markdown" or "<script" not in shown
