"""The contract of rules: what is asked of hyperparameters, and what one step is."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from optbench import catalog
from optbench.core.optimizer import Hyper
from optbench.errors import UsageError
from tests.engine.rules import sam
from tests.stepping import Oracle, step

NAN = float("nan")


@pytest.mark.parametrize(
    ("rule", "given", "messages"),
    [
        ("sgd", {"lr": -0.1}, ["sgd: lr must be a number in (0, inf); got -0.1"]),
        ("sgd", {"lr": 0.0}, ["sgd: lr must be a number in (0, inf); got 0.0"]),
        ("sgd", {"lr": NAN}, ["sgd: lr must be a number in (0, inf); got nan"]),
        ("sgd", {"lr": float("inf")}, ["sgd: lr must be a number in (0, inf); got inf"]),
        ("sgd", {"lr": True}, ["sgd: lr must be a number in (0, inf); got True"]),
        ("sgd", {"lr": "0.1"}, ["sgd: lr must be a number in (0, inf); got '0.1'"]),
        ("sgd", {"beta": 0.9}, ["unknown hyperparameter of sgd 'beta'; known: lr"]),
        ("momentum", {"beta": 1.0}, ["momentum: beta must be a number in [0, 1); got 1.0"]),
        ("nag", {"beta": 1}, ["nag: beta must be a number in [0, 1); got 1"]),
        ("adam", {"b1": 1.0}, ["adam: b1 must be a number in [0, 1); got 1.0"]),
        ("adam", {"eps": -1e-8}, ["adam: eps must be a number in [0, inf); got -1e-08"]),
        ("adadelta", {"eps": 0.0}, ["adadelta: eps must be a number in (0, inf); got 0.0"]),
        ("adadelta", {"lr": 1.0}, ["unknown hyperparameter of adadelta 'lr'; known: eps, gamma"]),
        ("rmsprop", {"gama": 0.9}, ["unknown hyperparameter of rmsprop 'gama'; did you mean 'gamma'?"]),
        (
            "adam",
            {"lr": NAN, "b2": -0.5, "beta1": 0.9},
            [
                "adam: lr must be a number in (0, inf); got nan",
                "adam: b2 must be a number in [0, 1); got -0.5",
                "unknown hyperparameter of adam 'beta1'; did you mean 'b1'?",
            ],
        ),
    ],
)
def test_wrong_hyperparameters_are_all_named_at_once(rule, given, messages):
    with pytest.raises(UsageError) as caught:
        catalog.optimizer(rule).resolve(given)
    assert str(caught.value) == "\n".join(messages)
    assert list(caught.value.problems) == messages


def test_given_values_replace_defaults_in_the_order_of_the_rule():
    resolved = catalog.optimizer("adam").resolve({"eps": 0, "lr": 1})
    assert list(resolved.items()) == [("lr", 1.0), ("b1", 0.9), ("b2", 0.999), ("eps", 0.0)]
    assert all(type(value) is float for value in resolved.values())
    assert catalog.optimizer("adam").resolve() == catalog.optimizer("adam").defaults()


@pytest.mark.parametrize(
    ("hyper", "text", "inside", "outside"),
    [
        (Hyper(0.5, ""), "(0, inf)", [1e-300, 1e300], [0.0, -1.0, float("inf"), NAN]),
        (Hyper(0.5, "", high=1.0, open_low=False), "[0, 1)", [0.0, 0.999], [1.0, -1e-9, NAN]),
        (Hyper(0.5, "", low=-1.0, high=1.0, open_high=False), "(-1, 1]", [1.0, 0.0], [-1.0, 1.1, NAN]),
    ],
)
def test_range_says_what_it_allows(hyper, text, inside, outside):
    assert hyper.describe() == text
    assert all(hyper.allows(value) for value in inside)
    assert not any(hyper.allows(value) for value in outside)


class Calls:
    """An oracle on ``x'x/2``, its gradient off by a draw, that writes down what it was asked."""

    def __init__(self, draw=0.0):
        self.values, self.gradients, self.draw = [], [], draw

    def value(self, x):
        self.values.append(np.asarray(x))
        return jnp.sum(x * x) / 2

    def value_and_grad(self, x):
        self.gradients.append(np.asarray(x))
        return jnp.sum(x * x) / 2, x + self.draw

    def oracle(self):
        return Oracle(self.value, self.value_and_grad)


def test_a_step_asks_for_one_gradient_at_the_iterate():
    calls, rule = Calls(), catalog.optimizer("sgd")
    x, state, point, info = step(rule, calls.oracle(), np.array([1.0, 2.0]), (), {"lr": 0.5})
    assert (x.tolist(), state, point.tolist()) == ([0.5, 1.0], (), [0.5, 1.0])
    assert (float(info.value), info.grad_evals) == (2.5, 1)
    assert [g.tolist() for g in calls.gradients] == [[1.0, 2.0]]


def test_nag_asks_at_its_point_and_reports_the_value_of_its_iterate():
    calls, rule, hyper = Calls(), catalog.optimizer("nag"), {"lr": 0.5, "beta": 0.5}
    x0 = np.array([8.0])
    x1, state, point, _ = step(rule, calls.oracle(), x0, rule.init(x0, hyper), hyper)
    assert (x1.tolist(), point.tolist()) == ([4.0], [2.0])
    x2, _, _, info = step(rule, calls.oracle(), x1, state, hyper, point=point)
    # a' = 0.5 * 8 + grad(2) = 6
    assert (x2.tolist(), float(info.value), info.grad_evals) == ([1.0], 8.0, 1)
    assert [g.tolist() for g in calls.gradients] == [[8.0], [2.0]]


def test_a_rule_of_two_gradients_takes_both_within_one_step():
    calls, hyper = Calls(draw=0.25), {"lr": 0.5, "rho": 1.0}
    x0 = np.array([3.0, 4.0])
    with jax.numpy_dtype_promotion("standard"):
        x, _, point, info = step(sam, calls.oracle(), x0, sam.init(x0, hyper), hyper)
    assert info.grad_evals == 2
    assert float(info.value) == 12.5
    unit = (x0 + 0.25) / np.linalg.norm(x0 + 0.25)
    np.testing.assert_allclose(calls.gradients, [x0, x0 + unit], rtol=1e-15)
    np.testing.assert_allclose(x, x0 - 0.5 * (x0 + unit + 0.25), rtol=1e-15)
    assert np.array_equal(x, point)
    # One value serves the whole step.
    assert len(calls.values) == 1


class Count(NamedTuple):
    n: Array


def test_rule_of_a_user_needs_init_and_update_only():
    from dataclasses import replace

    def update(params, state, value, grad, hyper):
        params = params - hyper["lr"] * grad * value
        return params, Count(state.n + 1), params

    rule = replace(catalog.optimizer("sgd"), init=lambda params, hyper: Count(jnp.float64(0)), update=update)
    x = np.array([2.0])
    x, state, _, _ = step(rule, Calls().oracle(), x, rule.init(x, {}), {"lr": 0.25})
    assert (x.tolist(), float(state.n)) == ([1.0], 1.0)
