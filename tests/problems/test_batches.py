"""Index streams: what a step sees depends on seed, problem and batch size alone, and every term counts alike."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest

from optbench.core.keys import generator
from optbench.errors import UsageError
from optbench.problems.finite_sums.batches import dropped, index_stream
from optbench.problems.problem import Problem

from .shelf import by_name

LABEL = "least_squares-2d-i1"


def term_gradients(problem, x):
    """Returns the gradient of every term, shape (N, dim)."""
    n = problem.landscape.n_terms(problem.dim)
    one = jax.grad(problem.landscape.batch)
    operands = (*problem.theta, *problem.data)
    return np.asarray(jax.jit(jax.vmap(lambda i: one(x, i[None], *operands)))(np.arange(n, dtype=np.int32)))


@pytest.mark.parametrize(("n", "b"), [(12, 3), (12, 5), (12, 1), (1797, 128)])
def test_an_epoch_is_one_permutation_without_its_short_last_batch(n, b):
    epochs = 3
    stream = index_stream(0, LABEL, n, b, epochs * (n // b))
    assert stream.dtype == np.int32
    assert stream.shape == (epochs * (n // b), b)
    orders = stream.reshape(epochs, -1)
    for epoch, order in enumerate(orders):
        assert len(np.unique(order)) == order.size == n - dropped(n, b)
        assert 0 <= order.min() <= order.max() < n
        # The key is that of the protocol: (seed, epoch), for this problem.
        expected = generator(0, "epoch", LABEL, epoch).permutation(n)
        assert np.array_equal(order, expected[: order.size])
    assert not np.array_equal(orders[0], orders[1])


def test_all_batch_sizes_cut_the_same_permutations():
    small, large = (index_stream(3, LABEL, 64, b, 2 * (64 // b)) for b in (4, 16))
    assert np.array_equal(small.ravel(), large.ravel())


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize(("n", "b"), [(12, 5), (64, 8), (7, 4)])
def test_a_longer_stream_begins_with_a_shorter_one(n, b, replace):
    long = index_stream(1, LABEL, n, b, 101, replace=replace)
    for steps in (0, 1, 7, 50, 100):
        short = index_stream(1, LABEL, n, b, steps, replace=replace)
        assert short.shape == (steps, b)
        assert np.array_equal(short, long[:steps])


@pytest.mark.parametrize("replace", [False, True])
def test_streams_differ_by_seed_and_problem_and_by_nothing_else(replace):
    def draw(seed, label):
        return index_stream(seed, label, 64, 8, 20, replace=replace)

    assert np.array_equal(draw(0, LABEL), draw(0, LABEL))
    assert not np.array_equal(draw(0, LABEL), draw(1, LABEL))
    assert not np.array_equal(draw(0, LABEL), draw(0, "least_squares-2d-i2"))


def test_the_whole_sum_has_no_indices():
    assert index_stream(0, LABEL, 64, 64, 5) is None
    assert index_stream(0, LABEL, 1, 1, 5) is None
    assert index_stream(0, LABEL, 64, 64, 5, replace=True).shape == (5, 64)


@pytest.mark.parametrize(("b", "steps", "faults"), [(0, 5, 1), (65, 5, 1), (-1, -1, 2), (8, -2, 1)])
def test_faults_are_told_at_once(b, steps, faults):
    with pytest.raises(UsageError) as caught:
        index_stream(0, LABEL, 64, b, steps)
    assert len(caught.value.problems) == faults


def test_with_replacement_terms_repeat_and_are_uniform():
    n, b, steps = 16, 4, 8000
    drawn = index_stream(5, LABEL, n, b, steps, replace=True)
    counts = np.bincount(drawn.ravel(), minlength=n)
    expected = b * steps / n
    # Chi-squared with 15 degrees of freedom exceeds 44 once in 10^4.
    assert ((counts - expected) ** 2 / expected).sum() < 44.0
    repeats = np.mean([len(set(row)) < b for row in drawn.tolist()])
    assert repeats == pytest.approx(1 - 15 * 14 * 13 / 16**3, abs=0.03)


@pytest.mark.parametrize("b", [1, 2, 3])
def test_covariance_of_a_uniform_batch_over_all_subsets(b):
    n = 7
    terms = np.random.default_rng(0).standard_normal((n, 3))
    covariance = np.cov(terms.T)
    means = np.array([terms[list(chosen)].mean(axis=0) for chosen in itertools.combinations(range(n), b)])
    assert np.allclose(np.cov(means.T, bias=True), covariance / b * (n - b) / n, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("b", "replace"), [(4, False), (16, False), (16, True)])
def test_covariance_of_the_streams_batches(b, replace):
    problem = Problem(by_name("two_wells_sum"), 2)
    x = np.array([-1.0, 0.7])
    terms = term_gradients(problem, x)
    n = len(terms)
    # One batch an epoch: batches of one permutation hang together.
    stream = index_stream(2, problem.label, n, b, 4000 * (n // b), replace=replace)[:: n // b]
    means = terms[stream].mean(axis=1)
    # S divides by N - 1 without replacement; with it the population's own covariance counts, and no correction.
    expected = np.cov(terms.T, bias=replace) / b * (1.0 if replace else (n - b) / n)
    measured = np.cov(means.T)
    scale = np.trace(expected)
    # The relative error of a variance from 4000 draws is about sqrt(2 / 4000) = 0.022; without the factor it is 0.33.
    assert np.abs(measured - expected).max() < 0.08 * scale
    assert np.trace(measured) == pytest.approx(scale, rel=0.08)
    assert np.allclose(means.mean(axis=0), terms.mean(axis=0), atol=4 * np.sqrt(scale / 4000))
