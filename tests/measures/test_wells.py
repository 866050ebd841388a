"""To which well a point drains: against SciPy's integrator, a root in many digits, and the balls that end it."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from optbench import catalog
from optbench.measures import wells as drainage
from optbench.measures.wells import drains_to
from optbench.records import FLAT, NEITHER, SHARP
from tests.problems.oracle import value

#: Every landscape with wells, on an instance where that exists.
CASES = [
    ("two_wells", 2, 1, True),
    ("two_wells", 10, 0, False),
    ("gaussian_wells", 2, 1, False),
    ("gaussian_wells", 10, 1, True),
    ("two_wells_sum", 2, 0, False),
    ("two_wells_isotropic", 3, 1, True),
    ("two_wells_sum_from_both", 2, 0, False),
    ("two_wells_isotropic_from_both", 10, 0, False),
]
#: Where the one dimension is looked at that joins the wells.
PLACES = {"two_wells": 2.0, "gaussian_wells": 3.0}


def case(name, dim, instance, rotated, **parameters):
    return catalog.problem(name, dim, instance=instance, rotated=rotated, **parameters)


def pull(name, y, theta):
    """The velocity of gradient flow, written out by hand in the landscape's own frame."""
    if "gaussian" in name:
        ratio, width, sharp_depth, flat_depth = theta
        flat = flat_depth / width**2
        sharp = ratio * (flat + 0.2) - 0.2
        left, right = y.copy(), y.copy()
        left[0] += 3.0
        right[0] -= 3.0
        land = 0.2 * y
        land[0] = 0.2 * y[0] * (y[0] ** 2 - 9.0) / 18.0
        return -(
            land
            + sharp * np.exp(-0.5 * sharp / sharp_depth * (left @ left)) * left
            + flat * np.exp(-0.5 * flat / flat_depth * (right @ right)) * right
        )
    ratio, curvature, sharp_depth, flat_depth = theta[:4]
    left, right = y.copy(), y.copy()
    left[0] += 2.0
    right[0] -= 2.0
    higher = (ratio * (left @ left) - right @ right) * curvature / 2.0 - sharp_depth + flat_depth
    share = 1.0 / (1.0 + np.exp(np.clip(higher / (0.02 if "both" in name else 0.1), -700.0, 700.0)))
    return -curvature * (share * ratio * left + (1.0 - share) * right)


def by_lsoda(problem, x0):
    """Follows gradient flow with SciPy to the end and names the nearest bottom, and how close it came."""
    frame = problem.frame()
    y0 = x0 - frame.shift
    if frame.origin_matrix is not None:
        y0 = frame.pivot + frame.origin_matrix @ (y0 - frame.pivot)
    path = solve_ivp(
        lambda t, y: pull(problem.name, y, problem.theta), (0.0, 1000.0), y0, method="LSODA", rtol=1e-9, atol=1e-11
    )
    bottoms = np.zeros((2, problem.dim))
    place = PLACES["gaussian_wells" if "gaussian" in problem.name else "two_wells"]
    bottoms[:, 0] = -place, place
    distance = np.linalg.norm(path.y[:, -1] - bottoms, axis=1)
    return int(distance.argmin()), float(distance.min())


