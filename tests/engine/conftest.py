"""One engine for all tests of this folder, and ways to run any lanes on it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.operands import target_order
from optbench.engine.landscapes.rows import measured
from optbench.engine.landscapes.sharing import Pair
from optbench.problems.units import units_of
from optbench.suite.landscapes.plan import LandscapeGroup
from optbench.suite.landscapes.problem import ProblemSpec
from optbench.suite.optimizer import OptimizerSpec
from tests.engine.landscapes import aside, cone, cup, flatter, misjudged, tilted
from tests.engine.rules import sam

LANDSCAPES = "tests.engine.landscapes"
#: The rules of the notes: they cover every shape of state that a slot program has.
RULES = [catalog.optimizer(name) for name in ("sgd", "momentum", "nag", "adagrad", "adadelta", "rmsprop", "adam")]


def problems_2d():
    plain = [
        catalog.problem("sphere"),
        *(catalog.problem(f"{LANDSCAPES}:{f.name}") for f in (cup, cone, misjudged, flatter, aside)),
    ]
    plain += [catalog.problem("rosenbrock", 2, instance=1), catalog.problem("ellipsoid", 2, instance=1)]
    return [*plain, catalog.problem("ellipsoid", 2, instance=1, rotated=True), catalog.problem(f"{LANDSCAPES}:tilted")]


def pairs_2d():
    assert tilted.dims.default == 2
    return [Pair(problem, rule) for problem in problems_2d() for rule in (*RULES, sam)]


@pytest.fixture(scope="session")
def engine():
    """An engine prepared for all test problems in dimension 2 and all rules, on two threads."""
    engine = Engine(threads=2)
    engine.prepare(pairs_2d())
    assert not engine.faults
    return engine


class Lanes:
    """Runs given starts at given hyperparameters in one block."""

    def block(self, engine, problem, rule, x0, hyper, *, budget, units="raw"):
        task = engine.task(problem, rule, units=units, budget=budget)
        return task.run(self.inward(problem, units, x0), self.values(rule, hyper), budget + 1, threading.Event())

    def rows(self, engine, problem, rule, x0, hyper, *, budget, units="raw"):
        block = self.block(engine, problem, rule, x0, hyper, budget=budget, units=units)
        return measured(block.records, len(x0), budget, rule, target_order(problem))

    @staticmethod
    def inward(problem, units, x0):
        return units_of(problem, units).inward(np.asarray(x0, np.float64))

    @staticmethod
    def values(rule, hyper):
        resolved = [rule.resolve(one) for one in hyper]
        return np.array([[one[name] for name in rule.hyper] for one in resolved])


@pytest.fixture(scope="session")
def lanes():
    return Lanes()


def group_of(problem, optimizer, configs, *, starts=3, budget=40, units="normalized", seed=0, dim=2, **given):
    """Returns a group as a plan would hold it: ``configs`` are values of the swept hyperparameter."""
    spec, entry = ProblemSpec(name=problem, dim=dim, **given), OptimizerSpec(name=optimizer)
    rule = entry.build()
    return LandscapeGroup(
        problem=spec,
        problem_label=spec.label,
        optimizer=entry,
        optimizer_label=entry.label,
        configs=tuple(rule.resolve({rule.swept: value}) for value in configs),
        swept=rule.swept,
        trials=len(configs),
        default=0,
        starts=tuple(("report", index) for index in range(starts)),
        units=units,
        budget=budget,
        seed=seed,
    )


def rows_by_id(result):
    """Returns each row of a group by its cell id, every column as text that keeps all bits."""
    columns = result[1].columns
    rows = {}
    for i, cell in enumerate(columns["cell_id"]):
        rows[cell] = {key: np.asarray(column[i]).tobytes() for key, column in columns.items() if key != "config"}
    return rows


def assert_same_columns(found, expected):
    """Asserts that two sets of columns are equal to the last bit."""
    assert found.keys() == expected.keys()
    for name in expected:
        a, b = np.asarray(found[name]), np.asarray(expected[name])
        assert a.dtype == b.dtype, name
        assert a.shape == b.shape, name
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name
