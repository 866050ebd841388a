"""Cost and judged iterate: two gradients cost two, and lookahead and perturbed points are never scored."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from optbench.records import curve_steps
from tests.engine import oracle
from tests.engine.conftest import LANDSCAPES, RULES, group_of
from tests.engine.rules import sam
from tests.optimizers.notes import CASES, GRADIENTS, HYPER, error, path

SGD, NAG = RULES[0], RULES[2]
SPHERE = catalog.problem("sphere")
ROSENBROCK = catalog.problem("rosenbrock", 2, instance=1)


def starts_of(problem, n=12):
    return [problem.starts(0, "report", i)[0] for i in range(n)]


@pytest.mark.parametrize("problem", [SPHERE, ROSENBROCK], ids=lambda problem: problem.label)
def test_two_gradients_a_step_cost_twice(engine, lanes, problem):
    """SAM with radius 0 walks SGD's path: each target at twice the cost, half the steps in the budget."""
    starts, rate = starts_of(problem), {"lr": 0.1}
    once = lanes.rows(engine, problem, SGD, starts, [rate] * 12, budget=300, units="normalized")
    twice = lanes.rows(engine, problem, sam, starts, [{**rate, "rho": 0.0}] * 12, budget=600, units="normalized")
    same = lanes.rows(engine, problem, sam, starts, [{**rate, "rho": 0.0}] * 12, budget=300, units="normalized")
    half = lanes.rows(engine, problem, SGD, starts, [rate] * 12, budget=150, units="normalized")
    assert (once["hits"] > 0).any()
    assert np.array_equal(twice["hits"], np.where(once["hits"] > 0, 2 * once["hits"], once["hits"]))
    # The first trip of a step scores what the last one left, so the step that settles it is whole.
    assert np.array_equal(twice["settled"], np.where(once["settled"] > 0, 2 * once["settled"], once["settled"]))
    np.testing.assert_allclose(twice["f_last"], once["f_last"], rtol=1e-9)
    np.testing.assert_allclose(same["f_last"], half["f_last"], rtol=1e-9)
    np.testing.assert_allclose(same["f_best"], half["f_best"], rtol=1e-9)
    assert set(same["grad_evals"]) == {300}


@pytest.mark.parametrize(("budget", "spent"), [(1, 0), (2, 2), (3, 2), (65, 64)])
def test_a_step_beyond_the_budget_is_not_begun(engine, lanes, budget, spent):
    rows = lanes.rows(engine, SPHERE, sam, starts_of(SPHERE), [{"lr": 0.1, "rho": 0.1}] * 12, budget=budget)
    assert set(rows["grad_evals"]) == {spent}
    assert set(rows["cost"]) == {float(spent)}
    if spent == 0:
        assert np.array_equal(rows["f_last"], rows["f_start"])


def test_sam_diverges_at_the_cost_of_whole_steps(engine, lanes):
    rows = lanes.rows(engine, SPHERE, sam, starts_of(SPHERE), [{"lr": 2.0, "rho": 0.1}] * 12, budget=200)
    assert (rows["diverged_at"] > 0).all()
    assert (rows["diverged_at"] % 2 == 0).all()
    assert np.array_equal(rows["grad_evals"], rows["diverged_at"])


def test_sam_is_judged_where_it_is_not_perturbed(engine, lanes):
    """At rate ~0 the iterate stays while the perturbed point climbs by rho: no value may show the climb."""
    starts = starts_of(SPHERE)
    rows = lanes.rows(engine, SPHERE, sam, starts, [{"lr": 1e-300, "rho": 2.0}] * 12, budget=40)
    expected = np.array([SPHERE.f(x0) for x0 in starts])
    assert np.array_equal(rows["curve_f"], np.repeat(expected[:, None], len(curve_steps(40)), axis=1))
    moved = lanes.rows(engine, SPHERE, sam, starts, [{"lr": 0.1, "rho": 0.5}] * 12, budget=3)
    for x0, curve in zip(starts, moved["curve_f"], strict=True):
        # The gradient is taken rho further out along x, so one step goes to x - 0.1 * 2 (x + rho x/|x|).
        x1 = x0 - 0.2 * x0 * (1 + 0.5 / np.linalg.norm(x0))
        np.testing.assert_allclose(curve, [SPHERE.f(x0), SPHERE.f(x0), SPHERE.f(x1), SPHERE.f(x1)], rtol=1e-12)


def test_nag_is_judged_at_its_iterate(engine, lanes):
    starts, hyper = starts_of(ROSENBROCK, 4), {"lr": 0.02, "beta": 0.95}
    rows = lanes.rows(engine, ROSENBROCK, NAG, starts, [hyper] * 4, budget=20, units="normalized")
    for i, x0 in enumerate(starts):
        row, x = oracle.run(ROSENBROCK, oracle.rosenbrock, "nag", hyper, x0, "normalized", 20)
        np.testing.assert_allclose(rows["curve_f"][i], row["curve_f"], rtol=1e-10)
        ahead = x[1:] + 0.95 * np.diff(x, axis=0)
        at_lookahead = np.array([ROSENBROCK.f(point) for point in ahead])
        assert np.abs(at_lookahead - [ROSENBROCK.f(point) for point in x[1:]]).min() > 1e-6
        assert not np.isclose(rows["f_last"][i], at_lookahead[-1], rtol=1e-6)


def test_a_run_below_f_star_has_escaped(engine, lanes):
    problem = catalog.problem(f"{LANDSCAPES}:misjudged")
    rows = lanes.rows(engine, problem, SGD, [[1.0, 1.0]] * 2, [{"lr": 0.1}, {"lr": 1e-6}], budget=100)
    assert rows["status"] == ["ok", "ok"]
    assert rows["escaped_at"][0] > 0
    assert rows["escaped_at"][1] == -1


@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "adadelta"])
def test_all_optimizers_share_their_starts(engine, name):
    groups = [group_of("rosenbrock", other, [1e-2, 1e-3], starts=5, instance=1, seed=4) for other in ("momentum", name)]
    (_, (first, *_)), (_, (second, *_)) = engine.run(groups)
    drawn = [ROSENBROCK.f(ROSENBROCK.starts(4, "report", i)[0]) for i in range(5)]
    for columns in (first, second):
        np.testing.assert_allclose(columns["f_start"], drawn * 2, rtol=1e-12)
    assert np.array_equal(first["f_start"], second["f_start"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_thousand_steps_of_the_engine_are_the_notes(engine, lanes, rule):
    """The judged iterates after each curve point's cost, for all functions on which the path is not chaotic."""
    functions = [function for name, function in CASES if name == rule.name]
    problems = [catalog.problem(function) for function in functions]
    apart = Engine(threads=2)
    apart.prepare(Pair(problem, rule) for problem in problems)
    steps = curve_steps(1000)
    for problem, function in zip(problems, functions, strict=True):
        grad, x0 = GRADIENTS[function]
        task = apart.task(problem, rule, units="raw", budget=1000)
        block, hyper = task.start(np.array([x0]), lanes.values(rule, [HYPER[rule.name]]))
        found = [np.array(x0)]
        for first, last in pairwise(steps):
            block = task.advance(block, hyper, first, last - first)
            found.append(np.asarray(block.carry.params[0]))
        expected = path(rule.name, grad, x0, 1000, rule.resolve(HYPER[rule.name]))
        assert error(np.stack(found), expected[list(steps)]) < 1e-10, function
