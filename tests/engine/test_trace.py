"""``optbench.trace``: shapes, meaning of each row, and what it refuses."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optbench as ob
from optbench import catalog
from optbench.errors import UsageError
from tests.optimizers.notes import HYPER, error, path, rosenbrock


def test_shapes_are_those_of_the_design():
    result = ob.trace("rosenbrock", "adam", hyper={"lr": 1e-2}, x0=[-1.5, 2.0], steps=100)
    assert result.x.shape == (101, 2)
    assert result.f.shape == result.grad_norm.shape == result.grad_evals.shape == (101,)
    assert result.x[0].tolist() == [-1.5, 2.0]
    assert result.grad_evals.tolist() == list(range(101))
    assert (result.status, result.diverged_at) == ("ok", -1)


@pytest.mark.parametrize("name", ["sgd", "nag", "adam"])
def test_rows_are_judged_iterates_in_raw_units(name):
    result = ob.trace("rosenbrock", name, hyper=HYPER[name], x0=[-1.2, 1.0], steps=70)
    assert error(result.x, path(name, rosenbrock, (-1.2, 1.0), 70, HYPER[name])) < 1e-12
    problem = ob.problem("rosenbrock")
    np.testing.assert_allclose(result.f, [problem.f(x) for x in result.x], rtol=1e-13)
    np.testing.assert_allclose(result.grad_norm, [np.linalg.norm(rosenbrock(x)) for x in result.x], rtol=1e-12)


def test_instances_and_offsets_are_in_the_problem_s_own_frame():
    problem = ob.problem("ellipsoid", dim=3, instance=2, rotated=True)
    result = ob.trace(problem, "sgd", hyper={"lr": 1e-5}, steps=5)
    assert np.array_equal(result.x[0], problem.starts(0, "report", 0)[0])
    np.testing.assert_allclose(result.f, [problem.f(x) for x in result.x], rtol=1e-13)
    assert (np.diff(result.f) < 0).all()
    grad = problem.value_and_grad(result.x[0])[1]
    np.testing.assert_allclose(result.x[1], result.x[0] - 1e-5 * grad, rtol=1e-13)


def test_a_diverged_trace_shows_what_happened():
    result = ob.trace("sphere", "sgd", hyper={"lr": 3.0}, x0=[1.0, 1.0], steps=700)
    assert result.status == "diverged"
    assert result.x.shape == (701, 2)
    assert np.array_equal(result.x[:3], [[1.0, 1.0], [-5.0, -5.0], [25.0, 25.0]])
    assert np.isfinite(result.f[: result.diverged_at]).all()
    assert not np.isfinite(result.x[-1]).any()


def test_default_start_is_a_reported_one_of_the_seed():
    problem = ob.problem("booth")
    assert np.array_equal(ob.trace("booth", "sgd", steps=1, seed=5).x[0], problem.starts(5, "report", 0)[0])


def bowl(x):
    return jnp.sum((x - 1.0) ** 2)


@pytest.mark.parametrize(
    ("optimizer", "hyper"),
    [
        (optax.adam, {"learning_rate": 0.1, "b1": 0.8}),
        (optax.adam, {"lr": 0.1, "b1": 0.8}),
        (functools.partial(optax.adam, b1=0.8), {"learning_rate": 0.1}),
        (optax.adam(0.1, b1=0.8), {}),
    ],
)
def test_a_factory_of_optax_is_an_optimizer(optimizer, hyper):
    mine = ob.trace(bowl, optimizer, hyper=hyper, bounds=[[-5, 5]] * 2, x0=[3.0, -2.0], steps=20)
    ours = ob.trace("sphere", "optax_adam", hyper={"lr": 0.1, "b1": 0.8}, x0=[2.0, -3.0], steps=20)
    np.testing.assert_allclose(mine.x - 1.0, ours.x, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mine.f, ours.f, rtol=1e-12)


def test_a_rule_is_an_optimizer_and_a_function_of_one_s_own_a_problem():
    rule = catalog.optimizer("momentum")
    path = ob.trace(bowl, rule, bounds=[[-5, 5]] * 2, x0=[2.0, 2.0], steps=3)
    assert path.x.tolist() == ob.trace(bowl, "momentum", bounds=[[-5, 5]] * 2, x0=[2.0, 2.0], steps=3).x.tolist()
    assert (np.abs(path.x[0]) <= 5).all()
    assert ob.trace(bowl, rule, bounds=(-5, 5), x0=[2.0, 2.0, 2.0], steps=1).x.shape == (2, 3)


def test_an_unknown_minimum_is_no_zero():
    """Values far below 0 are no escape, and a run that goes to infinity has diverged."""
    deep = ob.problem(lambda x: bowl(x) - 1e30, bounds=[[-5, 5]] * 2)
    path = ob.trace(deep, "sgd", hyper={"lr": 0.1}, x0=[2.0, 2.0], steps=20)
    assert (path.status, path.f[-1]) == ("ok", -1e30)
    assert ob.trace(deep, "sgd", hyper={"lr": 3.0}, x0=[2.0, 2.0], steps=900).status == "diverged"
    with pytest.raises(UsageError, match="its minimum must be known for this; give f_star="):
        ob.trace(deep, "polyak_told", steps=1)
    assert ob.trace(deep, "polyak_told", hyper={"lower_bound": -1e30}, steps=1).status == "ok"


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (("rosenbrok", "adam"), {}, "unknown problem 'rosenbrok'; did you mean 'rosenbrock'"),
        (("sphere", "adm"), {}, "unknown optimizer 'adm'; did you mean 'adam'"),
        (("sphere", "sgd"), {"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        (("sphere", "sgd"), {"steps": 1.5}, "steps must be a whole number of at least 1; got 1.5"),
        (("sphere", "sgd"), {"steps": True}, "steps must be a whole number of at least 1; got True"),
        (("sphere", "sgd"), {"hyper": {"lr": -1.0}}, "sgd: lr must be a number in (0, inf); got -1.0"),
        (("booth", "sgd"), {"x0": [1.0, 2.0, 3.0]}, "booth: dimension must be 2 only; got 3"),
        (("sphere", "sgd"), {"x0": [1.0, 2.0], "dim": 3}, "x0 must have shape (3,) for sphere-3d; got (2,)"),
        (("sphere", "sgd"), {"x0": [1.0, float("nan")]}, "x0 must be finite; got [1.0, nan]"),
        (
            ("tests.engine.landscapes:raising", "sgd"),
            {"x0": [1.0, 2.0]},
            "tests.engine.landscapes:raising-2d: ArithmeticError: no value today",
        ),
        (
            ("sphere", "tests.engine.rules:raising"),
            {},
            "tests.engine.rules:raising: RuntimeError: this rule refuses to move",
        ),
    ],
)
def test_wrong_arguments_are_one_message(arguments, given, message):
    with pytest.raises(UsageError) as caught:
        ob.trace(*arguments, **given)
    assert str(caught.value).startswith(message)
