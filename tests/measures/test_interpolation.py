"""Between two solutions: a barrier that is known, both ways there, and batch normalization on the way."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.interpolation import INTERPOLATION, barrier, interpolate
from optbench.measures.measure import NotApplicable
from optbench.measures.subject import Scored, Subject
from optbench.tasks.data import load
from optbench.tasks.models.convolutional import lenet
from optbench.tasks.models.variants import batch_normalized
from optbench.tasks.statistics import statistics_at
from optbench.tasks.task import Task


def wells(x):
    """Minima at (-1, 0) and (1, 0) of depths 0 and 0.3, with the value 1.15 between them."""
    return (x[0] ** 2 - 1) ** 2 + 0.15 * (x[0] + 1) + x[1] ** 2


FIRST, SECOND = np.array([-1.0, 0.0]), np.array([1.0, 0.0])


def test_the_barrier_of_two_wells_is_known():
    """Above the line from 0 to 0.3 stands (x^2 - 1)^2 alone, whose maximum between is 1, at the middle."""
    found = interpolate(wells, FIRST, SECOND)
    assert found.alphas.tolist() == np.linspace(-1, 2, 25).tolist()
    expected = [wells((1 - alpha) * FIRST + alpha * SECOND) for alpha in found.alphas]
    np.testing.assert_allclose(found.values, expected, rtol=1e-13, atol=1e-15)
    assert found.ends == pytest.approx((0.0, 0.3), abs=1e-15)
    assert found.barrier == pytest.approx(1.0, rel=1e-14)
    assert found.barrier_at == 0.5


def test_the_curve_passes_both_solutions_on_an_ellipse():
    found = interpolate(lambda x: jnp.sum(x), np.array([1.0, 0.0]), np.array([0.0, 2.0]), way="curve")
    turn = found.alphas * np.pi / 2
    np.testing.assert_allclose(found.values, np.cos(turn) + 2 * np.sin(turn), rtol=1e-13, atol=1e-13)
    assert found.ends == pytest.approx((1.0, 2.0), rel=1e-15)


def test_a_convex_loss_has_no_barrier():
    found = interpolate(lambda x: x @ x, FIRST, SECOND)
    assert (found.barrier, found.barrier_at) == (0.0, 0.0)


def test_a_loss_that_is_not_finite_between_has_no_height():
    assert np.isnan(barrier(np.array([0.25, 0.5]), np.array([1.0, np.inf]), (0.0, 0.0))).all()
    # What is beyond the solutions does not count.
    assert barrier(np.array([-1.0, 0.5]), np.array([np.inf, 1.0]), (0.0, 0.0)) == (1.0, 0.5)


def test_wrong_numbers_and_names_are_refused():
    with pytest.raises(UsageError, match="unknown way 'curved'; did you mean 'curve'"):
        interpolate(wells, FIRST, SECOND, way="curved")
    with pytest.raises(
        UsageError, match=r"points must be a whole number from 2 on; got 1(?s:.*)low must be less than high"
    ):
        interpolate(wells, FIRST, SECOND, points=1, low=2.0, high=-1.0)


def test_a_measure_needs_a_second_solution():
    subject = Subject(Objective(wells, FIRST), FIRST)
    with pytest.raises(NotApplicable, match="needs a second solution"):
        INTERPOLATION.take(subject, **INTERPOLATION.resolve({}))


def test_a_function_has_its_loss_alone():
    subject = Subject(Objective(wells, FIRST), FIRST, other=SECOND)
    found = INTERPOLATION.take(subject, **INTERPOLATION.resolve({"points": 5, "low": 0.0, "high": 1.0}))
    assert found.estimate == pytest.approx(1.0, rel=1e-14)
    assert found.details["series"] == ["loss"]
    assert found.details["ends"]["loss"] == pytest.approx([0.0, 0.3], abs=1e-15)
    assert found.details["distance"] == 2.0
    assert list(found.grid) == [0.0, 0.25, 0.5, 0.75, 1.0]


def subject_of(task, at, other, *, normalized):
    def parts(network, stats):
        def scored(part):
            x, y = getattr(task, part)

            def accuracy(point):
                logits, _ = point(jnp.asarray(x), stats, train=False)
                return float((np.asarray(logits).argmax(axis=1) == y).mean())

            return Scored(task.objective(network, stats, part=part), accuracy)

        return {part: scored(part) for part in ("train", "validation", "test")}

    (network, stats), second = at, other[0]
    recomputed = (lambda point: parts(point, statistics_at(point, task.train.x))) if normalized else None
    return Subject(
        task.objective(network, stats), network, parts=parts(network, stats), other=second, parts_at=recomputed
    )


def test_networks_have_losses_and_accuracies_of_training_and_test_examples():
    task = Task.of(load("digits"), lenet)
    at, other = task.start(0), task.start(1)
    subject = subject_of(task, at, other, normalized=False)
    found = INTERPOLATION.take(subject, **INTERPOLATION.resolve({"points": 3, "low": 0.0, "high": 1.0}))
    assert found.details["series"] == ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    assert found.details["batch_norm"] == "none"
    rows = np.reshape(found.values, found.details["shape"])
    for k, name in enumerate(("train", "test")):
        for column, network in ((0, at[0]), (2, other[0])):
            # The weights 0 and 1 take the solutions as they are.
            assert rows[2 * k, column] == subject.parts[name].loss.value(network)
            assert rows[2 * k + 1, column] == subject.parts[name].accuracy(network)
    middle = jax.tree.map(lambda a, b: (a + b) / 2, at[0], other[0])
    assert rows[2, 1] == pytest.approx(subject.parts["test"].loss.value(middle), rel=1e-6)
    height = rows[0, 1] - (rows[0, 0] + rows[0, 2]) / 2
    assert found.estimate == pytest.approx(max(height, 0.0), rel=1e-12)


def test_statistics_of_batch_normalization_belong_to_each_point():
    """A trained network's statistics are none of a point between: there the loss is that of a pass in training mode."""
    task = Task.of(load("digits"), batch_normalized(lenet))
    at, other = task.start(0), task.start(1)
    subject = subject_of(task, at, other, normalized=True)
    found = INTERPOLATION.take(subject, **INTERPOLATION.resolve({"points": 3, "low": 0.0, "high": 1.0}))
    assert found.details["batch_norm"].startswith("statistics of the training examples, recomputed")
    middle = jax.tree.map(lambda a, b: (a + b) / 2, at[0], other[0])
    in_training = task.objective(middle, "batch").value(middle)
    # Statistics of batches of some hundreds, and unbiased variances.
    assert np.reshape(found.values, (4, 3))[0, 1] == pytest.approx(in_training, rel=0.01)
    with_running = subject.parts["train"].loss.value(middle)
    assert with_running != pytest.approx(in_training, rel=0.05)
