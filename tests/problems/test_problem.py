"""A problem as a value: labels, checks, evaluation, starts, summary."""

from __future__ import annotations

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.errors import UsageError
from optbench.problems.landscape import Landscape, box
from optbench.problems.noise import Noise
from optbench.problems.problem import Problem
from optbench.problems.units import units_of

from .shelf import LANDSCAPES, by_name


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        (("rosenbrock", 2), "rosenbrock-2d"),
        (("rosenbrock", 2, 3), "rosenbrock-2d-i3"),
        (("rastrigin", 10, 1, True), "rastrigin-10d-i1-rot"),
        (("ellipsoid", 10, 1, False, {"condition": 1e6}), "ellipsoid-10d-i1[condition=1e+06]"),
        (("ellipsoid", 10, 0, False, {"condition": 1e4}), "ellipsoid-10d"),
        (("ellipsoid", 10, 0, False, {"condition": 1234567.5}), "ellipsoid-10d[condition=1234567.5]"),
        (("two_wells", 2, 0, False, {"flat_depth": 2, "ratio": 100}), "two_wells-2d[ratio=100,flat_depth=2]"),
    ],
)
def test_label(arguments, label):
    name, *rest = arguments
    assert Problem(by_name(name), *rest).label == label


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("beale", 10), "beale: dimension must be 2 only; got 10"),
        (("powell_singular", 6), "powell_singular: dimension must be multiples of 4 from 4; got 6"),
        (("rosenbrock", 1), "rosenbrock: dimension must be 2 or more; got 1"),
        (("sphere", 2.0), "sphere: dimension must be 1 or more; got 2.0"),
        (("sphere", True), "sphere: dimension must be 1 or more; got True"),
        (("sphere", 2, -1), "sphere: instance must be an integer of at least 0; got -1"),
        (("sphere", 2, 0, True), "sphere: instance 0 is the literature's form and is never rotated; use instance 1"),
        (("sphere", 2, 0, False, {"condition": 3}), "sphere has no parameters; got 'condition'"),
        (
            ("ellipsoid", 2, 0, False, {"conditon": 3}),
            "unknown parameter of ellipsoid 'conditon'; did you mean 'condition'?",
        ),
        (
            ("ellipsoid", 2, 0, False, {"condition": 0.5}),
            "ellipsoid: condition must be a number in [1, 1e+08]; got 0.5",
        ),
        (
            ("ellipsoid", 2, 0, False, {"condition": math.nan}),
            "ellipsoid: condition must be a number in [1, 1e+08]; got nan",
        ),
        (
            ("ellipsoid", 1, -1, False, {"condition": "3"}),
            "ellipsoid: dimension must be 2 or more; got 1\n"
            "ellipsoid: condition must be a number in [1, 1e+08]; got '3'\n"
            "ellipsoid: instance must be an integer of at least 0; got -1",
        ),
    ],
)
def test_wrong_requests_are_explained(arguments, message):
    name, *rest = arguments
    with pytest.raises(UsageError) as caught:
        Problem(by_name(name), *rest)
    assert str(caught.value) == message


def test_f_takes_lists_arrays_and_tracers():
    problem = Problem(by_name("rosenbrock"), 2, 1)
    x = [0.5, -0.25]
    value = problem.f(x)
    assert isinstance(value, float)
    assert value == problem.f(np.array(x)) == problem.f(jnp.array(x)) == float(jax.jit(problem.f)(jnp.array(x)))
    grad = problem.value_and_grad(x)[1]
    assert grad.dtype == np.float64
    assert np.allclose(grad, jax.grad(problem.f)(jnp.array(x)), rtol=1e-14)


def test_f_is_double_precision_without_the_x64_switch():
    problem = Problem(by_name("sphere"), 2)
    with jax.enable_x64(False):
        assert problem.f([1.0 + 1e-12, 0.0]) == (1.0 + 1e-12) ** 2
        assert problem.value_and_grad([1e-9, 0.0])[1].dtype == np.float64


