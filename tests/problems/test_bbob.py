"""BBOB: COCO's values to 1e-9, gradients against differences of COCO's values, and finite everywhere."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.problems.bbob.instances import f_opt, place, seed_of
from optbench.problems.bbob.randomness import rotation, uniform
from optbench.problems.bbob.transforms import penalty, t_asy, t_osz
from optbench.problems.landscape import TAGS
from optbench.problems.problem import Problem

from .test_bounded_below import ESCAPE_GAP, far_starts, lbfgs_lowest, momentum_lowest
from .test_conformance import primitives

NUMBERS = tuple(range(1, 25))
SEPARABLE = {1, 2, 3, 4, 5}

#: Largest and smallest step of the differences, the share of the gradient to which they must agree with each other,
#: and the rounding of a value. The fine waves of f16, f19 and f23 need small steps, which leave fewer digits, and
#: those of f17 and f18 are so many that two steps agree by chance: only the share is asked of these.
STEPS = {
    16: (2**-28, 2**-34, 1e-4, 1e-12),
    17: (2**-12, 2**-24, 1e-5, 1e-13),
    18: (2**-12, 2**-24, 1e-5, 1e-13),
    19: (2**-22, 2**-30, 1e-4, 1e-12),
    23: (2**-38, 2**-42, 2e-2, 1e-14),
}
USUAL_STEPS = (2**-12, 2**-24, 1e-6, 2e-15)


def landscape_of(number):
    """Returns the landscape of a function."""
    return catalog.landscape(f"bbob_f{number:02d}")


def coco(number, dim, instance):
    """Returns COCO's own function, or skips the test."""
    cocoex = pytest.importorskip("cocoex", reason="needs coco-experiment, from the extra test")
    return cocoex.BareProblem("bbob", number, dim, instance)


#: How often each (function, dimension) was traced: once, for all instances.
TRACES: Counter = Counter()
ROWS = 128


@cache
def _compiled(number, dim):
    f = landscape_of(number).f

    def counted(x, *data):
        TRACES[number, dim] += 1
        return f(x, *data)

    data = landscape_of(number).data(dim, 1)
    return jax.jit(jax.vmap(jax.value_and_grad(counted), in_axes=(0, *(None for _ in data))))


def evaluate(number, dim, points, data):
    """Returns values and gradients at points, one a row, from one program of 128 rows for all tests."""
    rows = np.concatenate([points, np.zeros((-len(points) % ROWS, dim))]).reshape(-1, ROWS, dim)
    parts = [_compiled(number, dim)(part, *data) for part in rows]
    values, grads = (np.concatenate(both)[: len(points)] for both in zip(*parts, strict=True))
    assert TRACES[number, dim] == 1
    return values, grads


def compare_values(number, dim, instance, count):
    """Compares values at random points of the box, and at a few outside where the penalty counts."""
    landscape = landscape_of(number)
    theirs = coco(number, dim, instance)
    rng = np.random.default_rng([number, dim, instance])
    points = rng.uniform(-5.0, 5.0, (count, dim))
    points = np.concatenate([points, 1.5 * points[:5]])
    gap, _ = evaluate(number, dim, points, landscape.data(dim, instance))
    offset = landscape.offset(dim, instance)
    value = np.array([theirs(point) for point in points])
    # What COCO rounds away when it adds the offset cannot be asked for.
    assert np.all(np.abs(gap - (value - offset)) <= 1e-9 * gap + 4e-16 * abs(offset))
    # Where the offset cancels most of the gap, the value has no digits of its own.
    whole = np.abs(value) >= 0.1 * gap
    assert np.all(np.abs(gap + offset - value)[whole] <= 1e-9 * np.abs(value)[whole])


@pytest.mark.parametrize("dim", [2, 10])
@pytest.mark.parametrize("number", NUMBERS)
def test_values_equal_coco(number, dim):
    for instance in (1, 3):
        compare_values(number, dim, instance, 20)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 5, 10, 20, 40])
@pytest.mark.parametrize("number", NUMBERS)
def test_values_equal_coco_in_every_dimension(number, dim):
    for instance in range(1, 6):
        compare_values(number, dim, instance, 50)


