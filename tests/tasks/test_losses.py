"""The squared loss of a task, by hand: in objectives, scores and training, with soft targets."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.engine.networks.fitting import Lane, fit
from optbench.errors import UsageError
from optbench.measures.of_task import subject_of
from optbench.tasks.data import load
from optbench.tasks.losses import LOSSES, loss_of
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import Task
from tests.engine.softmax import batches, digits_task, judged, start_of

LOGITS = np.random.default_rng(0).normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 0])


def half_squares(z, targets):
    return ((z - targets) ** 2).sum(1) / 2


@pytest.mark.parametrize("name", LOSSES)
def test_means_are_those_of_the_examples_and_classes_are_hard_targets(name):
    loss, targets = loss_of(name), np.eye(4)[LABELS]
    each = loss.each(jnp.asarray(LOGITS), jnp.asarray(targets))
    assert each.shape == (6,)
    np.testing.assert_allclose(each, loss.of_classes(jnp.asarray(LOGITS), jnp.asarray(LABELS)), rtol=1e-12)
    assert float(loss.mean(jnp.asarray(LOGITS), jnp.asarray(targets))) == pytest.approx(
        float(np.mean(np.asarray(each))), rel=1e-12
    )


def test_the_squared_loss_by_hand_against_soft_targets():
    targets = np.random.default_rng(1).dirichlet(np.ones(4), 6)
    found = loss_of("squared").each(jnp.asarray(LOGITS), jnp.asarray(targets))
    np.testing.assert_allclose(found, half_squares(LOGITS, targets), rtol=1e-12)


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_objective_is_that_of_linear_regression(part):
    task = Task.of(load("digits"), catalog.model("linear"), loss="squared", n_train=300, n_test=200)
    assert (len(task.train.y), len(task.test.y)) == (300, 200)
    network, stats = task.start(1)
    w, b = start_of(task, 1)
    x, y = getattr(task, part)
    x, t = x.reshape(len(y), -1).astype(np.float64), np.eye(10)[y]
    objective = task.objective(network, stats, part=part, dtype="float64")
    value, grad = objective.value_and_grad(network)
    assert value == pytest.approx(half_squares(x @ w + b, t).mean(), rel=1e-12)
    found = {leaf.ndim: leaf for leaf in jax.tree.leaves(grad)}
    np.testing.assert_allclose(found[2].reshape(64, 10), x.T @ (x @ w + b - t) / len(y), atol=1e-13)
    # The Hessian is that of the inputs, wherever one is.
    along = jax.tree.map(np.ones_like, network)
    product = {leaf.ndim: leaf for leaf in jax.tree.leaves(objective.hvp(network, along))}
    moved = np.repeat(x.sum(1, keepdims=True) + 1.0, 10, axis=1)
    np.testing.assert_allclose(product[2].reshape(64, 10), x.T @ moved / len(y), rtol=1e-12)
    np.testing.assert_allclose(product[1], moved.mean(0), rtol=1e-12)


def regression(task, lr, epochs, targets_of=lambda y: np.eye(10)[y]):
    """Returns flat weights after gradient descent on half squared errors in batches of 30, by hand."""
    w, b = start_of(task, 0)
    for x, y in batches(task, 0, epochs, 30):
        slope = (x @ w + b - targets_of(y)) / len(y)
        w, b = w - lr * x.T @ slope, b - lr * slope.sum(0)
    return np.concatenate([b, w.ravel()]), w, b


@pytest.mark.parametrize(
    ("strengths", "targets_of"),
    [({}, lambda y: np.eye(10)[y]), ({"smoothing": 0.2}, lambda y: 0.8 * np.eye(10)[y] + 0.02)],
    ids=["hard", "smooth"],
)
def test_training_and_scores_are_those_of_linear_regression(strengths, targets_of):
    with jax.enable_x64(False):
        task = dataclasses.replace(digits_task(), loss="squared", regularization=Regularization(**strengths))
        (found,) = fit(
            task, catalog.optimizer("sgd"), [Lane({"lr": 0.02}, 0)], batch_size=30, epochs=3, stop_early=False
        )
    expected, w, b = regression(task, 0.02, 3, targets_of)
    np.testing.assert_allclose(judged(found), expected, atol=3e-6)
    for scores, (x, y) in ((found.test, task.test), (found.judged, task.train)):
        z = x.reshape(len(y), -1).astype(np.float64) @ w + b
        assert float(scores.loss) == pytest.approx(half_squares(z, np.eye(10)[y]).mean(), rel=1e-4)
        assert float(scores.accuracy) == pytest.approx(np.mean(z.argmax(1) == y), abs=1e-6)


def test_measures_are_of_the_loss_of_the_task_and_say_so():
    task = Task.of(load("digits"), catalog.model("linear"), loss="squared")
    network, stats = task.start(0)
    subject = subject_of(task, network, stats, dtype="float64")
    assert subject.objective.value(subject.params) == task.objective(network, stats, dtype="float64").value(network)
    assert subject.details["loss"].startswith("mean of half the squared error on the training examples")
    plain = subject_of(dataclasses.replace(task, loss="cross_entropy"), network, stats, dtype="float64")
    assert plain.details["loss"].startswith("mean cross-entropy on the training examples: batch normalization in eval")
    assert plain.objective.value(plain.params) != subject.objective.value(subject.params)


def test_starts_and_orders_are_shared_by_the_losses():
    plain, squared = (Task.of(load("digits"), catalog.model("linear"), loss=loss) for loss in LOSSES)
    same = jax.tree.map(lambda a, b: bool((a == b).all()), plain.start(3)[0], squared.start(3)[0])
    assert all(jax.tree.leaves(same))
    np.testing.assert_array_equal(plain.order(3, 1, 32), squared.order(3, 1, 32))


def test_an_unknown_loss_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="squared"):
        Task.of(load("digits"), catalog.model("linear"), loss="square")
