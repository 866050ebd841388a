"""What measures are given: the loss that is scored, in the units of the run, and what else is known of a point."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.measures import of_problem, of_task
from optbench.problems.noise import Noise
from optbench.problems.problem import Problem
from optbench.problems.terms import terms_of
from optbench.tasks.data import load
from optbench.tasks.regularization import Regularization
from optbench.tasks.statistics import statistics_at
from optbench.tasks.task import Task

SUMS = ("least_squares", "digits_logistic", "two_wells_sum")


def logits(network, stats, x):
    return np.asarray(network(x, stats, train=False)[0])


@pytest.fixture(scope="module")
def task():
    return Task.of(load("digits"), catalog.model("lenet"), regularization=Regularization(dropout=0.5, penalty=0.1))


@pytest.mark.parametrize("units", ["normalized", "raw"])
def test_a_function_is_measured_in_the_units_of_its_run_and_without_noise(units):
    plain = catalog.problem("ellipsoid", 4, instance=2, rotated=True)
    noisy = Problem(plain.landscape, 4, 2, True, plain.parameters, Noise("gaussian", 1.0))
    x0, x = noisy.starts(0, "report", 0)[0], noisy.starts(0, "report", 1)[0]
    subject = of_problem.subject_of(noisy, x, units=units, start=x0)
    scale = 1.0 if units == "raw" else 1.0 / plain.f_scale
    assert subject.objective.value(subject.params) == pytest.approx(plain.f(x) * scale, rel=1e-12)
    assert subject.objective.value(subject.start) == pytest.approx(plain.f(x0) * scale, rel=1e-12)
    assert (subject.n_terms, subject.terms, dict(subject.parts)) == (0, None, {})
    assert subject.details == {"dtype": "float64", "loss": f"without noise, in {units} units"}
    other = of_problem.subject_of(plain, x0, units=units)
    assert other.objective is subject.objective


@pytest.mark.parametrize("units", ["normalized", "raw"])
@pytest.mark.parametrize("name", SUMS)
def test_terms_of_a_finite_sum_have_its_objective_as_their_mean(name, units):
    problem = catalog.problem(name, instance=0 if "box_only" in catalog.landscape(name).tags else 1)
    x = problem.starts(0, "report", 0)[0]
    subject = of_problem.subject_of(problem, x, units=units)
    n, point = subject.n_terms, subject.params
    assert n == problem.landscape.n_terms(problem.dim)
    value, grad = subject.objective.value_and_grad(point)
    halves = [np.arange(n)[: n // 3], np.arange(n)[n // 3 :]]
    found = [subject.terms(rows).value_and_grad(point) for rows in halves]
    shares = [len(rows) / n for rows in halves]
    scale = max(abs(value), max(abs(part) for part, _ in found))
    assert sum(share * part for share, (part, _) in zip(shares, found, strict=True)) == pytest.approx(
        value, abs=1e-12 * scale
    )
    mean = sum(share * part for share, (_, part) in zip(shares, found, strict=True))
    assert mean == pytest.approx(grad, abs=1e-11 * max(np.abs(part).max() for _, part in found))


def test_rows_that_are_no_terms_are_refused():
    sphere, squares = catalog.problem("sphere"), catalog.problem("least_squares")
    with pytest.raises(UsageError, match="sphere-2d is no finite sum, so it has no terms"):
        terms_of(sphere, np.arange(2))
    for rows in ([], [-1], [10**6], [0.5], [[0]]):
        with pytest.raises(UsageError, match=r"terms must be numbers in \[0, \d+\), at least one; got"):
            terms_of(squares, np.array(rows))


def test_a_network_is_measured_by_the_loss_that_scores_it(task):
    network, stats = task.start(7)
    subject = of_task.subject_of(task, network, stats, seed=3, dtype="float64")
    assert {leaf.dtype for leaf in jax.tree.leaves((subject.params, subject.start))} == {np.dtype("float64")}
    assert jax.tree.all(jax.tree.map(np.array_equal, subject.start, task.start(3)[0]))
    for part, (x, y) in {"train": task.train, "validation": task.validation, "test": task.test}.items():
        found = logits(network, stats, x)
        losses = -jax.nn.log_softmax(jnp.asarray(found))[jnp.arange(len(y)), y]
        scored = subject.parts[part]
        assert scored.loss.value(subject.params) == pytest.approx(float(losses.mean()), rel=1e-5)
        assert scored.accuracy(subject.params) == pytest.approx(np.mean(found.argmax(1) == y), abs=1e-7)
    assert subject.objective is subject.parts["train"].loss
    assert subject.objective is of_task.subject_of(task, *task.start(1), dtype="float64").objective
    assert subject.objective.dtype == np.float64
    assert "evaluation mode" in subject.details["loss"]
    assert subject.details["dtype"] == "float64"
    with pytest.raises(KeyError):
        subject.parts["all"]


def test_terms_of_a_network_are_its_training_examples(task):
    network, stats = task.start(0)
    subject = of_task.subject_of(task, network, stats, dtype="float32")
    assert subject.start is None
    assert subject.parts_at is None
    assert subject.n_terms == len(task.train.y)
    rows = np.array([5, 2, 9])
    expected = task.objective(network, stats, examples=rows).value(network)
    assert subject.terms(rows).value(subject.params) == expected


def test_a_normalized_network_is_measured_by_the_statistics_of_its_own_point():
    task = Task.of(load("digits"), catalog.model("mlp"), regularization=Regularization(batch_norm=True))
    network, stats = task.start(0)
    moved = jax.tree.map(lambda leaf: leaf + 0.5, stats)
    one, two = (of_task.subject_of(task, network, found, dtype="float64") for found in (stats, moved))
    assert one.objective.value(one.params) != two.objective.value(two.params)
    assert two.objective.value(two.params) == task.objective(network, moved, dtype="float64").value(network)
    assert one.parts_at is not None
    own = statistics_at(network, task.train.x)
    found = one.parts_at(network)["train"].loss.value(one.params)
    assert found == task.objective(network, own, dtype="float64").value(network)
    assert two.parts["test"].accuracy(two.params) == pytest.approx(
        np.mean(logits(network, moved, task.test.x).argmax(1) == task.test.y), abs=1e-7
    )
