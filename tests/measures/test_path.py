"""Paths in their principal plane: planes that are known, random walks, and the loss there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures import path
from optbench.measures.measure import NotApplicable
from optbench.measures.path import PATH, principal_plane
from optbench.measures.subject import Subject


def tree(vector):
    return {"a": vector[:12].reshape(3, 4), "b": vector[12:]}


def flat(point):
    return np.concatenate([np.ravel(point["a"]), point["b"]])


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(9, 20)) * np.linspace(3, 0.1, 20)


def test_shares_and_coordinates_are_those_of_a_singular_value_decomposition(points):
    """Oracle: the singular values of the centered matrix, and its right singular vectors but for their signs."""
    found = principal_plane([tree(point) for point in points])
    _, sizes, directions = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(found.shares, (sizes**2 / (sizes**2).sum())[:8], rtol=1e-9)
    expected = (points - points[-1]) @ directions[:2].T
    np.testing.assert_allclose(np.abs(found.coordinates), np.abs(expected), rtol=1e-8, atol=1e-10)
    for k, direction in enumerate(found.directions):
        np.testing.assert_allclose(found.coordinates[:, k], (points - points[-1]) @ flat(direction), atol=1e-10)
        assert found.coordinates[np.abs(found.coordinates[:, k]).argmax(), k] < 0


def test_blocks_of_columns_change_nothing(points, monkeypatch):
    whole = principal_plane([tree(point) for point in points])
    monkeypatch.setattr(path, "COLUMNS", 5)
    parts = principal_plane([tree(point) for point in points])
    np.testing.assert_allclose(parts.shares, whole.shares, rtol=1e-10)
    np.testing.assert_allclose(parts.coordinates, whole.coordinates, rtol=1e-9, atol=1e-10)


def test_a_path_in_a_plane_has_shares_of_sum_one():
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(50, 2)))
    way = rng.normal(size=(30, 2)) * [2.0, 1.0]
    found = principal_plane(list(way @ basis.T + rng.normal(size=50)))
    assert found.shares[:2].sum() == pytest.approx(1.0, abs=1e-12)
    # The plane keeps all distances.
    np.testing.assert_allclose(
        np.linalg.norm(found.coordinates[:-1] - found.coordinates[1:], axis=1),
        np.linalg.norm(way[:-1] - way[1:], axis=1),
        rtol=1e-10,
    )


def test_a_path_on_a_line_gets_a_second_direction_of_no_share():
    direction = np.array([1.0, 2.0, 2.0])
    found = principal_plane([step * direction for step in (4.0, 1.0, 0.5, 0.0)])
    assert found.shares[0] == 1.0
    assert not found.shares[1:].any()
    np.testing.assert_allclose(found.coordinates, [[-12, 0], [-3, 0], [-1.5, 0], [0, 0]], atol=1e-12)
    assert found.directions[0] @ found.directions[1] == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.norm(found.directions[1]) == pytest.approx(1.0, rel=1e-12)


def test_a_random_walk_has_the_shares_that_its_theory_says():
    """Antognini & Sohl-Dickstein 2018: 6/(pi k)^2 for a walk of many steps in many more dimensions."""
    walk = np.random.default_rng(2).normal(size=(300, 30_000)).cumsum(axis=0)
    found = principal_plane(list(walk))
    np.testing.assert_allclose(found.shares[:3], 6 / (np.pi * np.arange(1, 4)) ** 2, rtol=0.04)


def test_too_few_points_and_points_that_are_all_the_same_have_no_plane():
    with pytest.raises(UsageError, match="at least 3 points; got 2"):
        principal_plane([np.zeros(2), np.ones(2)])
    with pytest.raises(NotApplicable, match="all points of the path are the same"):
        principal_plane([np.ones(2)] * 4)
    with pytest.raises(NotApplicable, match="at least 3 points on the way of a run; there are 0"):
        PATH.take(Subject(Objective(lambda x: x @ x, np.ones(2)), np.ones(2)), **PATH.resolve({}))


def spiral():
    turn = np.linspace(0, 6, 20)
    return np.exp(-turn)[:, None] * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)


def test_the_measure_has_way_shares_and_the_loss_on_the_plane():
    way = spiral()
    objective = Objective(lambda x: x @ (jnp.array([1.0, 3.0, 5.0]) * x), way[0])
    subject = Subject(objective, way[-1], path=[(10 * k, point) for k, point in enumerate(way)])
    found = PATH.take(subject, **PATH.resolve({"points": 9}))
    assert found.estimate == pytest.approx(1.0, abs=1e-12)
    assert found.details["evals"] == [10 * k for k in range(20)]
    np.testing.assert_allclose(found.details["losses"], [objective.value(point) for point in way], rtol=1e-14)
    assert found.details["shares"][:2] == pytest.approx(principal_plane(list(way)).shares[:2], rel=1e-12)
    # The plane goes beyond the way, and has the loss of its own points.
    x, y = found.grid[:9], found.grid[9:]
    shown = np.array([found.details["x"], found.details["y"]])
    assert (x[0] < shown[0].min()) & (x[-1] > shown[0].max()) & (y[0] < shown[1].min()) & (y[-1] > shown[1].max())
    plane = principal_plane(list(way))
    values = np.reshape(found.values, found.details["shape"])
    for row, column in ((0, 0), (2, 7), (8, 4)):
        point = way[-1] + x[column] * plane.directions[0] + y[row] * plane.directions[1]
        assert values[row, column] == pytest.approx(objective.value(point), rel=1e-12)
    bare = PATH.take(subject, **PATH.resolve({"plane": False}))
    assert (len(bare.grid), len(bare.values), bare.estimate) == (0, 0, found.estimate)


def test_points_of_single_precision_are_as_far_as_they_are():
    rng = np.random.default_rng(3)
    way = [jax.tree.map(np.float32, tree(point)) for point in 100 + rng.normal(size=(6, 20)).cumsum(axis=0)]
    found = principal_plane(way)
    wide = principal_plane([jax.tree.map(np.float64, point) for point in way])
    np.testing.assert_allclose(found.coordinates, wide.coordinates, rtol=1e-10, atol=1e-10)
    assert found.directions[0]["a"].dtype == np.float32
