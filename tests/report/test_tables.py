import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from optbench.errors import UsageError
from optbench.report import tables
from optbench.report.evidence import Evidence
from optbench.report.kinds.landscapes import THEORY_FRAMES
from optbench.report.tables.landscapes import TABLES
from optbench.suite.landscapes.suite import Table as LandscapeTable
from optbench.suite.networks.suite import Table as NetworkTable
from optbench.suite.studies.suite import Table as StudyTable
from tests.report.hostile import HOSTILE

GOLDEN = Path(__file__).parent / "golden"
EXTENSIONS = {"terminal": "txt", "markdown": "md", "csv": "csv", "latex": "tex", "json": "json"}
#: Those of measures have a test file of their own.
KINDS = [kind.name for kind in TABLES]


TUNING = ("best_of_k", "gain", "matrix")
JUDGED = ("ranking", "contrasts", "stability", "wells", "running_times", *THEORY_FRAMES)


def changed(evidence: Evidence, *, summary=None, runs=None, tuning=None, **manifest) -> Evidence:
    """Returns the evidence with another summary frame, other rows, frames of tuning or manifest entries."""
    run = evidence.run
    run = SimpleNamespace(runs=run.runs if runs is None else runs, manifest={**run.manifest, **manifest}, path=run.path)
    frames = {name: evidence.frame(name) for name in (*TUNING, *JUDGED)} | (tuning or {})
    return Evidence(run, {"summary": evidence.frame("summary") if summary is None else summary, **frames})


def small(evidence: Evidence) -> Evidence:
    """Returns a run of one problem and three rules: the golden tables stay readable."""
    summary = evidence.frame("summary")
    summary = summary[
        summary["problem"].str.startswith("rosen") & summary["optimizer"].isin(["sgd", "adadelta", "adagrad"])
    ]
    rules = ["sgd", "adadelta", "adagrad"]
    tuning = {name: evidence.frame(name) for name in TUNING}
    columns = {"best_of_k": ["optimizer"], "gain": ["optimizer"], "matrix": ["untuned", "tuned"]}
    tuning = {name: frame[frame[columns[name]].isin(rules).all(axis=1)] for name, frame in tuning.items()}
    times = evidence.frame("running_times")
    tuning["running_times"] = times[times["problem"].str.startswith("rosen") & times["optimizer"].isin(rules)]
    return changed(evidence, summary=summary, tuning=tuning)


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_tables_match_the_golden_files(evidence, kind, form):
    """To renew them after an intended change: delete the files, run the test twice, read the diff."""
    path = GOLDEN / f"{kind}.{EXTENSIONS[form]}"
    text = tables.render(small(evidence), kind, form)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        pytest.fail(f"{path.name} was missing and has been written")
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_does_not_change_a_byte(evidence, kind, form):
    shuffled = changed(
        evidence,
        summary=evidence.frame("summary").sample(frac=1, random_state=3),
        runs=evidence.run.runs.sample(frac=1, random_state=4),
        tuning={name: evidence.frame(name).sample(frac=1, random_state=5) for name in (*TUNING, *JUDGED)},
        problems=dict(reversed(evidence.manifest["problems"].items())),
    )
    assert tables.render(evidence, kind, form) == tables.render(shuffled, kind, form)


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 120, 140, 200])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_terminal_table_keeps_to_its_width(evidence, kind, width, ascii_only):
    text = tables.render(evidence, kind, "terminal", width=width, ascii_only=ascii_only)
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.isascii() or not ascii_only


def test_the_main_table_is_in_one_piece_on_120_columns(evidence):
    assert "part 1 of" not in tables.render(evidence, "main", "terminal", width=120)
    assert "part 1 of 2" in tables.render(evidence, "main", "terminal", width=80)


@pytest.mark.parametrize("form", EXTENSIONS)
def test_an_incomplete_run_says_so(evidence, form):
    incomplete = changed(evidence, n_cells=25)
    assert "INCOMPLETE 21/25" in tables.render(incomplete, "main", form)
    assert "INCOMPLETE" not in tables.render(evidence, "main", form)


