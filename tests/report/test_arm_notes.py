"""What stands under the table of arms, and on the page: correlations of each arm, and what a factorial says."""

from __future__ import annotations

import json
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from optbench.report import style, tables
from optbench.report.evidence import Evidence
from optbench.report.figures.networks import sharpness_gap
from tests import arms, batch_sizes, factorials
from tests.analysis.test_batch_sizes import one


@pytest.fixture(scope="module")
def run():
    return Evidence.of(factorials.run(noise=0.02))


def notes(run):
    return json.loads(tables.render(run, "arms", "json"))["notes"]


def said(row, name, scale=1.0):
    """Returns a slope as it is written."""
    digits = 1 if scale > 1 else 2
    low, middle, high = (f"{scale * row[f'{name}{end}']:+.{digits}f}" for end in ("_low", "", "_high"))
    return f"{middle} [{low}, {high}]"


def test_slopes_stand_below_the_table_at_both_places(run):
    frame, found = run.frame("arm_factorial"), notes(run)
    assert sum("a factorial of 3 rates and 3 batch sizes" in note for note in found) == 1
    for level, place in ((0.1, "training loss 0.1"), (None, "end of the runs")):
        (line,) = (note for note in found if note.startswith(f"Factorial, {place}: "))
        for outcome, title, scale in (("test", "test accuracy", 100), ("top", "top eigenvalue", 1)):
            row = one(frame, level=level, outcome=outcome)
            parts = ", ".join(f"{name} {said(row, name, scale)}" for name in ("batch", "rate", "both"))
            assert f"{title} {parts} (12 of 12 replicates)" in line


def test_what_no_replicate_has_in_all_cells_is_said(run):
    lost = run.measures[~run.measures["cell_id"].str.startswith("0.2-320-") | (run.measures["measure"] != "keskar")]
    bare = SimpleNamespace(runs=run.run.runs, measures=lost, manifest=run.manifest, path=None)
    (line,) = (note for note in notes(bare) if note.startswith("Factorial, training loss"))
    assert "Keskar's metric no replicate has a number in all cells (0 of 12 replicates)" in line


def test_each_arm_has_its_correlations_below_the_table(run):
    frame = run.frame("arm_correlations")
    for level, place in ((0.1, "training loss 0.1"), (None, "end of the runs")):
        (line,) = (note for note in notes(run) if note.startswith(f"rho, {place}: "))
        assert line.count("networks)") == 1 + len(factorials.RATES)
        for arm, title in (("", "all arms"), ("rate-0.05", "rate 0.05")):
            rows = [one(frame, arm=arm, level=level, measure=name) for name in ("keskar", "hessian_top")]
            parts = ["{:+.2f} [{:+.2f}, {:+.2f}]".format(*row[["rho", "low", "high"]]) for row in rows]
            n = rows[0]["n_runs"]
            assert f"{title}: Keskar's metric {parts[0]}, top eigenvalue {parts[1]} ({n} networks)" in line


def test_other_numbers_of_networks_are_named():
    run = arms.run()
    cells = set(run.runs[run.runs["seed"] == 2]["cell_id"])
    run.measures.loc[run.measures["cell_id"].isin(cells) & (run.measures["measure"] == "keskar"), "estimate"] = np.nan
    (line,) = (note for note in notes(run) if note.startswith("rho, end of the runs"))
    assert "constant rate: Keskar's metric" in line
    assert "(14 and 16 networks)" in line


def test_a_run_of_one_arm_or_of_no_factorial_has_no_such_notes():
    alone = notes(arms.run(arms=arms.arms()[:1]))
    assert not [note for note in alone if note.startswith(("rho", "Factorial"))]
    assert not [note for note in notes(arms.run()) if "factorial" in note.lower()]
    unmeasured = arms.run()
    unmeasured.measures = unmeasured.measures.iloc[:0]
    assert not [note for note in notes(unmeasured) if note.startswith("rho")]


def test_the_page_says_each_arm_and_what_the_factorial_shows(run):
    found = " ".join(batch_sizes.findings([run.run]).split())
    row = one(run.frame("arm_factorial"), level=0.1, outcome="keskar")
    parts = ", ".join(f"{name} {said(row, name)}" for name in ("batch", "rate", "both"))
    assert "- **Rate and batch size apart** at a training loss of 0.1, 3 rates by 3 batch sizes; batch: change" in found
    assert f"Keskar's metric, in log2: {parts} (12 of 12 replicates), no change at a fixed ratio is shown" in found
    assert "it changes at a fixed ratio" in found
    frame = run.frame("arm_correlations")
    pooled, within = (one(frame, level=0.1, measure="keskar", arm=arm)["rho"] for arm in ("", "rate-0.2"))
    assert "Spearman's rank correlation over 108 networks of all arms: top eigenvalue" in found
    assert f", Keskar's metric {pooled:+.2f} [" in found
    assert f" - rate 0.2: Keskar's metric {within:+.2f} [" in found
    assert "dtype" not in found


def test_the_page_of_one_arm_has_neither():
    found = batch_sizes.findings([arms.run(arms=arms.arms()[:1])])
    assert "all arms" not in found
    assert "Rate and batch size apart" not in found
    assert found.count("  - ") == 0


def test_the_figure_says_where_the_correlations_of_arms_are(run):
    words = "The notes of the table 'arms' have it for each arm alone."
    with mpl.rc_context({**mpl.rcParamsDefault, **style.RC, "backend": "agg"}):
        for several, shown in ((True, run), (False, Evidence.of(arms.run(arms=arms.arms()[:1])))):
            page = sharpness_gap.draw(shown, "default")[0]
            texts = " ".join(text.get_text() for text in page.findobj(mpl.text.Text)).replace("\n", " ")
            assert (words in texts) == several
