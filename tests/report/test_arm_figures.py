"""Figures of runs with arms: what they draw, what they say, and when there is nothing to draw."""

from __future__ import annotations

import importlib
import itertools
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from optbench.errors import DataError
from optbench.report import figures, style
from optbench.report.chosen import chosen
from optbench.report.evidence import Evidence
from optbench.report.figures.networks import arm_panels
from tests import arms, networks

KINDS = ("batch_size", "levels", "sharpness_gap", "warm_start")


@pytest.fixture(scope="module")
def run():
    return Evidence.of(arms.run())


def changed(run, runs=None, measures=None, **manifest):
    """Returns the run with other rows or manifest entries."""
    runs, measures = run.run.runs if runs is None else runs, run.measures if measures is None else measures
    return Evidence.of(SimpleNamespace(runs=runs, measures=measures, manifest={**run.manifest, **manifest}, path=None))


def drawn(run, kind):
    """Returns the pages of a kind."""
    with mpl.rc_context({**mpl.rcParamsDefault, **style.RC, "backend": "agg"}):
        return importlib.import_module(f"optbench.report.figures.networks.{kind}").draw(run, "tuned")


def texts(run, kind):
    return " ".join(" ".join(t.get_text() for t in page.findobj(mpl.text.Text)) for page in drawn(run, kind))


def panel(page, title):
    (found,) = (ax for ax in page.axes if title in (ax.get_title(loc="left"), ax.get_title()))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_picture_with_ink(run, kind, tmp_path):
    paths = figures.draw(run, [kind], "png", tmp_path)
    assert [path.name for path in paths] == [f"{kind}.png", f"{kind}-2.png"]
    for path in paths:
        pixels = mpl.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1440
        assert (pixels.min(axis=-1) < 0.9).mean() > 0.01