def test_a_run_without_a_cell_count_is_judged_by_its_shards(evidence):
    assert changed(evidence, n_cells=None, shards=["x"] * 24).watermark == "INCOMPLETE 21/24 shards"


def test_every_status_is_counted(evidence):
    runs = evidence.run.runs.assign(status=["error", "timeout", "oom", "diverged", *["ok"] * 17])
    text = tables.render(changed(evidence, runs=runs), "main", "markdown")
    assert "21 of 21 planned; status: ok 17, diverged 1, error 1, timeout 1, oom 1." in text


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
def test_what_a_reader_must_know_stands_below(evidence, form):
    text = " ".join(tables.render(evidence, "main", form, width=200).replace("\\", "").split())
    for words in (
        "95 %, these problems, new starts", "Wilson", "order statistics", "costs: gradient 1, value alone 1",
        "Hessian-vector product 2", "eps, marked 'eps'", "edge of its grid", "No entry is marked as best",
        "32 other starts", "optbench 0.1.0", "suite quick v1", "run 0123456789abcdef", "jax 0.10.2 cpu(2)",
    ):  # fmt: skip
        plain = text.replace("&#64;", "@").replace("textquotesingle{}", "'")
        assert words in plain


def test_running_times_stand_with_their_interval_and_the_runs_that_reached(evidence):
    text = tables.render(evidence, "ert", "markdown")
    line = next(x for x in text.splitlines() if x.startswith("| rosenbrock") and "| sgd |" in x)
    # Untuned none of 32 runs reached the target; tuned 26 did at 100 evaluations, and 6 spent 2000.
    cells = [cell.strip().replace("\\", "") for cell in line.split("|")]
    assert cells[4:6] == ["inf [15000, inf]", "0/32"]
    assert cells[10:12] == ["562 [337, 1067]", "26/32"]
    words = " ".join(text.split())
    assert "a run that missed counts with the full budget of 2000 gradient evaluations" in words
    assert "order statistics" not in words
    rows = json.loads(tables.render(evidence, "ert", "json"))["rows"]
    never = [(row["problem"], row["optimizer"]) for row in rows if row["default_ert"] == "inf"]
    assert never == [("rosenbrock-2d-i1", "sgd")]


def test_adadelta_shows_eps_and_edges_are_marked(evidence):
    text = tables.render(evidence, "main", "markdown")
    assert "| eps 1e-6 |" in text
    assert "46†" in text


def test_only_lost_runs_show_more_than_a_count(evidence):
    assert "20 +2 esc" in tables.render(evidence, "gaps", "markdown")


def test_json_is_strict_and_names_infinity(evidence):
    def refuse(name):
        raise AssertionError(name)

    content = json.loads(tables.render(evidence, "main", "json"), parse_constant=refuse)
    sgd = next(r for r in content["rows"] if (r["problem"], r["optimizer"]) == ("rosenbrock-2d-i1", "sgd"))
    assert sgd["default_gap_median"] == "inf"
    assert sgd["tuned_swept"] == "lr"
    assert content["columns"] == list(content["rows"][0])
    assert content["intervals"] == "95 %, these problems, new starts"


def test_missing_numbers_are_null_empty_or_said(evidence):
    summary = evidence.frame("summary").assign(reach_share=np.nan, reach_low=np.nan, reach_high=np.nan)
    nothing = changed(evidence, summary=summary)
    assert json.loads(tables.render(nothing, "reach", "json"))["rows"][0]["tuned_reach_share"] is None
    rows = list(csv.DictReader(io.StringIO(tables.render(nothing, "reach", "csv"))))
    assert rows[0]["tuned_reach_share"] == ""
    assert "n/a" in tables.render(nothing, "reach", "markdown")
    assert "nan" not in tables.render(nothing, "reach", "terminal")


