"""The gradient noise scale against known covariances, exact sums and simulated coverage; gradient norm and distance."""

from __future__ import annotations

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.gradient_noise import NOISE_SCALE, noise_scale, noise_scale_of_batches
from optbench.measures.measure import NotApplicable
from optbench.measures.position import DISTANCE, GRAD_NORM
from optbench.measures.subject import Subject
from optbench.tasks.data import load
from optbench.tasks.task import Task

DIM = 12


def linear(point, term):
    """A loss whose gradient is the term."""
    return jnp.sum(point["a"] * term["a"]) + jnp.sum(point["b"] * term["b"])


AT = {"a": np.zeros(DIM - 3), "b": np.zeros(3)}


def as_terms(grads):
    return {"a": grads[:, :-3], "b": grads[:, -3:]}


def population(n, seed=0, strength=1.0):
    """Per-term gradients with a mean of norm ``strength`` and an uneven covariance."""
    rng = np.random.default_rng(seed)
    mean = strength * np.eye(DIM)[0]
    return mean + rng.normal(size=(n, DIM)) * np.linspace(0.2, 2.0, DIM)


def exact(grads):
    mean = grads.mean(0)
    return np.trace(np.cov(grads.T, bias=True)) / (mean @ mean)


@pytest.mark.parametrize("n", [3, 64, 65, 200])
def test_all_terms_give_the_exact_ratio_without_an_error(n):
    grads = population(n)
    found = noise_scale(linear, AT, as_terms(grads))
    assert found.value == pytest.approx(exact(grads), rel=1e-12)
    assert (found.standard_error, found.n_terms, found.population) == (0.0, n, n)
    assert found.trace == pytest.approx(np.trace(np.cov(grads.T, bias=True)), rel=1e-12)


