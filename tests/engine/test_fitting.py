"""Training against softmax regression written in NumPy, and what may and may not choose anything."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.engine.networks.fitting import Fitter, Lane, fit
from optbench.engine.networks.scoring import compile_evaluator
from optbench.engine.networks.training import SEGMENT, Training, compile_trainer
from optbench.errors import UsageError
from optbench.tasks import parts
from optbench.tasks.data import load
from optbench.tasks.models.convolutional import lenet
from optbench.tasks.parts import EVALUATED, part_of
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import Examples, Task
from tests.engine.softmax import batches, digits_task, filled, judged, loss_of, softmax_gradient, start_of
from tests.stepping import Oracle, step


@pytest.fixture(autouse=True)
def single_precision():
    """Networks are float32, whatever other tests want."""
    with jax.enable_x64(False):
        yield


@pytest.fixture(scope="module")
def task():
    """Returns softmax regression on 300 digits."""
    return digits_task()


def test_sgd_is_softmax_regression_by_hand(task):
    (found,) = fit(task, catalog.optimizer("sgd"), [Lane({"lr": 0.1}, 4)], batch_size=30, epochs=3, stop_early=False)
    w, b = start_of(task, 4)
    x, y = task.train.x.reshape(300, -1).astype(np.float64), task.train.y
    losses, norms = [loss_of(w, b, x, y)], [np.nan]
    for bx, by in batches(task, 4, 3, 30):
        gw, gb = softmax_gradient(w, b, bx, by)
        w, b = w - 0.1 * gw, b - 0.1 * gb
        losses.append(loss_of(w, b, x, y))
        norms.append(np.sqrt((gw**2).sum() + (gb**2).sum()))
    assert found.grads.tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30]
    np.testing.assert_allclose(found.train.loss, np.array(losses)[found.grads], rtol=2e-5)
    np.testing.assert_allclose(found.grad_norm, np.array(norms)[found.grads], rtol=2e-5)
    right = np.mean(np.argmax(x @ w + b, 1) == y)
    assert found.train.accuracy[-1] == pytest.approx(right, abs=1e-6)


def test_sam_takes_both_gradients_of_a_step_on_one_batch(task):
    lr, rho = 0.1, 0.05
    (found,) = fit(
        task, catalog.optimizer("sam"), [Lane({"lr": lr, "rho": rho}, 1)], batch_size=50, epochs=4, stop_early=False
    )
    w, b = start_of(task, 1)
    x, y = task.train.x.reshape(300, -1).astype(np.float64), task.train.y
    losses = [loss_of(w, b, x, y)]
    for bx, by in batches(task, 1, 2, 50):
        gw, gb = softmax_gradient(w, b, bx, by)
        scale = rho / np.sqrt((gw**2).sum() + (gb**2).sum())
        gw, gb = softmax_gradient(w + scale * gw, b + scale * gb, bx, by)
        losses.append(loss_of(w, b, x, y))
        w, b = w - lr * gw, b - lr * gb
        losses.append(loss_of(w, b, x, y))
    assert found.grads[-1] == 24  # four passes of six batches: two gradients for each of the first twelve
    np.testing.assert_allclose(found.train.loss, np.array(losses)[found.grads], rtol=3e-5)


def test_a_batch_in_parts_has_the_gradient_of_the_whole(monkeypatch):
    monkeypatch.setattr(parts, "PIXELS", 1 << 14)
    whole = Task.of(load("digits"), lenet)
    grown = np.kron(whole.train.x[:48], np.ones((1, 4, 4, 1), np.float32))[:, :28, :28]
    examples = Examples(grown, whole.train.y[:48])
    task = dataclasses.replace(whole, train=examples, validation=examples, test=examples)
    network, stats = task.start(0)
    part = part_of(48, 28 * 28, whole=False)
    assert part < 48
    trainer = compile_trainer(
        Training(network, stats, catalog.optimizer("sgd"), Regularization(), 48, 10, 48 + EVALUATED, part)
    )
    flat, unravel = ravel_pytree(network)
    hyper = {"lr": np.float32(1.0)}
    order = np.arange(48, dtype=np.int32)[None].repeat(SEGMENT, 0)
    carry = trainer.start(flat, stats, hyper)
    moved, value, _ = trainer.advance(
        carry, *filled(task.train), order, jax.random.key(0), np.int32(0), np.int32(1), hyper
    )

    def loss(flat):
        logits, _ = unravel(flat)(grown, stats, train=True)
        return -jax.numpy.mean(jax.nn.log_softmax(logits)[np.arange(48), task.train.y])

    expected, grad = jax.jit(jax.value_and_grad(loss))(flat)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(flat - moved.params, grad, atol=2e-6)


def test_poisoned_test_labels_change_the_test_scores_alone(task):
    lanes = [Lane({"lr": lr}, seed) for lr in (0.01, 0.3) for seed in (0, 1)]
    poisoned = dataclasses.replace(task, test=Examples(task.test.x, (task.test.y + 1) % 10))
    clean, changed = (fit(each, catalog.optimizer("adam"), lanes, batch_size=30, epochs=3) for each in (task, poisoned))
    for a, b in zip(clean, changed, strict=True):
        assert (a.chosen, a.status) == (b.chosen, b.status)
        np.testing.assert_array_equal(judged(a), judged(b))
        np.testing.assert_array_equal(a.validation.loss, b.validation.loss)
        assert b.test.accuracy < 0.2 < 0.7 < a.test.accuracy


def test_validation_chooses_and_its_weights_are_restored(task):
    lanes = [Lane({"lr": 0.5}, 0)]
    (early,) = fit(task, catalog.optimizer("adam"), lanes, batch_size=30, epochs=8)
    (last,) = fit(task, catalog.optimizer("adam"), lanes, batch_size=30, epochs=8, stop_early=False)
    np.testing.assert_array_equal(early.validation.accuracy, last.validation.accuracy)
    ranks = list(zip(-early.validation.accuracy, early.validation.loss, strict=True))
    assert early.chosen == ranks.index(min(ranks)) < len(ranks) - 1
    assert last.chosen == len(ranks) - 1
    network, stats = task.start(0)
    x, y = filled(task.validation)
    evaluate = compile_evaluator(network, stats, len(y))
    scores, _ = evaluate(judged(early), stats, x, y, np.int32(0), np.int32(len(task.validation.y)))
    assert float(scores.loss) == pytest.approx(early.validation.loss[early.chosen], rel=1e-6)


def test_company_changes_no_bit(task):
    lanes = [Lane({"lr": lr}, seed) for lr in (0.01, 0.1) for seed in (0, 1)]
    together = fit(task, catalog.optimizer("momentum"), lanes, batch_size=30, epochs=2)
    for lane, found in zip(lanes, together, strict=True):
        (alone,) = fit(task, catalog.optimizer("momentum"), [lane], batch_size=30, epochs=2)
        np.testing.assert_array_equal(judged(alone), judged(found))
        np.testing.assert_array_equal(alone.train.loss, found.train.loss)


def test_a_run_that_diverges_says_so_and_the_others_go_on(task):
    exploding, sound = fit(
        task, catalog.optimizer("sgd"), [Lane({"lr": 1e38}, 0), Lane({"lr": 0.1}, 0)], batch_size=30, epochs=2
    )
    assert (exploding.status, sound.status) == ("diverged", "ok")
    assert len(exploding.grads) < len(sound.grads)
    assert np.isfinite(judged(exploding)).all()  # of the last point that was good
    assert 0.0 <= exploding.test.accuracy <= 1.0


def test_all_examples_are_one_batch_and_one_example_is_one(task):
    for size in (300, 1):
        (found,) = fit(task, catalog.optimizer("sgd"), [Lane({"lr": 0.01}, 0)], batch_size=size, epochs=1)
        assert found.grads[-1] == 300 // size


def test_epochs_are_permutations_that_rules_share_and_seeds_do_not(task):
    first, second, other = task.order(0, 0, 30), task.order(0, 1, 30), task.order(1, 0, 30)
    for rows in (first, second, other):
        assert sorted(rows.ravel()) == list(range(300))
    assert (first != second).any()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 301}, r"batch_size must lie in \[1, 300\], the examples to train on; got 301"),
        ({"batch_size": 0}, r"batch_size must lie in \[1, 300\]"),
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
    ],
)
def test_wrong_sizes_are_refused(task, given, message):
    with pytest.raises(UsageError, match=message):
        fit(task, catalog.optimizer("sgd"), [Lane({}, 0)], **{"batch_size": 30, "epochs": 1, **given})


@pytest.mark.parametrize("name", ["gd_armijo", "nonlinear_cg"])
@pytest.mark.parametrize("lanes", ["in threads", "side by side"])
def test_all_trials_of_a_search_see_the_batch_of_its_step(task, name, lanes):
    """Each step is taken until the iterate moves, on one batch: the engine's trips must end at the same place."""
    rule, size, epochs = catalog.optimizer(name), 100, 6
    (found,) = Fitter(task, rule, batch_size=size, lanes=lanes).fit([Lane({}, 0)], epochs=epochs, stop_early=False)
    budget = epochs * 3
    hyper = rule.resolve({})
    w, b = start_of(task, 0)
    params = np.concatenate([b, w.ravel()])
    state, point, spent, steps = rule.init(params, hyper), params, 0, 0

    @jax.jit
    def stepped(params, state, point, x, y):
        def value(flat):
            logits = x @ flat[10:].reshape(64, 10) + flat[:10]
            return -jnp.mean(jax.nn.log_softmax(logits)[np.arange(size), y])

        return step(rule, Oracle(value, jax.value_and_grad(value)), params, state, hyper, point=point)

    for x, y in batches(task, 0, budget, size):
        moved, state, point, info = stepped(params, state, point, x, y)
        spent += int(info.cost)
        if spent > budget:
            break
        params, steps = moved, steps + 1
    assert 2 <= steps <= budget / 2
    np.testing.assert_allclose(judged(found), params, atol=3e-5)
