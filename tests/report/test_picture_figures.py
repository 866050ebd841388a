"""Figures of the loss around, between and along the ends of runs: what they draw, what they say."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from optbench.errors import DataError
from optbench.report import figures, style
from optbench.report.evidence import Evidence
from optbench.report.figures.measures import contours
from tests import networks, pictured

KINDS = ("landscape", "interpolation", "path")


@pytest.fixture(scope="module")
def stored():
    rules, tasks = ("sgd", "adadelta", "adam"), ("digits-lenet", "digits-mlp")
    return pictured.run(networks.synthetic(tasks=tasks, optimizers=rules))


@pytest.fixture(scope="module")
def run(stored):
    return Evidence.of(stored)


def changed(stored, measures=None, **manifest):
    measures = stored.measures if measures is None else measures
    return SimpleNamespace(
        runs=stored.runs, measures=measures, manifest={**stored.manifest, **manifest}, path=stored.path
    )


def drawn(run, kind, setting="tuned"):
    module = importlib.import_module(f"optbench.report.figures.measures.{kind}")
    return figures.styled(lambda: module.draw(Evidence.of(run), setting))


def texts(pages):
    return " ".join(" ".join(t.get_text() for t in page.findobj(mpl.text.Text)) for page in pages).replace("\n", " ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_picture_with_ink(run, kind, tmp_path):
    for path in figures.draw(run, [kind], "png", tmp_path):
        pixels = mpl.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1440
        assert (pixels.min(axis=-1) < 0.9).mean() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_give_the_same_bytes_in_any_order(stored, run, kind, tmp_path):
    shuffled = changed(stored, stored.measures.sample(frac=1, random_state=5))
    for form in figures.FORMATS if kind == "path" else ["png"]:
        first = figures.draw(run, [kind], form, tmp_path / "a")
        second = figures.draw(shuffled, [kind], form, tmp_path / "b")
        assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_footer_watermark_and_the_note_of_a_quick_size(stored, run, kind):
    absent = {"mnist-lenet": "mnist is not downloaded"}
    shown = texts(drawn(changed(stored, n_cells=999, size="quick", absent=absent), kind))
    assert "optbench 0.1.0 · suite networks v1 · run 0123456789abcdef · jax 0.10.2 cpu(2)" in shown
    assert f"INCOMPLETE {len(stored.runs)}/999" in shown
    assert "Not in this run: mnist-lenet (mnist is not downloaded)." in shown
    assert "Quick size of the suite, no evidence." in shown
    assert "Quick" not in texts(drawn(run, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_the_page(run, kind):
    module = importlib.import_module(f"optbench.report.figures.measures.{kind}")

    def check():
        for page in module.draw(run, "tuned"):
            FigureCanvasAgg(page).draw()
            for text in page.findobj(mpl.text.Text):
                if text.get_text().strip() and text.get_visible():
                    box = text.get_window_extent()
                    assert box.x0 >= -1, text.get_text()
                    assert box.x1 <= page.bbox.x1 + 1, text.get_text()

    figures.styled(check)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_such_measures_has_no_such_figure(stored, kind, tmp_path):
    for measures in (stored.measures[stored.measures["measure"] == "none"], stored.measures.assign(status="error")):
        with pytest.raises(DataError, match=f"{kind}: the run has nothing to draw; it needs the measure"):
            figures.draw(changed(stored, measures), [kind], "svg", tmp_path)


def test_lines_are_medians_over_the_seeds(stored):
    page = drawn(stored, "landscape")[0]
    assert [ax.get_title(loc="left") for ax in page.axes if ax.get_title(loc="left")] == ["digits-lenet", "digits-mlp"]
    rows = stored.measures.merge(stored.runs[["cell_id", "task", "optimizer", "is_default", "seed"]], on="cell_id")
    rows = rows[(rows["measure"] == "landscape_1d") & (rows["task"] == "digits-lenet") & (rows["optimizer"] == "adam")]
    page = drawn(stored, "landscape", "default")[0]
    values = np.stack([*rows[rows["is_default"]]["values"]])
    assert len(values) == 3
    (curve,) = (x for x in page.axes[0].lines if x.get_color() == style.look("adam").color)
    np.testing.assert_allclose(curve.get_ydata(), np.median(values, axis=0))
    np.testing.assert_allclose(curve.get_xdata(), pictured.STEPS)
    assert page.axes[0].get_yscale() == "log"
    assert "setting: default" in texts([page])
    assert "each filter as long as the network's own" in texts([page])


def test_planes_are_those_of_the_run_with_the_median_rise_with_the_first_direction_to_the_right(stored):
    pages = drawn(stored, "landscape")
    assert len(pages) == 2
    ax = pages[1].axes[0]
    assert ax.get_aspect() == 1.0
    # Estimates are the seeds, and that of seed 1 has its lowest point at 0.2 along the first direction.
    assert "seed 1, loss 0.10" in texts([pages[1]])
    (star,) = (x for x in ax.lines if x.get_marker() == "*")
    (diamond,) = (x for x in ax.lines if x.get_marker() == "D")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (0, 0)
    assert (diamond.get_xdata()[0], diamond.get_ydata()[0]) == pytest.approx((0.2, 0.0))


def test_between_two_solutions_stand_losses_accuracies_and_the_barrier(stored):
    (page, *_) = drawn(stored, "interpolation", "default")
    losses, accuracies = page.axes[:2]
    curves = [x for x in losses.lines if len(x.get_xdata()) == len(pictured.ALPHAS)]
    assert [x.get_linestyle() for x in curves] == ["-", "--"]
    middle = 0.01 + 3.2 * (pictured.ALPHAS * (1 - pictured.ALPHAS)) ** 2
    np.testing.assert_allclose(curves[0].get_ydata(), middle)
    np.testing.assert_allclose(curves[1].get_ydata(), middle + 0.2)
    np.testing.assert_allclose(accuracies.lines[0].get_ydata(), 100 * np.clip(1 - 0.2 * middle, 0.1, 1))
    said = texts([page])
    assert "barrier 0.20" in said
    assert "Batch normalization: statistics of the training examples, recomputed at each point." in said
    assert "digits-lenet: adadelta to adam" in said
    assert {"adadelta", "adam"} <= {text.get_text() for text in losses.texts}


def test_a_path_says_which_share_its_directions_hold(stored):
    (page, *_) = drawn(stored, "path", "default")
    ax = page.axes[0]
    # Of three seeds the middle one's share is 0.97.
    assert ax.get_xlabel() == "1st direction, 89.0 % of variance"
    assert ax.get_ylabel() == "2nd direction, 8.0 % of variance"
    way = json.loads(stored.measures[stored.measures["measure"] == "path"].iloc[0]["details"])
    dots = next(x for x in ax.lines if x.get_marker() == "o")
    np.testing.assert_allclose(dots.get_xdata(), way["x"])
    np.testing.assert_allclose(dots.get_ydata(), way["y"])
    assert ax.get_aspect() == 1.0
    assert "a random walk in many dimensions has 61 % and 15 %" in texts([page])


def test_a_path_without_a_plane_is_drawn_alone(stored):
    def bare(details):
        return json.dumps({key: value for key, value in json.loads(details).items() if key != "shape"})

    rows = stored.measures[stored.measures["measure"] == "path"]
    rows = rows.assign(details=rows["details"].map(bare), grid=[np.empty(0)] * len(rows))
    rows["values"] = [np.empty(0)] * len(rows)
    (page, *_) = drawn(changed(stored, rows), "path")
    assert not page.axes[0].collections
    assert "loss" not in {ax.get_title(loc="left") for ax in page.axes}


def test_levels_are_ratios_apart_and_differences_where_a_loss_is_not_positive():
    assert contours.scale_of([np.array([0.011, 40.0])]).levels.tolist() == [
        *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
    ]
    wide = contours.scale_of([np.array([1e-30, 1.0]), np.array([np.inf, 2.0])])
    assert wide.levels[0] == pytest.approx(1e-6, rel=1)
    assert wide.levels[-1] >= 2.0
    near = contours.scale_of([np.array([1.0, 1.5])])
    assert (near.levels[0], near.levels[-1]) == pytest.approx((1.0, 1.5))
    assert (np.diff(near.levels) > 0).all()
    below = contours.scale_of([np.array([-1.0, 3.0])])
    assert not below.is_log
    assert (below.levels[0], below.levels[-1]) == (-1.0, 3.0)
    flat = contours.scale_of([np.zeros((3, 3))])
    assert (np.diff(flat.levels) > 0).all()


@pytest.mark.parametrize(("low", "high", "first"), [(2.06, 2.6, "2.06"), (0.01, 40.0, "0.01"), (-1.0, 3.0, "-1")])
def test_no_two_levels_of_a_scale_have_the_same_label(low, high, first):
    figure = Figure()
    contours.bar(figure, (0.9, 0.1, 0.02, 0.8), contours.scale_of([np.array([low, high])]), "loss")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == first
    assert len(set(labels)) == len(labels) > 5