@pytest.mark.parametrize("form", figures.FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_give_the_same_bytes_in_any_order(run, kind, form, tmp_path):
    shuffled = changed(run, run.run.runs.sample(frac=1, random_state=5), run.measures.sample(frac=1, random_state=6))
    first = figures.draw(run, [kind], form, tmp_path / "a")
    second = figures.draw(shuffled, [kind], form, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_footer_watermark_precision_and_absent_tasks(run, kind):
    absent = {"mnist-lenet": "mnist is not downloaded"}
    shown = texts(changed(run, n_cells=999, dtype="bfloat16", absent=absent, size="quick"), kind)
    for words in (
        "optbench 0.1.0 · suite networks v1 · run 0123456789abcdef", "INCOMPLETE 80/999", "(bfloat16)",
        "Not in this run: mnist-lenet (mnist is not downloaded).", "Quick size of the suite, no evidence.",
    ):  # fmt: skip
        assert words in shown


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_the_page_and_no_labels_overlap(run, kind):
    with mpl.rc_context({**mpl.rcParamsDefault, **style.RC, "backend": "agg"}):
        for page in importlib.import_module(f"optbench.report.figures.networks.{kind}").draw(run, "tuned"):
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_arms_has_none(run, kind, tmp_path):
    with pytest.raises(DataError, match=f"{kind}: the run has nothing to draw; it needs "):
        figures.draw(networks.run(), [kind], "svg", tmp_path)
    assert drawn(changed(run, run.run.runs.iloc[:0], run.measures.iloc[:0]), kind) == []


def test_lines_against_the_batch_size_are_those_of_the_frame(run):
    first, last = drawn(run, "batch_size")
    looks = arm_panels.arm_looks(run)
    for page, level in ((first, 0.1), (last, np.nan)):
        frame = arm_panels.at(run.frame("arm_levels"), level)
        for title, name, scale in (("gap, points", "gap", 100.0), ("top eigenvalue", "hessian_top", 1.0)):
            rows = frame[(frame["arm"] == "equal-updates") & (frame["quantity"] == name)].sort_values("batch_size")
            (line,) = (x for x in panel(page, title).lines
                       if x.get_color() == looks["equal-updates"].color and len(x.get_xdata()) == 3)  # fmt: skip
            assert line.get_ydata() == pytest.approx(scale * rows["estimate"].to_numpy())
            assert line.get_xdata() == pytest.approx([20, 100, 400], rel=0.1)


def test_bars_are_the_intervals(run):
    (page, _) = drawn(run, "batch_size")
    frame = arm_panels.at(run.frame("arm_levels"), 0.1)
    row = frame[(frame["arm"] == "constant") & (frame["quantity"] == "keskar") & (frame["batch_size"] == 400)].iloc[0]
    bars = [
        x.get_ydata()
        for x in panel(page, "keskar (eps 0.001, subspace 0)").lines
        if x.get_color() == "#000000" and len(x.get_xdata()) == 2
    ]
    assert any(np.allclose(bar, [row["low"], row["high"]]) for bar in bars)


def test_more_arms_than_a_page_holds_are_cut_with_the_primary_one_on_each(run):
    first = arms.arms()[0]
    many = [first, *({**first, "name": f"arm-{k}", "title": f"arm {k}", "is_primary": False} for k in range(9))]
    pages = drawn(changed(run, arms=many), "batch_size")
    assert len(pages) == 4
    for page in pages:
        legend = [text.get_text() for text in page.legends[0].get_texts()]
        assert legend[0] == "constant rate"
        assert len(legend) <= 7


def test_arms_look_unlike_each_other(run):
    looks = arm_panels.arm_looks(run)
    assert len(set(looks.values())) == len(looks)
    assert looks["constant"].color == "#000000"


def test_what_does_not_enter_is_named(run):
    shown = texts(run, "batch_size")
    assert "8 replicates of each batch size. Not all of them enter: adam at 400: 6 of 8." in shown


def test_levels_have_a_row_for_each_arm_and_a_hollow_end(run):
    pages = drawn(run, "levels")
    shown = [text.get_text() for page in pages for text in page.findobj(mpl.text.Text)]
    for title in ("constant rate", "equal updates", "Adam", "warm start, 10 epochs"):
        assert title in shown
    ax = pages[0].axes[0]
    frame = run.frame("arm_levels")
    mine = frame[(frame["arm"] == "constant") & (frame["batch_size"] == 20) & (frame["quantity"] == "test_accuracy")]
    color = arm_panels.size_looks([20, 100, 400])[20].color
    line = next(x for x in ax.lines if x.get_color() == color and len(x.get_xdata()) == 3)
    assert line.get_ydata() == pytest.approx(100 * mine[mine["level"].notna()]["estimate"].to_numpy())
    (hollow,) = (x for x in ax.lines if x.get_color() == color and x.get_markerfacecolor() == "white")
    assert hollow.get_ydata()[0] == pytest.approx(100 * mine[mine["level"].isna()]["estimate"].iloc[0])
    assert ax.get_xlim()[0] > ax.get_xlim()[1]


def test_every_network_is_a_dot_and_the_correlation_stands_above(run):
    (page, _) = drawn(run, "sharpness_gap")
    ax = panel(page, "top eigenvalue")
    frame = arm_panels.at(run.frame("arm_gaps"), 0.1)
    mine = frame[frame["measure"] == "hessian_top"]
    assert sum(len(x.get_xdata()) for x in ax.lines) == len(mine)
    found = arm_panels.at(run.frame("arm_correlations"), 0.1).query("arm == ''").set_index("measure").loc["hessian_top"]
    said = f"rho {found['rho']:.2f} [{found['low']:.2f}, {found['high']:.2f}], {len(mine)} networks"
    assert said in [text.get_text() for text in ax.texts]


def test_a_part_of_the_run_shows_its_dots_and_the_correlation_of_the_whole(run):
    part = chosen(run, optimizers=["adam"])
    (page, _) = drawn(part, "sharpness_gap")
    ax = panel(page, "keskar (eps 0.001, subspace 0)")
    assert sum(len(x.get_xdata()) for x in ax.lines) == 8 + 6
    assert any("78 networks" in text.get_text() for text in ax.texts)


def test_rescaled_networks_are_no_dots(run):
    assert "rescale" not in texts(run, "sharpness_gap")


def test_warm_starts_stand_at_their_epochs_beside_the_small_batch(run):
    end, level = drawn(run, "warm_start")
    for page, at in ((end, np.nan), (level, 0.1)):
        frame = arm_panels.at(run.frame("arm_warm_starts"), at)
        mine = frame[frame["quantity"] == "test_accuracy"]
        ax = panel(page, "test accuracy, %")
        line = next(x for x in ax.lines if len(x.get_xdata()) == 1 + len(arms.WARM))
        assert list(line.get_xdata()) == [0, *arms.WARM]
        assert line.get_ydata() == pytest.approx(100 * mine[mine["epochs"].notna()]["estimate"].to_numpy())
        small = 100 * mine[mine["epochs"].isna()]["estimate"].iloc[0]
        assert any(np.allclose(x.get_ydata(), small) and x.get_linestyle() == "--" for x in ax.lines)


def test_a_shared_test_set_is_named(run):
    tasks = {label: {**task, "shares_test": True} for label, task in run.manifest["tasks"].items()}
    for kind in KINDS:
        assert "are for this test set" in texts(changed(run, tasks=tasks), kind).replace("\n", " ")


def test_a_loss_that_is_not_the_cross_entropy_is_named(run):
    tasks = {label: {**task, "loss": "squared"} for label, task in run.manifest["tasks"].items()}
    for kind in KINDS:
        assert "squared" not in texts(run, kind)
        shown = texts(changed(run, tasks=tasks), kind).replace("\n", " ")
        assert "Loss: mean of half the squared error, in squared logits." in shown


def test_without_measures_scores_are_drawn(run):
    bare = changed(run, measures=run.measures.iloc[:0])
    assert len(drawn(bare, "batch_size")[0].axes) == 2
    assert drawn(bare, "sharpness_gap") == []
    assert drawn(bare, "warm_start")


def test_batch_sizes_of_arms_share_an_axis_of_accuracies(run):
    limits = {ax.get_xlim() for page in drawn(run, "gap") for ax in page.axes if ax.get_title(loc="left")}
    assert len(limits) == 1
