"""Each minimum is right to 1e-14 and agrees with what the literature printed."""

from __future__ import annotations

from decimal import Decimal

import jax
import numpy as np
import pytest
from mpmath import mpf

from optbench.problems.problem import Problem

from .oracle import ORACLE, polish, value
from .published import MINIMA, SECOND
from .shelf import NAMES, by_name, cases, defaults


def close(actual: float, exact: mpf) -> bool:
    """Returns whether a double is exact to 1e-14, relative unless the exact value is 0."""
    unit = abs(exact) if abs(exact) > mpf(10) ** -25 else mpf(1)
    return abs(mpf(float(actual)) - exact) <= mpf("1e-14") * unit


def as_printed(actual: float, printed: str) -> bool:
    """Returns whether a value agrees with printed digits, rounded or cut off."""
    decimals = -Decimal(printed).as_tuple().exponent
    return abs(actual - float(printed)) <= max(10.0**-decimals if decimals else 0.5, 0.0) * 1.0001


def test_oracle_covers_the_catalogue():
    assert set(NAMES) == set(ORACLE)


@pytest.mark.parametrize(("name", "dim"), cases((2, 4)))
def test_minimum_polished_in_high_precision(name, dim):
    landscape = by_name(name)
    theta = defaults(landscape)
    f_star = landscape.f_star(dim, *theta)
    for point in landscape.x_star(dim, *theta):
        exact = polish(name, point, *theta)
        assert all(close(a, e) for a, e in zip(point, exact, strict=True))
        assert close(f_star, value(name, exact, *theta))


@pytest.mark.parametrize("dim", [10, 30])
@pytest.mark.parametrize("name", ["michalewicz", "styblinski_tang", "schwefel", "dixon_price", "levy", "rastrigin"])
def test_minimum_in_high_dimension(name, dim):
    landscape = by_name(name)
    for point in landscape.x_star(dim):
        assert close(landscape.f_star(dim), value(name, point))


@pytest.mark.parametrize(("name", "dim"), cases((2, 5, 30)))
def test_own_code_reaches_f_star_at_x_star(name, dim):
    problem = Problem(by_name(name), dim)
    for point in problem.x_star:
        assert abs(problem.f(point) - problem.f_star) <= 1e-13 * max(1.0, abs(problem.f_star))


@pytest.mark.parametrize(("name", "dim"), cases((2, 5)))
def test_values_agree_with_the_oracle(name, dim):
    landscape = by_name(name)
    theta = defaults(landscape)
    low, high = landscape.bounds(dim).T
    rng = np.random.default_rng(1)
    f = jax.jit(landscape.f)
    for _ in range(20):
        point = low + (high - low) * rng.random(dim)
        exact = value(name, point, *theta)
        scale = max(abs(exact), abs(value(name, low, *theta)), mpf(1))
        assert abs(mpf(float(f(point, *theta))) - exact) <= mpf("1e-13") * scale


@pytest.mark.parametrize(("name", "dim", "f_star", "x_star", "source"), MINIMA)
def test_minimum_equals_published_digits(name, dim, f_star, x_star, source):
    landscape = by_name(name)
    assert as_printed(landscape.f_star(dim), f_star), source
    if x_star:
        points = landscape.x_star(dim)
        assert len(points) == len(x_star)
        for point, printed in zip(points, x_star, strict=True):
            assert all(as_printed(a, p) for a, p in zip(point, printed, strict=True)), source


@pytest.mark.parametrize(("name", "dim", "second", "source"), SECOND)
def test_second_minimum_equals_published_digits(name, dim, second, source):
    assert as_printed(by_name(name).f_second(dim), second), source
