"""The loss of networks as an objective: against NumPy, in parts, with running and batch statistics."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.core.loss import Loss
from optbench.errors import UsageError
from optbench.tasks import objective as module
from optbench.tasks.data import load
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import Task
from tests.engine.softmax import loss_of, softmax_gradient, start_of


def task_of(model="linear", **strengths):
    return Task.of(load("digits"), catalog.model(model), regularization=Regularization(**strengths))


def reversed_lot(task):
    """Returns the rows of a task's test part, last first."""
    return np.arange(len(task.test.y))[::-1]


@pytest.fixture(scope="module")
def normalized():
    """Returns a task with batch normalization, a network of it, and running statistics that are not the first."""
    task = task_of("lenet", batch_norm=True)
    network, stats = task.start(0)
    for _ in range(20):
        _, stats = network(jnp.asarray(task.train.x[:100]), stats, train=True, dropout=0.0)
    return task, network, stats


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_it_is_softmax_regression_by_hand(part):
    task = task_of()
    network, stats = task.start(1)
    w, b = start_of(task, 1)
    x, y = getattr(task, part)
    x = x.reshape(len(y), -1).astype(np.float64)
    objective = task.objective(network, stats, part=part, dtype="float64")
    value, grad = objective.value_and_grad(network)
    assert value == pytest.approx(loss_of(w, b, x, y), rel=1e-12)
    gw, gb = softmax_gradient(w, b, x, y)
    found = {leaf.ndim: leaf for leaf in jax.tree.leaves(grad)}
    np.testing.assert_allclose(found[2].reshape(64, 10), gw, atol=1e-13)
    np.testing.assert_allclose(found[1], gb, atol=1e-13)


def test_the_hessian_is_that_of_softmax_regression():
    """``H = mean_i (diag p_i - p_i p_i') (x) x_i x_i'`` along a direction of the weights."""
    task, rows = task_of(), np.arange(300)
    network, stats = task.start(0)
    w, b = start_of(task, 0)
    x = task.train.x[rows].reshape(300, -1).astype(np.float64)
    z = x @ w + b
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rng = np.random.default_rng(3)
    along = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), network)
    by_rank = {leaf.ndim: leaf for leaf in jax.tree.leaves(along)}
    moved = x @ by_rank[2].reshape(64, 10) + by_rank[1]
    slope = p * moved - p * (p * moved).sum(1, keepdims=True)
    product = task.objective(network, stats, examples=rows, dtype="float64").hvp(network, along)
    found = {leaf.ndim: leaf for leaf in jax.tree.leaves(product)}
    np.testing.assert_allclose(found[2].reshape(64, 10), x.T @ slope / 300, atol=1e-13)
    np.testing.assert_allclose(found[1], slope.mean(0), atol=1e-13)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_cut_and_the_order_of_examples_do_not_matter(normalized, monkeypatch, size):
    task, network, stats = normalized
    along = jax.tree.map(jnp.ones_like, network)
    given = {"part": "test", "dtype": "float64"}
    expected = task.objective(network, stats, **given)
    monkeypatch.setattr(module, "scored_together", lambda shape: size)
    cut = task.objective(network, stats, **given, examples=reversed_lot(task))
    assert cut.value(network) == pytest.approx(expected.value(network), rel=1e-12)
    if size == 64:
        for ask, points in (("value_and_grad", (network,)), ("hvp", (network, along))):
            found, whole = (ravel_pytree(getattr(o, ask)(*points))[0] for o in (cut, expected))
            np.testing.assert_allclose(found, whole, atol=1e-10 * float(np.abs(whole).max()))


def test_running_statistics_are_used_as_they_are_given(normalized):
    task, network, stats = normalized
    x, y = task.test
    logits, _ = network(jnp.asarray(x), stats, train=False)
    expected = -np.mean(np.asarray(jax.nn.log_softmax(logits))[np.arange(len(y)), y])
    first = task.start(0)[1]
    assert task.objective(network, stats, part="test").value(network) == pytest.approx(expected, rel=1e-5)
    assert task.objective(network, first, part="test").value(network) != pytest.approx(expected, rel=1e-3)


