"""Normalization, dropout and pooling against closed forms; networks as lanes inside of a scan."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.tasks.models.dense import dropout
from optbench.tasks.models.layer import Mode
from optbench.tasks.models.normalization import batch_norm
from optbench.tasks.models.pooling import AveragePool, average_pool, max_pool
from tests.tasks.models.designs import batch, error, loss


def test_a_batch_is_normalized_by_hand():
    x = jnp.array([[1.0, 2.0, 3.0, 6.0]])
    running = {"mean": jnp.array([10.0]), "var": jnp.array([20.0])}
    out, after = batch_norm(x, jnp.array([2.0]), jnp.array([1.0]), running)
    # Mean 3, squares 4 + 1 + 0 + 9 = 14: variance 3.5, unbiased 14/3.
    assert error(out[0], 1 + 2 * np.array([-2.0, -1.0, 0.0, 3.0]) / np.sqrt(3.5 + 1e-5)) < 1e-14
    assert float(after["mean"][0]) == pytest.approx(0.9 * 10 + 0.1 * 3)
    assert float(after["var"][0]) == pytest.approx(0.9 * 20 + 0.1 * 14 / 3)


def test_ghost_batches_are_normalized_apart_and_enter_in_turn():
    x = jnp.array([[1.0, 3.0, 10.0, 20.0]])
    running = {"mean": jnp.array([0.0]), "var": jnp.array([1.0])}
    out, after = batch_norm(x, jnp.ones(1), jnp.zeros(1), running, ghost=2)
    assert error(out[0], [-1.0, 1.0, -1.0, 1.0]) < 1e-5
    assert float(after["mean"][0]) == pytest.approx(0.9 * (0.1 * 2) + 0.1 * 15)
    assert float(after["var"][0]) == pytest.approx(0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 50)


@pytest.mark.parametrize(
    ("n", "ghost", "message"),
    [
        (8, 3, "ghost batches must divide the batch of 8 examples; got 3"),
        (8, 0, "ghost batches must divide the batch of 8 examples; got 0"),
        (1, None, "batch normalization needs at least two numbers for each channel"),
        (8, 1, "batch normalization needs at least two numbers for each channel"),
    ],
)
def test_batches_that_cannot_be_normalized_are_refused(n, ghost, message):
    running = {"mean": jnp.zeros(2), "var": jnp.ones(2)}
    with pytest.raises(UsageError, match=message):
        batch_norm(jnp.zeros((2, n)), jnp.ones(2), jnp.zeros(2), running, ghost)


def test_dropout_keeps_the_mean_and_its_rate_may_differ_between_lanes():
    rates = jnp.array([0.0, 0.25, 0.5, 0.9])
    x = jnp.ones((1000, 100))
    out = jax.jit(jax.vmap(dropout, in_axes=(None, None, 0)))(jax.random.key(0), x, rates)
    for lane, rate in zip(np.asarray(out), [0.0, 0.25, 0.5, 0.9], strict=True):
        # 100,000 draws: standard errors are sqrt(rate (1 - rate)/1e5), at most 0.0016.
        assert abs(np.mean(lane == 0) - rate) < 0.008
        assert np.allclose(lane[lane != 0], 1 / (1 - rate))


def test_dropout_acts_in_training_alone_and_needs_a_key():
    network, stats = catalog.model("lenet").build(np.random.default_rng(0), (8, 8, 1))
    x, _ = batch((8, 8, 1))
    plain, _ = network(x, stats, train=False, dropout=0.5)
    kept, _ = network(x, stats, train=True)
    dropped, _ = network(x, stats, jax.random.key(0), train=True, dropout=0.5)
    assert error(plain, kept) < 1e-6
    assert error(dropped, kept) > 1e-2
    with pytest.raises(UsageError, match="drop1: dropout needs a random key in training"):
        network(x, stats, train=True, dropout=0.5)


def test_the_first_of_a_tie_has_the_gradient():
    grad = jax.grad(lambda x: max_pool(x, 2).sum())(jnp.array([[[1.0], [1.0], [0.0], [3.0]]]))
    assert grad.ravel().tolist() == [1.0, 0.0, 0.0, 1.0]
    square = jnp.array([[2.0, 5.0], [5.0, 5.0]]).reshape(1, 2, 2, 1)
    assert jax.grad(lambda x: max_pool(x, 2).sum())(square).ravel().tolist() == [0.0, 1.0, 0.0, 0.0]
    assert jnp.isnan(max_pool(square.at[0, 0, 0].set(jnp.nan), 2)).all()


def test_pooling_has_derivatives_along_directions_and_of_second_order():
    x, along = jnp.array([1.0, 3.0, 2.0, -4.0]).reshape(1, 4, 1), jnp.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1)
    assert jax.jvp(lambda x: max_pool(x, 2), (x,), (along,))[1].ravel().tolist() == [2.0, 3.0]
    cubes = jax.grad(lambda x: (max_pool(x, 2) ** 3).sum())
    assert jax.jvp(cubes, (x,), (along,))[1].ravel().tolist() == [0.0, 6 * 3.0 * 2.0, 6 * 2.0 * 3.0, 0.0]


def test_average_pool_by_hand():
    x = jnp.arange(20.0).reshape(1, 4, 5, 1)
    assert average_pool(x, 2).ravel().tolist() == [3.0, 5.0, 13.0, 15.0]
    with pytest.raises(UsageError, match="a kernel that spans 5 pixels does not fit into 4"):
        average_pool(x, 5)
    layer = AveragePool("pool")
    pooled, stats = layer.forward({}, {}, x, Mode(train=False, convolution="slices"))
    assert pooled.shape == (1, *layer.output((4, 5, 1))[:-1], 1) == (1, 2, 2, 1)
    assert pooled.ravel().tolist() == [3.0, 5.0, 13.0, 15.0]
    assert stats == {}


def test_lanes_train_in_a_scan_as_they_do_alone():
    shape, lanes = (8, 8, 1), 3
    built = [catalog.model("keskar_f1").build(np.random.default_rng(lane), shape) for lane in range(lanes)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *built)
    data = [batch(shape, seed=step) for step in range(4)]
    xs, ys = (jnp.stack([jnp.asarray(part[place]) for part in data]) for place in (0, 1))

    def train(network, stats, lr):
        def step(carry, examples):
            network, stats = carry
            (value, stats), grads = jax.value_and_grad(loss, has_aux=True)(network, stats, *examples)
            return (jax.tree.map(lambda p, g: p - lr * g, network, grads), stats), value

        return jax.lax.scan(step, (network, stats), (xs, ys))

    rates = jnp.array([0.01, 0.02, 0.05], jnp.float32)
    (_, stats), values = jax.jit(jax.vmap(train))(*stacked, rates)
    alone = jax.jit(train)
    for lane in range(lanes):
        (_, own_stats), own = alone(*built[lane], rates[lane])
        assert error(values[lane], own) < 1e-3
        for ours, theirs in zip(jax.tree.leaves(stats), jax.tree.leaves(own_stats), strict=True):
            assert error(ours[lane], theirs) < 1e-2
    assert values.dtype == jnp.float32


def test_examples_of_another_shape_are_refused():
    network, stats = catalog.model("linear").build(np.random.default_rng(0), (8, 8, 1))
    with pytest.raises(UsageError, match=r"a batch must have shape \(n, 8, 8, 1\); got 28x28x1 for an example"):
        network(np.zeros((2, 28, 28, 1), np.float32), stats, train=False)
