"""Tables of runs of networks: golden texts, what they must say, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from optbench.errors import DataError, UsageError
from optbench.report import losses, tables
from optbench.report.evidence import Evidence
from optbench.report.tables.networks import TABLES
from optbench.report.tables.networks.notes import RANKED_FROM
from optbench.tasks.losses import LOSSES
from tests import networks
from tests.report.test_tables import EXTENSIONS

GOLDEN = Path(__file__).parent / "golden" / "networks"
#: Those of measures and of arms have test files of their own.
KINDS = [kind.name for kind in TABLES if kind.name not in ("arms", "levels")]


PLAIN, DROPOUT, _ = networks.TASKS
#: A claim about a regularizer, one about optimizers, and one that this run cannot judge.
CLAIMS = [
    {
        "name": name,
        "claim": claim,
        "refuted_by": None,
        "left": {"optimizer": left, "setting": "tuned", "task": task},
        "right": {"optimizer": "sgd", "setting": "tuned", "task": other},
        "pairs": pairs,
        "measure": measure,
        "margin": margin,
    }
    for name, claim, left, task, other, pairs, measure, margin in (
        ("dropout", "Dropout narrows the gap of SGD.", "sgd", PLAIN, DROPOUT, [[PLAIN, DROPOUT]], "gap", 0.0),
        (
            "adadelta",
            "Adadelta is about as good.",
            "adadelta",
            None,
            None,
            [[t, t] for t in (PLAIN, DROPOUT)],
            "test",
            0.01,
        ),
        ("adam", "Adam trains better.", "adam", None, None, [[PLAIN, PLAIN]], "train", 0.0),
    )
]


@pytest.fixture(scope="module")
def run():
    return Evidence.of(networks.run())


@pytest.fixture(scope="module")
def shuffled(run):
    return Evidence.of(changed(run, run.run.runs.sample(frac=1, random_state=3)))


@pytest.fixture(scope="module")
def small():
    """Two rules on a task and its twin: the golden tables stay readable."""
    rows = networks.synthetic(12, tasks=tuple(networks.TASKS)[:2], optimizers=("sgd", "adadelta"))
    return Evidence.of(networks.run(rows, contrasts=CLAIMS))


def changed(run, runs=None, **manifest):
    """Returns the run with other rows or manifest entries."""
    runs = run.run.runs if runs is None else runs
    return SimpleNamespace(runs=runs, manifest={**run.manifest, **manifest}, path=None)


def text(run, kind="main", form="markdown", **options):
    return tables.render(run, kind, form, **options)


def flat(run, kind="main"):
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
def test_the_order_of_rows_does_not_change_a_byte(run, shuffled, kind, form):
    assert text(run, kind, form) == text(shuffled, kind, form)


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_terminal_table_keeps_to_its_width(run, kind, width, ascii_only):
    shown = text(run, kind, "terminal", width=width, ascii_only=ascii_only)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert shown.isascii() or not ascii_only


def test_the_main_table_is_in_one_piece_on_120_columns(run):
    assert "part 1 of" not in text(run, "main", "terminal", width=120)


def test_a_line_of_the_main_table_holds_what_the_rows_hold():
    """Both seeds have 45 of 50 right at a learning rate of 0.01, 40 at the default."""
    rows = [networks.row("digits-lenet", "sgd", c, "tune", 0, level=0.9 if c == 1 else 0.8) for c in range(4)]
    for config, n in ((1, 45), (networks.DEFAULT, 40)):
        rows += [
            networks.row("digits-lenet", "sgd", config, "report", s, right=np.arange(50) < n, level=0.9)
            for s in range(2)
        ]
    # Judged one point before the end: at batch 126 of a curve that rises as 1 - exp(-batch/20), here at level 0.9.
    train = 0.1 + 0.85 * (1 - np.exp(-126 / 20))
    (line,) = (x for x in text(networks.run(networks.frame(rows))).splitlines() if x.startswith("| digits-lenet"))
    cells = [cell.strip().replace("\\", "") for cell in line.strip("|").split("|")]
    assert cells[1] == "sgd"
    assert cells[2].startswith("80.0 [")
    assert cells[4] == "0.01"
    assert cells[5].startswith("90.0 [")
    assert cells[6] == f"{100 * train:.1f}"
    assert cells[7].startswith(f"{100 * train - 90:.1f} [")
    assert cells[8:] == ["9", "0"]


def test_a_large_test_set_has_two_decimals(run):
    from optbench.report.formats.formatting import points

    assert points(networks.N_TEST)(0.98765) == "98.8"
    assert points(10_000)(0.98765) == "98.77"
    assert points(10_000, signed=True)(-1e-9) == "+0.00"


def test_what_a_reader_must_know_stands_below(run):
    shown = flat(run)
    for words in (
        "95 %, these tasks, new seeds and new test examples", "best mean validation accuracy over 2 tuning seeds",
        "Choices see neither test examples nor the 3 other seeds", "sgd+sam: 2 gradients a step, so half the steps",
        "edge of its grid", "marked 'eps'", "At 3 seeds nothing is ranked", "counts as wrong on every example",
        "judged where its validation accuracy is best", "optbench 0.1.0", "suite networks v1", "jax 0.10.2 cpu(2)",
        "cost: passes, gradients of single examples over the number of training examples",
    ):  # fmt: skip
        assert words in shown
    assert "bfloat16" not in shown
    assert "Quick size" not in shown


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_gap_has_the_unit_of_the_loss(run, name):
    tasks = {label: {**task, "loss": name} for label, task in run.manifest["tasks"].items()}
    known = losses.LOSSES[name]
    assert (known.title, known.unit) == (LOSSES[name].title, LOSSES[name].unit)
    for kind in ("gap", "long"):
        shown = flat(changed(run, tasks=tasks), kind)
        assert f"test loss minus training loss, in {known.unit}; its brackets" in shown
        assert ("nats" in shown) == (name == "cross_entropy")


def test_a_failed_run_is_visible(run):
    (line,) = (x for x in text(run).splitlines() if "| adam |" in x and "fail" in x)
    assert line.count("+1 fail") == 2


def test_absent_tasks_are_named_with_their_reason(run):
    absent = {"mnist-lenet": "mnist is not downloaded"}
    for kind in ("main", "gap", "effects", "ranking"):
        assert "Not in this run: mnist-lenet (mnist is not downloaded)." in flat(changed(run, absent=absent), kind)


def test_quick_size_is_no_evidence(run):
    assert "Quick size of the suite, no evidence." in flat(changed(run, size="quick"))


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_stands_in_every_title_and_footer(small, kind, form):
    shown = text(changed(small, dtype="bfloat16"), kind, form)
    assert "dtype bfloat16" in shown
    assert "bfloat16)" in shown or form == "csv"


@pytest.mark.parametrize("form", EXTENSIONS)
def test_an_incomplete_run_says_so(run, form):
    total = len(run.run.runs)
    assert f"INCOMPLETE {total - 1}/{total}" in text(changed(run, run.run.runs.iloc[1:]), "main", form)
    assert "INCOMPLETE" not in text(run, "main", form)


def test_a_run_that_has_only_begun_has_tables(run):
    for runs in (run.run.runs.iloc[:0], run.run.runs[run.run.runs["split"] == "tune"]):
        begun = changed(run, runs)
        assert "No reported run has a row yet." in flat(begun)
        assert "No reported run has a row yet." in flat(begun, "gap")
        assert "No task of this run has a regularizer" in flat(begun, "effects")
        assert "INCOMPLETE" in flat(begun, "ranking")
        assert json.loads(text(begun, "long", "json"))["rows"] == []


def test_a_run_that_tuned_nothing_shows_its_defaults_in_full(run):
    report = run.run.runs[(run.run.runs["split"] == "report") & run.run.runs["is_default"]]
    shown = flat(changed(run, report, tuning="default", n_cells=len(report)))
    assert "nothing was tuned" in shown
    assert "train %" in shown
    assert "─ tuned ─" not in shown


def test_a_run_judged_at_its_end_says_so(run):
    late = {label: {**task, "early_stopping": False} for label, task in run.manifest["tasks"].items()}
    assert "A run is judged at its end." in flat(changed(run, tasks=late))
    one = {**run.manifest["tasks"], "digits-mlp": late["digits-mlp"]}
    assert "best; at its end on digits-mlp." in flat(changed(run, tasks=one))


def test_below_ten_seeds_ranking_names_what_validation_chose_and_no_winner(run):
    shown = flat(run, "ranking")
    assert "At 3 seeds nothing is ranked: that takes 10." in shown
    assert "Chosen on validation, which is no result on test examples: digits-lenet: adadelta at eps 1" in shown
    assert "in the confidence set" not in shown


def test_from_ten_seeds_on_it_ranks():
    full = networks.run(networks.synthetic(RANKED_FROM, tasks=("digits-lenet",), optimizers=("sgd", "adam")))
    shown = flat(full, "ranking")
    assert "No winner is named" in shown
    assert "Smallest difference that could have been detected" in shown
    assert "nothing is ranked" not in shown
    assert "which the table 'ranking' has" in flat(full)


def test_machine_formats_hold_shares_and_not_percents(run):
    rows = list(csv.DictReader(io.StringIO(text(run, "main", "csv"))))
    (row,) = (r for r in rows if (r["task"], r["optimizer"]) == ("digits-mlp", "adam"))
    assert float(row["default_test_accuracy"]) == pytest.approx(0.64)
    assert (row["n_seeds"], row["tuned_failed"], row["tuned_swept_value"]) == ("3", "1", "0.1")
    assert row["intervals"] == "95 %, these tasks, new seeds and new test examples"
    effects = json.loads(text(run, "effects", "json"))["rows"]
    assert {row["regularizer"] for row in effects} == {"dropout=0.5"}


def test_damaged_rows_make_no_table(run):
    with pytest.raises(DataError, match="every cell must appear once"):
        text(changed(run, run.run.runs.assign(cell_id="0")))


def test_each_kind_of_run_has_its_tables_and_says_so(run, evidence):
    with pytest.raises(UsageError) as caught:
        text(run, "theory")
    assert str(caught.value) == (
        "table 'theory' is for landscapes; run 0123456789abcdef is of networks; "
        "it has main, gap, effects, ranking, contrasts, arms, levels, long, sharpness"
    )
    with pytest.raises(UsageError, match="table 'effects' is for networks; run 0123456789abcdef is of landscapes"):
        text(evidence, "effects")
    with pytest.raises(UsageError, match="unknown table 'gaap'; did you mean 'gap'"):
        text(run, "gaap")


def test_a_kind_of_run_from_the_future_is_one_message(run):
    with pytest.raises(DataError, match="kind must be one of landscapes, networks, studies; got 'audio'"):
        text(changed(run, kind="audio"))


def test_of_drawn_trials_a_configuration_is_chosen_not_a_value(run):
    said = tables.render(networks.run(tuning="random"), "main", "markdown")
    assert "tuned, for each task the configuration with the best mean validation accuracy" in said
    assert "tuned, for each task the value with the best" in tables.render(run, "main", "markdown")


@pytest.mark.parametrize("part", [{}, {"part": {"tasks": {"kept": 1, "of": 2, "added": 0}}}])
def test_a_run_without_contrasts_does_not_say_that_its_whole_suite_states_none(part):
    said = tables.render(networks.run(**part), "contrasts", "markdown")
    assert "No contrasts: the suite states none, or none that this run could judge." in said
