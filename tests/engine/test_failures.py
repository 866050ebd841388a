"""What a user's function or the machine does wrong becomes rows that say so; every other group runs on."""

from __future__ import annotations

import dataclasses
import gc
import re
import weakref

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.block import PreparedPair
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair, fault
from optbench.errors import UsageError
from optbench.records import N_TARGETS, curve_steps
from optbench.records.landscapes import ROWS
from tests.engine.conftest import LANDSCAPES, RULES, group_of, rows_by_id

OPTIMIZERS = "tests.engine.rules"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raising", "raising-2d: ArithmeticError: no value today"),
        ("wrong_shape", "wrong_shape-2d: f must return a float64 scalar; got float64 of shape (2,)"),
        ("wrong_type", "wrong_type-2d: f must return a float64 scalar; got float32 of shape ()"),
        ("no_gradient", "no_gradient-2d: ValueError: Reverse-mode differentiation does not work"),
        ("asks_its_parameter", "asks_its_parameter-2d: TracerBoolConversionError: "),
    ],
)
def test_a_landscape_that_does_not_work_is_named(name, message):
    found = fault(Pair(catalog.problem(f"{LANDSCAPES}:{name}"), RULES[0]))
    assert found is not None
    assert found.startswith(f"{LANDSCAPES}:{message}")
    assert "\n" not in found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raising", "raising: RuntimeError: this rule refuses to move"),
        ("wrong_shape", "wrong_shape: update must return params as float64 of shape (2,); got float64 of shape ()"),
        ("wrong_type", "wrong_type: update must return params as float64 of shape (2,); got float32 of shape (2,)"),
        ("no_point", "no_point: update must return (params, state, point)"),
        ("grows", "grows: update must return a state like that of init, PyTreeDef(()); got "),
        (
            "key_state",
            "key_state: TypeError: tests.engine.rules:key_state: a state leaf must hold numbers; got key<fry>",
        ),
    ],
)
def test_a_rule_that_does_not_work_is_named(name, message):
    found = fault(Pair(catalog.problem("sphere"), catalog.optimizer(f"{OPTIMIZERS}:{name}")))
    assert found is not None
    assert found.startswith(f"{OPTIMIZERS}:{message}")
    assert "\n" not in found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_works_has_no_fault(rule):
    assert fault(Pair(catalog.problem("ellipsoid", 3, instance=1, rotated=True), rule)) is None


def assert_failed(group, columns, status, message):
    n = group.n_cells
    assert set(columns) == set(ROWS.columns)
    assert columns["cell_id"] == group.cell_ids()
    assert columns["status"] == [status] * n
    assert len(columns["message"]) == n
    assert all(text.startswith(message) for text in columns["message"])
    assert (columns["hits"] == -1).all()
    assert (columns["settled"] == -1).all()
    assert columns["hits"].shape == (n, N_TARGETS)
    assert columns["curve_f"].shape == columns["curve_best"].shape == (n, len(curve_steps(group.budget)))
    assert np.isnan(columns["f_last"]).all()
    assert (columns["cost"] == 0).all()


def test_a_fault_is_that_of_one_rule_and_not_of_its_name():
    """A user's rule that calls itself sgd and does not work takes nothing from the one that does."""
    engine, problem, sgd = Engine(threads=1), catalog.problem("sphere"), catalog.optimizer("sgd")
    broken = dataclasses.replace(catalog.optimizer(f"{OPTIMIZERS}:raising"), name="sgd")
    engine.prepare([Pair(problem, broken), Pair(problem, sgd)])
    assert list(engine.faults) == [(problem, broken)]
    (program,) = engine.programs.values()
    assert program.spec.rules == (sgd,)