def test_f_refuses_points_of_another_shape():
    with pytest.raises(UsageError, match=r"sphere-2d: a point has shape \(2,\); got \(3,\)"):
        Problem(by_name("sphere"), 2).f([1.0, 2.0, 3.0])


def test_objective_is_the_problem():
    problem = Problem(by_name("booth"), 2)
    oracle = problem.objective()
    value, grad = oracle.value_and_grad(np.array([0.0, 0.0]))
    assert value == oracle.value(np.array([0.0, 0.0])) == 74.0
    assert grad.tolist() == [-34.0, -38.0]
    assert oracle.hvp(np.zeros(2), np.array([1.0, 2.0])).tolist() == [26.0, 28.0]
    assert (oracle.n_params, oracle.dtype) == (2, np.float64)


def test_an_objective_in_normalized_units_is_the_function_that_rules_see():
    problem = Problem(by_name("ellipsoid"), 3, 1, rotated=True)
    units, z = units_of(problem, "normalized"), np.array([0.5, -1.0, 2.0])
    scaled, plain = problem.objective("normalized"), problem.objective()
    x = units.outward(z)
    (value, grad), (plain_value, plain_grad) = scaled.value_and_grad(z), plain.value_and_grad(x)
    assert value == pytest.approx(plain_value / problem.f_scale, rel=1e-13)
    np.testing.assert_allclose(grad, plain_grad * units.unit / problem.f_scale, rtol=1e-12)
    v = np.array([1.0, 0.0, -1.0])
    np.testing.assert_allclose(scaled.hvp(z, v), plain.hvp(x, v) * units.unit**2 / problem.f_scale, rtol=1e-12)


def test_the_objective_of_a_noisy_problem_is_the_function_without_noise():
    noisy = Problem(by_name("rosenbrock"), 2, noise=Noise("gaussian", 0.5))
    assert noisy.objective().value(np.array([0.0, 1.0])) == noisy.f([0.0, 1.0]) == 101.0


def test_unknown_units_are_refused():
    with pytest.raises(UsageError, match="unknown units 'normalised'; did you mean 'normalized'"):
        Problem(by_name("booth"), 2).objective("normalised")


def test_starts_are_uniform_in_the_box():
    problem = Problem(by_name("mccormick"), 2)
    x = np.array([problem.starts(0, "report", k)[0] for k in range(2000)])
    u = (x - problem.bounds[:, 0]) / (problem.bounds[:, 1] - problem.bounds[:, 0])
    assert np.all((u >= 0) & (u <= 1))
    # Kolmogorov-Smirnov at about 1e-4, and no correlation between the coordinates or between neighbors.
    grid = np.arange(1, 2001) / 2000
    assert np.abs(np.sort(u, axis=0) - grid[:, None]).max() < 2.2 / math.sqrt(2000)
    assert abs(np.corrcoef(u.T)[0, 1]) < 0.09
    assert abs(np.corrcoef(u[1:, 0], u[:-1, 0])[0, 1]) < 0.09


def test_tuning_and_report_starts_are_disjoint_and_repeatable():
    problem = Problem(by_name("sphere"), 2, 1)
    seen = {problem.starts(0, split, k)[0].tobytes() for split in ("tune", "report") for k in range(200)}
    assert len(seen) == 400
    assert np.array_equal(problem.starts(0, "tune", 3)[0], Problem(by_name("sphere"), 2, 1).starts(0, "tune", 3)[0])
    assert not np.array_equal(problem.starts(0, "tune", 3)[0], problem.starts(1, "tune", 3)[0])


