"""Paths of a run and of a problem: which are drawn, that they are those of the engine, and what is refused."""

from __future__ import annotations

import numpy as np
import optax
import pytest
from click.testing import CliRunner

import optbench as ob
from optbench.cli import cli
from optbench.errors import DataError, UsageError
from optbench.plotting import of_run
from optbench.report import figures
from optbench.report.figures.landscapes import trajectories

SUITE = """
name = "paths"
version = 1
question = "Where do they go?"
tuning = "grid"
budget = 60
seed = 3
starts = {tune = 2, report = 5}
grid = {lr = {low = 1e-3, high = 1e-1, points = 3}}
problems = [{name = "himmelblau"}, {name = "rosenbrock"}, {name = "sphere", dim = 3}]
optimizers = [{name = "sgd"}, {name = "adam"}]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    (folder / "paths.toml").write_text(SUITE)
    return ob.run(folder / "paths.toml", out=folder)


@pytest.fixture
def drawn(monkeypatch):
    """Keeps what the report was given to draw."""
    given = []
    pages = trajectories.pages

    def kept(evidence, contours, paths, starts, subtitle, notes):
        given.append((paths, starts, notes))
        return pages(evidence, contours, paths, starts, subtitle, notes)

    monkeypatch.setattr(trajectories, "pages", kept)
    return given


def one(paths, **where):
    for column, value in where.items():
        paths = paths[paths[column] == value]
    return paths.sort_values("cost")


def test_what_is_stored_is_not_computed_again(run, drawn, monkeypatch):
    monkeypatch.setattr(of_run, "_computed", None)
    (figure,) = ob.plot_trajectories(run, ["adam"], starts=[2, 0])
    ((paths, starts, notes),) = drawn
    assert starts == {0: "start 2", 1: "start 0"}
    assert notes == ["Reported starts were not used for tuning."]
    first = run_problem(run, "himmelblau-2d").starts(3, "report", 2)[0]
    mine = one(paths, problem="himmelblau-2d", start=0)
    assert mine[["x", "y"]].to_numpy()[0].tolist() == first.tolist()
    assert "shown: 1 of 2 optimizers" in " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def run_problem(run, label):
    entry = run.manifest["problems"][label]
    return ob.problem(entry["name"], dim=entry["dim"], instance=entry["instance"])


def test_other_rates_and_starts_are_computed_by_the_engine_under_the_run_s_protocol(run, drawn):
    ob.plot_trajectories(run, ["sgd"], rates=[0.1, 0.01, "default"], starts=[4, (-1.5, 2)], problems=["himmelblau"])
    ((paths, starts, notes),) = drawn
    assert starts == {0: "start 4", 1: "from (-1.5, 2)"}
    assert notes[-1].startswith("Paths that the run has not stored were computed by optbench ")
    problem = run_problem(run, "himmelblau-2d")
    # Normalized units: z = 10 (x - center) / width, and phi = f / f_scale.
    unit = problem.width / 10
    x = np.array([-1.5, 2.0])
    mine = one(paths, start=1, swept_value=0.01)
    for row in mine[["x", "y"]].to_numpy()[:20]:
        np.testing.assert_allclose(row, x, rtol=1e-9)
        x = x - 0.01 * unit * unit / problem.f_scale * problem.value_and_grad(x)[1]
    assert set(paths["swept_value"]) == {0.01, 0.1}
    assert not paths.duplicated(["start", "swept_value", "cost"]).any()


def test_a_rate_means_the_value_of_the_sweep_that_tables_print(run, drawn):
    ob.plot_trajectories(run, rates={"adam": 0.0102}, starts=[0], problems="rosenbrock-2d")
    ((paths, _, _),) = drawn
    assert set(one(paths, optimizer="adam")["swept_value"]) == {0.01}


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (
            {"optimizers": ["adm"], "problems": ["himelblau"], "starts": [7], "rates": {"sdg": 1}},
            [
                "unknown problem of this run 'himelblau'; did you mean 'himmelblau-2d'?",
                "unknown optimizer of this run 'adm'; did you mean 'adam'?",
                "unknown optimizer among those drawn 'sdg'; known: ",
            ],
        ),
        ({"starts": [7]}, ["starts: the reported ones are 0 to 4; got 7"]),
        (
            {"starts": [(9, 9)], "problems": ["himmelblau"]},
            ["starts: a start of himmelblau-2d lies in [-5, 5] x [-5, 5]; got (9, 9)"],
        ),
        (
            {"rates": 0.5, "optimizers": ["sgd"]},
            ["rates: sgd has no run at 0.5; its lr was 0.001, 0.01, 0.1; or say gentle, tuned or default"],
        ),
        ({"problems": ["sphere"]}, ["sphere-3d: paths are drawn of functions of two variables"]),
        ({"steps": 5}, ["steps and seed are those of the run; leave them out"]),
    ],
)
def test_what_a_run_does_not_have_is_said_with_what_it_has(run, given, problems):
    with pytest.raises(UsageError) as caught:
        ob.plot_trajectories(run, **given)
    assert list(caught.value.problems) == problems


def test_a_problem_needs_no_run(drawn):
    (figure,) = ob.plot_trajectories(
        "beale", {"house": "adam", "optax": optax.adam}, rates={"house": 0.1, "optax": 0.1}, starts=[(1, 1), 0], steps=9
    )
    ((paths, starts, notes),) = drawn
    assert list(starts.values()) == ["from (1, 1)", "start 0"]
    assert notes == []
    house, optax_s = (one(paths, optimizer=label, start=0)[["x", "y"]].to_numpy() for label in ("house", "optax"))
    expected = ob.trace("beale", "adam", hyper={"lr": 0.1}, x0=[1, 1], steps=9).x
    np.testing.assert_allclose(house, expected, rtol=1e-12)
    np.testing.assert_allclose(optax_s, expected, rtol=1e-5)
    assert "beale-2d, raw units, 9 gradient evaluations" in figure.texts[-1].get_text()


def test_a_function_of_one_s_own_has_a_picture_without_its_minimum():
    mine = ob.problem(lambda x: x[0] ** 2 + 3 * x[1] ** 2, bounds=[[-4, 4]] * 2, name="mine")
    (figure,) = ob.plot_trajectories(mine, ["sgd"], rates=0.1, steps=5)
    assert "global minimizer" not in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"optimizers": "adam"}, "optimizers: a list of rules, such as ['sgd', 'adam']; got 'adam'"),
        ({"optimizers": []}, "optimizers: none is named"),
        ({"optimizers": ["adam", optax.adam]}, "optimizers: two are called adam; give a mapping from labels to them"),
        ({"optimizers": ["sgd"], "rates": "tuned"}, "rates: nothing is tuned on a problem alone; give sgd a number"),
        ({"optimizers": ["sgd"], "rates": -1.0}, "sgd: lr must be a number in (0, inf); got -1.0"),
        ({"starts": [(9, 9)]}, "starts: a start of beale-2d lies in [-4.5, 4.5] x [-4.5, 4.5]; got (9, 9)"),
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"problems": ["x"]}, "problems are chosen among those of a run; leave them out"),
    ],
)
def test_what_does_not_fit_a_problem_is_said(given, said):
    with pytest.raises(UsageError) as caught:
        ob.plot_trajectories("beale", **given)
    assert str(caught.value).startswith(said)


def test_the_command_draws_what_is_chosen(run, tmp_path):
    def plot(*words):
        return CliRunner().invoke(cli, ["plot", str(run.path), *words, "--out", str(tmp_path)], prog_name="optbench")

    wanted = ("--kind", "trajectories", "--optimizers", "adam", "--rates", "0.1,adam=0.01", "--starts", "0,-1.5:2")
    result = plot(*wanted, "--problems", "himmelblau", "--format", "svg")
    assert result.stdout == f"{tmp_path}/trajectories-chosen.svg\n"
    assert plot(*wanted[:4], "--starts", "-1.5:9").exit_code == 2
    result = plot("--rates", "0.1")
    assert result.exit_code == 2
    assert "they go with --kind trajectories alone" in result.stderr
    assert plot("--kind", "sensitivity", "--optimizers", "sgd").stdout == f"{tmp_path}/sensitivity-chosen.png\n"


def test_each_kind_of_figure_has_its_function():
    kinds = {kind for found in figures.names().values() for kind in found}
    assert sorted(name for name in ob.__all__ if name.startswith("plot_")) == sorted(f"plot_{kind}" for kind in kinds)


def test_a_text_is_a_run_if_it_is_a_folder_of_one(run, tmp_path, monkeypatch, drawn):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beale").mkdir()
    assert ob.plot_trajectories("beale", ["sgd"], rates=1e-3, starts=[0], steps=2)
    assert ob.plot_trajectories(str(run.path), ["sgd"], starts=[0], problems=["rosenbrock"])
    with pytest.raises(DataError, match="results/none"):
        ob.plot_trajectories("results/none")


def test_the_other_figures_come_from_python_too(run):
    for name in ("convergence", "sensitivity", "best_of_k", "matrix", "ranks", "basins"):
        pages = getattr(ob, f"plot_{name}")(run, optimizers=["adam", "sgd"])
        assert pages
        assert all(type(page).__name__ == "Figure" for page in pages)
    with pytest.raises(UsageError, match="figure 'training' is for networks"):
        ob.plot_training(run)
    with pytest.raises(DataError, match="the run has nothing to draw"):
        ob.plot_wells(run)
    with pytest.raises(DataError, match="dimension: the run has nothing to draw"):
        ob.plot_dimension(run, optimizers=["adam"])
