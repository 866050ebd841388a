"""Settling times: of rules on functions against full trajectories in NumPy, and of made-up runs against loops."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.chunks import CHUNK
from optbench.engine.landscapes.record import SEGMENT
from optbench.records import GAP_TARGETS, N_TARGETS
from tests.engine import oracle
from tests.engine.conftest import LANDSCAPES, RULES
from tests.engine.rules import sam
from tests.engine.test_recorder import assert_judged, pieces, write_down

BY_NAME = {rule.name: rule for rule in RULES}
#: Rates from creeping to ringing, below those at which one rounding grows to another path.
SWEEPS = {
    "momentum": [{"lr": rate, "beta": 0.97} for rate in (1e-3, 0.03, 0.3)],
    "nag": [{"lr": rate, "beta": 0.99} for rate in (1e-3, 0.03, 0.3)],
    "adam": [{"lr": rate} for rate in (1e-3, 0.03, 0.1)],
}


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("function", ["sphere", "rosenbrock", "ellipsoid"])
def test_settling_times_are_those_of_the_whole_trajectory(engine, lanes, name, function):
    """To the evaluation, over two segments, for paths that pass targets and come back."""
    rule, budget = BY_NAME[name], SEGMENT + 500
    problem = catalog.problem(function, 2, instance=0 if function == "sphere" else 1)
    starts = [problem.starts(0, "report", i)[0] for i in range(3)]
    cells = [(x0, hyper) for hyper in SWEEPS[name] for x0 in starts]
    x0, hyper = zip(*cells, strict=True)
    found = lanes.rows(engine, problem, rule, x0, hyper, budget=budget, units="normalized")
    rows = [
        oracle.run(problem, oracle.FUNCTIONS[function], name, rule.resolve(h), x, "normalized", budget)[0]
        for x, h in cells
    ]
    assert found["settled"].tolist() == [row["settled"] for row in rows]
    came_back = (found["hits"] > 0) & (found["settled"] > found["hits"])
    assert came_back.any()


def test_two_gradients_a_step_settle_at_whole_steps(engine, lanes):
    """SAM's trips in pairs: the second of a pair scores the iterate of the first."""
    problem = catalog.problem("sphere")
    starts = [problem.starts(0, "report", i)[0] for i in range(4)]
    hyper = [{"lr": rate, "rho": 0.1} for rate in (0.05, 0.4, 0.9, 0.05)]
    found = lanes.rows(engine, problem, sam, starts, hyper, budget=200)
    assert (found["settled"] > 0).any()
    assert (found["settled"][found["settled"] > 0] % 2 == 0).all()


def test_who_diverges_settles_nowhere_and_who_escapes_may(engine, lanes):
    cup, sphere = catalog.problem(f"{LANDSCAPES}:cup"), catalog.problem("sphere")
    found = lanes.rows(engine, cup, RULES[0], [[2.0, 1.0]] * 2, [{"lr": 1.5}, {"lr": 0.05}], budget=90)
    assert found["status"] == ["diverged", "ok"]
    assert (found["settled"][0] == -1).all()
    assert (found["settled"][1] > 0).any()
    found = lanes.rows(engine, sphere, RULES[0], [[102.5, 0.0]], [{"lr": 0.4}], budget=70)
    assert found["escaped_at"].tolist() == [0]
    assert (found["settled"] > 0).any()


@pytest.mark.parametrize("budget", [1, 62, 63, 64, 65, 200, SEGMENT - 1, SEGMENT, 2 * SEGMENT + 70])
@pytest.mark.parametrize("solved", [3e-7, GAP_TARGETS[7], 2.0])
def test_walks_over_targets_settle_where_loops_find(budget, solved):
    """Values at targets, a rounding above and below them: up and down by a few targets a step, often still."""
    rng = np.random.default_rng(budget)
    lanes = 60 if budget < SEGMENT else 12
    ladder = np.array([10.0, 2.0, *GAP_TARGETS, 0.0])
    steps = rng.integers(-2, 3, (budget + 1, lanes)) * (rng.random((budget + 1, lanes)) < rng.random(lanes))
    rung = np.clip(np.cumsum(steps, axis=0) + rng.integers(0, len(ladder), lanes), 0, len(ladder) - 1)
    values = ladder[rung]
    values = np.nextafter(values, values + rng.integers(-1, 2, values.shape))
    values[:, ::7] = np.where(rng.random((budget + 1, lanes)) < 2 / (budget + 1), np.nan, values)[:, ::7]
    cuts = pieces(budget + 1) if budget % 2 else pieces(budget + 1, rng)
    found = write_down(values, np.zeros_like(values), budget, cuts, f_solved=solved)
    judged = [oracle.judge(v, 0.0 * v, budget, f_star=0.0, f_scale=1.0, f_solved=solved) for v in values.T]
    assert found["settled"].tolist() == [row["settled"] for row in judged]
    assert found["hits"].tolist() == [row["hits"] for row in judged]
    assert (found["settled"] == 0).any()
    assert (found["settled"] == -1).any()


@pytest.mark.parametrize("row", [0, 1, 63, 64, 127, SEGMENT - 1, SEGMENT, SEGMENT + CHUNK])
def test_one_passage_above_undoes_all_before(row):
    """A run that lies at its end from the start on, but for one step: nothing is settled before it."""
    budget = 2 * SEGMENT - 1
    values = np.full((budget + 1, 3), 1e-12)
    values[row] = [10.0, GAP_TARGETS[20], np.nextafter(GAP_TARGETS[20], 1.0)]
    found = write_down(values, np.zeros_like(values), budget, pieces(budget + 1))
    assert found["settled"][0].tolist() == [row + 1] * N_TARGETS
    assert found["settled"][1, :22].tolist() == [0] * 21 + [row + 1]
    assert found["settled"][2, :22].tolist() == [0] * 20 + [row + 1] * 2
    assert_judged(found, values, np.zeros_like(values), budget)


def test_who_touches_and_leaves_is_settled_nowhere():
    budget = 3000
    values = np.where(np.arange(budget + 1) % 2, 1e-12, 10.0)[:, None]
    values = np.concatenate([values, values[::-1]], axis=1)[: budget + 1]
    values[-1] = 10.0
    found = write_down(values, np.zeros_like(values), budget, pieces(budget + 1))
    assert (found["hits"] >= 0).all()
    assert (found["settled"] == -1).all()


def test_a_minimum_that_nobody_knows_settles_nobody():
    values = np.full((100, 2), 0.5)
    found = write_down(values, np.zeros_like(values), 99, [100], f_solved=np.nan)
    assert (found["settled"][:, -1] == -1).all()
    assert (found["settled"][:, 0] == 0).all()
