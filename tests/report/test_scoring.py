"""Which targets count: what tables and figures say of it, and of runs that have only the first passage."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from optbench.errors import UsageError
from optbench.records import Scoring
from optbench.report import figures, tables
from optbench.report.evidence import Evidence
from optbench.report.figures import landscapes
from optbench.report.figures.landscapes import plane
from tests.analysis.synthetic import make_runs

FAMILIES = {"p1": "a", "p2": "b"}


def stored(tmp_path, **changed):
    """A small run, as the store gives it back; columns or facts of the manifest may be others."""
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"], n_report=6)
    grid = sorted(runs["swept_value"].unique())
    entry = {"swept": "lr", "has_rate": True, "grid": grid}
    manifest |= {
        "optimizers": {"adam": entry, "sgd": entry},
        "run_id": "0f3a",
        "schema_version": 2,
        "units": "normalized",
    }
    manifest |= {key: value for key, value in changed.items() if key != "settled"}
    if "settled" in changed:
        runs["settled"] = changed["settled"]
    return SimpleNamespace(runs=runs, manifest=manifest, path=tmp_path)


def old(tmp_path):
    return stored(tmp_path, settled=None)


def test_settled_targets_are_the_default_and_the_footer_says_so(tmp_path):
    evidence = Evidence(stored(tmp_path))
    assert evidence.scoring is Scoring.SETTLED
    assert evidence.footer.endswith("score: log-time area over settled targets, tuned for the same")
    text = tables.render(evidence, "main", "markdown")
    assert "A target counts as reached when it is settled" in text
    assert "gap: median of (last f" in text


def test_touched_targets_are_said_wherever_they_count(tmp_path):
    run = stored(tmp_path)
    text = tables.render(run, "main", "markdown", score="touched")
    assert "Touched targets: a target counts as reached when f is at or below it once" in text
    assert "gap: median of (best f" in text
    assert "score: log-time area over touched targets, tuned for the same" in text
    for kind in ("ranking", "tuning", "matrix"):
        assert "51 touched targets" in tables.render(run, kind, "markdown", score="touched")
        assert "51 settled targets" in tables.render(run, kind, "markdown")


def test_files_of_figures_of_touched_targets_have_names_of_their_own(tmp_path):
    drawn = figures.draw(stored(tmp_path), ["convergence"], "svg", tmp_path / "out", score="touched")
    assert [path.name for path in drawn] == ["convergence-touched.svg"]
    assert "Best relative gap so far against gradient" in drawn[0].read_text()
    drawn = figures.draw(stored(tmp_path), ["convergence"], "svg", tmp_path / "out")
    assert [path.name for path in drawn] == ["convergence.svg"]
    assert "Relative gap against gradient" in drawn[0].read_text()


def test_an_old_run_is_read_and_says_that_it_has_no_settling_times(tmp_path):
    evidence = Evidence(old(tmp_path))
    assert evidence.scoring is Scoring.TOUCHED
    text = tables.render(evidence, "main", "markdown")
    assert "This run was stored without settling times" in text
    assert "score: log-time area over touched targets (stored without settling times)" in text
    assert set(Evidence(old(tmp_path)).frame("stability")["scoring"]) == {"touched"}
    assert "This run was stored without settling times" in tables.render(evidence, "stability", "markdown")


def test_an_old_run_cannot_be_scored_by_settled_targets(tmp_path):
    message = "run 0f3a, of schema 2, has no settling times; score it by touched targets, or run"
    with pytest.raises(UsageError, match=message):
        tables.render(old(tmp_path), "main", score="settled")


def test_other_scores_are_refused_with_the_nearest_one(tmp_path):
    with pytest.raises(UsageError, match="unknown score 'setled'; did you mean 'settled'"):
        tables.render(stored(tmp_path), "main", score="setled")
    run = stored(tmp_path, kind="networks")
    with pytest.raises(UsageError, match="score is of runs of landscapes, whose targets have times; run 0f3a"):
        tables.render(run, "main", score="settled")


@pytest.mark.parametrize(
    ("grids", "ending"),
    [
        ((3, 3), "tuned for the same"),
        ((2, 2), "tuned for the same, defaults among the candidates"),
        ((2, 3), "tuned for the same, a default off its grid is no candidate"),
    ],
)
def test_the_footer_says_whether_defaults_are_candidates(tmp_path, grids, ending):
    """Three configurations, the last of them the default; where the grid has two, it lies off the grid."""
    run = stored(tmp_path)
    run.runs["is_default"] = run.runs["config"] == 2
    values = sorted(run.runs["swept_value"].unique())
    for name, n in zip(("adam", "sgd"), grids, strict=True):
        run.manifest["optimizers"][name] = {"swept": "lr", "has_rate": True, "grid": values[:n]}
    assert Evidence(run).criterion.endswith(ending)


def test_the_best_gap_stands_beside_the_last_where_the_runs_were_ten_times_nearer(tmp_path):
    run = stored(tmp_path)
    report = (run.runs["split"] == "report") & (run.runs["optimizer"] == "adam")
    run.runs.loc[report, "f_last"] = 3.0 + 2.0 * 0.5
    text = tables.render(run, "main", "markdown")
    lines = {line.split("|")[2].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert "0.50 " in lines["adam"]
    assert "\\] (best " in lines["adam"]
    assert "(best" not in lines["sgd"]
    run.runs.loc[report, "f_last"] = run.runs.loc[report, "f_best"] + 1e-13
    assert "(best" not in tables.render(run, "main", "markdown")


def test_numbers_of_every_table_follow_the_score(tmp_path):
    """One entry passes by all targets and ends where it began: by settled targets it has nothing."""
    run = stored(tmp_path)
    passing = run.runs["optimizer"] == "adam"
    run.runs["settled"] = [
        np.where(hits == 0, 0, -1) if gone else hits for gone, hits in zip(passing, run.runs["hits"], strict=True)
    ]
    run.runs.loc[passing, "f_last"] = run.runs.loc[passing, "f_start"]
    for frame, column in (("gain", "tuned"), ("matrix", "difference"), ("ranking", "score"), ("best_of_k", "score")):
        found = {way: Evidence(run, scoring=way).frame(frame)[column].sum() for way in Scoring}
        assert found["settled"] != pytest.approx(found["touched"], abs=1e-3), frame
    gain = {way: Evidence(run, scoring=way).frame("gain").set_index("optimizer")["tuned"] for way in Scoring}
    assert gain["settled"]["adam"] == 0
    assert gain["touched"]["adam"] > 0.1


def test_what_hangs_on_no_score_does_not_name_one(tmp_path):
    evidence = Evidence(stored(tmp_path))
    assert evidence.criterion not in evidence.source
    assert "settled" not in tables.render(evidence, "theory", "markdown").splitlines()[-1]
    assert json.loads(tables.render(evidence, "stability", "json"))["source"] == evidence.source


@pytest.mark.parametrize(
    ("pictured", "said"),
    [
        (
            "gentle",
            "at the smallest value that scores half of the best on tuning starts, or its default where none works",
        ),
        ("default", "at its default"),
        (None, "at the value that stands beside its name"),
    ],
)
def test_pictures_say_at_which_value_they_were_drawn(tmp_path, pictured, said):
    assert plane.pictured(Evidence(stored(tmp_path, pictured=pictured))) == said


def test_files_of_what_hangs_on_no_score_keep_their_names(tmp_path, monkeypatch):
    page = Figure()
    monkeypatch.setattr(figures, "_pages", lambda evidence, kind, setting: [page])
    kinds = ["ranks", *sorted(landscapes.UNSCORED)]
    drawn = figures.draw(stored(tmp_path), kinds, "svg", tmp_path / "out", score="touched")
    assert [path.stem for path in drawn] == ["ranks-touched", *sorted(landscapes.UNSCORED)]


def test_figures_of_rates_say_their_units(tmp_path):
    said = "Rates are in normalized units: every box is 10 wide, and f is in units of f_scale."
    for units, expected in (("normalized", said), ("raw", "")):
        evidence = Evidence(stored(tmp_path, units=units))
        assert plane.units(evidence) == expected
        (page,) = figures.drawn(evidence, "sensitivity")
        words = " ".join(text.get_text().replace("\n", " ") for text in page.findobj(Text))
        assert (said[:30] in words) == bool(expected)
