"""A large batch with the gradient noise of a smaller one: mean and covariance in closed form, through the trainer."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.engine.networks.fitting import Fitter, Lane, fit
from optbench.engine.networks.training import Training, as_key
from optbench.errors import UsageError
from optbench.tasks.losses import LOSSES
from optbench.tasks.regularization import Regularization
from optbench.tasks.regularizers.batch_noise import noisy_weights
from tests.engine.softmax import digits_task, judged

BATCH, SMALLER, CLASSES, SIDE = 12, 3, 3, 4
DRAWS = 20_000


def small(loss="cross_entropy", part=BATCH, **strengths):
    """Returns what trains a linear network on a batch, its flat weights and statistics, and the batch."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(BATCH, SIDE, SIDE, 1)).astype(np.float32)
    y = (np.arange(BATCH) % CLASSES).astype(np.int32)
    network, stats = catalog.model("linear").build(rng, (SIDE, SIDE, 1), CLASSES)
    rule, given = catalog.optimizer("sgd"), Regularization(**strengths)
    training = Training(network, stats, rule, given, BATCH, CLASSES, BATCH, part, loss=loss)
    return training, ravel_pytree(network)[0], stats, x, y


def own_gradients(x, y, flat, loss):
    """Returns the gradient of each example of softmax or linear regression, (n, parameters), float64, by hand."""
    x = x.reshape(len(x), -1).astype(np.float64)
    bias, weight = np.split(np.asarray(flat, np.float64), [CLASSES])
    z = x @ weight.reshape(-1, CLASSES) + bias
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True) if loss == "cross_entropy" else z
    slope = p - np.eye(CLASSES)[y]
    return np.concatenate([slope, (x[:, :, None] * slope[:, None, :]).reshape(len(x), -1)], axis=1)


def drawn_gradients(training, flat, stats, x, y, n):
    """Returns the gradients that steps 0 to n - 1 of a run are shown, (n, parameters)."""
    targets = jax.nn.one_hot(y, CLASSES)

    def of(step):
        key = jax.random.split(jax.random.fold_in(as_key(np.array([7, 8], np.uint32)), step))[1]
        return training._objective(flat, stats, jnp.asarray(x), targets, key)[1]

    return np.asarray(jax.jit(lambda steps: jax.lax.map(of, steps, batch_size=500))(jnp.arange(n)), np.float64)


@pytest.mark.parametrize("part", [BATCH, 4])
@pytest.mark.parametrize("loss", LOSSES)
def test_mean_and_covariance_over_draws_are_those_of_the_formula(loss, part):
    training, flat, stats, x, y = small(loss, part, batch_noise=SMALLER)
    own = own_gradients(x, y, flat, loss)
    found = drawn_gradients(training, flat, stats, x, y, DRAWS)
    covariance = (1 / SMALLER - 1 / BATCH) * np.cov(own, rowvar=False)
    variance = np.diag(covariance)
    # Standard errors of normal draws: of a mean, and of an entry of the sample covariance.
    z = (found.mean(0) - own.mean(0)) / np.sqrt(variance / DRAWS)
    assert np.abs(z).max() < 4.5
    assert np.mean(z**2) == pytest.approx(1, abs=1)
    error = np.sqrt((covariance**2 + np.outer(variance, variance)) / DRAWS)
    assert np.abs((np.cov(found, rowvar=False) - covariance) / error).max() < 5.5
    # The trace has a relative error of sqrt(2 / (draws * rank)) at most: the formula's factor is seen to a percent.
    assert np.trace(np.cov(found, rowvar=False)) == pytest.approx(np.trace(covariance), rel=0.02)


def test_the_noisy_gradient_is_the_weighted_sum_of_the_examples_gradients():
    """One draw, to rounding: so nothing but the weights is drawn, and their mean counts nothing."""
    training, flat, stats, x, y = small(batch_noise=SMALLER)
    own = own_gradients(x, y, flat, "cross_entropy")
    (found,) = drawn_gradients(training, flat, stats, x, y, 1)
    weights = np.linalg.lstsq(own.T, found, rcond=None)[0]
    np.testing.assert_allclose(own.T @ weights, found, atol=1e-6)
    step = jax.random.split(jax.random.fold_in(as_key(np.array([7, 8], np.uint32)), 0))[1]
    expected = noisy_weights(jax.random.split(step, 3)[2], BATCH, SMALLER) / BATCH
    np.testing.assert_allclose(own.T @ np.asarray(expected, np.float64), found, atol=1e-6)


def test_parts_of_a_batch_have_the_weights_of_the_whole():
    whole, parts = (drawn_gradients(*small(part=part, batch_noise=SMALLER), 5) for part in (BATCH, 3))
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    assert np.ptp(whole, axis=0).max() > 0.05


def test_the_noise_of_weights_is_drawn_as_without_it():
    """The gradient is that of the weighted examples at the very weights that a task without the noise has."""
    training, flat, stats, x, y = small(batch_noise=SMALLER, weight_noise=0.1)
    (found,) = drawn_gradients(training, flat, stats, x, y, 1)
    step = jax.random.split(jax.random.fold_in(as_key(np.array([7, 8], np.uint32)), 0))[1]
    noisy = Regularization(weight_noise=0.1).weights(jax.random.split(step, 2)[0], flat)
    weights = np.asarray(noisy_weights(jax.random.split(step, 3)[2], BATCH, SMALLER), np.float64) / BATCH
    np.testing.assert_allclose(own_gradients(x, y, noisy, "cross_entropy").T @ weights, found, atol=1e-6)


def test_a_run_has_the_same_bits_twice_and_more_noise_than_without():
    with jax.enable_x64(False):
        task = dataclasses.replace(digits_task(), regularization=Regularization(batch_noise=2))
        runs = [
            judged(
                *fit(at, catalog.optimizer("sgd"), [Lane({"lr": 0.05}, 0)], batch_size=30, epochs=1, stop_early=False)
            )
            for at in (task, task, digits_task())
        ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-3


@pytest.mark.parametrize(
    ("batch_size", "given", "message"),
    [
        (30, {"batch_noise": 30}, r"batch_noise = 30: must be below batch_size = 30"),
        (30, {"batch_noise": 300}, r"batch_noise = 300: must be below batch_size = 30"),
    ],
)
def test_a_batch_that_is_not_smaller_is_refused(batch_size, given, message):
    task = dataclasses.replace(digits_task(), regularization=Regularization(**given))
    with pytest.raises(UsageError, match=message):
        Fitter(task, catalog.optimizer("sgd"), batch_size=batch_size)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(UsageError) as caught:
        Regularization(batch_noise=64).fits("digits-vgg", 32, normalizes=True)
    assert "digits-vgg: batch_noise = 64: with batch normalization" in str(caught.value)
    assert "must be below batch_size = 32" in str(caught.value)