def test_groups_beside_a_faulty_one_have_the_rows_that_they_have_alone():
    broken = [
        group_of(f"{LANDSCAPES}:raising", "sgd", [0.1]),
        group_of(f"{LANDSCAPES}:wrong_shape", "adam", [0.1, 0.2]),
        group_of(f"{LANDSCAPES}:no_gradient", "sgd", [0.1]),
        group_of(f"{LANDSCAPES}:asks_its_parameter", "sgd", [0.1]),
        group_of("sphere", f"{OPTIMIZERS}:raising", [0.1]),
        group_of("sphere", f"{OPTIMIZERS}:wrong_shape", [0.1]),
        group_of("sphere", f"{OPTIMIZERS}:grows", [0.1]),
    ]
    sound = [group_of("sphere", "sgd", [0.1, 0.2]), group_of("sphere", "adam", [0.1])]
    results = []
    for groups in (sound, [broken[0], sound[0], *broken[1:], sound[1]]):
        engine = Engine(threads=2)
        engine.prepare(Pair(group.problem.build(), group.optimizer.build()) for group in groups)
        results.append(list(engine.run(groups)))
    alone, together = results
    for result in together:
        group, (columns, *_) = result
        if group in broken:
            name = group.problem_label if ":" in group.problem_label else group.optimizer_label
            assert_failed(group, columns, "error", f"{name}: ")
    found = [rows_by_id(result) for result in together if result[0] in sound]
    assert found == [rows_by_id(result) for result in alone]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "not_a_number",
            "not_a_number-2d: the median of f - f_star over the starts must be a positive number; got nan",
        ),
        ("raising", "raising-2d: f raises ArithmeticError: no value today"),
    ],
)
def test_a_landscape_without_a_scale_is_refused_in_one_line(name, message):
    """Without ``f_scale`` there is no gap and no target, so no row could be judged."""
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        _ = catalog.problem(f"{LANDSCAPES}:{name}").f_scale
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_an_iterate_of_nan_has_diverged_though_its_value_is_finite(lanes, dim):
    problem, engine = catalog.problem(f"{LANDSCAPES}:floored", dim), Engine(threads=1)
    engine.prepare([Pair(problem, RULES[0])])
    x0 = np.full((2, dim), 0.5)
    x0[0, 0] = -1.0
    rows = lanes.rows(engine, problem, RULES[0], x0, [{"lr": 1e-3}] * 2, budget=80)
    assert rows["diverged_at"].tolist() == [1, -1]
    assert rows["f_last"][0] == rows["f_start"][0] == 0.25


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            MemoryError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes\nmore"),
            "oom",
            "MemoryError: RESOURCE_EXHAUSTED",
        ),
        (RuntimeError("INTERNAL: something broke\nat length"), "error", "RuntimeError: INTERNAL: something broke"),
        (RuntimeError(), "error", "RuntimeError: "),
    ],
)
def test_a_block_that_fails_is_rows_and_its_neighbors_run_on(engine, monkeypatch, error, status, message):
    group = group_of("rosenbrock", "sgd", [10.0 ** (-k / 9) for k in range(30)], starts=10, budget=20)
    other = group_of("rosenbrock", "adam", [0.1], budget=20)
    expected, other_expected = (rows_by_id(result) for result in engine.run([group, other]))
    run, unlucky = PreparedPair.run, []

    def fail_for_one_block(self, z0, *arguments, **named):
        unlucky[:] = unlucky or [z0.tobytes()]
        if z0.tobytes() == unlucky[0]:
            raise error
        return run(self, z0, *arguments, **named)

    monkeypatch.setattr(PreparedPair, "run", fail_for_one_block)
    alone = Engine(threads=1, programs=engine.programs, recorders=engine.recorders)
    result, other_result = alone.run([group, other])
    columns = result[1].columns
    lost = [i for i in range(group.n_cells) if columns["status"][i] == status]
    # Blocks are cut in the order of ids, whatever the order of the plan.
    assert {columns["cell_id"][i] for i in lost} == set(sorted(group.cell_ids())[:256])
    assert all(columns["message"][i].startswith(message) and "\n" not in columns["message"][i] for i in lost)
    kept = {
        cell: row
        for cell, row in rows_by_id(result).items()
        if columns["status"][columns["cell_id"].index(cell)] != status
    }
    assert len(kept) == 44
    numbers = [key for key in ROWS.columns if key not in ("config", "message", "status", "hyper")]
    for cell, row in kept.items():
        assert {key: row[key] for key in numbers} == {key: expected[cell][key] for key in numbers}
    assert rows_by_id(other_result) == other_expected


def test_a_block_that_ran_out_of_memory_is_tried_again_alone(engine, monkeypatch):
    group = group_of("rosenbrock", "sgd", [10.0 ** (-k / 9) for k in range(30)], starts=10, budget=20)
    (expected,) = (rows_by_id(result) for result in engine.run([group]))
    run, calls = PreparedPair.run, []

    def fail_once(self, *arguments, **named):
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError("RESOURCE_EXHAUSTED: Out of memory")
        return run(self, *arguments, **named)

    monkeypatch.setattr(PreparedPair, "run", fail_once)
    (result,) = Engine(threads=1, programs=engine.programs, recorders=engine.recorders).run([group])
    assert set(result[1].columns["status"]) <= {"ok", "diverged"}
    assert rows_by_id(result) == expected
    assert len(calls) == 3


def test_two_lambdas_of_a_module_are_two_functions(engine, lanes):
    """``misjudged`` and ``flatter`` have one module and one qualified name."""
    for name, factor in (("misjudged", 1.0), ("flatter", 0.25)):
        rows = lanes.rows(
            engine, catalog.problem(f"{LANDSCAPES}:{name}"), RULES[0], [[1.0, 1.5]], [{"lr": 0.1}], budget=3
        )
        assert rows["f_start"].tolist() == [factor * 3.25]
        np.testing.assert_allclose(rows["f_last"], factor * 3.25 * (1 - 0.2 * factor) ** 6, rtol=1e-12)


def test_a_rule_of_a_user_may_bear_the_name_of_one_of_ours(lanes):
    ours, theirs = catalog.optimizer("sgd"), catalog.optimizer(f"{OPTIMIZERS}:sgd")
    sphere, engine = catalog.problem("sphere"), Engine(threads=1)
    engine.prepare([Pair(sphere, ours), Pair(sphere, theirs)])
    for rule, shrinks in ((ours, 0.8), (theirs, 0.6)):
        rows = lanes.rows(engine, sphere, rule, [[1.0, 2.0]], [{"lr": 0.1}], budget=1)
        np.testing.assert_allclose(rows["f_last"], 5 * shrinks**2, rtol=1e-12)


def test_stopping_abandons_what_is_in_flight(engine):
    group = group_of("rosenbrock", "sgd", [0.1, 0.2], starts=200, budget=20_000)
    results = engine.run([group] * 6)
    next(results)
    results.close()
    assert engine.stop.is_set()
    ((_, (columns, *_)),) = engine.run([group_of("rosenbrock", "sgd", [0.1], budget=5)])
    assert set(columns["status"]) == {"ok"}


def test_groups_that_were_handed_over_are_not_held(engine, monkeypatch):
    """Without waiting for Python to look for circles: what a thousand groups hold is gigabytes."""
    made, make = [], Engine.task

    def noted(self, *arguments, **named):
        task = make(self, *arguments, **named)
        made.append(weakref.ref(task))
        return task

    monkeypatch.setattr(Engine, "task", noted)
    gc.collect()
    gc.disable()
    try:
        for _ in engine.run([group_of("rosenbrock", "sgd", [0.1, 0.2], budget=20)] * 5):
            assert sum(task() is not None for task in made) <= 3
        assert [task() for task in made] == [None] * 5
    finally:
        gc.enable()
