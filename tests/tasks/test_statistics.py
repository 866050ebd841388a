"""Statistics of batch normalization at a point: what a pass over the examples finds there."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from optbench.tasks import statistics
from optbench.tasks.data import load
from optbench.tasks.models.convolutional import lenet
from optbench.tasks.models.fully_connected import keskar_f1
from optbench.tasks.models.variants import batch_normalized
from optbench.tasks.task import Task


@pytest.fixture(scope="module")
def task():
    return Task.of(load("digits"), batch_normalized(lenet))


def test_a_network_without_batch_normalization_has_none(task):
    plain = Task.of(load("digits"), lenet)
    network, stats = plain.start(0)
    found = statistics.statistics_at(network, plain.train.x)
    assert not jax.tree.leaves(found)
    assert len(found) == len(stats)


def test_the_first_layer_has_the_mean_and_the_variance_of_its_inputs():
    """Before anything is normalized the statistics are those of a product, which NumPy computes as well."""
    task = Task.of(load("digits"), keskar_f1)
    network, _ = task.start(0)
    x = task.train.x[:500]
    found = next(layer for layer in statistics.statistics_at(network, x) if layer)
    first = next(layer for layer in network.params if layer)
    before = x.reshape(500, -1).astype(np.float64) @ np.asarray(first["weight"], np.float64) + np.asarray(first["bias"])
    np.testing.assert_allclose(found["mean"], before.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["var"], before.var(axis=0, ddof=1), rtol=1e-4)


def test_they_normalize_as_the_batch_itself_does(task):
    """One batch: scored by its statistics, the loss is that of training but for the unbiased variance."""
    network, _ = task.start(3)
    rows = np.arange(500)
    found = statistics.statistics_at(network, task.train.x[rows])
    by_own = task.objective(network, "batch", examples=rows).value(network)
    assert task.objective(network, found, examples=rows).value(network) == pytest.approx(by_own, rel=2e-3)


def test_batches_are_averaged_in_equal_parts(task, monkeypatch):
    network, _ = task.start(1)
    x = task.train.x[:601]
    whole = [statistics.statistics_at(network, x[part]) for part in (slice(0, 300), slice(300, 600))]
    found = statistics.statistics_at(network, x)
    mean = jax.tree.map(lambda a, b: (a + b) / 2, *whole)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, mean)
