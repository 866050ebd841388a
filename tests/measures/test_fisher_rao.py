import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.measures.fisher_rao import FISHER_RAO, fisher_rao_norm
from optbench.measures.measure import NotApplicable
from optbench.measures.of_task import subject_of
from optbench.measures.subject import Subject
from optbench.tasks.data import load
from optbench.tasks.models.fully_connected import linear
from optbench.tasks.task import Task
from tests.measures.relu import POINT, X, rescaled

LABELS = np.random.default_rng(9).integers(0, 2, 40)


def outputs(w, x):
    return jax.nn.relu(x @ w["first"]) @ w["second"]


def of_examples(w, part):
    x, y = part
    return jnp.sum(-jnp.take_along_axis(jax.nn.log_softmax(outputs(w, x)), y[:, None], axis=1))


def objective(point=POINT):
    parts = (X.reshape(4, 10, 5), LABELS.reshape(4, 10))
    return Objective(of_examples, point, parts=parts, n=40, of_terms=True)


def test_against_the_dense_fisher_matrix():
    grads = jax.vmap(lambda x, y: jax.grad(of_examples)(POINT, (x[None], y[None])))(X, LABELS)
    flat = np.concatenate([np.reshape(grads[name], (40, -1)) for name in ("first", "second")], axis=1)
    w = np.concatenate([POINT["first"].ravel(), POINT["second"].ravel()])
    found = fisher_rao_norm(objective(), POINT)
    assert found.value == pytest.approx(w @ (flat.T @ flat / 40) @ w, rel=1e-12)
    assert (found.n_terms, found.fisher, found.dtype) == (40, "empirical", "float64")


def test_of_two_layers_without_biases_the_closed_form():
    """``K^2 mean <dl/df, f>^2`` with K = 2 layers; of cross-entropy ``dl/df = p - e_y``."""
    f = np.asarray(outputs(POINT, X))
    slope = np.asarray(jax.nn.softmax(f)) - np.eye(2)[LABELS]
    exact = 4 * np.mean((slope * f).sum(axis=1) ** 2)
    assert fisher_rao_norm(objective(), POINT).value == pytest.approx(exact, rel=1e-12)


def test_rescaling_a_relu_network_leaves_it_as_it_is():
    here, there = (fisher_rao_norm(objective(), point).value for point in (POINT, rescaled(7.0)))
    assert there == pytest.approx(here, rel=1e-12)
    assert FISHER_RAO.is_invariant_at({})


def test_the_measure_of_a_network_and_of_what_has_no_examples():
    task = Task.of(load("digits"), linear)
    network, stats = task.start(0)
    subject = subject_of(task, network, stats, dtype="float64")
    taken = catalog.measure("fisher_rao").take(subject)
    slopes = [
        sum(
            float((g * w).sum())
            for g, w in zip(
                jax.tree.leaves(subject.terms(np.array([row])).value_and_grad(subject.params)[1]),
                jax.tree.leaves(subject.params),
                strict=True,
            )
        )
        for row in range(30)
    ]
    _, all_slopes = subject.objective.term_gradients(subject.params, subject.params)
    assert all_slopes[:30] == pytest.approx(slopes, rel=1e-9)
    assert taken.estimate == pytest.approx(np.mean(np.square(all_slopes)), rel=1e-12)
    assert (taken.standard_error, taken.details["n_terms"]) == (0.0, subject.n_terms)
    with pytest.raises(NotApplicable, match="the loss is not known as a mean of examples"):
        fisher_rao_norm(lambda w: w @ w, np.ones(2))
    with pytest.raises(NotApplicable, match="the loss is not known as a mean of examples"):
        FISHER_RAO.take(Subject(Objective(lambda x: x @ x, np.ones(2)), np.ones(2)))
