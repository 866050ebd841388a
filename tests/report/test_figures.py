import itertools
import shutil
import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.errors import DataError, StorageError, UsageError
from optbench.report import figures, style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures.landscapes import (
    FIGURES,
    basins,
    best_of_k,
    convergence,
    dimension,
    matrix,
    ranks,
    sensitivity,
)
from optbench.report.kinds.landscapes import THEORY_FRAMES
from tests.report.conftest import RULES, same_bytes
from tests.report.hostile import HOSTILE

FRAMES = (
    *("summary", "convergence", "sensitivity", "best_of_k", "matrix", "ranking", "wells", "dimension"),
    *THEORY_FRAMES,
)


def changed(evidence: Evidence, path=None, frames=None, **manifest) -> Evidence:
    run = evidence.run
    run = SimpleNamespace(runs=run.runs, manifest={**run.manifest, **manifest}, path=path or run.path)
    return Evidence(run, {name: evidence.frame(name) for name in FRAMES} | (frames or {}))


def texts(evidence: Evidence, kind: str) -> str:
    """Returns all text of a kind's figures, one string per line."""
    import importlib

    with mpl.rc_context():
        pages = importlib.import_module(f"optbench.report.figures.landscapes.{kind}").draw(evidence, "tuned")
    found = pages[0].findobj(mpl.text.Text)
    return "\n".join(text.get_text() for text in found)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_kind_draws_a_picture_with_ink(evidence, kind, tmp_path):
    (path,) = figures.draw(evidence, [kind], "png", tmp_path)
    assert path == tmp_path / f"{kind}.png"
    pixels = mpl.image.imread(path)[..., :3]
    assert pixels.shape[1] == 1440
    assert (pixels.min(axis=-1) < 0.9).mean() > 0.02


