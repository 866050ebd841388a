"""Wells of judged iterates: the column is what gradient flow says, and looking changes no bit of a run."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.disturb import Streams
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.program import Room
from optbench.engine.landscapes.sharing import Pair
from optbench.engine.landscapes.well_column import snapshot_trips
from optbench.measures.wells import drains_to
from optbench.records import FLAT, NEITHER, SHARP
from tests.engine.conftest import group_of

SUM = "two_wells_sum_from_both"
LOUD = {"noise": 6.0, "curvature_noise": 1.0}


def wells_group(optimizer, rates, *, batch=None, snapshots=(), budget=200, starts=6, seeds=1, **parameters):
    noise = {} if batch is None else {"noise": {"kind": "batch", "level": batch}}
    group = group_of(
        SUM, optimizer, rates, starts=starts, budget=budget, units="raw", parameters={**LOUD, **parameters}, **noise
    )
    cost = group.problem.build().trip_cost
    return replace(group, snapshots=snapshots, noise_seeds=seeds, trip_cost=cost)


@pytest.fixture(scope="module")
def engine():
    engine = Engine(threads=2)
    parameters = {**LOUD}
    problems = [catalog.problem(SUM, 2, **parameters)]
    for level in (1, 3, 8, 64):
        group = wells_group("sgd", [0.1], batch=level)
        problems.append(group.problem.build())
    rules = [catalog.optimizer(name) for name in ("sgd", "sam")]
    engine.prepare(Pair(problem, rule, starts=6, seeds=2) for problem in problems for rule in rules)
    assert not engine.faults
    return engine


def columns_of(engine, group):
    ((_, outcome),) = engine.run([group])
    return outcome.columns


@pytest.mark.parametrize("optimizer", ["sgd", "sam"])
@pytest.mark.parametrize("batch", [None, 1, 3, 8, 64])
def test_snapshots_change_no_bit(engine, optimizer, batch):
    budget = {1: 40, 3: 80}.get(batch, 200)
    plain = wells_group(optimizer, [0.01, 0.15, 3.0], batch=batch, budget=budget, seeds=1 if batch is None else 2)
    watched = replace(plain, snapshots=(1, 7, 33, budget))
    expected, found = columns_of(engine, plain), columns_of(engine, watched)
    assert expected["wells"].shape == (plain.n_cells, 0)
    assert found["wells"].shape == (plain.n_cells, 5)
    for name in expected:
        if name not in {"cell_id", "wells"}:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert set(expected["cell_id"]).isdisjoint(found["cell_id"])


def test_the_iterate_that_is_kept_is_the_one_that_is_judged(engine):
    """Gradient descent by hand, and for SAM the iterate without its ascent step, of odd and even trips alike."""
    problem = catalog.problem(SUM, 2, **LOUD)
    x0 = np.array([problem.starts(0, "report", index)[0] for index in range(5)])
    rule, rate = catalog.optimizer("sgd"), 0.05
    task = engine.task(problem, rule, units="raw", budget=60)
    block = task.run(x0, np.array([[rate]]), 61, threading.Event(), snapshots=(1, 17, 60))
    for trip, kept in zip((1, 17, 60), block.kept, strict=True):
        x = x0.copy()
        for _ in range(trip):
            x -= rate * np.array([problem.value_and_grad(row)[1] for row in x])
        np.testing.assert_allclose(kept[:5], x, rtol=1e-12, atol=1e-14)
    sam = catalog.optimizer("sam")
    task = engine.task(problem, sam, units="raw", budget=60)
    hyper = np.array([[{**sam.defaults(), "lr": rate}[name] for name in sam.hyper]])
    odd, even = task.run(x0, hyper, 61, threading.Event(), snapshots=(18, 19)).kept
    assert np.array_equal(odd, even)
    rho = sam.defaults()["rho"]
    x = x0.copy()
    for _ in range(9):
        first = np.array([problem.value_and_grad(row)[1] for row in x])
        ahead = x + rho * first / np.linalg.norm(first, axis=1, keepdims=True)
        x -= rate * np.array([problem.value_and_grad(row)[1] for row in ahead])
    np.testing.assert_allclose(odd[:5], x, rtol=1e-9, atol=1e-12)


def test_the_first_entry_is_gradient_flow_from_the_start_and_the_gone_are_in_neither(engine):
    group = wells_group("sgd", [1e-3, 1e3], snapshots=(1, 200), starts=6)
    columns, problem = columns_of(engine, group), group.problem.build()
    flow = drains_to(problem, np.array([problem.starts(0, "report", index)[0] for index in range(6)]))
    assert set(flow) == {SHARP, FLAT}
    wells = columns["wells"].reshape(2, 6, 3)
    assert wells.dtype == np.int32
    assert (wells[:, :, 0] == flow).all()
    assert (wells[0] == flow[:, None]).all()
    assert (wells[1, :, 2] == NEITHER).all()
    gone = (columns["diverged_at"].reshape(2, 6)[1] <= 1) & (columns["diverged_at"].reshape(2, 6)[1] >= 0)
    escaped = (columns["escaped_at"].reshape(2, 6)[1] <= 1) & (columns["escaped_at"].reshape(2, 6)[1] >= 0)
    assert (wells[1, gone | escaped, 1] == NEITHER).all()
    assert (gone | escaped).any()


@pytest.mark.parametrize("ratio", [10.0, 100.0])
def test_gradient_descent_leaves_the_sharp_well_at_twice_the_inverse_curvature(engine, ratio):
    """To 1 %: all the gradient, no noise; the rate times the curvature is 1.98 or 2.02."""
    group = wells_group(
        "sgd", [1.98 / ratio, 2.02 / ratio], batch=64, snapshots=(10, 2000), budget=2000, ratio=ratio, starts=6
    )
    wells = columns_of(engine, group)["wells"].reshape(2, 6, 3)
    inside = wells[0, :, 0] == SHARP
    assert 0 < inside.sum() < 6
    assert (wells[0, inside] == SHARP).all()
    assert (wells[1, inside, 2] == FLAT).all()
    assert (wells[:, ~inside] == FLAT).all()


def test_starts_see_batches_of_their_own(engine):
    """Under shared batches all runs would end alike, and starts would be no independent evidence."""
    group = wells_group("sgd", [0.06], batch=1, snapshots=(40,), budget=40, starts=6, seeds=2)
    excess = columns_of(engine, group)["f_last"].reshape(6, 2) + 1.0
    assert len(np.unique(excess.round(6))) == 12
    assert np.ptp(np.log(excess[:, 0])) > 0.1


def test_under_sampled_terms_a_snapshot_stands_where_the_value_is_worked_out():
    problem = wells_group("sgd", [0.1], batch=3).problem.build()
    streams = Streams(problem, "raw", 0, ((0,),), Room(1, 1, 3), (2131,))
    cost = problem.trip_cost
    assert snapshot_trips((1, 50, 100), cost, streams) == (16, 1056, 2131)
    assert snapshot_trips((1, 50, 100), 1.0, None) == (1, 50, 100)
    whole = wells_group("sgd", [0.1], batch=64).problem.build()
    assert snapshot_trips((33, 100), 1.0, streams._replace(problem=whole)) == (33, 100)


def test_cells_that_cannot_run_have_unknown_wells(engine):
    broken = Engine(threads=1, programs=engine.programs, recorders=engine.recorders)
    group = wells_group("sgd", [0.1], snapshots=(1, 10), starts=2)
    broken.faults[group.problem.build(), group.optimizer.build()] = "no"
    columns = columns_of(broken, group)
    assert columns["wells"].tolist() == [[NEITHER] * 3] * 2
    sphere = group_of("sphere", "sgd", [0.1], starts=2)
    broken.faults[sphere.problem.build(), sphere.optimizer.build()] = "no"
    assert columns_of(broken, replace(sphere, snapshots=(1, 10)))["wells"].shape == (2, 0)