@pytest.mark.parametrize(("dim", "instance"), [(2, 1), (3, 15), (10, 77), (40, 5), (54, 4)])
def test_optimum_equals_coco(dim, instance):
    for number in NUMBERS:
        landscape = landscape_of(number)
        theirs = coco(number, dim, instance)
        # COCO keeps ten digits of the minimizer of f20.
        slack = 3e-10 if number == 20 else 1e-11
        assert np.abs(landscape.x_star(dim, instance)[0] - theirs.best_parameter()).max() <= slack
        assert landscape.offset(dim, instance) == pytest.approx(theirs.best_value(), rel=1e-15, abs=1e-13)


@pytest.mark.parametrize("dim", [2, 5])
@pytest.mark.parametrize("number", NUMBERS)
def test_minimum_is_reached_in_the_box_with_gradient_zero(number, dim):
    landscape = landscape_of(number)
    for instance in (1, 2, 15):
        problem = Problem(landscape, dim, instance)
        (point,) = problem.x_star
        assert np.all(np.abs(point) <= 5.0)
        assert problem.f_star == f_opt(number, instance)
        (value,), (grad,) = evaluate(number, dim, point[None], problem.data)
        assert 0.0 <= value <= 1e-14
        # Half a unit in the last place of the minimizer, times the curvature of f20.
        assert np.abs(grad).max() <= (1e-8 if number == 20 else 0.0)
        second = problem.f_second
        assert second is None or second > problem.f_star


