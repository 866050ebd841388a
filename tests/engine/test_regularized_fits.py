"""What is done against overfitting, through a fitter, against softmax regression and batch normalization by hand."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.engine.networks.fitting import Fitter, Lane, fit
from optbench.errors import UsageError
from optbench.tasks.regularization import Regularization
from tests.engine.softmax import batches, digits_task, judged, softmax_gradient, start_of


@pytest.fixture(autouse=True)
def single_precision():
    """Networks are float32, whatever other tests want."""
    with jax.enable_x64(False):
        yield


@pytest.fixture(scope="module")
def task():
    """Returns softmax regression on 300 digits."""
    return digits_task()


def last_of(task, rule, hyper, **strengths):
    """Returns the weights after two epochs with some strengths, seed 0, in batches of 30."""
    changed = dataclasses.replace(task, regularization=Regularization(**strengths))
    (found,) = fit(changed, catalog.optimizer(rule), [Lane(hyper, 0)], batch_size=30, epochs=2, stop_early=False)
    return judged(found)


def by_hand(task, rates, alpha):
    """Returns flat weights after two epochs of gradient descent that shrinks weights, not biases."""
    w, b = start_of(task, 0)
    for (bx, by), lr in zip(batches(task, 0, 2, 30), rates, strict=True):
        gw, gb = softmax_gradient(w, b, bx, by)
        w, b = w - lr * gw - lr * alpha * w, b - lr * gb
    return np.concatenate([b, w.ravel()])


@pytest.mark.parametrize("strength", ["penalty", "decay"])
def test_under_gradient_descent_penalty_and_decay_are_the_same_shrinking_of_weights(task, strength):
    expected = by_hand(task, [0.05] * 20, 0.2)
    found = last_of(task, "sgd", {"lr": 0.05}, **{strength: 0.2})
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert np.abs(by_hand(task, [0.05] * 20, 0.1) - expected).max() > 1e-2


def test_under_adam_decay_is_no_penalty(task):
    """One step of Adam by hand, then the two against each other."""
    lr, alpha = 0.01, 0.5
    changed = dataclasses.replace(task, regularization=Regularization(decay=alpha))
    (found,) = fit(
        changed, catalog.optimizer("adam"), [Lane({"lr": lr}, 0)], batch_size=300, epochs=1, stop_early=False
    )
    w, b = start_of(task, 0)
    ((x, y),) = batches(task, 0, 1, 300)
    gw, gb = softmax_gradient(w, b, x, y)
    moved = [p - lr * np.sqrt(1e-3) * g / np.sqrt(1e-3 * g**2 + 1e-7) for p, g in ((b, gb), (w, gw))]
    expected = np.concatenate([moved[0], (moved[1] - lr * alpha * w).ravel()])
    np.testing.assert_allclose(judged(found), expected, atol=1e-6)
    decayed, penalized = (last_of(task, "adam", {"lr": lr}, **{name: alpha}) for name in ("decay", "penalty"))
    assert np.abs(decayed - penalized).max() > 1e-2


def test_decay_follows_the_scheduled_rate(task):
    hyper = {"lr": 0.1, "horizon": 20.0, "final_fraction": 0.0}
    rates = 0.1 * (1 - np.arange(20) / 20)
    np.testing.assert_allclose(last_of(task, "sgd+linear", hyper, decay=0.2), by_hand(task, rates, 0.2), atol=3e-6)


def test_a_rule_without_a_rate_shrinks_by_the_decay_itself(task):
    """The first step of Adadelta is so small that nothing but the decay moves a weight."""
    (plain, shrunk) = (
        judged(
            *fit(
                dataclasses.replace(task, regularization=Regularization(decay=decay)),
                catalog.optimizer("adadelta"),
                [Lane({}, 0)],
                batch_size=300,
                epochs=1,
                stop_early=False,
            )
        )
        for decay in (0.0, 0.01)
    )
    w, b = start_of(task, 0)
    np.testing.assert_allclose(plain - shrunk, 0.01 * np.concatenate([0 * b, w.ravel()]), atol=1e-7)


def test_steps_of_two_gradients_decay_once(task):
    hyper = {"lr": 0.05, "rho": 0.05}
    w, b = start_of(task, 0)
    # Two gradients a step: the budget of two passes is spent after one.
    for bx, by in batches(task, 0, 1, 30):
        gw, gb = softmax_gradient(w, b, bx, by)
        scale = 0.05 / np.sqrt((gw**2).sum() + (gb**2).sum())
        gw, gb = softmax_gradient(w + scale * gw, b + scale * gb, bx, by)
        w, b = w - 0.05 * gw - 0.05 * 0.2 * w, b - 0.05 * gb
    np.testing.assert_allclose(last_of(task, "sam", hyper, decay=0.2), np.concatenate([b, w.ravel()]), atol=3e-6)


@pytest.fixture(scope="module")
def normalized():
    """Returns a network with batch normalization on 96 digits."""
    return digits_task(catalog.model("keskar_f1"), n=96)


def test_ghost_batches_reach_the_network(normalized):
    """One step against the gradient of the network itself, which is tested for ghost batches on its own."""
    rows = normalized.order(0, 0, 32)[:1]
    changed = dataclasses.replace(normalized, regularization=Regularization(ghost=8))
    fitter = Fitter(changed, catalog.optimizer("sgd"), batch_size=32)
    network, stats = normalized.start(0)
    flat, unravel = ravel_pytree(network)
    trainer, lr = fitter._way.trainer, {"lr": np.float32(1.0)}
    order = np.zeros((64, 32), np.int32)
    order[0] = rows
    moved, value, _ = trainer.advance(
        trainer.start(flat, stats, lr), *fitter._way.examples, order, jax.random.key(0), np.int32(0), np.int32(1), lr
    )

    def loss(flat, ghost):
        logits, after = unravel(flat)(
            normalized.train.x[rows[0]], stats, train=True, dropout=0.0, ghost=ghost, key=jax.random.key(0)
        )
        losses = -jax.nn.log_softmax(logits)[np.arange(32), normalized.train.y[rows[0]]]
        return jax.numpy.mean(losses), after

    (expected, after), grad = jax.jit(jax.value_and_grad(loss, has_aux=True), static_argnums=1)(flat, 8)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert float(value) != pytest.approx(float(jax.jit(loss, static_argnums=1)(flat, None)[0]), rel=1e-3)
    np.testing.assert_allclose(flat - moved.params, grad, atol=2e-4 * float(np.abs(grad).max()))
    for found, own in zip(jax.tree.leaves(moved.stats), jax.tree.leaves(after), strict=True):
        np.testing.assert_allclose(found, own, rtol=2e-5, atol=1e-6)


def test_ghost_batches_need_normalization_and_divide_the_batch(task, normalized):
    with_ghost = Regularization(ghost=8)
    with pytest.raises(UsageError, match="digits-linear: ghost = 8, but the model has no batch normalization"):
        Fitter(dataclasses.replace(task, regularization=with_ghost), catalog.optimizer("sgd"), batch_size=32)
    with pytest.raises(UsageError, match=r"digits-keskar_f1.*: ghost = 8 must divide batch_size = 30"):
        Fitter(dataclasses.replace(normalized, regularization=with_ghost), catalog.optimizer("sgd"), batch_size=30)


def test_dropout_is_at_work_in_training_and_not_in_scores():
    mlp = digits_task(catalog.model("mlp"))
    lanes = [Lane({"lr": 1e-30}, 0)]
    dropped = dataclasses.replace(mlp, regularization=Regularization(dropout=0.5))
    (plain,), (noisy,) = (
        fit(each, catalog.optimizer("sgd"), lanes, batch_size=30, epochs=1, stop_early=False) for each in (mlp, dropped)
    )
    # At a rate of nothing the weights stay, and so do the scores; the gradients that the rule saw do not.
    np.testing.assert_array_equal(plain.train.loss, noisy.train.loss)
    assert (np.abs(plain.grad_norm[1:] / noisy.grad_norm[1:] - 1) > 1e-3).all()
