"""Figures of runs of studies: what they draw, what they say, and what they refuse."""

from __future__ import annotations

import importlib
import itertools
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from optbench.errors import DataError, UsageError
from optbench.report import figures, style
from optbench.report.chosen import chosen
from optbench.report.evidence import Evidence
from optbench.report.figures.studies import FIGURES, sheets
from tests import studied
from tests.report.conftest import same_bytes

KINDS = list(FIGURES)


def made(runs=None, **manifest):
    runs = studied.runs() if runs is None else runs
    return Evidence.of(SimpleNamespace(runs=runs, manifest=studied.manifest(**manifest), path=None))


@pytest.fixture(scope="module")
def run():
    return made()


def drawn(run, kind):
    with mpl.rc_context():
        return importlib.import_module(f"optbench.report.figures.studies.{kind}").draw(run, "tuned")


def texts(run, kind):
    pages = drawn(run, kind)
    return " ".join(" ".join(t.get_text() for t in page.findobj(mpl.text.Text)) for page in pages).replace("\n", " ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_picture_with_ink(run, kind, tmp_path):
    paths = figures.draw(run, [kind], "png", tmp_path)
    assert paths[0] == tmp_path / f"{kind}.png"
    for path in paths:
        pixels = mpl.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1440
        assert (pixels.min(axis=-1) < 0.9).mean() > 0.01


@pytest.mark.parametrize(("kind", "form"), same_bytes(FIGURES))
def test_the_same_rows_give_the_same_bytes_in_any_order(run, kind, form, tmp_path):
    shuffled = made(run.run.runs.sample(frac=1, random_state=5))
    first = figures.draw(run, [kind], form, tmp_path / "a")
    second = figures.draw(shuffled, [kind], form, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_footer_watermark_and_size(run, kind):
    other = made(run.run.runs, n_cells=999, size="quick")
    shown = texts(other, kind)
    assert "optbench 0.0 · suite made v1 · run 0123456789abcdef · jax 0.10 cpu(2)" in shown
    assert f"INCOMPLETE {len(run.run.runs)}/999" in shown
    assert "Quick size of the suite, no evidence." in shown
    assert "95 % intervals" in shown
    assert "Quick" not in texts(run, kind).split()


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_the_page_and_no_labels_overlap(run, kind):
    with mpl.rc_context({**mpl.rcParamsDefault, **style.RC, "backend": "agg"}):
        for page in drawn(run, kind):
            page.canvas.draw()
            for text in page.findobj(mpl.text.Text):
                if text.get_text().strip() and text.get_visible() and text.get_rotation() == 0:
                    box = text.get_window_extent()
                    assert box.x0 >= -1, text.get_text()
                    assert box.x1 <= page.bbox.x1 + 1, text.get_text()
            for ax in page.axes:
                boxes = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
                boxes = sorted((b for b in boxes if ax.bbox.x0 <= (b.x0 + b.x1) / 2 <= ax.bbox.x1), key=lambda b: b.x0)
                assert all(right.x0 >= left.x1 - 1 for left, right in itertools.pairwise(boxes))


def test_the_stacked_parts_end_at_the_error(run):
    (page,) = drawn(run, "decomposition")
    frame = run.frame("decomposition")
    for ax, loss in zip(page.axes, ("Brier", "0-1"), strict=True):
        rows = frame[frame["loss"] == loss]
        tops = [patch.get_y() + patch.get_height() for patch in ax.patches[len(rows) :]]
        assert tops == pytest.approx(rows["error"].to_list(), abs=1e-9)


def test_the_closed_form_is_drawn_beside_the_marks(run):
    (page,) = drawn(run, "regression")
    (ax,) = page.axes
    rows = run.frame("decomposition")
    rows = rows[rows["loss"] == "squared"]
    line, marks = (x for x in ax.lines if x.get_color() == sheets.ORANGE)
    assert line.get_ydata() == pytest.approx(rows["closed_variance"].to_numpy())
    assert marks.get_ydata() == pytest.approx(rows["variance"].to_numpy())
    assert marks.get_ydata() == pytest.approx(line.get_ydata(), rel=0.3)


def test_ensembles_draw_every_number_of_members_beside_the_single_model(run):
    (page,) = drawn(run, "ensembles")
    frame = run.frame("ensembles")
    own = frame[(frame["study"] == "bag") & (frame["way"] == "average")]
    accuracy = next(x for x in page.axes[0].lines if x.get_color() == sheets.BLUE)
    assert accuracy.get_ydata() == pytest.approx(100 * own["accuracy"].to_numpy())
    assert page.axes[0].lines[0].get_ydata()[0] == pytest.approx(100 * own["single"].iloc[0])
    gain = next(x for x in page.axes[1].lines if x.get_color() == sheets.BLUE)
    assert gain.get_ydata() == pytest.approx(100 * own["gain"].to_numpy())


def test_a_single_replicate_is_drawn_without_intervals():
    alone = made(studied.runs(1), seeds=1)
    (page,) = drawn(alone, "ensembles")
    assert all(len(c.get_segments()) == 0 for ax in page.axes for c in ax.collections if hasattr(c, "get_segments"))
    for kind in KINDS:
        assert "A single replicate says nothing of others" in texts(alone, kind)


def test_a_curve_whose_median_is_lost_ends_there(run):
    runs = run.run.runs.copy()
    for number in np.flatnonzero(runs["study"] == "learn")[:3]:
        runs.at[number, "status"] = "diverged"
        for name in ("train_loss", "test_loss"):
            runs.at[number, f"curve_{name}"] = np.array([1.4, 2.0, np.inf, np.inf], np.float32)
    pages = drawn(made(runs), "curves")
    line = next(x for x in pages[0].axes[0].lines if x.get_color() == sheets.RED)
    assert len(line.get_xdata()) == 2


def test_some_studies_alone_are_drawn_and_the_footer_says_so(run, tmp_path):
    shown = chosen(run, problems=["fit"])
    assert [path.name for path in figures.draw(shown, ["regression"], "svg", tmp_path)] == ["regression-chosen.svg"]
    assert "shown: 1 of 7 studies" in texts(shown, "regression")
    with pytest.raises(UsageError, match="unknown study of this run 'fitt'; did you mean 'fit'"):
        chosen(run, problems=["fitt"])


def test_a_run_without_such_a_study_has_nothing_to_draw(run, tmp_path):
    some = made(run.run.runs[run.run.runs["study"] == "fit"])
    with pytest.raises(DataError, match="reliability: the run has nothing to draw; it needs studies of bootstrap or"):
        figures.draw(some, ["reliability"], "svg", tmp_path)
    assert [path.name for path in figures.draw(some, None, "svg", tmp_path)] == ["regression.svg"]


def test_what_is_varied_is_written_in_words():
    assert sheets.factor(pd.DataFrame({"factor": ["batch_size"]})) == "batch size"
    assert sheets.factor(pd.DataFrame({"factor": ["degree"]})) == "degree"
