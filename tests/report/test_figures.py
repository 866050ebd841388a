import shutil
import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from optbench.errors import DataError, StorageError, UsageError
from optbench.report import figures
from optbench.report.evidence import Evidence
from tests.report.hostile import HOSTILE

FRAMES = ("summary", "convergence", "sensitivity")


def changed(evidence: Evidence, path=None, frames=None, **manifest) -> Evidence:
    run = evidence.run
    run = SimpleNamespace(runs=run.runs, manifest={**run.manifest, **manifest}, path=path or run.path)
    return Evidence(run, {name: evidence.frame(name) for name in FRAMES} | (frames or {}))


def texts(evidence: Evidence, kind: str) -> str:
    """Returns all text of a kind's figures, one string per line."""
    import importlib

    with mpl.rc_context():
        pages = importlib.import_module(f"optbench.report.{kind}").draw(evidence, "tuned")
    found = pages[0].findobj(mpl.text.Text)
    return "\n".join(text.get_text() for text in found)


@pytest.mark.parametrize("kind", figures.KINDS)
def test_every_kind_draws_a_picture_with_ink(evidence, kind, tmp_path):
    (path,) = figures.draw(evidence, [kind], "png", tmp_path)
    assert path == tmp_path / f"{kind}.png"
    pixels = mpl.image.imread(path)[..., :3]
    assert pixels.shape[1] == 1440
    assert (pixels.min(axis=-1) < 0.9).mean() > 0.02


@pytest.mark.parametrize("form", figures.FORMATS)
@pytest.mark.parametrize("kind", figures.KINDS)
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


@pytest.mark.parametrize("kind", figures.KINDS)
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


def test_a_third_swept_constant_gets_a_figure_of_its_own(evidence, tmp_path):
    frame = evidence.frame("sensitivity")
    frame = frame.assign(swept=frame["swept"].where(frame["optimizer"] != "adam", "b1"))
    paths = figures.draw(changed(evidence, frames={"sensitivity": frame}), ["sensitivity"], "png", tmp_path)
    assert [p.name for p in paths] == ["sensitivity.png", "sensitivity-2.png", "sensitivity-3.png"]


def test_scores_may_be_missing(evidence, tmp_path):
    frame = evidence.frame("sensitivity").assign(score_mean=np.nan, score_low=np.nan, score_high=np.nan)
    assert figures.draw(changed(evidence, frames={"sensitivity": frame}), ["sensitivity"], "png", tmp_path)


def test_the_setting_is_part_of_the_name(evidence, tmp_path):
    (path,) = figures.draw(evidence, ["convergence"], "png", tmp_path, setting="default")
    assert path.name == "convergence-default.png"


def test_a_run_without_two_dimensional_problems_draws_the_rest(evidence, tmp_path):
    bare = changed(evidence, path=tmp_path)
    assert [p.name for p in figures.draw(bare, None, "svg", tmp_path)] == ["convergence.svg", "sensitivity.svg"]
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
