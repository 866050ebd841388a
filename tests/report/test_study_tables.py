"""Tables of runs of studies: golden texts, what they must say, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from optbench.errors import DataError, UsageError
from optbench.report import tables
from optbench.report.evidence import Evidence
from optbench.report.tables.studies import TABLES
from tests import studied
from tests.report.hostile import HOSTILE
from tests.report.test_tables import EXTENSIONS

GOLDEN = Path(__file__).parent / "golden" / "studies"
#: Those of measures have a test file of their own.
KINDS = [kind.name for kind in TABLES]


def made(runs=None, **manifest):
    runs = studied.runs() if runs is None else runs
    return Evidence.of(SimpleNamespace(runs=runs, manifest=studied.manifest(**manifest), path=None))


@pytest.fixture(scope="module")
def run():
    return made()


@pytest.fixture(scope="module")
def shuffled(run):
    return made(run.run.runs.sample(frac=1, random_state=3))


def text(run, kind="main", form="markdown", **options):
    return tables.render(run, kind, form, **options)


def flat(run, kind="main"):
    return " ".join(text(run, kind, "terminal", width=200).split())


def records(run, kind):
    return json.loads(text(run, kind, "json"))["rows"]


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_tables_match_the_golden_files(run, kind, form):
    """To renew them after an intended change: delete the files, run the test twice, read the diff."""
    path = GOLDEN / f"{kind}.{EXTENSIONS[form]}"
    found = text(run, kind, form)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8", newline="")
        pytest.fail(f"{path.name} was missing and has been written")
    assert path.read_bytes().decode() == found


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_does_not_change_a_byte(run, shuffled, kind):
    for form in EXTENSIONS:
        assert text(run, kind, form) == text(shuffled, kind, form)


@pytest.mark.parametrize("width", [24, 80, 120, 200])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_terminal_table_keeps_to_its_width(run, kind, width, ascii_only):
    shown = text(run, kind, "terminal", width=width, ascii_only=ascii_only)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert shown.isascii() or not ascii_only


def test_the_main_table_has_a_row_for_each_study_in_the_suite_s_order(run):
    assert [row["study"] for row in records(run, "main")] == list(studied.STUDIES)
    assert tables.render(run, None, "markdown") == text(run, "main")


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (0.9, "bag, bagging, averaged, 5 members: beats a single model: the interval excludes 0."),
        (0.0, "bag, bagging, averaged, 5 members: does not beat a single model: the interval holds 0."),
        (-0.9, "bag, bagging, averaged, 5 members: is worse than a single model: the interval excludes 0."),
    ],
)
def test_it_is_said_plainly_whether_an_ensemble_beats_a_single_model(gain, said):
    """Of generated data: members, or the single model, are right on almost all examples, or both are alike."""
    runs = studied.runs(10, "generated")
    bag = runs["study"] == "bag"
    better = runs["role"] == ("member" if gain > 0 else "single")
    for number in np.flatnonzero(bag & (better | (gain == 0))):
        labels = runs.loc[number, "test_labels"]
        answers = np.full((len(labels), studied.CLASSES), 0.1, np.float32)
        answers[np.arange(len(labels)), labels] = 0.7
        runs.at[number, "test_probabilities"] = answers.ravel()
        runs.at[number, "test_accuracy"] = 1.0
    assert said in flat(made(runs, origin="generated"), "ensembles")


def test_splits_of_one_file_have_a_wider_interval_for_new_data(run):
    """s^2/R becomes s^2 (1/R + n_test/n_train): four replicates, 60 test and 200 training examples."""
    for row in records(run, "ensembles"):
        ends, wide = ([row[f"{name}_{end}"] for end in ("low", "high")] for name in ("gain", "new_gain"))
        assert wide[0] < ends[0] < ends[1] < wide[1]
    assert "after Nadeau and Bengio" in flat(run, "ensembles")
    fresh = made(studied.runs(4, "generated"), origin="generated")
    for row in records(fresh, "ensembles"):
        assert (row["gain_low"], row["gain_high"]) == (row["new_gain_low"], row["new_gain_high"])
    assert "Nadeau" not in flat(fresh, "ensembles")


def test_what_intervals_cover_hangs_on_the_test_part():
    for origin, said in (
        ("split", "new splits of the same file"),
        ("generated", "new data: each replicate is generated anew"),
        ("official", "new test examples too"),
    ):
        assert said in flat(made(studied.runs(4, origin), origin=origin), "ensembles")


def test_a_single_replicate_says_nothing_of_others():
    alone = made(studied.runs(1), seeds=1)
    assert all(row["gain_low"] is None for row in records(alone, "ensembles"))
    shown = flat(alone, "ensembles")
    assert "A single replicate says nothing of others" in shown
    assert "has a single replicate, which says nothing of others" in shown
    # Parts have intervals over members and examples, calibration over examples.
    assert all(row["variance_low"] is not None for row in records(alone, "decomposition") if row["loss"] == "Brier")
    assert all(
        row["brier_low"] is not None for row in records(alone, "calibration") if row["what"] != "ensemble - single"
    )
    for kind in KINDS:
        for form in EXTENSIONS:
            text(alone, kind, form)


def test_the_machine_formats_hold_the_same_rows(run):
    for kind in KINDS:
        rows = records(run, kind)
        lines = [line for line in text(run, kind, "csv").splitlines() if not line.startswith("#")]
        read = list(csv.DictReader(io.StringIO("\n".join(lines))))
        assert len(read) == len(rows) > 0
        assert [line["study"] for line in read] == [row["study"] for row in rows]


def test_lost_models_are_counted(run):
    runs = run.run.runs.copy()
    for study, role in (("bag", "member"), ("choose", "fold"), ("batches", "member")):
        number = runs.index[(runs["study"] == study) & (runs["role"] == role)][0]
        runs.loc[number, ["status", "test_accuracy", "test_loss", "validation_accuracy"]] = [
            "diverged",
            None,
            None,
            None,
        ]
        runs.at[number, "test_probabilities"] = np.zeros(0, np.float32)
        runs.at[number, "test_labels"] = np.zeros(0, np.int32)
    lost = made(runs)
    assert "Models that diverged or failed: bag 1. A lost member moves no answer" in flat(lost, "ensembles")
    assert "Models that diverged or failed: choose 1. A fold that was lost" in flat(lost, "cross_validation")
    assert "Models that diverged or failed: batches 1. They are no members here." in flat(lost, "decomposition")


def test_a_part_of_a_suite_has_tables_that_say_so(run):
    some = made(run.run.runs[run.run.runs["study"] == "fit"])
    assert "No study of this run has rows for this table yet." in flat(some, "ensembles")
    assert "closed form" in flat(some, "decomposition")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    runs = studied.runs(2)
    runs["study"] = [name if study == "bag" else study for study in runs["study"]]
    manifest = studied.manifest()
    manifest["studies"] = {name if study == "bag" else study: facts for study, facts in manifest["studies"].items()}
    run = Evidence.of(SimpleNamespace(runs=runs, manifest=manifest, path=None))
    assert "<script" not in text(run, "main", "markdown")
    for form in EXTENSIONS:
        assert text(run, "ensembles", form)


def test_tables_of_other_kinds_are_refused_by_name(run):
    with pytest.raises(UsageError, match="table 'effects' is for networks; run 0123456789abcdef is of studies"):
        text(run, "effects")


def test_rows_that_are_no_whole_run_are_refused(run):
    runs = run.run.runs
    with pytest.raises(DataError, match="every cell must appear once"):
        text(made(runs.assign(cell_id="f" * 16)))
    with pytest.raises(DataError, match="study must be one of"):
        text(made(runs.assign(study="other")))
    with pytest.raises(DataError, match=r"test_accuracy must be the share of right answers, .*; got 0.123"):
        text(made(runs.assign(test_accuracy=runs["test_accuracy"].where(runs["study"] != "bag", 0.123))))
    peeked = runs.copy()
    peeked.loc[peeked["role"] == "fold", "test_accuracy"] = 0.5
    with pytest.raises(DataError, match="folds must hold nothing of test examples"):
        text(made(peeked))
