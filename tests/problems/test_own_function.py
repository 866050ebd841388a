"""``optbench.problem`` of a user's plain function: what it knows, and what it refuses."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optbench as ob
from optbench.errors import UsageError
from optbench.problems.landscape import TWO_D, Landscape, Parameter, at, box

BOX = [[-5, 5]] * 2
CENTER = np.array([1.0, -2.0])


def bowl(x):
    return jnp.sum((x - jnp.asarray(CENTER, x.dtype)) ** 2)


def test_with_its_minimum_it_is_a_problem_like_any_other():
    problem = ob.problem(bowl, bounds=BOX, x_star=CENTER, f_star=0.0)
    assert (problem.label, problem.dim, problem.f_star) == ("bowl-2d", 2, 0.0)
    assert problem.x_star.tolist() == [[1.0, -2.0]]
    assert problem.bounds.tolist() == [[-5.0, 5.0]] * 2
    # The median of |x - c|^2 over the box, from a sample of its own.
    x = np.random.default_rng(1).uniform(-5, 5, (400_000, 2))
    assert problem.f_scale == pytest.approx(np.median(np.sum((x - CENTER) ** 2, axis=1)), rel=0.01)
    assert problem.f_solved == pytest.approx(min(1e-6 * problem.f_scale, 0.01), rel=1e-6)
    assert not problem.is_shipped
    assert "unranked" in problem.tags


def test_the_minimum_is_that_at_the_minimizers():
    problem = ob.problem(lambda x: bowl(x) + 3.0, bounds=(-5, 5), dim=2, x_star=[CENTER])
    assert (problem.label, problem.f_star) == ("function-2d", 3.0)


def test_an_instance_moves_its_minimizers():
    problem = ob.problem(bowl, bounds=BOX, x_star=CENTER, name="mine", instance=3, rotated=True)
    assert problem.label == "mine-2d-i3-rot"
    assert problem.f(problem.x_star[0]) == pytest.approx(problem.f_star, abs=1e-12)
    assert not np.allclose(problem.x_star, CENTER)


def test_an_unknown_minimum_stays_unknown():
    problem = ob.problem(bowl, bounds=BOX)
    assert problem.f(CENTER) == 0.0
    for name, said in (
        ("f_star", "bowl: its minimum must be known for this; give f_star=... to ob.problem"),
        ("x_star", "bowl: its minimizers must be known for this; give x_star=... to ob.problem"),
        ("f_scale", "bowl: its min"),
        ("f_solved", "bowl: its min"),
    ):
        with pytest.raises(UsageError) as caught:
            getattr(problem, name)
        assert str(caught.value).startswith(said)
    with pytest.raises(UsageError, match="must be known"):
        problem.summary()


def test_a_minimum_alone_is_not_enough_for_what_needs_minimizers():
    problem = ob.problem(bowl, bounds=BOX, f_star=0.0)
    assert problem.f_star == 0.0
    with pytest.raises(UsageError, match="give x_star="):
        _ = problem.f_scale


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x, "the function must return one number; got an array of shape (2,)"),
        (lambda x: None, "the function must return one number; got NoneType"),
        (lambda x: jnp.nan * x[0], "the function must be finite in its box; it is nan at each of 16 points"),
        (
            lambda x: jnp.sum(x).astype(jnp.float32),
            "must return a number as precise as its point, float64; got float32",
        ),
        (lambda x: jnp.sum(x > 0), "must return a number as precise as its point, float64; got int64"),
        (lambda x: np.sum(np.asarray(x)), "the function must be written in jax.numpy"),
        (lambda x: x[0] if x[0] > 0 else -x[0], "the function must be written in jax.numpy"),
        (lambda x, y: x[0], "the function raises TypeError: "),
    ],
)
def test_what_a_function_must_give_is_said(function, said):
    with pytest.raises(UsageError) as caught:
        ob.problem(function, bounds=BOX, name="mine")
    assert str(caught.value).startswith("mine: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "a function of your own has no box unless you give it: bounds=..."),
        ({"bounds": [-5, 5]}, "got the pair [-5.0, 5.0], which needs dim=..."),
        ({"bounds": "abc"}, "got 'abc'"),
        ({"bounds": [[5, -5]] * 2}, "each low of bounds must be finite and less than its high; got [[5.0, -5.0]"),
        ({"bounds": [[-5, math.nan]] * 2}, "each low of bounds must be finite and less than its high"),
        ({"bounds": BOX, "dim": 3}, "bounds are those of 2 coordinates; got dim=3"),
        ({"bounds": BOX, "x_star": [0, 0, 0]}, "x_star must be a point of shape (2,), or several of shape (m, 2)"),
        ({"bounds": BOX, "x_star": [9, 0]}, "x_star must lie in bounds, [[-5.0, 5.0], [-5.0, 5.0]]; got [[9.0, 0.0]]"),
        ({"bounds": BOX, "x_star": [0, 0], "f_star": 0}, "f must be f_star, 0, at x_star; it is 5 at [0.0, 0.0]"),
        ({"bounds": BOX, "x_star": [[1, -2], [0, 0]]}, "f must be f_star, 0, at x_star; it is 5 at [0.0, 0.0]"),
        ({"bounds": BOX, "x_star": [4, 4]}, "f_star must be the minimum in the box; got 45, but f is "),
        ({"bounds": BOX, "f_star": math.nan}, "f_star must be a finite number, or left out where it is not known"),
        ({"bounds": BOX, "instance": 1}, "an instance is placed by its minimizers, which are not known"),
        ({"bounds": BOX, "name": ""}, "name must be text; got ''"),
        ({"bounds": BOX, "condition": 3.0}, "a function of your own has no parameters; got condition"),
    ],
)
def test_what_is_said_of_a_function_must_fit_it(given, said):
    with pytest.raises(UsageError) as caught:
        ob.problem(bowl, **given)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("function", "given", "said"),
    [
        (
            "sphere",
            {"bounds": BOX, "f_star": 0.0},
            "sphere is defined with its box and minimum; leave out bounds, f_star",
        ),
        (3, {}, "a problem is made of a name, an optbench Landscape or a function of one point; got int"),
    ],
)
def test_only_a_plain_function_is_told_its_box(function, given, said):
    with pytest.raises(UsageError) as caught:
        ob.problem(function, **given)
    assert str(caught.value) == said


def test_a_landscape_itself_is_a_function_of_the_catalogue():
    from optbench.problems.valleys import rosenbrock

    assert ob.problem(rosenbrock, dim=3) == ob.problem("rosenbrock", dim=3)


def test_numpy_arrays_in_a_function_keep_working_in_both_precisions():
    """JAX 0.10 remembers in which precision it has read a NumPy array; what is done here must not teach it."""
    center, matrix = np.array([1.0, -2.0]) + 1e-9, np.diag([1.0, 3.0])

    def mine(x):
        y = x - center
        return y @ matrix @ y

    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        problem = ob.problem(mine, bounds=BOX, x_star=center)
        point = jnp.array([0.0, 0.0])
        for _ in range(2):
            assert problem.f([0.0, 0.0]) == mine(np.zeros(2))
            assert jax.grad(problem.f)(point).tolist() == jax.grad(mine)(point).tolist() == [-2.0, 12.0]
            assert float(jax.jit(problem.f)(point)) == pytest.approx(13.0)
            assert ob.trace(problem, "sgd", hyper={"lr": 0.1}, x0=[0, 0], steps=1).x[1] == pytest.approx([0.2, -1.2])


def test_numpy_arrays_in_a_landscape_of_one_s_own_keep_working_too():
    scales = np.array([1.0, 3.0])
    own = Landscape(
        name="mine",
        f=lambda x, power: jnp.sum(scales * x**2) ** power,
        dims=TWO_D,
        bounds=box(-5.0, 5.0),
        x_star=at(0.0),
        parameters={"power": Parameter(1.0, 0.5, 2.0, "exponent")},
        formula="-",
        reference="-",
    )
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        problem = ob.problem(own)
        for _ in range(2):
            assert problem.f([1.0, 1.0]) == 4.0
            assert ob.trace(problem, "sgd", hyper={"lr": 0.1}, x0=[1, 1], steps=1).x[1] == pytest.approx([0.8, 0.4])
            assert jax.grad(problem.f)(jnp.ones(2)).tolist() == [2.0, 6.0]
            assert jax.grad(lambda x: own.f(x, 1.0))(jnp.ones(2)).tolist() == [2.0, 6.0]


def test_an_array_that_is_kept_in_single_precision_is_named():
    center = np.array([1.0, -2.0])

    def mine(x):
        return jnp.sum((x - center) ** 2)

    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        kept = jax.jit(mine)
        kept(jnp.zeros(2))
        try:
            found = ob.problem(mine, bounds=BOX).f([0.0, 0.0])
        except UsageError as error:
            found = str(error)
    assert found == 5.0 or "write jnp.asarray(array, x.dtype) in it" in str(found)