def test_saddle_starts_are_log_uniform_beside_the_stable_manifold():
    for name in ("saddle", "monkey_saddle"):
        problem = Problem(by_name(name), 2)
        draws = [problem.starts(0, "report", k) for k in range(1000)]
        distance = np.array([d for _, d in draws])
        assert np.all((distance >= 1e-6) & (distance <= 1e-1))
        assert np.median(np.log10(distance)) == pytest.approx(-3.5, abs=0.25)
        if name == "saddle":
            assert np.allclose(np.abs([x[0] for x, _ in draws]), distance)
        else:
            angles = 2 * np.pi / 3 * np.arange(3)
            rays = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
            nearest = np.abs(np.array([x for x, _ in draws]) @ rays.T).min(axis=1)
            assert np.allclose(nearest, distance, rtol=1e-9, atol=1e-15)
        assert problem.f_saddle == 0.0 == problem.f(np.zeros(2))


def test_only_saddles_have_a_distance_and_a_saddle_value():
    for landscape in LANDSCAPES:
        problem = Problem(landscape, landscape.dims.default)
        _, distance = problem.starts(0, "report", 0)
        assert math.isnan(distance) == (problem.f_saddle is None) == ("saddle" not in problem.tags)


def test_offset_is_in_every_value():
    problem = Problem(by_name("rosenbrock"), 5, 1)
    plain = Problem(by_name("rosenbrock"), 5)
    offset = problem.frame().offset
    assert problem.f_star == offset
    assert problem.f_second == pytest.approx(plain.f_second + offset)
    assert problem.f_solved - problem.f_star == pytest.approx(problem.constants.gap_solved)
    assert Problem(by_name("saddle"), 2, 1).f_saddle == Problem(by_name("saddle"), 2, 1).frame().offset


@pytest.mark.parametrize("name", ["two_wells", "saddle", "rosenbrock"])
def test_summary_is_json(name):
    problem = Problem(by_name(name), 4, 1)
    summary = json.loads(json.dumps(problem.summary(), allow_nan=False))
    assert summary["label"] == problem.label
    assert summary["bounds"] == problem.bounds.tolist()
    assert summary["f_solved"] == problem.f_solved


def test_problems_are_values():
    one, two = (Problem(by_name("ellipsoid"), 3, 1, parameters={"condition": 10}) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Problem(by_name("ellipsoid"), 3, 2, parameters={"condition": 10})
    with pytest.raises(ValueError, match="read-only"):
        one.x_star[0, 0] = 3.0


def own(**changed):
    """Returns a definition of a user's own, correct but for what is changed."""
    correct = {
        "name": "mine",
        "f": lambda x: jnp.sum(x**2),
        "bounds": box(-1.0, 1.0),
        "x_star": lambda dim: np.zeros((1, dim)),
        "f_star": lambda dim: 0.0,
        "formula": "sum of x_i^2",
        "reference": "-",
    }
    return Landscape(**(correct | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"f": lambda x: x}, "f must return one number; got an array of shape (2,)"),
        (
            {"bounds": lambda dim: np.zeros((3, 2))},
            "bounds must have shape (2, 2), a low and a high each; got (3, 2)",
        ),
        ({"bounds": box(1.0, -1.0)}, "each low of bounds must be less than its high; got [[1.0, -1.0], [1.0, -1.0]]"),
        ({"x_star": lambda dim: np.zeros(dim)}, "x_star must have shape (m, 2), a minimizer each; got (2,)"),
        ({"f_star": lambda dim: None}, "f_star must be a finite number; got None"),
    ],
)
@pytest.mark.parametrize("instance", [0, 1])
def test_what_does_not_fit_in_a_definition_of_ones_own_is_named(changed, message, instance):
    with pytest.raises(UsageError) as caught:
        assert Problem(own(**changed), 2, instance).f_scale
    assert str(caught.value).removeprefix("mine-2d-i1: ").removeprefix("mine-2d: ") == message


def test_a_correct_definition_of_ones_own_is_measured():
    """The circle of radius r has the part pi r^2 / 4 of the square."""
    assert Problem(own(), 2).f_scale == pytest.approx(2 / math.pi, rel=0.02)
