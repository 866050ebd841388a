"""A problem is a function for JAX, whatever its precision switch says: every one, under every transformation."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.problems.problem import Problem

from .shelf import quick

SINGLE = float(np.finfo(np.float32).eps)
DOUBLE = float(np.finfo(np.float64).eps)
#: How far a result may be from that in double precision: as far as results there move when the point moves by a few
#: roundings of its type, and as many roundings of the numbers that are added up. Of those only the size of f and
#: f_scale is known; so much the factor stands for.
ROUNDINGS = 32
#: Points of which each coordinate is off by a rounding or less, its own or that of the shift of an instance.
NEAR = 16

#: The switch and the type of the point.
MODES = {"off": (False, np.float32), "on": (True, np.float64), "on, single": (True, np.float32)}


def small(name):
    """Returns a problem of the catalogue in its smallest dimension from 2 on."""
    landscape = catalog.landscape(name)
    return Problem(landscape, next(dim for dim in (2, 3, 4, 6, landscape.dims.default) if landscape.dims.allows(dim)))


def turned(name):
    """Returns the rotated twin of an instance, or the plain instance where there is none, or ``None``."""
    landscape = catalog.landscape(name)
    for request in ({"instance": 2, "rotated": True}, {"instance": 2}):
        try:
            problem = Problem(landscape, landscape.dims.default, **request)
            problem.frame()
        except UsageError:
            continue
        return problem
    return None


def point_of(problem):
    """Returns a point of the box that single precision has exactly, and is no special one."""
    low, high = problem.bounds.T
    share = np.random.default_rng(len(problem.label)).uniform(0.2, 0.8, problem.dim)
    return (low + (high - low) * share).astype(np.float32).astype(np.float64)


def allowed(problem, function, x, eps):
    """Returns a result in double precision and by how much another precision may miss it."""
    exact = np.asarray(function(x))
    rng = np.random.default_rng(0)
    moved = x + eps * (np.abs(x) + 0.5 * problem.width) * rng.uniform(-1, 1, (NEAR, problem.dim))
    spread = np.max([np.abs(np.asarray(function(other)) - exact) for other in moved], axis=0)
    size = np.abs(exact).max() + problem.f_scale / (problem.width ** np.ndim(exact))
    return exact, ROUNDINGS * (spread + eps * size)


def transformed(problem):
    """Returns what JAX's transformations make of a problem, one after the other, or in one program under ``jit``."""

    def found(x):
        value, grad = jax.value_and_grad(problem.f)(x)
        both = jax.vmap(problem.value_and_grad)(jnp.stack([x, x]))
        _, (values, grads) = jax.lax.scan(lambda at, _: (at, (problem.f(at), jax.grad(problem.f)(at))), x, length=2)
        many = jax.vmap(problem.f)(jnp.stack([x, x]))
        return {"f": [value, *many, *both[0], *values], "grad": [grad, jax.grad(problem.f)(x), *both[1], *grads]}

    return found


def check(problem, switch, kind, functions):
    """Compares what JAX finds under one setting with the reference."""
    eps = float(np.finfo(kind).eps)
    x = point_of(problem)
    expected = {
        "f": allowed(problem, problem.f, x, eps),
        "grad": allowed(problem, lambda x: problem.value_and_grad(x)[1], x, eps),
    }
    with jax.enable_x64(switch):
        for found in (function(jnp.asarray(x, kind)) for function in functions):
            for what, results in found.items():
                exact, tolerance = expected[what]
                for result in results:
                    assert result.dtype == kind
                    assert np.all(np.abs(np.asarray(result, np.float64) - exact) <= tolerance), what
    # What was computed under the other setting has changed nothing.
    assert problem.f(x) == expected["f"][0]


@pytest.mark.parametrize("name", [entry.name for entry in catalog.PROBLEMS])
def test_every_problem_is_a_function_with_the_switch_off(name):
    problem = small(name)
    check(problem, *MODES["off"], [quick(transformed(problem))])


#: Counts the uses of ``forgetful``.
USES = itertools.count()


@pytest.fixture
def forgetful():
    """Lets go of what was compiled now and then: of all problems it would be gigabytes, and each shares operations."""
    yield
    if next(USES) % 16 == 15:
        jax.clear_caches()


