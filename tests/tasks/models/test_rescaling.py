"""Dinh's transformation: the same function at other weights, where measures that are not made for it are others."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures import adaptive_sharpness, eigenvalues, keskar_sharpness
from optbench.tasks.data import load
from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu, Tanh
from optbench.tasks.models.model import Model
from optbench.tasks.models.network import initialized
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.pooling import AveragePool, GlobalAverage, MaxPool
from optbench.tasks.models.rescaling import rescaled
from optbench.tasks.task import Task
from tests.tasks.models.designs import batch

SHAPE = (8, 8, 1)


def built(layers, shape=SHAPE):
    """Returns a network in double precision whose biases are not 0, and its statistics."""
    rng = np.random.default_rng(0)
    network, stats = initialized(tuple(layers), shape, rng, None)
    return jax.tree.map(lambda leaf: leaf + rng.normal(0, 0.1, leaf.shape), (network, stats))


def outputs(network, stats, shape=SHAPE):
    return np.asarray(network(jnp.asarray(batch(shape)[0], jnp.float64), stats, train=False)[0])


#: Every layer that may stand between, in a strided convolution's net.
BETWEEN = {
    "relu": [Relu("r")],
    "max": [MaxPool("p", 3, 2, padding=1), Relu("r")],
    "tiles": [MaxPool("p"), Relu("r")],
    "mean": [Relu("r"), AveragePool("p")],
    "dropout": [Relu("r"), Dropout("d", 0.5)],
}


@pytest.mark.parametrize("factor", [7.3, 0.02])
@pytest.mark.parametrize("between", BETWEEN)
def test_the_function_is_the_same_and_the_weights_are_not(between, factor):
    layers = [
        Convolution("c1", 4, 3, stride=2, padding=1),
        *BETWEEN[between],
        Convolution("c2", 5, 3, padding=1),
        Relu("last"),
        GlobalAverage("g"),
        Dense("out", 10),
    ]
    network, stats = built(layers)
    other = rescaled(network, factor)
    expected = outputs(network, stats)
    np.testing.assert_allclose(outputs(other, stats), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_array_equal(other.params[0]["bias"], network.params[0]["bias"] * factor)
    at = layers.index(next(layer for layer in layers if layer.name == "c2"))
    np.testing.assert_array_equal(other.params[at]["bias"], network.params[at]["bias"])
    np.testing.assert_array_equal(other.params[at]["weight"], network.params[at]["weight"] / factor)
    np.testing.assert_array_equal(other.params[-1]["weight"], network.params[-1]["weight"])


@pytest.mark.parametrize("name", ["mlp", "lenet", "conv1d", "allconv", "keskar_c1_small", "keskar_c2_small"])
def test_the_models_of_relu_can_be_rescaled(name):
    model = catalog.model(name)
    shape: Shape = (40, 1) if model.axes == (1,) else SHAPE
    network, stats = built(model.layers(shape), shape)
    expected = outputs(network, stats, shape)
    found = outputs(rescaled(network, 12.0), stats, shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_the_first_pair_that_can_be_rescaled_is_taken():
    layers = [Flatten("f"), Dense("a", 6), Tanh("t"), Dense("b", 6), Relu("r"), Dense("c", 10)]
    network, stats = built(layers)
    other = rescaled(network, 3.0)
    np.testing.assert_allclose(outputs(other, stats), outputs(network, stats), atol=1e-12)
    np.testing.assert_array_equal(other.params[1]["weight"], network.params[1]["weight"])
    np.testing.assert_array_equal(other.params[3]["bias"], network.params[3]["bias"] * 3.0)


def test_arrays_keep_their_precision():
    network, _ = catalog.model("mlp").build(np.random.default_rng(0), SHAPE)
    assert {leaf.dtype for leaf in jax.tree.leaves(rescaled(network, np.float64(3.0)))} == {np.dtype("float32")}


@pytest.mark.parametrize("factor", [50.0, 0.02])
def test_keskar_and_the_top_eigenvalue_change_asam_and_the_scores_do_not(factor):
    model = Model("small", lambda shape, k: (Flatten("f"), Dense("a", 5), Relu("r"), Dense("b", k)), SHAPE)
    task = Task.of(load("digits"), model, n_train=60, n_test=60)
    network, stats = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), task.start(0))
    points = network, rescaled(network, factor)
    objective: Objective = task.objective(network, stats, dtype="float64")
    losses = [objective.value(point) for point in points]
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    keskar = [keskar_sharpness(objective, point, 1e-3).value for point in points]
    top = [eigenvalues(objective, point).values[0] for point in points]
    # The box has sides eps (|w| + 1): far from 1, the layer that became small has room for what is large in its input.
    assert keskar[1] > 1.5 * keskar[0]
    assert top[1] > 1.5 * top[0]
    asam = [adaptive_sharpness(objective, point, 0.1).value for point in points]
    assert asam[0] > 0
    assert asam[1] == pytest.approx(asam[0], rel=1e-6)
    accuracies = [task.accuracy(point, stats, part="test").value(point) for point in points]
    assert accuracies[0] == accuracies[1]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [Flatten("f"), Dense("a", 4), Tanh("t"), Dense("b", 4), BatchNorm("n"), Relu("r"), Dense("c", 3)],
            r"t \(Tanh\) between a and b; n \(BatchNorm\) between b and c",
        ),
        ([Flatten("f"), Dense("a", 3)], "it has no two layers with weights"),
    ],
)
def test_a_network_that_is_not_homogeneous_is_refused_with_what_stands_between(layers, message):
    network, _ = built(layers)
    with pytest.raises(UsageError, match=message):
        rescaled(network, 2.0)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan"), True])
def test_factors_must_be_positive(factor):
    network, _ = built([Flatten("f"), Dense("a", 3), Relu("r"), Dense("b", 3)])
    with pytest.raises(UsageError, match="must be a positive number"):
        rescaled(network, factor)