def known(n, seed, strength=3.0):
    """Draws N(G, Sigma); tr Sigma / |G|^2 is known."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(0.5, 2.0, DIM)
    return strength * np.eye(DIM)[2] + rng.normal(size=(n, DIM)) * spread, float(np.sum(spread**2)) / strength**2


def repeated(take, times):
    found = [take(seed) for seed in range(times)]
    return np.array([[each.trace, each.squared_norm, each.value, each.standard_error] for each in found])


def test_draws_of_a_distribution_are_estimated_without_bias_and_with_an_honest_error():
    truth = known(3, 0)[1]
    found = repeated(lambda seed: noise_scale(linear, AT, as_terms(known(150, seed)[0]), population=math.inf), 300)
    spread = np.linspace(0.5, 2.0, DIM)
    for column, expected in ((0, np.sum(spread**2)), (1, 9.0)):
        error = found[:, column].std(ddof=1) / math.sqrt(len(found))
        assert abs(found[:, column].mean() - expected) < 3 * error
    covered = np.abs(found[:, 2] - truth) < 1.96 * found[:, 3]
    # 94 % with the binomial error of 300 repeats.
    assert covered.mean() > 0.94 - 3 * math.sqrt(0.94 * 0.06 / 300)
    assert found[:, 3].mean() == pytest.approx(found[:, 2].std(ddof=1), rel=0.15)


def test_the_error_shrinks_as_the_root_of_the_number_of_terms():
    few, many = (noise_scale(linear, AT, as_terms(known(n, 1)[0]), population=math.inf) for n in (200, 3200))
    assert few.standard_error / many.standard_error == pytest.approx(4.0, rel=0.35)


def subject_of(grads, objective=None):
    def terms(rows):
        chosen = as_terms(grads[rows])
        return Objective(lambda w: linear(w, jax.tree.map(lambda leaf: leaf.mean(0), chosen)), AT)

    return Subject(objective or terms(np.arange(len(grads))), AT, n_terms=len(grads), terms=terms)


def test_a_sample_without_replacement_is_unbiased_for_its_own_population():
    grads = population(60, strength=4.0)
    mean = grads.mean(0)
    found = repeated(
        lambda seed: noise_scale(
            linear, AT, as_terms(grads[np.random.default_rng(seed).permutation(60)[:30]]), population=60
        ),
        300,
    )
    for column, expected in ((0, np.trace(np.cov(grads.T, bias=True))), (1, mean @ mean)):
        error = found[:, column].std(ddof=1) / math.sqrt(len(found))
        assert abs(found[:, column].mean() - expected) < 3 * error
    # Half of the population halves the variance.
    assert found[:, 3].mean() == pytest.approx(found[:, 2].std(ddof=1), rel=0.2)


def test_two_sizes_of_batches_are_unbiased_and_their_error_is_honest():
    grads = population(40, strength=4.0)
    subject, truth, mean = subject_of(grads), exact(grads), grads.mean(0)
    found = repeated(
        lambda seed: noise_scale_of_batches(
            _Cheap(grads).terms, AT, 40, small=4, large=20, repeats=40, seed=seed
        ),
        200,
    )  # fmt: skip
    for column, expected in ((0, np.trace(np.cov(grads.T, bias=True))), (1, mean @ mean)):
        error = found[:, column].std(ddof=1) / math.sqrt(len(found))
        assert abs(found[:, column].mean() - expected) < 3 * error
    covered = np.abs(found[:, 2] - truth) < 1.96 * found[:, 3]
    assert covered.mean() > 0.94 - 3 * math.sqrt(0.94 * 0.06 / 200)
    taken = NOISE_SCALE.take(subject, **NOISE_SCALE.resolve({"method": "batches", "small": 4, "repeats": 5}))
    assert taken.details["large"] == 40
    assert taken.standard_error > 0


class _Cheap:
    """Means of terms with nothing to compile."""

    def __init__(self, grads):
        self.grads = grads

    def terms(self, rows):
        mean = self.grads[rows].mean(0)
        return SimpleNamespace(value_and_grad=lambda at: (0.0, {"a": mean[:-3], "b": mean[-3:]}))


def test_a_sum_of_single_objectives_gives_what_its_terms_give():
    grads = population(20, strength=4.0)
    taken = NOISE_SCALE.take(subject_of(grads), **NOISE_SCALE.resolve({}))
    assert taken.estimate == pytest.approx(exact(grads), rel=1e-12)
    assert taken.standard_error == 0.0


@pytest.fixture(scope="module")
def small():
    task = Task.of(load("digits"), catalog.model("linear"))
    network, stats = task.start(0)
    return task, network, stats


def of_task(task, network, stats, dtype="float64"):
    def terms(rows):
        return task.objective(network, stats, examples=rows, dtype=dtype)

    objective = task.objective(network, stats, dtype=dtype)
    return Subject(objective, network, n_terms=len(task.train.y), terms=terms, start=network)


def test_gradients_of_examples_of_a_network_are_those_of_softmax_regression(small):
    task, network, stats = small
    x, y = task.train.x.reshape(len(task.train.y), -1).astype(float), task.train.y
    # The layer flattens channels outermost, which one channel does not show.
    weight, bias = (np.asarray(network.params[1][name], float) for name in ("weight", "bias"))
    logits = x @ weight + bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    slope = p / p.sum(1, keepdims=True) - np.eye(10)[y]
    grads = np.concatenate([(x[:, :, None] * slope[:, None, :]).reshape(len(y), -1), slope], 1)
    taken = NOISE_SCALE.take(of_task(task, network, stats), **NOISE_SCALE.resolve({}))
    mean = grads.mean(0)
    assert taken.estimate == pytest.approx((np.sum(grads**2) / len(y) - mean @ mean) / (mean @ mean), rel=1e-9)
    norm = GRAD_NORM.take(of_task(task, network, stats))
    assert norm.estimate == pytest.approx(np.linalg.norm(mean), rel=1e-12)
    some = NOISE_SCALE.take(of_task(task, network, stats, "float32"), **NOISE_SCALE.resolve({"terms": 400}))
    assert some.details["terms"] == 400
    assert some.details["of"] == len(y)
    assert abs(some.estimate - taken.estimate) < 4 * some.standard_error


def test_examples_that_are_normalized_together_have_no_gradients_of_their_own():
    task = Task.of(load("digits"), catalog.model("vgg"))
    network, stats = task.start(0)
    assert task.objective(network, "batch", examples=range(8)).n_terms == 0
    assert task.objective(network, stats, examples=range(8)).n_terms == 8
    with pytest.raises(UsageError, match="not known as a mean of terms"):
        task.objective(network, "batch", examples=range(8)).term_gradients(network, network)


def test_the_distance_is_that_of_flat_vectors(small):
    task, network, stats = small
    rng = np.random.default_rng(0)
    moved = jax.tree.map(lambda leaf: np.asarray(leaf) + rng.normal(size=leaf.shape).astype(np.float32), network)
    flat = [np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (moved, network)]
    taken = DISTANCE.take(Subject(of_task(task, network, stats).objective, moved, start=network))
    assert taken.estimate == pytest.approx(np.linalg.norm(flat[0].astype(float) - flat[1]), rel=1e-14)


def test_what_has_no_meaning_is_no_number(small):
    objective = of_task(*small).objective
    alone = Subject(objective, small[1])
    for measure in (NOISE_SCALE, DISTANCE):
        with pytest.raises(NotApplicable, match=measure.name):
            measure.take(alone, **measure.resolve({}))
    noisy = population(100, strength=0.0)
    noisy -= noisy.mean(0)
    with pytest.raises(NotApplicable, match="cannot be told from its noise"):
        noise_scale(linear, AT, as_terms(noisy), population=math.inf)
    for few, settings, least in (
        (2, {}, 3),
        (32, {"method": "batches"}, 33),
        (2, {"method": "batches", "small": 1}, 3),
    ):
        with pytest.raises(NotApplicable, match=f"needs {least} terms or more; the loss is the mean of {few}"):
            NOISE_SCALE.take(subject_of(noisy[:few]), **NOISE_SCALE.resolve(settings))
    with pytest.raises(UsageError, match="3 terms or more"):
        noise_scale(linear, AT, as_terms(noisy[:2]))
    with pytest.raises(UsageError, match="small < large <= 100"):
        noise_scale_of_batches(subject_of(noisy).terms, AT, 100, small=8, large=8)
