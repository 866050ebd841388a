"""A factorial of rate and batch size against ``numpy.linalg.lstsq`` and planes whose slopes are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optbench.analysis.batch_sizes import factorial
from optbench.core.keys import canonical
from optbench.report.evidence import Evidence
from optbench.runner.kinds.networks.kind import Networks
from optbench.suite.parse import load
from tests import arms, factorials
from tests.analysis.test_batch_sizes import one

#: Outcomes, and what the made run calls them.
NAMES = {"test": "test", "keskar": "keskar", "top": "hessian_top"}


def frame(run):
    return Evidence.of(run).frame("arm_factorial")


def planes(run, outcome, level):
    """Returns batch and rate slopes of every replicate by NumPy, from the cells as quantities have them."""
    quantity = {"test": "test_accuracy", "top": "hessian_top"}.get(outcome, outcome)
    cells = Evidence.of(run).frame("arm_quantities")
    cells = cells[cells["level"].isna() if level is None else cells["level"] == level]
    cells = cells[cells["quantity"] == quantity]
    found = []
    for _, mine in cells.groupby("replicate"):
        rate = mine["arm"].str.removeprefix("rate-").astype(float)
        x = np.column_stack([np.ones(len(mine)), np.log2(mine["batch_size"].astype(float)), np.log2(rate)])
        y = mine["value"].to_numpy(float)
        solution, *_ = np.linalg.lstsq(x, y if outcome in ("test", "gap") else np.log2(y), rcond=None)
        found.append(solution[1:])
    return np.array(found)


@pytest.mark.parametrize("outcome", NAMES)
def test_an_exact_plane_has_its_own_slopes(outcome):
    known = np.array([factorials.slopes(seed, NAMES[outcome]) for seed in range(factorials.N_REPLICATES)])
    found = one(frame(factorials.run()), level=0.1, outcome=outcome)
    assert tuple(found[["n_rates", "n_sizes", "n_planned", "n_replicates"]]) == (3, 3, 12, 12)
    for name, values in zip(factorial.DOUBLED, (*known.T, known.sum(axis=1)), strict=True):
        ends = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        assert found[name] == pytest.approx(values.mean(), rel=1e-9)
        assert (found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx(ends, rel=1e-9)


@pytest.mark.parametrize("level", [0.3, 0.1, None])
@pytest.mark.parametrize("outcome", ["test", "gap", "keskar", "top"])
def test_slopes_are_numpys_and_intervals_scipys(outcome, level):
    run = factorials.run(noise=0.02)
    theirs = planes(run, outcome, level)
    found = one(frame(run), level=level, outcome=outcome)
    assert found["n_replicates"] == len(theirs) == 12
    for name, values in zip(factorial.DOUBLED, (*theirs.T, theirs.sum(axis=1)), strict=True):
        assert found[name] == pytest.approx(values.mean())
        ends = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
        assert (found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx(ends)


def test_the_gap_falls_as_accuracy_rises_where_training_examples_are_all_right():
    found = frame(factorials.run(noise=0.02))
    test, gap = (one(found, level=0.1, outcome=name) for name in ("test", "gap"))
    assert tuple(gap[list(factorial.DOUBLED)]) == pytest.approx(tuple(-test[list(factorial.DOUBLED)]))


def test_nothing_changes_at_a_fixed_ratio_where_the_ratio_alone_counts():
    rates = {(f"rate-{rate:g}", size): rate for rate in factorials.RATES for size in factorials.SIZES}
    ratios = np.array([rate / size for (_, size), rate in rates.items()])
    found = factorial.slopes(np.array([0.5, 2.0])[:, None] * np.log2(ratios), rates)
    assert found == pytest.approx(np.array([[-0.5, 0.5], [-2.0, 2.0]]))
    assert found.sum(axis=1) == pytest.approx([0.0, 0.0], abs=1e-12)


def changed(run, **parts):
    return SimpleNamespace(**{**vars(run), **parts})


def test_a_replicate_without_a_cell_is_counted_and_not_used():
    run = factorials.run(noise=0.02)
    rows = [arms.unreached(row, 1) if row["cell_id"] == "0.2-320-4" else row for row in run.runs.to_dict("records")]
    found = frame(changed(run, runs=arms.frame(rows)))
    for level, n in ((0.3, 12), (0.1, 11), (None, 12)):
        row = one(found, level=level, outcome="test")
        assert (row["n_planned"], row["n_replicates"]) == (12, n)
    others = np.delete(planes(run, "test", 0.1), 4, axis=0)
    assert one(found, level=0.1, outcome="test")["batch"] == pytest.approx(others.mean(axis=0)[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_a_measure_without_a_logarithm_is_a_cell_without_a_number(value):
    run = factorials.run(noise=0.02)
    measures = run.measures.copy()
    measures.loc[(measures["cell_id"] == "0.05-80-7") & (measures["measure"] == "hessian_top"), "estimate"] = value
    found = frame(changed(run, measures=measures))
    counts = {name: one(found, level=0.1, outcome=name)["n_replicates"] for name in ("test", "keskar", "top")}
    assert counts == {"test": 12, "keskar": 12, "top": 11}
    others = np.delete(planes(run, "top", 0.1), 7, axis=0)
    assert one(found, level=0.1, outcome="top")["rate"] == pytest.approx(others.mean(axis=0)[1])


def test_a_single_replicate_has_slopes_and_no_interval():
    run = factorials.run()
    alone = one(frame(changed(run, runs=run.runs[run.runs["seed"] == 3])), level=0.1, outcome="test")
    assert (alone["n_planned"], alone["n_replicates"]) == (12, 1)
    assert alone["rate"] == pytest.approx(factorials.slopes(3, "test")[1])
    assert np.isnan([alone["rate_low"], alone["both_high"]]).all()


def test_a_quantity_that_no_replicate_has_in_all_cells_has_no_slope():
    run = factorials.run()
    lost = run.measures[~run.measures["cell_id"].str.startswith("0.2-320-") | (run.measures["measure"] != "keskar")]
    row = one(frame(changed(run, measures=lost)), level=0.1, outcome="keskar")
    assert row["n_replicates"] == 0
    assert np.isnan(row[list(factorial.DOUBLED)].to_numpy(float)).all()


def test_what_was_not_measured_has_no_rows():
    run = factorials.run()
    assert set(frame(changed(run, measures=run.measures.iloc[:0]))["outcome"]) == {"test", "gap"}


def scaled(rate):
    """An arm whose rate grows with the batch size."""
    return [{**run, "optimizer": factorials.entry(rate * run["batch_size"] / 20)}
            for run in factorials.arm(rate)["runs"]]  # fmt: skip


def another(key, value):
    """Tasks of which the one with the largest batch differs in a setting."""
    tasks = factorials.manifest()["tasks"]
    return {label: {**task, key: value} if task["batch_size"] == 320 else task for label, task in tasks.items()}


ADAM = {**factorials.manifest()["optimizers"], factorials.entry(0.2): {"name": "adam"}}
FULL = [factorials.arm(rate) for rate in factorials.RATES]


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param([*FULL[:2], factorials.arm(0.2, (20, 80))], {}, id="a cell is not there"),
        pytest.param([*FULL, factorials.arm(0.2, name="again")], {}, id="a rate is there twice"),
        pytest.param(FULL[:1], {}, id="one rate"),
        pytest.param([factorials.arm(rate, (20,)) for rate in factorials.RATES], {}, id="one batch size"),
        pytest.param([*FULL[:2], factorials.arm(0.2, runs=scaled(0.2))], {}, id="a rate that is scaled"),
        pytest.param(FULL, {"hyper": lambda rate: {"lr": rate, "horizon": 100.0}}, id="a rate that falls"),
        pytest.param(FULL, {"hyper": lambda rate: {"lr": rate, "timescale": 1.0}}, id="a rate that falls without end"),
        pytest.param(FULL, {"hyper": lambda rate: {"lr": rate, "beta": 0.9 - rate}}, id="another momentum"),
        pytest.param(FULL, {"hyper": lambda rate: {}}, id="no rate"),
        pytest.param(FULL, {"tasks": another("regularization", {"batch_norm": True})}, id="another regularizer"),
        pytest.param(FULL, {"tasks": another("loss", "squared")}, id="another loss"),
        pytest.param(FULL, {"optimizers": ADAM}, id="another rule"),
    ],
)
def test_arms_that_are_no_factorial_give_no_rows(given, options):
    found = frame(factorials.run(given, **options))
    assert found.empty
    assert list(found.columns) == list(factorial.FACTORIAL)


def test_rates_that_were_tuned_are_no_factor():
    run = factorials.run()
    points, tuned = Evidence.of(run).frame("arm_points"), [
        {**arm, "runs": [{**one, "setting": "tuned"} for one in arm["runs"]]} for arm in run.manifest["arms"]
    ]  # fmt: skip
    assert factorial.design(points, run.runs, run.manifest)
    assert factorial.design(points, run.runs, {**run.manifest, "arms": tuned}) == {}


def test_a_cell_that_was_not_trained_yet_leaves_no_factorial():
    run = factorials.run()
    for runs in (run.runs.iloc[:0], run.runs[run.runs["optimizer"] != factorials.entry(0.05)]):
        assert frame(changed(run, runs=runs, measures=run.measures.iloc[:0])).empty


def test_arms_of_another_experiment_are_no_factorial():
    assert frame(arms.run()).empty
    assert frame(arms.run(arms=[])).empty


def test_two_rates_and_two_batch_sizes_are_enough():
    found = frame(factorials.run([factorials.arm(rate, (20, 320)) for rate in (0.0125, 0.2)]))
    assert set(zip(found["n_rates"], found["n_sizes"], strict=True)) == {(2, 2)}
    known = np.mean([factorials.slopes(seed, "test") for seed in range(12)], axis=0)
    assert tuple(one(found, level=0.1, outcome="test")[["batch", "rate"]]) == pytest.approx(tuple(known))


@pytest.mark.parametrize(
    ("suite", "quick", "n_cells"),
    [
        ("large-batch-factorial", False, 9), ("large-batch-factorial", True, 4), ("large-batch-arms", False, 0),
        ("large-batch-tuned", False, 0), ("large-batch-ladder", False, 0), ("large-batch-optimizers", False, 0),
    ],
)  # fmt: skip
def test_of_shipped_suites_the_factorial_alone_is_one(suite, quick, n_cells):
    """By the manifest that a run of it would have, and the hyperparameters that its rows would have."""
    planned = Networks(load(suite).spec, {"quick": quick})
    manifest = planned.manifest()
    hypers = {group.labels: canonical(dict(group.configs[group.default])) for group in planned.plan.groups}
    cells = [
        {"arm": arm["name"], "batch_size": run["batch_size"], "cell_id": f"{arm['name']} {run['batch_size']}",
         "hyper": hypers[run["task"], run["optimizer"]]}
        for arm in manifest["arms"] for run in arm["runs"]
    ]  # fmt: skip
    frame = pd.DataFrame(cells)
    assert len(factorial.design(frame, frame, manifest)) == n_cells