@pytest.mark.parametrize("number", [3, 4, 8, 9, 15, 20, 21, 22])
def test_second_minimum_is_a_minimum_of_coco(number):
    """Descends from near the place of the second minimum on COCO's values and meets the value that is named."""
    from scipy.optimize import minimize

    dim, instance = (4, 2) if number in {8, 9} else (2, 2)
    problem = Problem(landscape_of(number), dim, instance)
    theirs = coco(number, dim, instance)
    f = jax.jit(problem._value)
    rng = np.random.default_rng(11)
    starts = rng.uniform(-5.0, 5.0, (4000, dim))
    lowest = starts[np.argsort(np.asarray(jax.vmap(f)(starts)))[:800]]
    ends = []
    for start in (lowest if number not in {8, 9} else starts[:60])[:: 1 if number in {8, 9} else 10]:
        found = minimize(theirs, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxfev": 4000})
        ends.append(found.fun)
    ends = np.array(ends)
    others = ends[ends > problem.f_star + 1e-4]
    assert np.abs(others - problem.f_second).min() <= 1e-9
    assert others.min() >= problem.f_second - 1e-6


def coco_gradient(number, theirs, point):
    """Returns central differences of COCO's values, with the step at which two neighbors agree best.

    Args:
        number: Number of the function.
        theirs: COCO's function.
        point: Point of shape (dim,), whose coordinates are short enough to be moved exactly.

    Returns:
        The differences, their disagreement and what rounding may add, all of shape (dim,).
    """
    largest, smallest, _, rounding = STEPS.get(number, USUAL_STEPS)
    count = round(np.log2(largest / smallest)) + 1
    steps = largest * 0.5 ** np.arange(count)
    found = []
    for row in np.eye(len(point)):
        slopes = np.array([(theirs(point + step * row) - theirs(point - step * row)) / (2 * step) for step in steps])
        # Richardson's step takes the error of second order away.
        better = (4.0 * slopes[1:] - slopes[:-1]) / 3.0
        apart = np.abs(np.diff(better))
        best = int(np.argmin(apart))
        found.append((better[best], apart[best], rounding * abs(theirs(point)) / steps[best + 2]))
    return np.array(found).T


@pytest.mark.parametrize("dim", [2, 5])
@pytest.mark.parametrize("number", NUMBERS)
def test_gradients_equal_differences_of_coco(number, dim):
    landscape = landscape_of(number)
    instance = 2
    theirs = coco(number, dim, instance)
    rng = np.random.default_rng([number, dim])
    # Multiples of 2^-44 stay exact when a step of at least 2^-42 is added.
    points = np.round(rng.uniform(-4.9, 4.9, (20, dim)) * 2.0**44) / 2.0**44
    _, grads = evaluate(number, dim, points, landscape.data(dim, instance))
    share = STEPS.get(number, USUAL_STEPS)[2]
    equal = []
    for point, ours in zip(points, grads, strict=True):
        slopes, apart, rounding = coco_gradient(number, theirs, point)
        size = np.abs(ours).max()
        # A point whose differences disagree stands next to a kink or a step.
        if np.all(apart <= share * size):
            slack = 10.0 * apart + rounding + (share * size if number in STEPS else 0.0)
            equal.append(np.all(np.abs(ours - slopes) <= slack))
    assert sum(equal) >= 15
    # A kink of f23 can be nearer than the smallest step.
    assert number == 23 or all(equal)


def hard_points(landscape, dim, instance):
    """Returns points of the box at which a formula might fail."""
    rng = np.random.default_rng(5)
    (x_opt,) = landscape.x_star(dim, instance)
    corners = np.array(list(itertools.product((-5.0, 5.0), repeat=dim)))[:64]
    near = [x_opt + size * np.eye(dim)[i] for size in (1e-12, -1e-6, 0.01) for i in range(dim)]
    mixed = np.where(rng.random((30, dim)) < 0.5, x_opt, rng.uniform(-5.0, 5.0, (30, dim)))
    zeros = [np.zeros(dim), np.full(dim, 1e-300), np.full(dim, -1e-20)]
    return np.array([x_opt, *zeros, *corners, *near, *mixed, np.full(dim, 0.5), np.full(dim, -50.0)])


def unturned(landscape, dim, instance):
    """Returns the data with every rotation replaced by the identity and the place by 0: inner zeros are exact."""
    data = landscape.data(dim, instance)
    place_of = landscape.x_star(dim, instance)[0]
    turned = [np.eye(dim) if part.shape == (dim, dim) else part for part in data]
    return [np.zeros(dim) if np.array_equal(part, place_of) else part for part in turned]


@pytest.mark.parametrize("dim", [2, 5, 10])
@pytest.mark.parametrize("number", NUMBERS)
def test_gradients_are_finite_everywhere(number, dim):
    landscape = landscape_of(number)
    rng = np.random.default_rng(9)
    inner = np.where(rng.random((60, dim)) < 0.5, 0.0, rng.choice([1e-300, -5e-324, 1e-160, 0.5, -1.0, 2.0], (60, dim)))
    for points, data in (
        (hard_points(landscape, dim, 1), landscape.data(dim, 1)),
        (np.concatenate([np.zeros((1, dim)), inner]), unturned(landscape, dim, 1)),
    ):
        value, grad = evaluate(number, dim, points, data)
        assert np.all(np.isfinite(value))
        assert np.all(np.isfinite(grad))
        assert np.all(value >= 0.0)


@pytest.mark.parametrize("number", NUMBERS)
def test_one_program_serves_all_instances(number):
    landscape = landscape_of(number)
    values = set()
    for instance in range(1, 6):
        data = landscape.data(2, instance)
        assert all(part.dtype == np.float64 for part in data)
        values.add(float(evaluate(number, 2, np.array([[0.25, -3.5]]), data)[0][0]))
    # ``evaluate`` asks for one trace only.
    assert len(values) >= 3


@pytest.mark.parametrize("number", NUMBERS)
def test_program_neither_gathers_nor_scatters(number):
    landscape = landscape_of(number)
    data = landscape.data(8, 1)
    lanes = jax.vmap(jax.value_and_grad(landscape.f), in_axes=(-1, *(None for _ in data)))
    used = set(primitives(jax.make_jaxpr(lanes)(jnp.ones((8, 4)), *data).jaxpr))
    assert not {p for p in used if "gather" in p or "scatter" in p or p in {"dynamic_slice", "sort", "while"}}


@pytest.mark.parametrize("number", NUMBERS)
def test_landscape_is_documented(number):
    landscape = landscape_of(number)
    assert landscape.own_instances
    assert landscape.f.__name__ == f"_{landscape.name}"
    assert landscape.tags <= set(TAGS)
    assert ("separable" in landscape.tags) == (number in SEPARABLE)
    for section in ("Args:", "Returns:", "References:"):
        assert section in (landscape.f.__doc__ or "")
    page = (Path(__file__).parents[2] / "docs" / "bbob.md").read_text(encoding="utf-8")
    assert f"| `{landscape.name}` |" in page
    assert f"| `{landscape.family}` |" in page


@pytest.mark.parametrize("number", SEPARABLE)
def test_separable_functions_are_sums_over_coordinates(number):
    problem = Problem(landscape_of(number), 4, 2)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-5.0, 5.0, (2, 4))
    mixed = np.array([x[0], x[1], y[2], y[3]])
    rest = np.array([y[0], y[1], x[2], x[3]])
    assert problem.f(mixed) + problem.f(rest) == pytest.approx(problem.f(x) + problem.f(y), rel=1e-13)


