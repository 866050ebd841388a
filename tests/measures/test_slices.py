"""The loss on lines and planes: exact for quadratics, one by one or together, and as measures."""

from __future__ import annotations

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures import slices
from optbench.measures.landscape import LANDSCAPE_1D, LANDSCAPE_2D
from optbench.measures.measure import NotApplicable
from optbench.measures.slices import loss_slice, values_at
from optbench.measures.subject import Subject
from optbench.tasks.data import load
from optbench.tasks.models.convolutional import lenet
from optbench.tasks.task import Task

MATRIX = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, -1.0], [0.0, -1.0, 4.0]])
POINT = np.array([1.0, -2.0, 0.5])


def quadratic(x):
    return 0.5 * x @ MATRIX @ x


def test_slices_of_a_quadratic_are_exact():
    """Oracle: f(w + a d1 + b d2) by its expansion about w, term by term."""
    one, two = np.array([1.0, 0.5, -1.0]), np.array([0.0, 2.0, 1.0])
    found = loss_slice(quadratic, POINT, points=7, radius=2.0, directions=[one, two])
    assert found.coordinates.tolist() == np.linspace(-2, 2, 7).tolist()
    a, b = found.coordinates[:, None], found.coordinates[None, :]
    slope = MATRIX @ POINT
    expected = (
        0.5 * POINT @ slope + a * (slope @ one) + b * (slope @ two)
        + a * a / 2 * (one @ MATRIX @ one) + a * b * (one @ MATRIX @ two) + b * b / 2 * (two @ MATRIX @ two)
    )  # fmt: skip
    np.testing.assert_allclose(found.values, expected, rtol=1e-13, atol=1e-13)
    assert found.center == pytest.approx(0.5 * POINT @ slope, rel=1e-15)
    line = loss_slice(quadratic, POINT, dimensions=1, points=7, radius=2.0, directions=[one])
    np.testing.assert_allclose(line.values, expected[:, 3], rtol=1e-13)


@pytest.fixture(scope="module")
def trained():
    task = Task.of(load("digits"), lenet)
    network, stats = task.start(0)
    return task, jax.tree.map(np.asarray, network), stats


def test_together_is_one_by_one_to_rounding(trained):
    task, network, stats = trained
    objective = task.objective(network, stats, examples=range(300))
    found = loss_slice(objective, network, points=3, seed=2)
    for i, a in enumerate(found.coordinates):
        for j, b in enumerate(found.coordinates):
            point = jax.tree.map(
                lambda w, p, q, a=a, b=b: w + np.float32(a) * p + np.float32(b) * q, network, *found.directions
            )
            assert found.values[i, j] == pytest.approx(objective.value(point), rel=2e-6)
    assert found.center == pytest.approx(objective.value(network), rel=1e-6)


@pytest.mark.parametrize("n", [1, 4, 5, 11])
def test_values_hang_on_no_chunk_and_progress_comes_to_its_end(n):
    objective = Objective(quadratic, POINT)
    steps = np.random.default_rng(0).normal(size=(n, 1))
    seen = []
    values = values_at(objective, POINT, [np.ones(3)], steps, chunk=4, progress=lambda *done: seen.append(done))
    expected = [quadratic(POINT + step) for (step,) in steps]
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    assert values.dtype == np.float64
    assert seen == [(min(4 * (k + 1), n), n) for k in range(-(-n // 4))]


def test_chunks_are_spread_over_the_cores(monkeypatch):
    """Two chunks meet: each waits until the other is there as well."""
    monkeypatch.setattr(slices, "visible_cores", lambda: 2)
    meet = threading.Barrier(2, timeout=60)

    class Meeting(Objective):
        called = 0

        def values_along(self, origin, directions, coordinates):
            self.called += 1
            if self.called > 1:
                meet.wait()
            return np.zeros(len(coordinates), self.dtype)

    values_at(Meeting(quadratic, POINT), POINT, [POINT], np.zeros((12, 1)), chunk=4)


def test_numbers_out_of_range_are_refused_all_at_once():
    with pytest.raises(UsageError) as refused:
        loss_slice(quadratic, POINT, dimensions=3, points=1, radius=0.0, directions=[POINT])
    said = str(refused.value)
    assert all(part in said for part in ("dimensions must be 1 or 2; got 3", "points must", "radius must", "got 1"))


def test_measures_store_the_grid_and_sum_it_up_by_the_rise_to_its_border(trained):
    task, network, stats = trained
    objective = task.objective(network, stats)
    subject = Subject(
        objective, network, n_terms=len(task.train.y), terms=lambda rows: task.objective(network, stats, examples=rows)
    )
    line = LANDSCAPE_1D.take(subject, **LANDSCAPE_1D.resolve({"points": 5, "n_examples": 50}))
    plane = LANDSCAPE_2D.take(subject, **LANDSCAPE_2D.resolve({"points": 5, "n_examples": 50}))
    assert line.details["examples"] == plane.details["examples"] == 50
    assert list(line.grid) == list(plane.grid) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert line.details["shape"] == [5]
    assert plane.details["shape"] == [5, 5]
    values = np.reshape(plane.values, (5, 5))
    # One seed: the line is the plane's middle.
    np.testing.assert_allclose(line.values, values[:, 2], rtol=1e-6)
    assert line.estimate == pytest.approx((line.values[0] + line.values[-1]) / 2 - line.values[2], rel=1e-5)
    border = [*values[0], *values[-1], *values[1:-1, 0], *values[1:-1, -1]]
    assert plane.estimate == pytest.approx(np.mean(border) - values[2, 2], rel=1e-5)
    weight_norm = np.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(network) if leaf.ndim > 1))
    assert plane.details["norms"] == pytest.approx([weight_norm] * 2, rel=1e-5)
    assert abs(plane.details["cosine"]) < 0.1


def test_equal_examples_for_all_points_and_all_where_there_are_not_so_many(trained):
    task, network, stats = trained
    rows = []
    subject = Subject(
        task.objective(network, stats),
        network,
        n_terms=len(task.train.y),
        terms=lambda taken: rows.append(taken) or task.objective(network, stats, examples=taken),
    )
    found = LANDSCAPE_1D.take(subject, **LANDSCAPE_1D.resolve({"points": 2, "n_examples": 10**6}))
    assert (found.details["examples"], rows) == (len(task.train.y), [])
    for seed in (0, 1):
        LANDSCAPE_1D.take(subject, **LANDSCAPE_1D.resolve({"points": 2, "n_examples": 20, "seed": seed}))
    np.testing.assert_array_equal(*rows)
    assert len(set(rows[0].tolist())) == 20


def test_a_function_of_a_vector_has_pictures_in_unit_directions_alone():
    subject = Subject(Objective(lambda x: jnp.sum(x * x), POINT), POINT)
    with pytest.raises(NotApplicable, match="mode 'unit' moves all"):
        LANDSCAPE_2D.take(subject, **LANDSCAPE_2D.resolve({}))
    found = LANDSCAPE_1D.take(subject, **LANDSCAPE_1D.resolve({"mode": "unit", "radius": 2.0, "points": 3}))
    # |w + 2 d|^2 and |w - 2 d|^2 have the mean |w|^2 + 4.
    assert found.estimate == pytest.approx(4.0, rel=1e-12)
    assert found.details["examples"] == 0
