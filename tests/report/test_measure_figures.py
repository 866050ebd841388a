"""Figures of what was measured: what they draw, what they say, and what they need."""

from __future__ import annotations

import importlib
import itertools
import json
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import optbench as ob
from optbench.errors import DataError
from optbench.records.measures import ROWS
from optbench.report import figures, style
from optbench.report.evidence import Evidence
from optbench.report.figures.measures import FIGURES, density, pictured, sharpness, spectrum
from tests import measured, networks
from tests.report.conftest import same_bytes
from tests.report.hostile import HOSTILE

KINDS = ["sharpness", "spectrum"]


@pytest.fixture(scope="module")
def run():
    tasks = ("digits-lenet", "digits-mlp")
    return Evidence.of(measured.network_run(networks.synthetic(6, tasks=tasks, optimizers=("sgd", "adam", "adadelta"))))


@pytest.fixture(scope="module")
def factorial():
    return Evidence.of(measured.factorial_run())


def changed(run, measures=None, **manifest):
    rows = run.run.measures if measures is None else measures
    return SimpleNamespace(runs=run.run.runs, measures=rows, manifest={**run.run.manifest, **manifest}, path=None)


def drawn(run, kind, setting="tuned"):
    with mpl.rc_context({**mpl.rcParamsDefault, **style.RC, "backend": "agg"}):
        return importlib.import_module(f"optbench.report.figures.measures.{kind}").draw(Evidence.of(run), setting)


