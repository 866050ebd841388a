"""Every fact of a row against slow loops: values to rounding, steps and counts exactly."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from optbench.records import SOLVED, curve_steps
from tests.engine import oracle
from tests.engine.conftest import LANDSCAPES, RULES

INTEGERS = ("diverged_at", "escaped_at", "hits", "settled", "grad_evals", "cost", "status")
VALUES = ("f_start", "f_last", "f_best", "f_tail", "curve_f", "curve_best")

#: Rates from creeping to exploding, in normalized units; Adadelta's are epsilons.
RATES = [1e-3, 0.03, 0.3, 3.0, 1e2]
EPSILONS = [1e-8, 1e-6, 1e-4, 1e-2, 1.0]


def check(engine, lanes, problem, rule, starts, configs, *, units, budget):
    cells = [(x0, config) for config in configs for x0 in starts]
    x0, hyper = zip(*cells, strict=True)
    found = lanes.rows(engine, problem, rule, x0, hyper, budget=budget, units=units)
    function = oracle.FUNCTIONS[problem.name.rpartition(":")[2]]
    rows = [
        oracle.run(problem, function, rule.name, rule.resolve(h), x, units, budget)[0]
        for x, h in zip(x0, hyper, strict=True)
    ]
    for name in INTEGERS:
        assert np.asarray(found[name]).tolist() == [row[name] for row in rows], name
    for name in VALUES:
        expected = np.array([row[name] for row in rows])
        np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-11 * problem.f_scale, err_msg=name)
    assert [bool(text) for text in found["message"]] == [row["status"] == "diverged" for row in rows]
    return rows


def sweep(rule):
    return [{rule.swept: value} for value in (EPSILONS if rule.swept == "eps" else RATES)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("budget", [1, 2, 9, 63, 64, 65, 130])
def test_rows_of_a_shifted_quadratic(engine, lanes, rule, budget):
    problem = catalog.problem("ellipsoid", 2, instance=1)
    starts = [problem.starts(0, "report", i)[0] for i in range(2)]
    check(engine, lanes, problem, rule, starts, sweep(rule), units="normalized", budget=budget)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.name in ("sgd", "nag", "adam")], ids=lambda r: r.name)
@pytest.mark.parametrize(("units", "rates"), [("normalized", [1e-2, 0.2, 5.0]), ("raw", [1e-5, 2e-5, 1.0])])
@pytest.mark.parametrize("rotated", [False, True])
def test_rows_of_rotated_and_raw_problems(engine, lanes, rule, units, rates, rotated):
    problem = catalog.problem("ellipsoid", 2, instance=1, rotated=rotated)
    starts = [problem.starts(0, "report", i)[0] for i in range(2)]
    check(engine, lanes, problem, rule, starts, [{"lr": rate} for rate in rates], units=units, budget=100)


@pytest.mark.parametrize("budget", [511, 512, 513, 2000])
def test_rows_across_segments(engine, lanes, budget):
    problem, sgd = catalog.problem("rosenbrock", 2, instance=1), RULES[0]
    starts = [problem.starts(0, "report", i)[0] for i in range(2)]
    rows = check(engine, lanes, problem, sgd, starts, [{"lr": 0.02}, {"lr": 0.3}], units="normalized", budget=budget)
    assert any(hit > 64 for row in rows for hit in row["hits"])
    assert len(rows[0]["curve_f"]) == len(curve_steps(budget))


def test_lanes_that_end_up_undefined(engine, lanes):
    problem = catalog.problem(f"{LANDSCAPES}:cup")
    starts = [[1.0, 1.0], [2.9, 0.1], [3.5, 0.0], [0.0, 2e3]]
    rows = check(
        engine, lanes, problem, RULES[0], starts, [{"lr": r} for r in (0.1, 0.99, 1.2)], units="raw", budget=90
    )
    ends = {row["diverged_at"] for row in rows}
    assert {-1, 0} < ends
    assert len(ends) > 3


def test_lanes_that_run_away(engine, lanes):
    """One leaves by value first (1e6 f_scale), one by distance (1e3 widths); both are marked escaped before."""
    steep, sphere = catalog.problem("ellipsoid", 2, instance=1), catalog.problem("sphere")
    rows = check(engine, lanes, steep, RULES[0], [[4.0, 4.0]], [{"lr": 1.0}], units="raw", budget=64)
    assert rows[0]["diverged_at"] > 0
    rows = check(
        engine, lanes, sphere, RULES[0], [[5.0, 1.0]], [{"lr": r} for r in (1.01, 1.1, 3.0)], units="raw", budget=600
    )
    assert all(0 < row["escaped_at"] < row["diverged_at"] for row in rows)


def test_lanes_outside_that_come_back(engine, lanes):
    """A run that was once far outside stays escaped and goes on; one beyond 1e3 widths does not."""
    sphere = catalog.problem("sphere")
    starts = [[102.3, 0.0], [0.0, -102.5], [400.0, 5.0], [-10241.0, 0.0]]
    rows = check(engine, lanes, sphere, RULES[0], starts, [{"lr": 0.4}], units="raw", budget=70)
    assert [row["escaped_at"] for row in rows] == [-1, 0, 0, -1]
    assert [row["diverged_at"] for row in rows] == [-1, -1, -1, 0]
    assert rows[1]["hits"][49] > 0


def test_distance_alone_is_divergence(engine, lanes):
    """The value is still small: only a thousand box widths say that a run is lost."""
    cone = catalog.problem(f"{LANDSCAPES}:cone")
    starts = [[3999.0, 0.0], [0.0, -4001.0], [10.0, 0.0]]
    rows = check(engine, lanes, cone, RULES[0], starts, [{"lr": r} for r in (1e-3, 8e3)], units="raw", budget=6)
    assert {row["diverged_at"] for row in rows} == {-1, 0, 1}


@pytest.mark.parametrize("units", ["raw", "normalized"])
def test_distance_counts_from_the_center_of_the_box_in_mean_widths(engine, lanes, units):
    aside, center = catalog.problem(f"{LANDSCAPES}:aside"), np.array([1.0, 11.0])
    steps = [[29.99, 0.0], [30.01, 0.0], [-29.99, 9.0], [-30.01, 0.0], [5.0, 29.99], [0.0, 30.01], [0.0, -30.01]]
    rows = check(engine, lanes, aside, RULES[0], center + steps, [{"lr": 1e-9}], units=units, budget=3)
    assert [row["escaped_at"] for row in rows] == [-1, 0, -1, 0, -1, 0, 0]


@pytest.mark.parametrize("dim", [3, 7])
def test_every_coordinate_counts(lanes, dim):
    """They are compared in parts, which do not divide every dimension."""
    sphere, engine = catalog.problem("sphere", dim=dim), Engine()
    engine.prepare([Pair(sphere, RULES[0])])
    starts = np.vstack([np.zeros(dim), 103.0 * np.eye(dim), -10241.0 * np.eye(dim)])
    rows = check(engine, lanes, sphere, RULES[0], starts, [{"lr": 1e-9}], units="raw", budget=3)
    assert [row["escaped_at"] for row in rows] == [-1] + [0] * dim + [-1] * dim
    assert [row["diverged_at"] for row in rows] == [-1] * (dim + 1) + [0] * dim


def test_lanes_that_fall_below_the_stated_minimum(engine, lanes):
    problem = catalog.problem(f"{LANDSCAPES}:misjudged")
    starts = [[1.0, 1.5], [0.0, 0.0], [0.0316, 0.0], [0.0317, 0.0]]
    configs = [{"lr": 0.02, "beta": 0.9}, {"lr": 0.3, "beta": 0.0}]
    rows = check(engine, lanes, problem, RULES[1], starts, configs, units="raw", budget=200)
    assert [row["escaped_at"] for row in rows[:4]] == [rows[0]["escaped_at"], 0, 0, 1]
    assert rows[0]["escaped_at"] > 1
    assert rows[0]["curve_f"][-1] < problem.f_star - 1e-9 * problem.f_scale


def test_starts_that_meet_targets(engine, lanes):
    """A target that the start meets is hit at 0, ``f_solved`` too, wherever it stands among the gaps."""
    problem = catalog.problem("rosenbrock", 2, instance=1)
    x_star = problem.x_star[0]
    starts = [x_star, x_star + 1e-3, x_star + 0.1, x_star + 0.3]
    rows = check(engine, lanes, problem, RULES[0], starts, [{"lr": 0.1}, {"lr": 0.4}], units="normalized", budget=65)
    assert rows[0]["hits"] == [0] * 51
    assert [row["hits"][SOLVED] == 0 for row in rows[:4]] == [True, True, False, False]
    assert all(row["hits"][0] == 0 for row in rows)


def test_diverged_lane_is_frozen_while_others_go_on(engine, lanes):
    """Lane 0 of two is soon NaN; every record of it stays as it was then, lane 1 is as it is alone."""
    problem, sgd = catalog.problem(f"{LANDSCAPES}:cup"), RULES[0]
    starts, hyper = [[2.0, 1.0], [1.5, -0.5]], [{"lr": 1.5}, {"lr": 0.05}]
    short = lanes.rows(engine, problem, sgd, starts, hyper, budget=20)
    long = lanes.rows(engine, problem, sgd, starts, hyper, budget=1500)
    alone = lanes.rows(engine, problem, sgd, starts[1:], hyper[1:], budget=1500)
    end = int(short["diverged_at"][0])
    assert 3 < end < 20
    for name in ("diverged_at", "escaped_at", "f_last", "f_best", "hits", "cost", "grad_evals", "status", "message"):
        assert np.array_equal(long[name][0], short[name][0]), name
        assert np.array_equal(long[name][1], alone[name][0]), name
    assert long["cost"].tolist() == [end, 1500]
    steps = np.array(curve_steps(1500))
    assert np.isinf(long["curve_f"][0, steps >= end]).all()
    assert np.isfinite(long["curve_f"][0, steps < end]).all()
    assert (long["curve_best"][0, steps >= end] == long["f_best"][0]).all()
    assert np.isinf(long["f_tail"][0])
    assert long["f_last"][1] < short["f_last"][1]
