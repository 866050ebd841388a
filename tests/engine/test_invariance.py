"""What must not change a bit: place in a block, order, threads, segments, horizon; and company, but for rounding."""

from __future__ import annotations

import threading
from dataclasses import replace

import jax
import numpy as np
import pytest

import optbench as ob
from optbench import catalog
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.operands import target_order
from optbench.engine.landscapes.rows import measured
from optbench.engine.landscapes.sharing import Pair
from optbench.records import curve_steps
from tests.engine.conftest import RULES, assert_same_columns, group_of, rows_by_id
from tests.engine.rules import sam

BUDGET = 600
ROSENBROCK = catalog.problem("rosenbrock", 2, instance=1)
TURNED = catalog.problem("ellipsoid", 2, instance=1, rotated=True)
BY_NAME = {rule.name: rule for rule in (*RULES, sam)}


def cells(problem, rule, n, seed=0):
    """Returns starts and configurations, from creeping to exploding."""
    rng = np.random.default_rng(seed)
    x0 = rng.uniform(problem.bounds[:, 0], problem.bounds[:, 1], (n, problem.dim))
    top = 0.0 if rule.swept == "eps" else 2.0
    return x0, [{rule.swept: float(10.0**power)} for power in rng.uniform(-4, top, n)]


@pytest.mark.parametrize("problem", [ROSENBROCK, TURNED], ids=lambda problem: problem.label)
@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "adadelta"])
def test_place_in_the_block_and_company(engine, lanes, problem, name):
    rule = BY_NAME[name]
    x0, hyper = cells(problem, rule, 256)
    order = np.random.default_rng(1).permutation(256)
    full = lanes.rows(engine, problem, rule, x0, hyper, budget=BUDGET, units="normalized")
    assert {"ok", "diverged"} >= set(full["status"])
    shuffled = lanes.rows(
        engine, problem, rule, x0[order], [hyper[i] for i in order], budget=BUDGET, units="normalized"
    )
    few = lanes.rows(engine, problem, rule, x0[[200, 3]], [hyper[200], hyper[3]], budget=BUDGET, units="normalized")
    for name in full:
        there = [full[name][i] for i in order]
        assert np.array_equal(np.asarray(shuffled[name]), np.asarray(there)), name
        assert np.array_equal(np.asarray(few[name]), np.asarray([full[name][200], full[name][3]])), name


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_order_of_configurations_and_starts(engine, optimizer):
    """Groups of several blocks, whose cells go to blocks by id: no list's order shows in a row."""
    group = group_of("ellipsoid", optimizer, [10.0 ** (-k / 5) for k in range(20)], starts=17, instance=1, rotated=True)
    order = np.random.default_rng(2).permutation(len(group.configs))
    configs = tuple(group.configs[i] for i in order)
    turned = replace(group, configs=configs, starts=group.starts[::-1], default=int(np.argmin(order)))
    (result,) = engine.run([group])
    (other,) = engine.run([turned])
    assert result[1].facts["blocks"] == 2
    found, others = (list(one[1].columns["cell_id"]) for one in (result, other))
    assert found == group.cell_ids() != others == turned.cell_ids()
    assert rows_by_id(result) == rows_by_id(other)


@pytest.mark.parametrize("problem", [ROSENBROCK, TURNED], ids=lambda problem: problem.label)
def test_company_in_the_program(engine, lanes, problem):
    """A program of the pair alone, without a switch, gives the values of the program that holds all pairs.

    Not the bits of all of them: what XLA knows of a function alone, it may round once less.
    """
    early = len(curve_steps(20))
    for name in ("sgd", "nag", "adam"):
        alone = Engine(threads=1)
        alone.prepare([Pair(problem, BY_NAME[name])])
        x0, hyper = cells(problem, BY_NAME[name], 40)
        given = (problem, BY_NAME[name], x0, hyper)
        found = lanes.rows(alone, *given, budget=BUDGET, units="normalized")
        there = lanes.rows(engine, *given, budget=BUDGET, units="normalized")
        for column in ("curve_f", "curve_best"):
            one, other = (np.stack([row[:early] for row in rows[column]]) for rows in (found, there))
            np.testing.assert_allclose(one, other, rtol=1e-12)