def test_batch_statistics_are_those_of_all_examples_together(normalized):
    """More examples than are passed through together otherwise; the running statistics have no part in it."""
    task, network, _ = normalized
    rows = np.arange(600)
    x, y = task.train.x[rows], task.train.y[rows]
    logits, _ = network(jnp.asarray(x), task.start(0)[1], train=True, dropout=0.0)
    expected = -np.mean(np.asarray(jax.nn.log_softmax(logits))[np.arange(600), y])
    found = task.objective(network, "batch", examples=rows)
    assert found.value(network) == pytest.approx(expected, rel=1e-5)
    other = task.objective(network, "batch", examples=rows[::-1])
    assert other.value(network) == pytest.approx(found.value(network), rel=1e-5)


def test_what_training_does_against_overfitting_is_off_and_the_penalty_is_in_if_asked_for():
    plain = task_of("lenet")
    strengths = {"dropout": 0.5, "smoothing": 0.1, "mixup": 0.2, "input_noise": 1.0, "weight_noise": 1.0, "shift": 2}
    noisy = task_of("lenet", penalty=0.1, **strengths)
    network, stats = plain.start(0)
    expected = plain.objective(network, stats).value(network)
    assert noisy.objective(network, stats).value(network) == expected
    assert noisy.objective(network, "batch").value(network) == pytest.approx(expected, rel=1e-6)
    weights = [leaf for leaf in jax.tree.leaves(network) if leaf.ndim > 1]
    added = 0.05 * sum(float(np.sum(np.square(leaf, dtype=np.float64))) for leaf in weights)
    penalized = noisy.objective(network, stats, penalty=True, dtype="float64")
    assert penalized.value(network) == pytest.approx(expected + added, rel=1e-6)
    gradients = [of.value_and_grad(network)[1] for of in (penalized, noisy.objective(network, stats))]
    pull = jax.tree.map(lambda a, b: a - b, *gradients)
    for leaf, weight in zip(jax.tree.leaves(pull), jax.tree.leaves(network), strict=True):
        np.testing.assert_allclose(leaf, 0.1 * weight if leaf.ndim > 1 else np.zeros_like(weight), atol=1e-5)


def test_networks_of_one_kind_are_compiled_once(monkeypatch):
    compiled, lower = [], Loss.compiled

    def noted(self, *arguments):
        before = len(self._executables)
        run = lower(self, *arguments)
        compiled.extend([1] * (len(self._executables) - before))
        return run

    monkeypatch.setattr(Loss, "compiled", noted)
    module._summed.cache_clear()
    task = task_of()
    values = set()
    for seed in range(3):
        network, stats = task.start(seed)
        values.add(task.objective(network, stats, part="test").value(network))
    assert (len(values), len(compiled)) == (3, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"part": "tests"}, "digits-linear: unknown part 'tests'; did you mean 'test'?"),
        ({"dtype": "bfloat16"}, r"digits-linear \(train\): unknown dtype 'bfloat16'"),
        ({"examples": [0, 1294]}, r"digits-linear: train: examples must be rows in \[0, 1294\), at least one; got"),
        ({"examples": []}, "at least one"),
        ({"examples": [0.5]}, "must be rows"),
        ({"stats": "running"}, "stats must be a network's running statistics or 'batch'; got 'running'"),
        ({"stats": ()}, "stats must be the running statistics of this network"),
    ],
)
def test_wrong_requests_are_explained(given, message):
    task = task_of()
    assert len(task.train.y) == 1294
    network, stats = task.start(0)
    with pytest.raises(UsageError, match=message):
        task.objective(network, **{"stats": stats, **given})


def test_statistics_of_another_network_are_refused(normalized):
    task, network, _ = normalized
    with pytest.raises(UsageError, match="one dictionary for each layer"):
        task.objective(network, task_of("lenet").start(0)[1])
