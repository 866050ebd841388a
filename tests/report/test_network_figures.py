"""Figures of runs of networks: what they draw, what they say, and what they refuse."""

from __future__ import annotations

import importlib
import itertools
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from optbench.errors import DataError, UsageError
from optbench.report import figures, style
from optbench.report.evidence import Evidence
from optbench.report.figures.networks import FIGURES, accuracy_axis, gap, rates, training
from tests import networks
from tests.report.conftest import same_bytes
from tests.report.hostile import HOSTILE

#: Those of measures and of arms have test files of their own.
KINDS = [kind for kind in FIGURES if kind not in ("batch_size", "levels", "sharpness_gap", "warm_start")]


@pytest.fixture(scope="module")
def run():
    return Evidence.of(networks.run())


@pytest.fixture(scope="module")
def plain():
    """A run without regularizers."""
    tasks = ("digits-lenet", "digits-mlp")
    facts = {label: task for label, task in networks.manifest()["tasks"].items() if label in tasks}
    return Evidence.of(networks.run(networks.synthetic(tasks=tasks), tasks=facts))


def changed(run, runs=None, **manifest):
    runs = run.run.runs if runs is None else runs
    return SimpleNamespace(runs=runs, manifest={**run.manifest, **manifest}, path=None)


def drawn(run, kind, setting="tuned"):
    with mpl.rc_context():
        return importlib.import_module(f"optbench.report.figures.networks.{kind}").draw(Evidence.of(run), setting)


