"""Data of pictures on a landscape of two wells, where everything is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes import pictures
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.pictures import BASIN_POINTS, CONTOUR_POINTS, LOST, NOWHERE, OTHER, PATHS, Shot
from tests.engine.conftest import LANDSCAPES
from tests.engine.landscapes import LEFT, RIDGE, RIGHT

TILTED = catalog.problem(f"{LANDSCAPES}:tilted")
SGD, NAG = catalog.optimizer("sgd"), catalog.optimizer("nag")


def shot(rule, hyper, *, budget=300, units="raw", optimizer=None):
    hyper = rule.resolve(hyper)
    label = optimizer or rule.name
    return Shot(TILTED, rule, label, hyper, hyper["lr"], units, budget, seed=0)


@pytest.fixture(scope="module")
def drawn(engine):
    shots = [
        shot(SGD, {"lr": 0.02}, optimizer="converges"),
        shot(SGD, {"lr": 1e-9}, optimizer="rests"),
        shot(SGD, {"lr": 40.0}, optimizer="explodes"),
        shot(SGD, {"lr": 1.0}, budget=4, optimizer="strays"),
        shot(NAG, {"lr": 0.01}, units="normalized"),
    ]
    return pictures.draw(engine, shots)


def of(columns, optimizer):
    keep = np.array(columns["optimizer"]) == optimizer
    return {name: np.asarray(column)[keep] for name, column in columns.items()}


def test_contours_are_the_function_on_a_grid(drawn):
    columns = drawn["contours"]
    assert set(columns["problem"]) == {f"{LANDSCAPES}:tilted-2d"}
    assert len(columns["f"]) == CONTOUR_POINTS**2
    x, y = columns["x"], columns["y"]
    np.testing.assert_allclose(columns["f"], (x**2 - 1) ** 2 + 0.2 * x + y**2, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(x, -2.0 + 4.0 * columns["ix"] / (CONTOUR_POINTS - 1), atol=1e-14)
    np.testing.assert_allclose(y, -2.0 + 4.0 * columns["iy"] / (CONTOUR_POINTS - 1), atol=1e-14)


def test_basins_name_the_minimum_of_each_start(drawn):
    columns = of(drawn["basins"], "converges")
    assert len(columns["minimum"]) == BASIN_POINTS**2
    assert np.array_equal(columns["x"], -2.0 + 4.0 * columns["ix"] / (BASIN_POINTS - 1))
    # At a small rate gradient descent stays on its side of the ridge.
    assert np.array_equal(columns["minimum"], np.where(columns["x"] < RIDGE, 0, OTHER))
    assert {0, OTHER} == set(columns["minimum"])


def test_basins_say_where_runs_rest_or_are_lost(drawn):
    rests = of(drawn["basins"], "rests")
    near_left = (np.abs(rests["x"] - LEFT) <= 0.08) & (np.abs(rests["y"]) <= 0.08)
    near_right = (np.abs(rests["x"] - RIGHT) <= 0.08) & (np.abs(rests["y"]) <= 0.08)
    assert near_left.any()
    expected = np.where(near_left, 0, np.where(near_right, OTHER, NOWHERE))
    assert np.array_equal(rests["minimum"], expected)
    assert set(of(drawn["basins"], "explodes")["minimum"]) == {LOST}


def test_a_run_that_was_ever_outside_is_lost_though_it_ends_in_finite_numbers(drawn):
    columns = of(drawn["basins"], "strays")
    x, y = columns["x"], columns["y"]
    outside = np.zeros(len(x), bool)
    for _ in range(4):
        outside |= np.maximum(np.abs(x), np.abs(y)) > 10 * 4.0
        x, y = x - (4 * x * (x**2 - 1) + 0.2), y - 2 * y
    outside |= np.maximum(np.abs(x), np.abs(y)) > 10 * 4.0
    assert np.isfinite(x).all()
    assert outside.any()
    assert not outside.all()
    assert np.array_equal(columns["minimum"] == LOST, outside)


def test_trajectories_start_at_reported_starts_and_go_down(drawn):
    columns = of(drawn["trajectories"], "converges")
    assert set(columns["start"]) == set(range(PATHS))
    for start in range(PATHS):
        path = {name: column[columns["start"] == start] for name, column in columns.items()}
        assert path["cost"][0] == 0
        assert path["cost"][-1] == 300
        assert (np.diff(path["cost"]) > 0).all()
        x0 = TILTED.starts(0, "report", start)[0]
        assert [path["x"][0], path["y"][0]] == x0.tolist()
        x, y = path["x"], path["y"]
        np.testing.assert_allclose(path["f"], (x**2 - 1) ** 2 + 0.2 * x + y**2, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(y[1], y[0] * (1 - 2 * 0.02), rtol=1e-12)
        assert np.abs([x[-1] - (LEFT if x0[0] < RIDGE else RIGHT), y[-1]]).max() < 1e-3


def test_a_lost_path_has_infinite_values(drawn):
    columns = of(drawn["trajectories"], "explodes")
    bad = ~np.isfinite(columns["x"])
    assert bad.any()
    assert np.isinf(columns["f"][bad]).all()


def test_normalized_units_end_in_the_problem_s_own_frame(drawn):
    columns = of(drawn["basins"], "nag")
    assert {0, OTHER} <= set(columns["minimum"])
    ends = of(drawn["trajectories"], "nag")
    last = ends["cost"] == 300
    distance = np.minimum(np.abs(ends["x"][last] - LEFT), np.abs(ends["x"][last] - RIGHT))
    assert distance.max() < 0.05


def test_nothing_is_drawn_of_nothing():
    assert pictures.draw(Engine(), []) == {}


def test_pictures_repeat_to_the_last_bit(engine, drawn):
    again = pictures.draw(engine, [shot(SGD, {"lr": 0.02}, optimizer="converges")])
    for name in ("trajectories", "basins"):
        first = of(drawn[name], "converges")
        second = of(again[name], "converges")
        assert all(np.array_equal(first[column], second[column]) for column in first)