def test_a_setting_without_rows_is_said_not_dropped(evidence):
    summary = evidence.frame("summary")
    partly = changed(evidence, summary=summary[~((summary["setting"] == "tuned") & (summary["optimizer"] == "adam"))])
    line = next(x for x in tables.render(partly, "gaps", "markdown").splitlines() if "adam |" in x)
    assert line.endswith("| n/a | n/a | n/a |")


def test_csv_reads_back(evidence):
    frame = pd.read_csv(io.StringIO(tables.render(evidence, "long", "csv")))
    assert len(frame) == len(evidence.frame("summary"))
    assert frame["gap_median"].max() == np.inf


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", EXTENSIONS)
def test_hostile_names_only_show(evidence, name, form):
    summary = evidence.frame("summary").replace(
        {"optimizer": {"sgd": name}, "problem": {"sphere-10d-i1": f"{name}-10d"}}
    )
    text = tables.render(changed(evidence, summary=summary, run_id=name), "main", form, width=100)
    text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    if form in {"markdown", "latex"}:
        assert "<script>" not in text
        assert "\\input{" not in text.replace("\\textbackslash{}input\\{", "")
    if form == "terminal":
        assert max(len(line) for line in text.splitlines()) <= 100
    if form == "csv":
        for row in csv.reader(io.StringIO(text)):
            assert not any(cell.lstrip().startswith(("=", "+", "@")) for cell in row)
            assert len(row) == len(text.split("\n")[0].split(","))
    if form == "markdown":
        table = [line for line in text.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    if form == "json":
        assert {row["optimizer"] for row in json.loads(text)["rows"]} >= {name}


def test_an_empty_run_gives_a_table_that_says_so(evidence):
    tuning = {name: evidence.frame(name).iloc[:0] for name in (*TUNING, *JUDGED)}
    summary = evidence.frame("summary").iloc[:0]
    empty = changed(evidence, summary=summary, runs=evidence.run.runs.iloc[:0], tuning=tuning)
    for form in EXTENSIONS:
        for kind in KINDS:
            assert "INCOMPLETE 0/21" in tables.render(empty, kind, form) or form == "csv"


def test_the_tuning_table_names_what_tuning_bought_and_cost(evidence):
    line = next(x for x in tables.render(evidence, "tuning", "markdown").splitlines() if "| adam |" in x)
    assert "| 0.050 \\[0.019, 0.092\\] |" in line
    assert line.endswith("| 1.28e5 | 64 | 0/3 |")
    record = next(r for r in json.loads(tables.render(evidence, "tuning", "json"))["rows"] if r["optimizer"] == "adam")
    assert (record["cost"], record["runs"], record["best_of_4"]) == (128000.0, 64.0, 0.15)
    assert "best_of_16" not in record


def test_the_matrix_marks_what_is_clear_and_has_the_intervals_in_machine_formats(evidence):
    text = tables.render(evidence, "matrix", "terminal", width=140)
    line = next(x for x in text.splitlines() if x.startswith("  adam "))
    # sgd, momentum, nag, adagrad, adadelta, rmsprop, adam tuned, against adam untuned
    assert line.split()[1:4:2] == ["+0.09*", "+0.18*"]
    assert line.split()[-2:] == ["+0.06*", "(0.00)"]
    frame = pd.read_csv(io.StringIO(tables.render(evidence, "matrix", "csv")))
    assert len(frame) == 49
    assert frame["low"].lt(0).any()
    clear = (frame["low"] > 0) | (frame["high"] < 0)
    assert text.count("*") == clear.sum() + 1  # and the note


def test_wrong_names_are_reported_together(evidence):
    with pytest.raises(UsageError, match=r"unknown table 'mian'; did you mean 'main'.*\n.*unknown format 'cvs'"):
        tables.render(evidence, "mian", "cvs")


def test_the_ranking_names_both_kinds_of_interval_and_no_winner(evidence):
    text = " ".join(tables.render(evidence, "ranking", "terminal", width=200).split())
    for words in (
        "these problems, new starts", "new problems like these", "confidence set for the best", "No winner is named",
        "Smallest difference that could have been detected", "default 0.020 (pairs: 0.010 to 0.040; "
        "new problems 0.15)", "a = b: paths that coincide", "ref.: reference line",
    ):  # fmt: skip
        assert words in text


def test_a_range_is_not_written_as_an_interval(evidence):
    lines = tables.render(evidence, "ranking", "markdown").splitlines()
    default, tuned = (next(x for x in lines if x.startswith(f"| {setting} |")) for setting in ("default", "tuned"))
    assert "\\[0.500, 0.720\\]" in default
    assert "0.400 to 0.620" in tuned


def test_an_entry_without_all_problems_is_said_to_be_unranked(evidence):
    more = changed(evidence, optimizers={**evidence.manifest["optimizers"], "newton": {"swept": "lr"}})
    assert "Not ranked, since not all 3 problems have their runs: newton." in tables.render(more, "ranking")
    assert "Not ranked" not in tables.render(evidence, "ranking")


def test_every_contrast_stands_under_its_claim_with_its_verdict(evidence):
    lines = tables.render(evidence, "contrasts", "terminal", width=200).splitlines()
    for k, verdict in enumerate(("holds", "fails", "depends", "not run")):
        assert lines[lines.index(f"Claim {k} is so.") + 1].rstrip().endswith(verdict)


def test_the_table_of_wells_stands_at_equal_loss_and_refuses_to_call_depth_a_preference(evidence):
    text = tables.render(evidence, "wells", "markdown")
    lines = [line for line in text.splitlines() if line.startswith("| ") and "| sgd |" in line]
    assert len(lines) == 4
    assert sum("prefers flat" in line for line in lines) == sum("goes to the deeper" in line for line in lines) == 2
    assert "Not compared, since no rate brings its excess loss there: sgd at batch 64." in text.replace("\\", "")
    assert len(json.loads(tables.render(evidence, "wells", "json"))["rows"]) == 54


def test_what_is_not_compared_on_some_problems_alone_is_named_with_them(evidence):
    wells = evidence.frame("wells").copy()
    problem = sorted(wells["problem"].unique())[0]
    batch = wells.loc[wells["problem"] == problem, "batch"].iloc[0]
    other = wells[wells["problem"] == problem].assign(problem="elsewhere", matched=False)
    text = tables.render(changed(evidence, tuning={"wells": pd.concat([wells, other])}), "wells", "json")
    (note,) = (said for said in json.loads(text)["notes"] if said.startswith("Not compared"))
    assert f"sgd at batch {batch:g} on elsewhere" in note
    assert "sgd at batch 64" in note


def test_without_a_control_the_table_of_wells_has_every_rate(evidence):
    alone = evidence.frame("wells").assign(matched=False, excess=np.nan)
    text = tables.render(changed(evidence, tuning={"wells": alone}), "wells", "markdown")
    assert sum("| sgd |" in line for line in text.splitlines()) == 18
    assert "Not compared" not in text


def test_the_table_of_wells_says_how_sharp_the_places_are_where_that_was_measured(evidence):
    plain = tables.render(evidence, "wells", "json")
    assert "curvature" not in plain
    wells = evidence.frame("wells")
    problem = sorted(wells["problem"].unique())[0]
    rows = [
        {"problem": problem, "optimizer": "sgd", "config": 1, "split": split, "name": name, "point": point,
         "other_cell_id": "", "settings": "{}", "estimate": estimate}
        for split, name, point, estimate in (
            ("report", "hessian_top", "last", 9.0), ("report", "hessian_top", "last", 10.0),
            ("report", "hessian_top", "last", 12.0), ("report", "hessian_top", "last", np.nan),
            ("report", "hessian_top", "snapshot", 99.0), ("tune", "hessian_top", "last", 98.0),
            ("report", "hessian_bottom", "last", 97.0),
        )
    ]  # fmt: skip
    with_them = changed(evidence, tuning={"wells": wells, "measured": pd.DataFrame(rows)})
    with_them.__dict__["measures"] = pd.DataFrame(rows)
    table = json.loads(tables.render(with_them, "wells", "json"))
    found = {(row["problem"], row["config"], row["curvature"]) for row in table["rows"]}
    assert (problem, 1, 10.0) in {(name, config, float(value)) for name, config, value in found if value is not None}
    assert sum(value is not None for _, _, value in found) == 1
    assert any(said.startswith("curvature: largest eigenvalue") for said in table["notes"])
    lines = tables.render(with_them, "wells", "markdown").splitlines()
    assert sum("curvature |" in line for line in lines) >= 1


def test_groups_the_worst_problem_and_margins_are_told_in_words(evidence):
    frame = evidence.frame("contrasts").assign(over="mean", margin=0.0, by_group="", refuted_by="")
    frame.loc[0, ["over", "margin"]] = "worst", 0.1
    frame.loc[1, "by_group"] = "a holds, 0.1 [0.05, 0.15]; b fails, -0.1 [-0.15, -0.05]"
    more = changed(evidence, tuning={name: evidence.frame(name) for name in TUNING} | {"contrasts": frame})
    text = " ".join(tables.render(more, "contrasts", "terminal", width=200).split())
    for words in (
        "score, worst", "worst: the smallest difference over the problems", "c0: left may be worse by 0.1;",
        "c1, by group: a holds, 0.1 [0.05, 0.15]; b fails,", "one group of its problems lies above 0 and another below",
    ):  # fmt: skip
        assert words in text
    plain = tables.render(evidence, "contrasts", "terminal", width=200)
    assert not any(words in plain for words in ("worst", "by group", "may be worse"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "main"),
        ({"table": "ert"}, "ert"),
        ({"contrasts": [{"name": "c"}]}, "contrasts"),
        ({"contrasts": [{"name": "c"}], "table": "wells"}, "wells"),
        ({"table": "from a later version"}, "main"),
    ],
)
def test_the_table_of_a_run_answers_the_question_of_its_suite(evidence, said, kind):
    run = changed(evidence, **said)
    assert tables.headline(run) == kind
    assert tables.render(run) == tables.render(run, kind)