@pytest.mark.parametrize(("kind", "form"), same_bytes(FIGURES))
def test_the_same_rows_give_the_same_bytes_in_any_order(evidence, kind, form, tmp_path):
    shuffled = {name: evidence.frame(name).sample(frac=1, random_state=5) for name in FRAMES}
    first = figures.draw(evidence, [kind], form, tmp_path / "a")
    second = figures.draw(changed(evidence, frames=shuffled), [kind], form, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_a_users_settings_neither_change_the_picture_nor_are_changed(evidence, tmp_path):
    (plain,) = figures.draw(evidence, ["convergence"], "png", tmp_path / "a")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        (other,) = figures.draw(evidence, ["convergence"], "png", tmp_path / "b")
        assert mpl.rcParams["font.size"] == 30
    assert plain.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_has_the_footer_and_the_watermark(evidence, kind):
    shown = texts(changed(evidence, n_cells=25), kind)
    assert "optbench 0.1.0 · suite quick v1 · run 0123456789abcdef · jax 0.10.2 cpu(2)" in shown
    assert "costs: gradient 1" in shown.replace("\n", " ")
    assert "INCOMPLETE 21/25" in shown


def test_an_infinite_median_and_gaps_of_zero_are_said(evidence):
    shown = texts(evidence, "convergence")
    assert "sgd: inf from 63 on" in shown
    assert "zero and negative ones included" in shown


def test_a_problem_without_a_finite_gap_is_no_blank_panel(evidence, tmp_path):
    lost = evidence.frame("convergence").assign(q25=np.inf, median=np.inf, q75=np.inf)
    negative = evidence.frame("convergence").assign(q25=-1e-15, median=0.0, q75=np.nan)
    assert "no finite gap" in texts(changed(evidence, frames={"convergence": lost}), "convergence")
    assert figures.draw(changed(evidence, frames={"convergence": negative}), ["convergence"], "png", tmp_path)


def test_adadeltas_eps_has_its_own_axis(evidence):
    shown = texts(evidence, "sensitivity")
    assert "eps (adadelta)" in shown
    assert "adadelta: no learning rate; its eps on the colored axis" in shown


@pytest.mark.parametrize("label", ["ackley-2d-i1", "logistic_regression-10d-i1~batch=256", "w" * 30, "m" * 60])
def test_no_title_reaches_beyond_its_panel(evidence, label):
    """A label that is cut says another batch size."""
    frame = evidence.frame("convergence")
    renamed = frame.assign(problem=frame["problem"].replace("rosenbrock-2d-i1", label))
    with mpl.rc_context({**mpl.rcParamsDefault, **style.RC, "backend": "agg"}):
        (figure,) = convergence.draw(changed(evidence, frames={"convergence": renamed}), "tuned")
        (ax,) = (ax for ax in figure.axes if ax.get_title("left")[:9] == label[:9])
        title = next(t for t in ax.findobj(mpl.text.Text) if t.get_text() == ax.get_title("left"))
        over = title.get_window_extent().x1 - ax.get_window_extent().x1
    assert over <= 0.0
    if len(label) <= 36:
        assert title.get_text() == label


def test_bands_of_many_rules_are_left_out_and_that_is_said(evidence):
    frame = evidence.frame("sensitivity")
    more = pd.concat([frame, frame[frame["optimizer"] == "sgd"].assign(optimizer="lion")])
    eight = changed(evidence, frames={"sensitivity": more})
    assert "would cover each other" in texts(eight, "sensitivity").replace("\n", " ")
    with mpl.rc_context():
        bands = [len(sensitivity.draw(each, "tuned")[0].axes[0].collections) for each in (evidence, eight)]
    assert bands[0] > 0 == bands[1]


def test_a_third_swept_constant_gets_a_figure_of_its_own(evidence, tmp_path):
    frame = evidence.frame("sensitivity")
    frame = frame.assign(swept=frame["swept"].where(frame["optimizer"] != "adam", "b1"))
    paths = figures.draw(changed(evidence, frames={"sensitivity": frame}), ["sensitivity"], "png", tmp_path)
    assert [p.name for p in paths] == ["sensitivity.png", "sensitivity-2.png", "sensitivity-3.png"]


def test_trials_that_vary_more_than_the_rate_are_marks_without_a_line(evidence):
    ranges = {"lr": {}, "beta": {}}
    entries = {**evidence.manifest["optimizers"], "nag": {"swept": "lr", "search": ranges}}
    assert "Marks without a line" not in texts(evidence, "sensitivity")
    several = changed(evidence, optimizers=entries)
    assert "Marks without a line" in texts(several, "sensitivity")
    with mpl.rc_context():
        (page,) = sensitivity.draw(several, "tuned")
    lines = {line.get_color(): line.get_linestyle() for line in page.axes[0].lines}
    assert lines[style.look("nag").color] == "None"
    assert lines[style.look("sgd").color] == "-"


def test_scores_may_be_missing(evidence, tmp_path):
    frame = evidence.frame("sensitivity").assign(score_mean=np.nan, score_low=np.nan, score_high=np.nan)
    assert figures.draw(changed(evidence, frames={"sensitivity": frame}), ["sensitivity"], "png", tmp_path)


def test_best_of_k_names_every_curve_and_says_which_are_flat(evidence):
    shown = texts(evidence, "best_of_k").replace("\n", " ")
    assert "Mean over 3 problems" in shown
    assert "adadelta: no learning rate; a flat line at the default." in shown
    assert "0.20  adadelta" in shown
    assert "all others" not in shown


def many(evidence) -> dict:
    """Frames of 56 rules, eight of each that there is."""
    names = [f"_{k}" for k in range(8)]

    def widened(frame, *columns):
        for column in columns:
            frame = pd.concat([frame.assign(**{column: frame[column] + name}) for name in names])
        return frame

    curves, pairs = evidence.frame("best_of_k"), evidence.frame("matrix")
    return {"best_of_k": widened(curves, "optimizer"), "matrix": widened(pairs, "untuned", "tuned")}


def test_fifty_rules_stay_legible(evidence, tmp_path):
    """Numbers keep to their cells; of the curves the best are colored, and no two names overlap."""
    full = changed(evidence, frames=many(evidence))
    assert "all others" in texts(full, "best_of_k")
    with mpl.rc_context():
        (page,) = matrix.draw(full, "tuned")
        (curves,) = best_of_k.draw(full, "tuned")
    ax = page.axes[0]
    cell = ax.transData.transform([(0, 0), (1, 1)])
    width, height = abs(cell[1] - cell[0])
    assert len(ax.texts) == 56**2
    different = {(text.get_text(), text.get_fontweight()): text for text in ax.texts}
    boxes = [text.get_window_extent() for text in different.values()]
    assert max(box.width for box in boxes) <= width
    assert max(box.height for box in boxes) <= height
    assert min(text.get_fontsize() for text in ax.texts) >= 4
    names = sorted(text.get_window_extent().y0 for text in curves.axes[0].texts)
    assert len(names) == 56
    assert min(np.diff(names)) >= 7 / 72 * curves.dpi
    page_box = curves.bbox
    assert max(text.get_window_extent().x1 for text in curves.axes[0].texts) <= page_box.x1


def test_a_difference_is_bold_where_its_interval_excludes_zero(evidence):
    with mpl.rc_context():
        (page,) = matrix.draw(evidence, "tuned")
    frame = evidence.frame("matrix").set_index(["untuned", "tuned"])
    rules = optimizers(RULES)
    shown = {text.get_position(): text for text in page.axes[0].texts}
    for (untuned, tuned), row in frame.iterrows():
        text = shown[rules.index(tuned), rules.index(untuned)]
        assert text.get_text() == str(round(100 * row["difference"]))
        assert (text.get_fontweight() == "bold") == (row["low"] > 0 or row["high"] < 0)


def test_a_run_that_tuned_nothing_has_neither_figure(evidence, tmp_path):
    nothing = {name: evidence.frame(name).iloc[:0] for name in ("best_of_k", "matrix")}
    for kind in nothing:
        with pytest.raises(DataError, match=f"{kind}: the run has nothing to draw; it needs "):
            figures.draw(changed(evidence, frames=nothing), [kind], "png", tmp_path)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_names_are_moved_apart_and_no_further(ends):
    ends = np.sort(ends)
    step = 1 / 60
    places = best_of_k._apart(ends, step)
    assert (np.diff(places) >= step * (1 - 1e-9)).all()
    assert places[0] >= -1e-9
    assert places[-1] <= 1 + 1e-9
    if (np.diff(ends) >= step).all():
        np.testing.assert_allclose(places, ends, atol=1e-9)


def test_the_setting_is_part_of_the_name(evidence, tmp_path):
    (path,) = figures.draw(evidence, ["convergence"], "png", tmp_path, setting="default")
    assert path.name == "convergence-default.png"


def test_a_run_without_two_dimensional_problems_draws_the_rest(evidence, tmp_path):
    bare = changed(evidence, path=tmp_path)
    drawn = [path.stem for path in figures.draw(bare, None, "svg", tmp_path)]
    assert drawn == ["convergence", "sensitivity", "best_of_k", "matrix", "ranks", "dimension", "theory", "wells"]
    with pytest.raises(DataError, match="basins: the run has nothing to draw; it needs 2-D problems"):
        figures.draw(bare, ["basins"], "svg", tmp_path)


def test_damaged_picture_data_is_one_clear_message(evidence, tmp_path):
    shutil.copytree(evidence.run.path / "pictures", tmp_path / "pictures")
    (tmp_path / "pictures" / "basins.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"basins\.parquet is damaged"):
        figures.draw(changed(evidence, path=tmp_path), ["basins"], "png", tmp_path)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_draw(evidence, name, tmp_path):
    frame = evidence.frame("sensitivity")
    frame = frame[frame["problem"] == "sphere-10d-i1"].replace(
        {"optimizer": {"sgd": name}, "problem": {"sphere-10d-i1": name}}
    )
    frames = {"sensitivity": frame}
    for path in figures.draw(changed(evidence, frames=frames, run_id=name), ["sensitivity"], "svg", tmp_path):
        assert "<script" not in path.read_text(encoding="utf-8")


def test_wrong_names_are_reported_together(evidence, tmp_path):
    message = "unknown figure 'basin'; did you mean 'basins'.*\n.*unknown format 'gif'.*\n.*unknown setting 'best'"
    with pytest.raises(UsageError, match=message):
        figures.draw(evidence, ["basin"], "gif", tmp_path, setting="best")


def test_a_folder_that_cannot_be_made_is_one_clear_message(evidence, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot make"):
        figures.draw(evidence, ["convergence"], "png", tmp_path / "file" / "figures")


def test_tables_and_the_list_of_figures_load_neither_jax_nor_matplotlib():
    code = (
        "import sys; from optbench.report import figures, tables;"
        "assert not {'jax', 'matplotlib', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ranks_color_the_set_and_leave_the_reference_line_out(evidence):
    shown = texts(evidence, "ranks").replace("\n", " ")
    assert "in the confidence set for the best" in shown
    assert "reference line" in shown
    assert "range of the score when one of the 3 families is left out" in shown
    assert "nag = sgd" in shown


def test_sixty_ranks_stay_legible(evidence):
    frame = evidence.frame("ranking")
    frame = frame[frame["setting"] == "tuned"]
    many = pd.concat(
        [frame.assign(optimizer=frame["optimizer"] + f"_{k}", score=frame["score"] - 0.01 * k) for k in range(10)]
    )
    full = changed(evidence, frames={"ranking": many})
    with mpl.rc_context():
        (page,) = ranks.draw(full, "tuned")
        page.canvas.draw()
    labels = [text for text in page.axes[0].get_yticklabels() if text.get_text()]
    assert len(labels) == 60
    boxes = sorted((text.get_window_extent() for text in labels), key=lambda box: box.y0)
    assert all(upper.y0 >= lower.y1 - 1 for lower, upper in itertools.pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0


def marks(ax, rule: str, *, hollow: bool) -> list[tuple[float, float]]:
    """Returns the points of a rule that stand for medians: filled ones, or hollow ones for infinite medians."""
    look = style.look(rule)
    lines = [line for line in ax.lines if line.get_color() == look.color and line.get_marker() == look.marker]
    lines = [line for line in lines if (line.get_markerfacecolor() == "white") == hollow]
    return [point for line in lines for point in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def test_dimension_joins_medians_and_shows_misses_above_the_budget(evidence):
    with mpl.rc_context():
        (page,) = dimension.draw(evidence, "tuned")
    named = {ax.get_title(loc="left"): ax for ax in page.axes}
    ax = named["sphere-i1"]
    # sgd, the second of RULES, needs 20 sqrt(dim) evaluations and misses in 100 dimensions.
    assert [y for _, y in marks(ax, "sgd", hollow=False)] == pytest.approx([20 * 2**0.5, 20 * 10**0.5])
    ((x, y),) = marks(ax, "sgd", hollow=True)
    assert 2000 < y < ax.get_ylim()[1]
    assert 50 < x < 200
    assert len(marks(ax, "adam", hollow=False)) == 3
    assert marks(ax, "adam", hollow=True) == []
    assert {"not\nreached", "lost"} <= {text.get_text() for ax in page.axes for text in ax.get_yticklabels()}
    assert [text.get_text() for text in page.axes[2].get_xticklabels()] == ["2", "10"]
    bars = [path.vertices for line in ax.collections for path in line.get_paths()]
    # The third rule's interval has no upper end: its bar crosses the line of the budget.
    assert sum(bar[:, 1].max() > 2000 for bar in bars) == 4


def test_dimension_says_what_it_shows_and_what_it_cannot(evidence):
    shown = texts(evidence, "dimension").replace("\n", " ")
    for words in ("setting: tuned", "missed the gap within the budget of 2000", "95 % intervals, these problems"):
        assert words in shown
    assert "Gaps below 1e-12, zero ones included" in shown
    assert "fewer than six starts" not in shown
    few = evidence.frame("dimension").assign(gap_low=0.0, gap_high=np.inf, evals_low=0.0, evals_high=np.inf)
    shown = texts(changed(evidence, frames={"dimension": few}), "dimension").replace("\n", " ")
    assert "as of fewer than six starts, is not drawn." in shown
    with mpl.rc_context():
        (page,) = dimension.draw(changed(evidence, frames={"dimension": few}), "tuned")
    assert not [path for ax in page.axes for line in ax.collections for path in line.get_paths()]


def test_dimension_refuses_a_run_without_two_dimensions_of_a_function(evidence, tmp_path):
    frames = {name: evidence.frame(name) for name in FRAMES if name != "dimension"}
    with pytest.raises(DataError) as caught:
        figures.draw(Evidence(evidence.run, frames), ["dimension"], "png", tmp_path)
    message = "dimension: the run has nothing to draw; it needs rows of the setting on functions in at least two"
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    (path,) = figures.draw(evidence, ["dimension"], "svg", tmp_path, setting="one_for_all")
    assert path.name == "dimension-one_for_all.svg"
    lost = evidence.frame("dimension").assign(evals_median=np.nan, gap_median=np.inf, reach_starts=0)
    assert figures.draw(changed(evidence, frames={"dimension": lost}), ["dimension"], "png", tmp_path)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_of_a_quick_size_says_that_it_is_no_evidence(evidence, kind):
    assert "Quick size of the suite, no evidence." in texts(changed(evidence, size="quick"), kind)
    assert "no evidence" not in texts(evidence, kind)


def in_batches(evidence: Evidence) -> Evidence:
    """The run, its first problem a finite sum in batches of an eighth of the terms."""
    label = "sphere-10d-i1"
    known = {**evidence.problem(label), "noise": {"kind": "batch", "level": 8.0}, "batch_size": 8, "trip_cost": 0.125}
    frame = evidence.frame("convergence")
    share = np.where(frame["problem"] == label, 0.125, 1.0)
    frame = frame.assign(cost=frame["cost"] * share)
    problems = {**evidence.manifest["problems"], label: known}
    return changed(evidence, frames={"convergence": frame}, problems=problems)


def test_what_costs_less_than_one_evaluation_is_drawn_and_explained(evidence):
    run = in_batches(evidence)
    (page,) = convergence.draw(run, "tuned")
    starts = {ax.get_title(loc="left"): ax.get_xlim()[0] for ax in page.axes if ax.get_title(loc="left")}
    assert starts == {"himmelblau-2d-i1": 1.0, "rosenbrock-2d-i1": 1.0, "sphere-10d-i1": 0.125}
    shown = texts(run, "convergence").replace("\n", " ")
    assert "Costs on finite sums in batches are sample gradients over the number of terms." in shown
    assert "Relative gap: (f at each cost - f_star)/f_scale." in shown
    assert "batches" not in texts(evidence, "convergence")


def test_dimension_says_when_a_target_counts_as_reached(evidence):
    assert "A target counts as reached when it is settled" in texts(evidence, "dimension").replace("\n", " ")


def test_known_minima_of_a_basin_have_colors_of_their_own():
    codes = [*range(8), *range(basins.OTHER, basins.OTHER + 8), -1, -2]
    assert len({basins._color(code) for code in codes}) == len(codes)
