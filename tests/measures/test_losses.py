"""Plain losses as objectives, points as arrays, and what is neither."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import measures
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.losses import as_point


def bowl(w):
    return jnp.sum(w * w)


def test_an_objective_passes_through():
    objective = Objective(bowl, np.zeros(3))
    assert measures.as_objective(objective, [1, 2, 3]) is objective


@pytest.mark.parametrize(
    ("params", "dtype"),
    [
        ([1.0, 2.0], "float64"),
        ([[1.0], [2.0]], "float64"),
        (3.0, "float64"),
        (np.array([1.0, 2.0]), "float64"),
        (np.array([1.0, 2.0], np.float32), "float32"),
        (jnp.array([1.0, 2.0], jnp.float32), "float32"),
    ],
)
@pytest.mark.parametrize("x64", [False, True])
def test_a_loss_is_computed_in_the_type_of_its_point(params, dtype, x64):
    with jax.enable_x64(x64):
        objective = measures.as_objective(bowl, params)
        value = objective.value(as_point(params, objective))
    assert objective.dtype == dtype
    assert value == np.sum(np.square(params))


def test_a_pytree_may_hold_lists_tuples_and_numbers():
    params = {"layers": [(np.ones((2, 2)), [1.0, 2.0]), (np.ones(1), 3.0)]}

    def loss(w):
        (first, bias), (second, number) = w["layers"]
        return jnp.sum(first) * number + bias[1] * second[0]

    objective = measures.as_objective(loss, params)
    assert objective.n_params == 8
    assert objective.value(as_point(params, objective)) == 14.0


def test_whole_numbers_are_points_of_an_objective_in_its_type():
    objective = Objective(bowl, np.zeros(2, np.float32))
    point = as_point([1, 2], objective)
    assert (point.dtype, objective.value(point)) == (np.float32, 5.0)


def test_a_loss_that_calls_compiled_functions_and_rectifiers_is_the_same_at_every_call():
    """The text of their traces has addresses in memory, and those differ."""
    images = jnp.ones((5, 3))

    @jax.jit
    def layer(w, x):
        return jax.nn.relu(x @ w)

    objective = measures.as_objective(lambda w: jnp.mean(layer(w, images)), np.ones((3, 2)))
    assert objective.n_params == 6


def test_a_loss_that_draws_is_refused():
    rng = np.random.default_rng(0)
    said = "noisy: the loss is not the same at every call: it draws or changes something"

    def noisy(w):
        return jnp.sum(w * jnp.asarray(rng.normal(size=3)))

    with pytest.raises(UsageError, match=said):
        measures.as_objective(noisy, np.ones(3))

    def noisy(w):
        return jnp.sum(w) * float(rng.normal())

    with pytest.raises(UsageError, match=said):
        measures.as_objective(noisy, np.ones(3))


@pytest.mark.parametrize(
    ("loss", "params", "message"),
    [
        (3.0, np.ones(2), "a loss is an optbench Objective or a function of a point in jax.numpy; got float"),
        (dict, np.ones(2), "a loss is an optbench Objective or a function of a point in jax.numpy; got dict"),
        (bowl, [1, 2], "a point is made of arrays of float64 or float32; got int64; write whole numbers with a point"),
        (bowl, np.ones(2, bool), "a point is made of arrays of float64 or float32; got bool"),
        (bowl, ["a"], "a point is made of arrays of float64 or float32; got <U1"),
        (bowl, np.ones(2, complex), "a point is made of arrays of float64 or float32; got complex128"),
        (bowl, np.ones(2, np.float16), "bowl: the arrays of a point must all be float64 or all float32; got float16"),
        (bowl, {}, "bowl: the arrays of a point must all be float64 or all float32; got none"),
        (bowl, np.array([1.0, np.nan]), "a point must be finite; it has numbers that are not"),
        (lambda w: w, np.ones(2), "<lambda>: a loss must return a scalar; it returns shape (2,)"),
        (lambda w: (w[0], w[1]), np.ones(2), "<lambda>: a loss must return a scalar; it returns shape (), shape ()"),
        (lambda w: None, np.ones(2), "<lambda>: a loss must return a scalar; it returns nothing"),
        (
            lambda w: jnp.sum(w.astype(jnp.float32)),
            np.ones(2),
            "<lambda>: a loss must be computed in the type of its point, float64; it returns float32",
        ),
    ],
)
def test_what_is_no_loss_or_no_point_is_refused(loss, params, message):
    with pytest.raises(UsageError) as raised:
        measures.as_objective(loss, params)
    assert str(raised.value).startswith(message)


def test_a_point_of_mixed_types_is_refused():
    with pytest.raises(UsageError, match="must all be float64 or all float32; got float32, float64"):
        measures.as_objective(lambda w: jnp.sum(w[0]), (np.ones(2), np.ones(2, np.float32)))
