"""Strengths together: what is off is left out, what is on does what its own function does."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.errors import UsageError
from optbench.tasks.regularization import Regularization
from optbench.tasks.regularizers.labels import one_hot

KEY = jax.random.key(3)
X = jax.random.uniform(KEY, (8, 6, 6, 1))
TARGETS = one_hot(jnp.arange(8) % 4, 4)


def test_nothing_is_on_by_default():
    x, targets = Regularization().batch(KEY, X, TARGETS)
    assert x is X
    assert targets is TARGETS
    assert Regularization().weights(KEY, X) is X
    assert Regularization().added(X) == 0.0


@pytest.mark.parametrize(
    ("name", "value", "moves"),
    [
        ("smoothing", 0.1, (False, True)),
        ("mixup", 1.0, (True, True)),
        ("cutmix", 1.0, (True, True)),
        ("input_noise", 0.1, (True, False)),
        ("shift", 1, (True, False)),
        ("flip", 0.5, (True, False)),
        ("crop", 0.7, (True, False)),
    ],
)
def test_each_switch_reaches_inputs_and_targets(name, value, moves):
    keys = jax.random.split(KEY, 20)
    on = jax.jit(jax.vmap(lambda key: Regularization(**{name: value}).batch(key, X, TARGETS)))
    x, targets = on(keys)
    assert (not np.allclose(x, X), not np.allclose(targets, TARGETS)) == moves
    np.testing.assert_allclose(np.asarray(targets).sum(-1), 1.0, rtol=1e-5)


def test_weights_are_noisy_and_penalized_where_asked():
    assert not np.allclose(Regularization(weight_noise=0.1).weights(KEY, X), X)
    np.testing.assert_allclose(Regularization(penalty=0.2).added(X), 0.1 * np.sum(np.square(X)), rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"smoothing": 1.5}, r"smoothing must be a number in \[0, 1\]; got 1.5"),
        ({"dropout": float("nan")}, r"dropout must be a number in \[0, 0.999\]; got nan"),
        ({"crop": 0.0}, r"crop must be a number in \[0.001, 1\]; got 0.0"),
        ({"shift": 1.5}, "shift must be a whole number of pixels; got 1.5"),
        ({"ghost": 1.5}, "ghost must be a whole number of examples; got 1.5"),
        ({"batch_noise": 2.5}, "batch_noise must be a whole number of examples; got 2.5"),
        ({"batch_noise": -1}, r"batch_noise must be a number in \[0, inf\]; got -1"),
        ({"decay": -0.1}, r"decay must be a number in \[0, inf\]; got -0.1"),
        ({"mixup": 1.0, "cutmix": 1.0}, "mixup and cutmix are both on"),
    ],
)
def test_wrong_strengths_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        Regularization(**given)


def test_all_problems_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        Regularization(smoothing=-1.0, flip=2.0)
    assert "smoothing" in str(caught.value)
    assert "flip" in str(caught.value)
