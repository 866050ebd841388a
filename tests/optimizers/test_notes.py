"""The seven rules against the notes' formulas in NumPy, 1,000 steps through ``tests.stepping.step``."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from optbench import catalog
from tests.optimizers.notes import CASES, GRADIENTS, HYPER, RULES, booth, error, path
from tests.stepping import step

STEPS = 1000


def follow(rule, objective, x0, hyper, steps):
    """Returns the judged iterates and the points at which gradients were taken."""

    @jax.jit
    def run(x0, hyper):
        def move(carry, _):
            params, state, point = carry
            moved = step(rule, objective, params, state, hyper, point=point)[:3]
            return moved, (moved[0], moved[2])

        return jax.lax.scan(move, (x0, rule.init(x0, hyper), x0), length=steps)[1]

    x0 = np.asarray(x0, np.float64)
    params, points = run(x0, {name: np.float64(value) for name, value in hyper.items()})
    return np.concatenate([x0[None], params]), np.concatenate([x0[None], points])


def test_the_seven_rules_of_the_notes_are_transcribed():
    """The others are held to transcriptions and oracles of their own, in the tests beside this one."""
    shelves = {"optbench.optimizers.gradient", "optbench.optimizers.adaptive"}
    assert sorted(RULES) == sorted(entry.name for entry in catalog.OPTIMIZERS if entry.module in shelves)
    assert len(RULES) == 7
    assert all(sum(rule == name for rule, _ in CASES) >= 3 for name in RULES)


@pytest.mark.parametrize(("name", "function"), CASES)
def test_rule_is_the_notes_formula(name, function):
    rule = catalog.optimizer(name)
    grad, x0 = GRADIENTS[function]
    hyper = rule.resolve(HYPER[name])
    assert set(HYPER[name]) == set(rule.hyper)
    expected = path(name, grad, x0, STEPS, hyper)
    found, points = follow(rule, catalog.problem(function).objective(), x0, hyper, STEPS)
    assert np.abs(np.diff(expected[-2:], axis=0)).max() > 0, "the path must still move, or nothing is compared"
    assert error(found, expected) < 1e-10
    assert np.array_equal(points, found) != rule.looks_ahead


@pytest.mark.parametrize("name", sorted(RULES))
def test_defaults_give_the_notes_formula(name):
    rule = catalog.optimizer(name)
    expected = path(name, booth, (-4.0, -6.0), 100, rule.defaults())
    found, _ = follow(rule, catalog.problem("booth").objective(), (-4.0, -6.0), rule.defaults(), 100)
    assert error(found, expected) < 1e-12


def test_the_notes_value_of_adams_epsilon_is_the_default():
    assert catalog.optimizer("adam").defaults()["eps"] == 1e-7


def test_nag_takes_its_gradient_ahead_of_the_judged_iterate():
    hyper = {"lr": 1e-2, "beta": 0.9}
    params, points = follow(catalog.optimizer("nag"), catalog.problem("booth").objective(), (-4.0, -6.0), hyper, 20)
    gradients = np.stack([booth(point) for point in points[:-1]])
    a, expected = np.zeros(2), []
    for g in gradients:
        a = 0.9 * a + g
        expected.append(a)
    np.testing.assert_allclose(np.diff(params, axis=0), -1e-2 * np.stack(expected), rtol=1e-12)
    np.testing.assert_allclose(points[1:] - params[1:], -1e-2 * 0.9 * np.stack(expected), rtol=1e-11)


@pytest.mark.parametrize("name", sorted(RULES))
def test_new_hyperparameters_are_no_recompile(name):
    rule = catalog.optimizer(name)
    traces = []

    @jax.jit
    def move(x, hyper):
        traces.append(1)
        return step(rule, catalog.problem("booth").objective(), x, rule.init(x, hyper), hyper)[0]

    x = np.array([-4.0, -6.0])
    ends = {
        tuple(np.asarray(move(x, {key: np.float64(v * k) for key, v in HYPER[name].items()}))) for k in (1, 0.5, 0.1)
    }
    assert (len(traces), len(ends)) == (1, 3)
