"""Two wells: places, depths and curvatures are what the parameters say, for every value."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest
from mpmath import mpf

from optbench.problems.problem import Problem

from .oracle import polish, value
from .shelf import by_name

DEPTHS = {"flat": (1.0, 1.5), "equal": (1.0, 1.0), "sharp": (1.5, 1.0)}
PLACES = {"two_wells": 2.0, "gaussian_wells": 3.0}


def corners(name):
    """Returns the parameter sets at the ends of every range."""
    rules = by_name(name).parameters
    return [
        dict(zip(rules, ends, strict=True)) for ends in itertools.product(*((p.low, p.high) for p in rules.values()))
    ]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("deeper", DEPTHS)
@pytest.mark.parametrize("ratio", [10.0, 100.0])
@pytest.mark.parametrize("dim", [2, 10])
def test_the_deeper_well_is_the_global_minimum(name, deeper, ratio, dim):
    sharp, flat = DEPTHS[deeper]
    problem = Problem(by_name(name), dim, parameters={"ratio": ratio, "sharp_depth": sharp, "flat_depth": flat})
    bottoms = {"sharp": -PLACES[name], "flat": PLACES[name]}
    expected = [bottoms["sharp"], bottoms["flat"]] if deeper == "equal" else [bottoms[deeper]]
    assert problem.x_star[:, 0].tolist() == expected
    assert not problem.x_star[:, 1:].any()
    assert problem.f_star == -max(sharp, flat)
    assert problem.f_second == (None if deeper == "equal" else -min(sharp, flat))
    for place, depth in ((bottoms["sharp"], sharp), (bottoms["flat"], flat)):
        point = np.eye(dim)[0] * place
        level, grad = problem.value_and_grad(point)
        assert level == pytest.approx(-depth, rel=1e-14)
        assert np.abs(grad).max() < 1e-12


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("ratio", [10.0, 100.0])
def test_curvatures_have_the_ratio(name, ratio):
    landscape = by_name(name)
    problem = Problem(landscape, 3, parameters={"ratio": ratio, "sharp_depth": 1.5})
    hessian = jax.hessian(lambda x: landscape.f(x, *problem.theta))
    sharp, flat = (np.linalg.eigvalsh(hessian(np.eye(3)[0] * s * PLACES[name])) for s in (-1.0, 1.0))
    assert np.ptp(sharp) < 1e-9 * sharp[0]
    assert np.ptp(flat) < 1e-9 * flat[0]
    assert np.allclose(sharp / flat, ratio, rtol=1e-9)


@pytest.mark.parametrize(("name", "parameters"), [(name, p) for name in PLACES for p in corners(name)])
def test_minima_are_exact_at_the_ends_of_all_ranges(name, parameters):
    landscape = by_name(name)
    theta = tuple(parameters.values())
    f_star, f_second = landscape.f_star(2, *theta), landscape.f_second(2, *theta)
    deepest = landscape.x_star(2, *theta)
    for place in (-PLACES[name], PLACES[name]):
        exact = polish(name, [place, 0.0], *theta)
        assert abs(exact[0] - place) <= mpf("1e-14") * abs(place)
        assert abs(exact[1]) <= mpf("1e-14")
        level = f_star if place in deepest[:, 0] else f_second
        assert abs(value(name, exact, *theta) - mpf(level)) <= mpf("1e-14") * max(abs(mpf(level)), mpf("1e-2"))


@pytest.mark.parametrize("name", PLACES)
def test_there_is_no_third_minimum_on_the_axis(name):
    landscape = by_name(name)
    for parameters in corners(name):
        theta = tuple(parameters.values())
        low, high = landscape.bounds(1)[0]
        grid = np.linspace(low, high, 4001)
        slope = np.asarray(jax.vmap(jax.grad(landscape.f), in_axes=(0, None, None, None, None))(grid[:, None], *theta))[
            :, 0
        ]
        # A minimum lies between a falling and a rising point, or on a point of slope 0.
        signs = np.sign(slope[np.abs(slope) > 1e-9])
        assert np.count_nonzero((signs[:-1] < 0) & (signs[1:] > 0)) == 2


def test_gaussian_wells_drain_half_of_the_space_each():
    for ratio in (10.0, 100.0):
        problem = Problem(by_name("gaussian_wells"), 10, parameters={"ratio": ratio})
        grad = jax.jit(jax.vmap(jax.grad(problem.f)))
        x = np.array([problem.starts(0, "report", k)[0] for k in range(200)])
        left = x[:, 0] < 0
        for _ in range(3000):
            x = x - 1e-2 / ratio**0.5 * np.asarray(grad(x))
        assert np.array_equal(x[:, 0] < 0, left)
        assert 70 < left.sum() < 130


def test_gradient_descent_leaves_the_sharp_quadratic_well_at_twice_the_inverse_curvature():
    problem = Problem(by_name("two_wells"), 2, parameters={"ratio": 100.0})
    grad = jax.jit(jax.grad(problem.f))
    for rate, stays in ((1.9, True), (2.1, False)):
        x = np.array([-2.0 + 1e-3, 1e-3])
        for _ in range(2000):
            x = x - rate / 100.0 * np.asarray(grad(x))
        assert (np.abs(x - [-2.0, 0.0]).max() < 1e-6) == stays