def test_main_stands_in_for_a_table_without_rows(evidence):
    empty = {"wells": evidence.frame("wells").iloc[:0]}
    assert tables.headline(changed(evidence, table="wells", tuning=empty)) == "main"


def test_a_suite_may_name_every_kind_of_table():
    names = {"landscapes": LandscapeTable, "networks": NetworkTable, "studies": StudyTable}
    assert {of: list(get_args(known)) for of, known in names.items()} == tables.names()


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
def test_gaps_below_rounding_are_not_written_out(evidence, form):
    summary = evidence.frame("summary").assign(gap_median=3.1e-47, gap_low=-1e-16, gap_high=2.5e-9)
    shown = tables.render(changed(evidence, summary=summary), "gaps", form)
    assert "e-47" not in shown
    below = {"terminal": "<1e-12", "markdown": "&lt;1e-12", "latex": r"\textless{}$1\cdot10^{-12}$"}[form]
    assert below in shown
    assert "not told from zero" in " ".join(shown.split())
    assert "not told from zero" not in " ".join(tables.render(evidence, "gaps", form).split())
    assert "3.1e-47" in tables.render(changed(evidence, summary=summary), "gaps", "json")


def test_a_claim_is_broken_and_not_cut(evidence):
    claim = "Adam is the safe default: untuned it loses at most a tenth of its score to others on any problem."
    judged = {"contrasts": evidence.frame("contrasts").assign(claim=claim)}
    shown = tables.render(changed(evidence, tuning=judged), "contrasts", width=40)
    assert max(map(len, shown.splitlines())) <= 40
    assert claim in " ".join(shown.split())
