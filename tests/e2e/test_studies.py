"""A suite of studies from its file to its tables and figures, by the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import optbench as ob
from optbench.cli import cli
from optbench.report import figures, tables
from optbench.report.evidence import Evidence
from optbench.report.figures.studies import FIGURES
from optbench.report.tables.studies import TABLES
from tests import generalization

NET = (
    'data = "mnist1d"\nmodel = "linear"\noptimizer = "adam"\nn_train = 120\nn_test = 60\nbatch_size = 20\nepochs = 2\n'
)
SUITE = f"""
name = "little"
version = 1
question = "Does every method have its table?"
seeds = 3

[[studies]]
name = "choose"
method = "cross_validation"
{NET}folds = 3
grid = {{ lr = [1e-4, 1e-2], penalty = [0.0, 0.1] }}

[[studies]]
name = "bag"
method = "bootstrap"
{NET}members = 3

[[studies]]
name = "boost"
method = "boosting"
{NET}rounds = 3

[[studies]]
name = "batches"
method = "bias_variance"
{NET.replace("batch_size = 20", "")}members = 3
factor = {{ batch_size = [10, 30] }}

[[studies]]
name = "fit"
method = "regression"
truth = [0.0, 1.0, -2.0]
noise = 0.5
n_train = 12
factor = {{ degree = [1, 2, 4] }}
members = 40

[[studies]]
name = "learn"
method = "curve"
{NET}

[[studies]]
name = "sizes"
method = "curve"
{NET.replace("n_train = 120", "")}factor = {{ n_train = [40, 120] }}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    (folder / "little.toml").write_text(SUITE)
    return ob.run(str(folder / "little.toml"), out=folder / "results")


@pytest.mark.parametrize("kind", [kind.name for kind in TABLES])
def test_every_table_of_a_stored_run_has_its_studies(run, kind):
    rows = json.loads(tables.render(run, kind, "json"))["rows"]
    of = {"main": 7, "cross_validation": 1, "decomposition": 2, "ensembles": 2, "calibration": 2, "curves": 2}
    assert len({row["study"] for row in rows}) == of[kind]
    for form in tables.FORMATS:
        assert "No study of this run" not in tables.render(run, kind, form)


def test_every_figure_of_a_stored_run_is_drawn(run, tmp_path):
    drawn = {path.stem.split("-")[0] for path in figures.draw(run, None, "svg", tmp_path)}
    assert drawn == set(FIGURES)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_has_a_function_in_python(run, kind):
    assert getattr(ob, f"plot_{kind}")(run)


def test_a_figure_in_python_shows_the_studies_that_are_named(run):
    (page,) = ob.plot_curves(run, studies="sizes")
    assert {ax.get_title(loc="left").split(":")[0] for ax in page.axes} == {"sizes"}


def test_numbers_of_tables_are_those_of_the_rows(run):
    seen = Evidence.of(run)
    rows = run.runs
    single = rows[(rows["study"] == "bag") & (rows["role"] == "single")]
    found = seen.frame("ensembles")
    assert found[found["study"] == "bag"]["single"].iloc[0] == pytest.approx(single["test_accuracy"].mean())
    parts = seen.frame("decomposition")
    total = parts["bias"] + parts["variance"] + parts["noise"].fillna(0.0)
    assert np.abs(total - parts["error"]).max() < 1e-6
    # A polynomial of the truth's own degree has no bias; 120 fits tell its variance within a fifth.
    fit = parts[parts["loss"] == "squared"].set_index("factor_value")
    assert fit.loc[2, "closed_bias"] < 1e-20
    assert abs(fit.loc[2, "bias"]) < 0.01
    assert fit["variance"].to_numpy() == pytest.approx(fit["closed_variance"].to_numpy(), rel=0.2)
    assert set(found["origin"]) == {"generated"}


def test_the_command_shows_a_study_alone(run, monkeypatch, tmp_path):
    runner = CliRunner()
    monkeypatch.chdir(tmp_path)
    shown = runner.invoke(cli, ["table", str(run.path)])
    assert "What each study found" in shown.stdout
    asked = ["plot", str(run.path), "--kind", "regression", "--problems", "fit", "--out", "pictures", "--format", "svg"]
    assert runner.invoke(cli, asked).stdout == f"{Path('pictures') / 'regression-chosen.svg'}\n"
    wrong = runner.invoke(cli, ["plot", str(run.path), "--problems", "fits"])
    assert wrong.exit_code == 2
    assert "unknown study of this run 'fits'; did you mean 'fit'" in wrong.stderr


def test_every_study_has_its_sentence(run):
    said = generalization.found(run)
    assert [line.split("`")[1] for line in said.splitlines() if line.startswith("- ")] == [*run.manifest["studies"]]
    assert "nan" not in said