def test_number_of_threads(engine):
    groups = [
        group_of("rosenbrock", name, [10.0 ** (-k / 7) for k in range(28)], starts=20, budget=200)
        for name in ("sgd", "nag")
    ]
    both = [rows_by_id(result) for result in engine.run(groups)]
    single = Engine(threads=1, programs=engine.programs, recorders=engine.recorders)
    assert [rows_by_id(result) for result in single.run(groups)] == both


@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "sam"])
def test_segments_and_single_trips(engine, lanes, name):
    rule = BY_NAME[name]
    x0, hyper = cells(ROSENBROCK, rule, 60)
    whole = lanes.block(engine, ROSENBROCK, rule, x0, hyper, budget=BUDGET, units="normalized")
    task = engine.task(ROSENBROCK, rule, units="normalized", budget=BUDGET)
    rng = np.random.default_rng(3)
    for lengths in ([1] * 30 + [BUDGET + 1 - 30], [100, 7, 64, 128, 1, 301], rng.multinomial(BUDGET + 1, [0.1] * 10)):
        with jax.enable_x64(True):
            block, values = task.start(lanes.inward(ROSENBROCK, "normalized", x0), lanes.values(rule, hyper))
            first = 0
            for n in lengths:
                block = task.advance(block, values, first, int(n))
                first += int(n)
            block = jax.tree.map(np.asarray, block)
        assert first == BUDGET + 1
        for a, b in zip(jax.tree.leaves(block), jax.tree.leaves(whole), strict=True):
            assert np.array_equal(
                a[:60] if a.shape[:1] == (256,) else a, b[:60] if b.shape[:1] == (256,) else b, equal_nan=True
            )


@pytest.mark.parametrize(("short", "long"), [(1, 2), (9, 64), (63, 65), (200, 512), (512, 2000)])
def test_longer_horizon_extends_a_shorter_one(engine, lanes, short, long):
    rule = BY_NAME["adam"]
    x0, hyper = cells(ROSENBROCK, rule, 60)
    a = lanes.rows(engine, ROSENBROCK, rule, x0, hyper, budget=short, units="normalized")
    b = lanes.rows(engine, ROSENBROCK, rule, x0, hyper, budget=long, units="normalized")
    n = len(curve_steps(short))
    assert curve_steps(long)[:n] == curve_steps(short)
    for name in ("curve_f", "curve_best"):
        assert np.array_equal(b[name][:, :n], a[name])
    for name in ("hits", "escaped_at", "diverged_at"):
        assert np.array_equal(np.where(b[name] > short, -1, b[name]), a[name]), name
    assert np.array_equal(a["f_start"], b["f_start"])
    assert (b["f_best"] <= a["f_best"]).all()


@pytest.mark.parametrize("name", ["sgd", "nag", "adam"])
def test_trace_has_the_bits_of_a_suite_in_raw_units(engine, name):
    group = group_of("rosenbrock", name, [1e-4, 1e-3, 0.1], starts=1, budget=100, units="raw", instance=1)
    ((_, (columns, *_)),) = engine.run([group])
    for i, config in enumerate(group.configs):
        path = ob.trace(ROSENBROCK, name, hyper=config, steps=100)
        steps = list(curve_steps(100))
        at = int(columns["diverged_at"][i])
        assert (path.diverged_at, path.status) == (at, columns["status"][i])
        good = [step for step in steps if at < 0 or step < at]
        assert path.f[good].tolist() == columns["curve_f"][i][: len(good)].tolist()
        end = 100 if at < 0 else at - 1
        assert path.f[end] == columns["f_last"][i]
        assert path.f[: end + 1].min() == columns["f_best"][i]


def test_same_call_twice(engine, lanes):
    rule = BY_NAME["rmsprop"]
    x0, hyper = cells(ROSENBROCK, rule, 100)
    task = engine.task(ROSENBROCK, rule, units="raw", budget=300)
    rows = [
        measured(
            task.run(x0, lanes.values(rule, hyper), 301, threading.Event()).records,
            100,
            300,
            rule,
            target_order(ROSENBROCK),
        )
        for _ in range(3)
    ]
    assert_same_columns(rows[1], rows[0])
    assert_same_columns(rows[2], rows[0])