def texts(run, kind, setting="tuned"):
    pages = drawn(run, kind, setting)
    return " ".join(" ".join(t.get_text() for t in page.findobj(mpl.text.Text)) for page in pages).replace("\n", " ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_pictures_with_ink(run, kind, tmp_path):
    paths = figures.draw(run, [kind], "png", tmp_path)
    assert paths[0] == tmp_path / f"{kind}.png"
    for path in paths:
        pixels = mpl.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1440
        assert (pixels.min(axis=-1) < 0.9).mean() > 0.01


@pytest.mark.parametrize(("kind", "form"), same_bytes(KINDS))
def test_the_same_rows_give_the_same_bytes_in_any_order(factorial, kind, form, tmp_path):
    shuffled = changed(factorial, factorial.run.measures.sample(frac=1, random_state=5))
    shuffled.runs = factorial.run.runs.sample(frac=1, random_state=6)
    first = figures.draw(factorial, [kind], form, tmp_path / "a")
    second = figures.draw(shuffled, [kind], form, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_footer_watermark_precision_and_absent_tasks(factorial, kind):
    absent = {"mnist-lenet": "mnist is not downloaded"}
    shown = texts(changed(factorial, n_cells=999, dtype="bfloat16", absent=absent, size="quick"), kind)
    assert "optbench 0.1.0 · suite networks v1 · run 0123456789abcdef · jax 0.10.2 cpu(2) · dtype bfloat16" in shown
    assert f"INCOMPLETE {len(factorial.run.runs)}/999" in shown
    assert "(bfloat16)" in shown
    assert "Not in this run: mnist-lenet (mnist is not downloaded)." in shown
    assert "Quick size of the suite, no evidence." in shown
    assert "batch normalization by its running statistics" in shown


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_the_page_and_no_labels_overlap(run, factorial, kind):
    for page in (*drawn(run, kind), *drawn(factorial, kind)):
        page.canvas.draw()
        for text in page.findobj(mpl.text.Text):
            if text.get_text().strip() and text.get_visible() and text.get_rotation() == 0:
                box = text.get_window_extent()
                assert box.x0 >= -1, text.get_text()
                assert box.x1 <= page.bbox.x1 + 1, text.get_text()
        for ax in page.axes:
            boxes = [t.get_window_extent() for t in ax.get_yticklabels() if t.get_text()]
            boxes = sorted((b for b in boxes if ax.bbox.y0 <= (b.y0 + b.y1) / 2 <= ax.bbox.y1), key=lambda b: b.y0)
            assert all(upper.y0 >= lower.y1 - 1 for lower, upper in itertools.pairwise(boxes))


def test_each_batch_size_has_a_panel_with_runs_and_medians(factorial):
    page = drawn(factorial, "sharpness")[0]
    assert len(page.axes) == sharpness.MOST_ROWS * len(measured.SIZES)
    frame = factorial.frame("sharpness")
    for ax, size in zip(page.axes[:2], measured.SIZES, strict=True):
        for rule in ("sgd", "adam"):
            color = style.look(rule).color
            dots, line = (x for x in ax.lines if x.get_color() == color)
            assert len(dots.get_xdata()) == 6 * len(measured.RATES)
            wanted = frame[(frame["measure"] == "top") & (frame["batch"] == size) & (frame["rule"] == rule)]
            assert list(line.get_ydata()) == pytest.approx(list(wanted.sort_values("swept_value")["estimate"]))


def test_the_edge_of_stability_is_twice_the_inverse_rate(factorial):
    pages = drawn(factorial, "sharpness")
    edges = [line for line in pages[0].axes[0].lines if line.get_color() == style.INK]
    (edge,) = edges
    assert np.asarray(edge.get_xdata()) * np.asarray(edge.get_ydata()) == pytest.approx(2.0)
    # Only the top eigenvalue has it on this page.
    assert all(line.get_color() != style.INK for ax in pages[0].axes[2:] for line in ax.lines)
    shown = texts(factorial, "sharpness")
    assert "2/lr (gradient descent)" in shown
    assert "38/lr (Adam, b1 0.9)" in shown
    assert "ASAM, invariant" in shown


def test_where_rates_do_not_vary_the_axis_is_the_batch_size():
    runs = measured.factorial_run()
    one = runs.runs[runs.runs["swept_value"] == measured.RATES[0]]
    few = SimpleNamespace(
        runs=one, measures=runs.measures[runs.measures["cell_id"].isin(one["cell_id"])],
        manifest={**runs.manifest, "n_cells": len(one)}, path=None,
    )  # fmt: skip
    shown = texts(few, "sharpness")
    assert "against the batch size; setting: default" in shown
    (line,) = (
        x for x in drawn(few, "sharpness")[0].axes[0].lines if x.get_linestyle() == "-" and len(x.get_xdata()) == 2
    )
    assert list(line.get_xdata()) == pytest.approx(list(measured.SIZES), rel=0.05)


def test_another_swept_constant_has_pages_of_its_own(run):
    axes = {ax.get_xlabel() for page in drawn(run, "sharpness") for ax in page.axes}
    assert {"learning rate lr", "eps"} <= axes


def test_a_spectrum_says_how_it_was_smoothed(run):
    shown = texts(run, "spectrum")
    assert "smoothed by a Gaussian of variance 1e-5 max(1, largest - smallest node)" in shown
    assert "google/spectral-density and PyHessian" in shown
    assert "setting: tuned" in shown
    assert "setting: default" in texts(run, "spectrum", "default")


def test_the_drawn_spectrum_is_that_of_the_median_run(factorial):
    page = drawn(factorial, "spectrum")[0]
    frame, setting = pictured.of_setting(factorial, "tuned", (spectrum.NAME,))
    assert setting == "default"
    label, rule = "digits-lenet-b16", "sgd[lr=0.003]"
    mine = frame[(frame["task"] == label) & (frame["optimizer"] == rule)]
    tops = sorted(max(nodes) for nodes in mine["grid"])
    (ax,) = (ax for ax in page.axes if ax.get_title(loc="left") == f"{label}, {rule}")
    bold = [line for line in ax.lines if line.get_color() != spectrum.OTHERS]
    assert len(bold) == 1
    assert max(bold[0].get_xdata()) == pytest.approx(tops[(len(tops) - 1) // 2], abs=0.2)
    assert len(ax.lines) == 6


def test_a_density_is_a_sum_of_normal_densities_whose_integral_is_one():
    rng = np.random.Generator(np.random.Philox(3))
    nodes = np.concatenate([rng.standard_normal(30), [40.0, 80.0]])
    weights = rng.random(32)
    at = np.linspace(nodes.min() - 1, nodes.max() + 1, 100_001)
    values = density.density(at, nodes, weights)
    assert np.trapezoid(values, at) == pytest.approx(1.0, abs=1e-9)
    s = np.sqrt(1e-5 * (nodes.max() - nodes.min()))
    far = density.density(np.array([80.0]), nodes, weights)[0]
    assert far == pytest.approx(weights[-1] / weights.sum() / (s * np.sqrt(2 * np.pi)), rel=1e-12)
    mean = np.trapezoid(values * at, at)
    assert mean == pytest.approx(float(nodes @ weights / weights.sum()), rel=1e-9)
    # What is drawn are places fine enough to see every bell.
    drawn_at = density.places(nodes)
    assert np.trapezoid(density.density(drawn_at, nodes, weights), drawn_at) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_measures_says_how_to_get_them(run, evidence, kind, tmp_path):
    for other in (changed(run, run.run.measures.iloc[:0]), evidence):
        with pytest.raises(DataError) as caught:
            figures.draw(other, [kind], "svg", tmp_path)
        assert f"{kind}: the run has nothing to draw; it needs " in str(caught.value)
        assert "`measures = [...]` in the suite" in str(caught.value)
        assert "`optbench measure RUN --measures" in str(caught.value)


def test_runs_of_all_kinds_have_them():
    assert all(kind in found for found in figures.names().values() for kind in FIGURES)


def test_they_come_from_python_too(factorial):
    pages = ob.plot_sharpness(factorial, optimizers=["sgd"], problems=["digits-lenet-b16"])
    assert "shown: 3 of 6 optimizers, 1 of 2 tasks" in " ".join(t.get_text() for t in pages[0].findobj(mpl.text.Text))
    assert ob.plot_spectrum(factorial)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_draw(name, tmp_path):
    runs = networks.frame([networks.row(name, name, networks.DEFAULT, "report", s, swept=name) for s in range(6)])
    told = {name: {**measured.MEASURES["spectrum"], "title": name, "unit": name}}
    found = networks.run(runs, measures=told, tasks={name: networks.manifest()["tasks"]["digits-lenet"]},
                         optimizers={name: {}}, run_id=name)  # fmt: skip
    found.measures = measured.rows_of(runs, {name: measured.MEASURES["spectrum"]})
    for path in figures.draw(found, KINDS, "svg", tmp_path):
        assert "<script" not in path.read_text(encoding="utf-8")


def test_rates_that_entries_of_one_rule_hold_are_not_pooled_along_batch_sizes():
    runs = measured.factorial_run()
    two = runs.runs[runs.runs["swept_value"] != measured.RATES[1]]
    few = SimpleNamespace(
        runs=two, measures=runs.measures[runs.measures["cell_id"].isin(two["cell_id"])],
        manifest={**runs.manifest, "n_cells": len(two)}, path=None,
    )  # fmt: skip
    page = drawn(few, "sharpness")[0]
    (line,) = (x for x in page.axes[0].lines if x.get_color() == style.look("sgd").color and len(x.get_xdata()) == 2)
    assert list(line.get_xdata()) == pytest.approx([measured.RATES[0], measured.RATES[2]], rel=0.05)


LRS = {"sgd": 0.1, "adam": 0.01}


@pytest.fixture(scope="module")
def paths():
    """Runs whose eigenvalue rises to the edge, and one that ends above the panel."""
    runs = networks.synthetic(2, tasks=("digits-lenet",), optimizers=("sgd", "adam"))
    runs = runs.assign(hyper=[json.dumps({"lr": LRS[rule], "b1": 0.9}) for rule in runs["optimizer"]])
    rows = []
    for _, run in runs[(runs["split"] == "report") & (runs["config"] == networks.DEFAULT)].iterrows():
        adaptive = run["optimizer"] == "adam"
        label, edge = ("preconditioned", 3800.0) if adaptive else ("top", 20.0)
        for evals in (0, 1, 10, 100, 1000):
            row = measured.measure_of(run, label, measured.MEASURES[label], "snapshot")
            share = 1.7 if (run["seed"], evals) == (1, 1000) else min(1.0, 0.1 + evals / 500)
            lr = 2 * LRS[run["optimizer"]] if evals == 0 else LRS[run["optimizer"]]
            details = json.dumps({"examples": 500, "lr": lr})
            rows.append({**row, "evals": evals, "estimate": share * edge, "status": "ok", "details": details})
    run = networks.run(runs, measures=measured.MEASURES)
    run.measures = pd.DataFrame(rows, columns=list(ROWS.columns))
    return Evidence.of(run)


def test_the_edge_is_that_of_the_rule_at_the_rate_of_each_point(paths):
    (page,) = drawn(paths, "edge")
    shown = texts(paths, "edge")
    assert "2/lr = 20" in shown
    assert "(2 + 2 b1)/((1 - b1) lr) = 3800, preconditioned" in shown
    assert "on 500 of them" in shown
    panels = {ax.get_title(loc="left"): ax for ax in page.axes}
    assert set(panels) == {"sgd", "adam"}
    for name, edge in (("sgd", 20.0), ("adam", 3800.0)):
        lines = [(line.get_xdata(), line.get_ydata()) for line in panels[name].lines]
        predicted = [y for x, y in lines if len(y) == 4 and np.allclose(y, edge)]
        assert len(predicted) == 2
        assert all(0 not in x for x, _ in lines)
        above = [x for x, y in lines if len(y) == 1]
        assert [list(x) for x in above] == [[1000]]


def test_the_edge_needs_an_eigenvalue_along_the_path(paths, run, tmp_path):
    assert not drawn(run, "edge")
    with pytest.raises(DataError, match="along = true"):
        figures.draw(run, ["edge"], "svg", tmp_path)
    (path,) = figures.draw(paths, ["edge"], "svg", tmp_path)
    assert path.read_bytes() == figures.draw(paths, ["edge"], "svg", tmp_path / "again")[0].read_bytes()
    assert ob.plot_edge(paths)