@pytest.mark.slow
@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("make", [small, turned])
@pytest.mark.parametrize("name", [entry.name for entry in catalog.PROBLEMS])
def test_every_problem_with_every_setting_operation_by_operation(name, make):
    problem = make(name)
    if problem is None:
        pytest.skip("it has instance 0 alone")
    x = point_of(problem)
    for order in (list(MODES), list(MODES)[::-1]):
        fresh = make(name)
        for switch, kind in (MODES[mode] for mode in order):
            check(fresh, switch, kind, [transformed(fresh)])
    hessian = jax.jit(jax.hessian(problem.f))
    exact, tolerance = allowed(problem, hessian, x, SINGLE)
    with jax.enable_x64(False):
        found = hessian(jnp.asarray(x, jnp.float32))
        assert found.dtype == jnp.float32
        assert np.all(np.abs(np.asarray(found) - exact) <= tolerance)


@pytest.mark.parametrize("mode", ["off", *(pytest.param(mode, marks=pytest.mark.slow) for mode in list(MODES)[1:])])
@pytest.mark.parametrize("name", ["ackley", "griewank", "easom"])
def test_operation_by_operation_and_twice_differentiated(name, mode):
    switch, kind = MODES[mode]
    problem = turned(name) or small(name)
    x = point_of(problem)
    with jax.enable_x64(True):
        exact, tolerance = allowed(problem, jax.hessian(problem.f), x, float(np.finfo(kind).eps))
    check(problem, switch, kind, [transformed(problem), jax.jit(transformed(problem))])
    with jax.enable_x64(switch):
        found = jax.hessian(problem.f)(jnp.asarray(x, kind))
    assert found.dtype == kind
    assert np.all(np.abs(np.asarray(found) - exact) <= tolerance)


@pytest.mark.parametrize("switch", [False, True])
def test_what_is_first_asked_for_inside_a_trace_stays_usable(switch):
    """Placing an instance, and values at fixed points, within a user's own loop: no tracer stays behind."""
    problem = turned("ackley")
    far = np.ones(problem.dim)
    with jax.enable_x64(switch), jax.checking_leaks():

        @jax.jit
        def loop(x):
            return jax.lax.fori_loop(0, 3, lambda _, y: y - 1e-3 * jax.grad(problem.f)(y) * problem.f(far), x)

        assert np.isfinite(loop(jnp.zeros(problem.dim))).all()
    assert isinstance(problem.f(far), float)
    assert np.isfinite(problem.value_and_grad(far)[1]).all()


@pytest.mark.parametrize(("switch", "kind"), [(False, np.float32), (True, np.float64)])
def test_whole_numbers_lists_and_half_precision_are_points(switch, kind):
    problem = small("rosenbrock")
    with jax.enable_x64(switch):
        whole = jax.jit(problem.f)(jnp.array([1, 2]))
        assert (whole.dtype, float(whole)) == (kind, 100.0)
        assert problem.f([1, 2]) == problem.f((1.0, 2)) == problem.f(np.array([1, 2], np.int8)) == 100.0
        assert problem.f(jnp.array([1, 2], jnp.bfloat16)) == 100.0
        half = jax.jit(problem.f)(jnp.array([1, 2], jnp.bfloat16))
        assert (half.dtype, float(half)) == (jnp.float32, 100.0)
        assert jax.grad(problem.f)(jnp.array([1, 2], jnp.bfloat16)).dtype == jnp.bfloat16
        assert float(jax.grad(lambda a: problem.f([a, 1.0]))(0.0)) == -2.0
        assert isinstance(problem.f(jnp.array([1, 2])), float)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([1.0, 2j], "a point must be real numbers; got complex128"),
        (["a", "b"], "a point must be real numbers; got ['a', 'b']"),
        ([[1.0, 2.0]], "a point has shape (2,); got (1, 2)"),
        (3.0, "a point has shape (2,); got ()"),
    ],
)
def test_what_is_no_point_is_named(x, said):
    problem = small("rosenbrock")
    for function in (problem.f, problem.value_and_grad):
        with pytest.raises(UsageError) as caught:
            function(x)
        assert str(caught.value) == f"rosenbrock-2d: {said}"


@pytest.mark.parametrize("function", ["f", "value_and_grad"])
def test_tracers_are_checked_as_numbers_are(function):
    problem = small("rosenbrock")
    for x, said in ((jnp.ones(3), r"a point has shape \(2,\); got \(3,\)"), (jnp.array([1, 2j]), "real numbers")):
        with pytest.raises(UsageError, match=said):
            jax.jit(getattr(problem, function))(x)