def test_functions_of_one_landscape_are_one_family():
    families = {}
    for number in NUMBERS:
        families.setdefault(landscape_of(number).family, set()).add(number)
    shared = {name: found for name, found in families.items() if len(found) > 1}
    assert shared == {
        "ellipsoid": {2, 10},
        "rastrigin": {3, 4, 15},
        "rosenbrock": {8, 9},
        "schaffer_f7": {17, 18},
        "gallagher": {21, 22},
    }


@pytest.mark.parametrize("number", [5, 20])
def test_momentum_and_lbfgs_stay_above_f_star(number):
    problem = Problem(landscape_of(number), 2, 1)
    below = problem.f_star - ESCAPE_GAP * problem.f_scale
    assert np.all(momentum_lowest(problem, far_starts(problem, 100)) >= below)
    with np.errstate(all="ignore"):
        assert np.all(lbfgs_lowest(problem, far_starts(problem, 20), 40) >= below)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 6])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_thousand_runs_stay_above_f_star(number, dim):
    problem = Problem(landscape_of(number), dim, 1)
    below = problem.f_star - ESCAPE_GAP * problem.f_scale
    assert np.all(momentum_lowest(problem, far_starts(problem, 1000)) >= below)
    with np.errstate(all="ignore"):
        assert np.all(lbfgs_lowest(problem, far_starts(problem, 100), 40) >= below)


def test_labels_instances_and_offsets():
    problem = catalog.problem("bbob_f08", dim=5, instance=3)
    assert problem.label == "bbob_f08-5d-i3"
    assert problem.frame().offset == problem.f_star == f_opt(8, 3)
    assert catalog.problem("bbob_f08", dim=5).instance == 1
    with pytest.raises(UsageError, match="its own instances say what is rotated"):
        catalog.problem("bbob_f08", dim=5, instance=3, rotated=True)
    with pytest.raises(UsageError, match=r"bbob_f08: dimension must be 2 to 54; got 1"):
        catalog.problem("bbob_f08", dim=1)


def test_constants_of_a_minimum_in_a_corner():
    parts = catalog.problem("bbob_f05", dim=20, instance=1).constants
    assert 0 < parts.gap_shell < 0.05 * parts.f_scale
    # Every coordinate's distance from the corner is uniform on [0, 0.1], so that the gap is near half its largest.
    largest = 0.1 * float(np.sum(10.0 ** (np.arange(20) / 19)))
    assert parts.gap_shell == pytest.approx(0.5 * largest, rel=0.1)


def test_instance_parts():
    assert seed_of(4, 2) == seed_of(3, 2) == 20_003
    assert np.all(np.abs(place(20_003, 50)) <= 4.0)
    drawn = uniform(20_000, 12)
    assert 0 < drawn.min() < drawn.max() < 1
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    matrix = rotation(7, 30)
    assert np.allclose(matrix @ matrix.T, np.eye(30), atol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1.0


def test_transforms_of_simple_points():
    x = jnp.array([-2.0, 0.0, 1.0, 2.0])
    t = 10.0 * np.log(2.0)
    high = 2.0 * np.exp(0.049 * (np.sin(t) + np.sin(0.79 * t)))
    low = -2.0 * np.exp(0.049 * (np.sin(0.55 * t) + np.sin(0.31 * t)))
    assert np.allclose(t_osz(x), [low, 0.0, 1.0, high], rtol=1e-15)
    assert np.allclose(t_asy(x, 0.5), [-2.0, 0.0, 1.0, 2.0 ** (1.0 + 0.5 * np.sqrt(2.0))], rtol=1e-15)
    assert float(jax.grad(lambda v: t_osz(v).sum())(x)[1]) == 1.0
    assert np.all(np.asarray(jax.grad(lambda v: t_asy(v, 0.5).sum())(x)[:2]) == 1.0)
    assert float(penalty(jnp.array([-6.0, 4.0, 7.0]))) == 5.0
