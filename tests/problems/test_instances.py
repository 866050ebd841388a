"""Instances: each statement of protocol.md, section 1, about where a minimum may stand."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

from optbench.core.keys import generator
from optbench.errors import UsageError
from optbench.problems import constants
from optbench.problems.gradient_flow import measured_scale
from optbench.problems.instances import haar
from optbench.problems.problem import Problem

from .shelf import LANDSCAPES, by_name, dims_of

#: No instances: the minimum holds only in the box, or the minimizers do not fit its middle.
FIXED = {"mccormick", "schwefel", "michalewicz", "eggholder", "branin"}
MOVABLE = [
    (landscape.name, dim, rotated)
    for landscape in LANDSCAPES
    if landscape.name not in FIXED
    for dim in dims_of(landscape, (2, 10))
    for rotated in (False, True)
]


@pytest.mark.parametrize(("name", "dim", "rotated"), MOVABLE)
def test_minimizers_stand_in_the_middle_off_center_with_unequal_coordinates(name, dim, rotated):
    for instance in range(1, 6):
        problem = Problem(by_name(name), dim, instance, rotated)
        width = problem.bounds[:, 1] - problem.bounds[:, 0]
        place = np.abs(problem.x_star - problem.center) / width
        assert np.all(place <= 0.4 + 1e-12)
        assert np.all(place.max(axis=1) >= 0.05)
        gaps = np.diff(np.sort(problem.x_star, axis=1), axis=1)
        assert np.all(gaps >= 0.1 / dim**2 * width.mean() * (1 - 1e-9))


@pytest.mark.parametrize(("name", "dim", "rotated"), MOVABLE)
def test_minimizers_keep_the_minimum(name, dim, rotated):
    problem = Problem(by_name(name), dim, 2, rotated)
    for point in problem.x_star:
        assert abs(problem.f(point) - problem.f_star) <= 1e-13 * max(1.0, problem.f_scale, abs(problem.f_star))


@pytest.mark.parametrize("name", sorted(FIXED))
@pytest.mark.parametrize("rotated", [False, True])
def test_functions_bound_to_their_box_have_no_instances(name, rotated):
    reason = "span more than the middle 80%" if name == "branin" else "only instance 0 exists"
    with pytest.raises(UsageError, match=reason):
        Problem(by_name(name), 2, 1, rotated).frame()


def test_frame_maps_to_the_landscape():
    problem = Problem(by_name("rosenbrock"), 3, 4, rotated=True)
    matrix, shift, pivot, offset, theta = problem.frame()
    x = np.array([0.3, -1.0, 2.0])
    y = pivot + matrix @ (x - shift - pivot)
    assert problem.f(x) == pytest.approx(Problem(by_name("rosenbrock"), 3).f(y) + offset, rel=1e-12)
    assert theta == ()
    assert np.allclose(problem.frame().outward(y[None])[0], x)


def test_literature_form_moves_nothing():
    frame = Problem(by_name("ellipsoid"), 4).frame()
    assert frame.origin_matrix is None
    assert not frame.shift.any()
    assert not frame.pivot.any()
    assert (frame.offset, frame.theta) == (0.0, (1e4,))


@pytest.mark.parametrize("dim", [2, 3, 10, 30])
def test_rotation_is_orthogonal(dim):
    matrix = Problem(by_name("rastrigin"), dim, 1, rotated=True).frame().origin_matrix
    assert np.abs(matrix @ matrix.T - np.eye(dim)).max() < 1e-14
    assert not np.allclose(np.abs(matrix), np.eye(dim), atol=0.05)


def test_rotation_is_uniform():
    # A Haar matrix's entries have mean 0 and variance 1/dim; without the signs of R its first entry is one-sided.
    draws = np.array([haar(generator("haar", k), 3) for k in range(4000)])
    assert np.abs(draws.mean(axis=0)).max() < 4 / math.sqrt(3 * 4000)
    assert np.abs((draws**2).mean(axis=0) - 1 / 3).max() < 0.03


def test_rotated_twin_shares_place_and_offset():
    plain, twin = (Problem(by_name("rastrigin"), 10, 3, rotated) for rotated in (False, True))
    assert np.allclose(plain.x_star, twin.x_star, atol=1e-12)
    assert plain.frame().offset == twin.frame().offset
    assert "separable" in plain.tags - twin.tags


def test_every_separable_function_has_a_rotated_twin():
    for landscape in LANDSCAPES:
        if "separable" in landscape.tags and "box_only" not in landscape.tags:
            dim = dims_of(landscape, (10,))[0]
            assert Problem(landscape, dim, 1, rotated=True).frame().origin_matrix is not None


def test_offset_is_seeded_of_the_order_of_f_scale_and_never_zero():
    for landscape in LANDSCAPES:
        if landscape.name not in FIXED:
            dim = landscape.dims.default
            scale = Problem(landscape, dim).f_scale
            offset = Problem(landscape, dim, 1).frame().offset
            assert 0.25 * scale <= abs(offset) <= 2 * scale
            # Few bits: adding it costs no digits that f_scale has.
            assert (offset / 2.0 ** math.floor(math.log2(scale)) * 128).is_integer()


def test_instances_differ_and_come_from_their_names():
    problems = [Problem(by_name("sphere"), 5, k) for k in range(1, 20)]
    assert len({problem.x_star.tobytes() for problem in problems}) == len(problems)
    assert len({problem.frame().offset for problem in problems}) > len(problems) // 2
    again = Problem(by_name("sphere"), 5, 7)
    assert np.array_equal(again.x_star, problems[6].x_star)
    assert not np.array_equal(Problem(by_name("rastrigin"), 5, 7).frame().shift, again.frame().shift)


def test_parameters_do_not_move_the_minimum():
    mild, hard = (Problem(by_name("ellipsoid"), 5, 1, parameters={"condition": c}) for c in (10.0, 1e6))
    assert np.array_equal(mild.x_star, hard.x_star)


def test_starts_of_easom_move_with_its_minimum():
    problem = Problem(by_name("easom"), 2, 1)
    starts = np.array([problem.starts(0, "report", k)[0] for k in range(300)])
    assert np.all(np.abs(starts - problem.x_star[0]) <= math.pi)
    assert np.abs(starts.mean(axis=0) - problem.x_star[0]).max() < 0.4


@pytest.mark.parametrize("rotated", [False, True])
def test_saddle_starts_keep_their_distance_in_every_instance(rotated):
    problem = Problem(by_name("saddle"), 4, 1, rotated)
    frame = problem.frame()
    for k in range(50):
        x0, distance = problem.starts(0, "report", k)
        y = x0 - frame.shift
        if rotated:
            y = frame.pivot + frame.origin_matrix @ (y - frame.pivot)
        assert abs(y[0]) == pytest.approx(distance, rel=1e-6, abs=1e-14)


@pytest.mark.parametrize(
    "asked",
    [
        measured_scale,
        lambda problem: problem.f(np.zeros(10)),
        lambda problem: problem.value_and_grad(np.zeros(10))[0],
        lambda problem: float(jax.jit(problem.f)(np.zeros(10))),
        lambda problem: float(jax.vmap(problem.f)(np.zeros((2, 10)))[1]),
    ],
)
def test_an_instance_whose_plain_form_is_not_frozen_is_placed_by_whoever_asks_first(monkeypatch, asked):
    """Its own constants being frozen, the first to need the plain form's is a trace."""
    expected = asked(Problem(by_name("sphere"), 10, instance=1))
    rest = {label: row for label, row in constants.frozen().items() if label != "sphere-10d"}
    monkeypatch.setattr(constants, "frozen", lambda: rest)
    measured_scale.cache_clear()
    problem = Problem(by_name("sphere"), 10, instance=1)
    assert problem.label in rest
    assert asked(problem) == pytest.approx(expected, rel=1e-6)