def texts(run, kind, setting="tuned"):
    pages = drawn(run, kind, setting)
    return " ".join(" ".join(t.get_text() for t in page.findobj(mpl.text.Text)) for page in pages).replace("\n", " ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_picture_with_ink(run, kind, tmp_path):
    paths = figures.draw(run, [kind], "png", tmp_path)
    assert paths[0] == tmp_path / f"{kind}.png"
    for path in paths:
        pixels = mpl.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1440
        assert (pixels.min(axis=-1) < 0.9).mean() > 0.01


def test_all_kinds_are_drawn_where_none_is_named(run, plain, tmp_path):
    assert [p.name for p in figures.draw(run, None, "svg", tmp_path / "a")] == [
        *("training.svg", "gap.svg", "rates.svg", "rates-2.svg")
    ]
    assert [p.name for p in figures.draw(plain, None, "svg", tmp_path / "b")][1] == "gap.svg"


@pytest.mark.parametrize(("kind", "form"), same_bytes(KINDS))
def test_the_same_rows_give_the_same_bytes_in_any_order(run, kind, form, tmp_path):
    shuffled = changed(run, run.run.runs.sample(frac=1, random_state=5))
    first = figures.draw(run, [kind], form, tmp_path / "a")
    second = figures.draw(shuffled, [kind], form, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_footer_watermark_precision_and_absent_tasks(run, kind):
    absent = {"mnist-lenet": "mnist is not downloaded"}
    other = changed(run, n_cells=999, dtype="bfloat16", absent=absent, size="quick")
    shown = texts(other, kind)
    assert "optbench 0.1.0 · suite networks v1 · run 0123456789abcdef · jax 0.10.2 cpu(2) · dtype bfloat16" in shown
    assert "cost: passes" in shown
    assert f"INCOMPLETE {len(run.run.runs)}/999" in shown
    assert "(bfloat16)" in shown
    assert "Not in this run: mnist-lenet (mnist is not downloaded)." in shown
    assert "Quick size of the suite, no evidence." in shown
    assert not {"bfloat16", "Quick"} & set(texts(run, kind).split())


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
                boxes = [t.get_window_extent() for t in ax.get_yticklabels() if t.get_text()]
                boxes = sorted((b for b in boxes if ax.bbox.y0 <= (b.y0 + b.y1) / 2 <= ax.bbox.y1), key=lambda b: b.y0)
                assert all(upper.y0 >= lower.y1 - 1 for lower, upper in itertools.pairwise(boxes))


def test_training_draws_the_median_and_ends_it_where_half_are_lost(run):
    rows = [networks.row("digits-lenet", "sgd", networks.DEFAULT, "report", s, level=0.8 + 0.05 * s) for s in range(3)]
    for row in rows[:2]:
        row |= {"status": "diverged", "diverged_at": 100, "chosen": 5}
        row |= {f"{part}_accuracy": row[f"curve_{part}_accuracy"][5] for part in ("train", "validation")}
    lost = networks.run(networks.frame(rows), tuning="default")
    (page,) = drawn(lost, "training")
    color = style.look("sgd").color
    line, cross = (x for x in page.axes[0].lines if x.get_color() == color)
    assert line.get_ydata()[0] == pytest.approx(float(rows[1]["curve_validation_loss"][1]))
    # Batch 100 is the first lost one, so the line ends at batch 79 of 14 a pass.
    assert line.get_xdata()[-1] == cross.get_xdata()[0] == pytest.approx(79 / 14)
    shown = texts(lost, "training")
    assert "setting: default" in shown
    assert "sgd: inf from pass 7.14 on" in shown


def test_more_than_seven_rules_have_no_bands():
    names = [f"rule{k}" for k in range(8)]
    rows = [networks.row("digits-lenet", name, networks.DEFAULT, "report", s) for name in names for s in range(2)]
    many = networks.run(networks.frame(rows), optimizers={name: {} for name in names})
    assert "of more than 7 rules no quartiles" in texts(many, "training")


def test_effects_stand_where_the_frame_has_them(run):
    frame = run.frame("network_effects")
    frame = frame[frame["setting"] == "tuned"].set_index("optimizer")
    (page,) = drawn(run, "gap")
    for ax, name in zip(page.axes, ("test", "gap"), strict=True):
        for rule, row in frame.iterrows():
            look = style.look(rule)
            dots = [x for x in ax.lines if x.get_color() == look.color and x.get_marker() == look.marker]
            assert [float(x.get_xdata()[0]) for x in dots] == pytest.approx([100 * row[name]])
    assert [t.get_text() for t in page.axes[0].get_yticklabels()] == ["dropout=0.5"]


def test_without_regularizers_training_and_test_stand_side_by_side(plain):
    frame = plain.frame("network_summary").set_index(["setting", "task", "optimizer"])
    (page,) = drawn(plain, "gap")
    row, look = frame.loc["tuned", "digits-lenet", "adam"], style.look("adam")
    dots = [x for x in page.axes[0].lines if x.get_color() == look.color and x.get_marker() == look.marker]
    found = sorted(float(x.get_xdata()[0]) for x in dots)
    assert found == pytest.approx(sorted(100 * row[["train_accuracy", "test_accuracy"]]))
    # The rule with a failed run is far below the others, and named with its number.
    lost = 100 * frame.loc[("tuned", "digits-mlp", "adam"), "test_accuracy"]
    assert lost < 66
    assert f"< {lost:.1f}" in texts(plain, "gap")


def test_rates_ring_the_choice_square_the_edge_and_underline_the_default(run):
    lr, eps = drawn(run, "rates")
    chosen = run.frame("network_rates")
    chosen = chosen[chosen["is_chosen"] & (chosen["task"] == "digits-lenet")].set_index("optimizer")
    for page, rule, shape in ((lr, "adam", "o"), (eps, "adadelta", "s")):
        color = style.look(rule).color
        rings = [x for x in page.axes[0].lines if x.get_color() == color and x.get_markersize() == 9]
        assert [x.get_marker() for x in rings] == [shape]
        assert rings[0].get_xdata()[0] == pytest.approx(chosen.loc[rule, "swept_value"], rel=0.2)
        assert rings[0].get_ydata()[0] == pytest.approx(1 - chosen.loc[rule, "accuracy"])
        assert len([x for x in page.axes[0].lines if x.get_color() == color and x.get_marker() == "_"]) == 1
    assert "stands at the edge of its grid" in texts(run, "rates")


def test_trials_that_differ_in_more_than_the_swept_value_are_not_joined(run):
    drawn_with = {"lr": {"low": 1e-3, "high": 1e2, "scale": "log"}, "b1": {"low": 0.5, "high": 0.9, "scale": "linear"}}
    entries = run.manifest["optimizers"]
    entries = {**entries, "adam": {**entries["adam"], "search": drawn_with}}
    other = changed(run, optimizers=entries, tuning="random")
    lines = {
        rule: [x.get_linestyle() for x in drawn(other, "rates")[0].axes[0].lines if x.get_color() == color
               and x.get_marker() == style.look(rule).marker and len(x.get_xdata()) > 1]
        for rule, color in ((rule, style.look(rule).color) for rule in ("sgd", "adam"))
    }  # fmt: skip
    assert lines["adam"] == ["None"]
    assert "None" not in lines["sgd"]
    assert "Marks without a line: trials in which further hyperparameters" in texts(other, "rates")
    assert "Marks without a line" not in texts(run, "rates")


def test_a_default_outside_of_its_grid_stands_alone():
    rows = [networks.row("digits-lenet", "sgd", c, "tune", 0) for c in range(2)]
    rows += [networks.row("digits-lenet", "sgd", c, "report", s) for c in (0, networks.DEFAULT) for s in range(2)]
    other = networks.run(networks.frame(rows))
    (page,) = drawn(other, "rates")
    (mark,) = (x for x in page.axes[0].lines if x.get_marker() == "_")
    assert list(mark.get_xdata()) == pytest.approx([networks.GRID[networks.DEFAULT]])
    (curve,) = (x for x in page.axes[0].lines if x.get_marker() == style.look("sgd").marker and len(x.get_xdata()) > 1)
    assert len(curve.get_xdata()) == 2
    assert "A default that is no value of its grid stands alone" in texts(other, "rates")


def test_a_value_at_which_runs_diverged_has_a_cross():
    rows = [networks.row("digits-lenet", "sgd", c, "tune", 0) for c in range(4)]
    rows[3] |= {"status": "diverged", "diverged_at": 140}
    rows.append(networks.row("digits-lenet", "sgd", networks.DEFAULT, "report", 0))
    (page,) = drawn(networks.run(networks.frame(rows)), "rates")
    (crosses,) = (x for x in page.axes[0].lines if x.get_marker() == "x")
    assert list(crosses.get_xdata()) == pytest.approx([1.0])


def test_an_axis_of_accuracies_has_the_right_labels():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    accuracy_axis.mark(ax, accuracy_axis.error([0.5, 0.99, 1.0], 1000), 1000)
    ticks = {label.get_text(): place for label, place in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}
    assert ticks["90"] == pytest.approx(0.1)
    assert ticks["99"] == pytest.approx(0.01)
    assert ticks["100"] == pytest.approx(0.0005)
    low, high = ax.get_ylim()
    assert low > high


def test_the_setting_is_part_of_the_name_and_one_for_all_is_none_of_networks(run, tmp_path):
    (path,) = figures.draw(run, ["training"], "svg", tmp_path, setting="default")
    assert path.name == "training-default.svg"
    with pytest.raises(UsageError, match="unknown setting 'one_for_all'"):
        figures.draw(run, ["training"], "svg", tmp_path, setting="one_for_all")


def test_each_kind_of_run_has_its_figures_and_says_so(run, evidence, tmp_path):
    with pytest.raises(UsageError) as caught:
        figures.draw(run, ["theory", "gapp"], "png", tmp_path)
    first, second = str(caught.value).splitlines()
    assert first == (
        "figure 'theory' is for landscapes; run 0123456789abcdef is of networks; "
        "it has training, gap, rates, batch_size, levels, sharpness_gap, warm_start, "
        "sharpness, spectrum, landscape, interpolation, path, edge"
    )
    assert second == "unknown figure 'gapp'; did you mean 'gap'?"
    with pytest.raises(UsageError, match="figure 'rates' is for networks; run 0123456789abcdef is of landscapes"):
        figures.draw(evidence, ["rates"], "png", tmp_path)


def test_a_run_that_has_only_begun_draws_what_it_can(run, tmp_path):
    rows = run.run.runs
    tune, nothing = changed(run, rows[rows["split"] == "tune"]), changed(run, rows.iloc[:0])
    assert [p.name for p in figures.draw(tune, None, "svg", tmp_path)] == ["rates.svg", "rates-2.svg"]
    assert figures.draw(nothing, None, "svg", tmp_path) == []
    for kind in KINDS:
        with pytest.raises(DataError, match=f"{kind}: the run has nothing to draw; it needs "):
            figures.draw(nothing, [kind], "svg", tmp_path)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_draw(name, tmp_path):
    tasks = {name: {**networks.manifest()["tasks"]["digits-lenet"]}}
    rows = [networks.row(name, name, c, "tune", 0, swept=name) for c in range(4)]
    rows += [networks.row(name, name, c, "report", s, swept=name) for c in (0, networks.DEFAULT) for s in range(2)]
    hostile = networks.run(networks.frame(rows), tasks=tasks, optimizers={name: {}}, run_id=name, absent={name: name})
    for path in figures.draw(hostile, None, "svg", tmp_path):
        assert "<script" not in path.read_text(encoding="utf-8")


def test_a_single_seed_draws_without_intervals(tmp_path):
    rows = [networks.row(t, "sgd", networks.DEFAULT, "report", 0) for t in networks.TASKS]
    single = networks.run(networks.frame(rows))
    assert "No intervals: of a single seed nothing is known about others." in texts(single, "gap")
    assert figures.draw(single, ["gap", "training"], "png", tmp_path)


def test_modules_have_one_way_to_be_drawn():
    assert all(callable(module.draw) for module in (gap, rates, training))
    assert np.isfinite(accuracy_axis.error([1.0], 0)).all()