def scattered(problem, count, seed):
    """Points of the box, and as many around the ridge, where the two sides are near each other."""
    rng = np.random.default_rng(seed)
    low, high = problem.bounds.T
    box = rng.uniform(low, high, (count // 2, problem.dim))
    sharp, flat = problem.wells.bottoms
    between = sharp + np.linspace(0.05, 0.9, count - count // 2)[:, None] * (flat - sharp)
    return np.concatenate([box, between + 0.1 * rng.standard_normal(between.shape)])


@pytest.mark.parametrize(("name", "dim", "instance", "rotated"), CASES)
def test_agrees_with_scipy(name, dim, instance, rotated):
    problem = case(name, dim, instance, rotated, ratio=10.0)
    points = scattered(problem, 8, 0)
    found = drains_to(problem, points)
    for point, code in zip(points, found, strict=True):
        nearest, distance = by_lsoda(problem, point)
        assert distance < 1e-6
        assert code == nearest
    assert {SHARP, FLAT} <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [100.0])
@pytest.mark.parametrize(("name", "dim", "instance", "rotated"), CASES)
def test_agrees_with_scipy_on_500_points(name, dim, instance, rotated, ratio):
    problem = case(name, dim, instance, rotated, ratio=ratio)
    points = scattered(problem, 500, 1)
    found = drains_to(problem, points)
    expected = [by_lsoda(problem, point) for point in points]
    assert max(distance for _, distance in expected) < 1e-6
    assert found.tolist() == [nearest for nearest, _ in expected]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("ratio", [10.0, 100.0])
def test_the_separatrix_on_the_axis_is_where_the_slope_changes_sign(name, ratio):
    """In many digits: the ridge between the wells, and a point on either side of it."""
    landscape = catalog.landscape(name)
    theta = tuple({**{k: p.default for k, p in landscape.parameters.items()}, "ratio": ratio}.values())
    place = mpmath.mpf(PLACES[name])

    def slope(t):
        return mpmath.diff(lambda u: value(name, [u, mpmath.mpf(0)], *theta), t)

    grid = [-place + 2 * place * mpmath.mpf(k) / 400 for k in range(1, 400)]
    below = [a for a, b in itertools.pairwise(grid) if slope(a) > 0 > slope(b)]
    assert len(below) == 1
    ridge = float(mpmath.findroot(slope, (below[0], below[0] + place / 200), solver="anderson"))
    problem = case(name, 2, 0, False, ratio=ratio)
    sides = np.array([[ridge - 1e-7, 0.0], [ridge + 1e-7, 0.0]])
    assert drains_to(problem, sides).tolist() == [SHARP, FLAT]


@pytest.mark.parametrize(("name", "dim", "instance", "rotated"), CASES)
def test_the_bottoms_and_what_drains_nowhere(name, dim, instance, rotated):
    problem = case(name, dim, instance, rotated)
    bottoms = problem.wells.bottoms
    assert drains_to(problem, bottoms).tolist() == [SHARP, FLAT]
    for sharp_depth, flat_depth in ((1.5, 1.0), (1.0, 1.5)):
        tilted = case(name, dim, instance, rotated, sharp_depth=sharp_depth, flat_depth=flat_depth)
        depths = [tilted.f(bottom) - tilted.frame().offset for bottom in tilted.wells.bottoms]
        assert depths == pytest.approx([-sharp_depth, -flat_depth], rel=1e-13)
    broken = bottoms + np.array([[np.nan], [np.inf]])
    assert drains_to(problem, broken).tolist() == [NEITHER, NEITHER]


def test_a_point_that_rests_elsewhere_drains_to_neither(monkeypatch):
    problem = case("gaussian_wells", 1, 0, False)
    far = np.array([[4.9], [-4.9]])
    assert drains_to(problem, far).tolist() == [FLAT, SHARP]
    drainage._follower.cache_clear()
    monkeypatch.setattr(drainage, "MAX_STEPS", 3)
    assert drains_to(problem, far).tolist() == [NEITHER, NEITHER]
    drainage._follower.cache_clear()


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("dim", [1, 2, 10])
def test_flow_cannot_leave_the_balls(name, dim):
    """Within its radius of a bottom the gradient points away from it, at the ends of all ranges."""
    rules = catalog.landscape(name).parameters
    rng = np.random.default_rng(3)
    direction = rng.standard_normal((400, dim))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    away = rng.random((400, 1)) ** 0.25 * direction
    for ends in itertools.product(*((p.low, p.default, p.high) for p in rules.values())):
        problem = case(name, dim, 0, False, **dict(zip(rules, ends, strict=True)))
        grads = gradients(problem)
        for bottom, radius in zip(problem.wells.bottoms, problem.wells.radii, strict=True):
            step = radius * away
            outwards = (np.asarray(grads(bottom + step, problem.theta)) * step).sum(axis=1)
            assert (outwards > 0).all(), (ends, bottom)


def gradients(problem):
    import jax

    found = GRADIENTS.setdefault(
        (problem.name, problem.dim),
        jax.jit(lambda x, theta: jax.vmap(lambda y: jax.grad(problem.landscape.f)(y, *theta))(x)),
    )

    def call(points, theta):
        with jax.enable_x64(True):
            return found(points, theta)

    return call


GRADIENTS: dict[tuple[str, int], object] = {}


@pytest.mark.parametrize("name", ["two_wells_sum_from_both", "two_wells_isotropic_from_both"])
@pytest.mark.parametrize(("ratio", "dim"), [(10.0, 2), (100.0, 10)])
def test_half_of_the_starts_drain_into_each_well(name, ratio, dim):
    problem = case(name, dim, 0, False, ratio=ratio)
    starts = np.array([problem.starts(0, "report", index)[0] for index in range(200)])
    found = drains_to(problem, starts)
    assert set(found) == {SHARP, FLAT}
    assert 70 < (found == FLAT).sum() < 130
    assert ((starts >= problem.bounds[:, 0]) & (starts <= problem.bounds[:, 1])).all()
    near = np.linalg.norm(starts - problem.wells.bottoms[found], axis=1) / problem.wells.radii[found]
    assert near.max() < 1.0
    # A uniform distance: half of the starts lie in the inner half, in every dimension.
    assert 70 < (near < 0.5).sum() < 130
