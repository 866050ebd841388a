import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from optbench.core.objective import Objective
from optbench.measures import maximize as searches
from optbench.measures.flat import FlatLoss
from optbench.measures.keskar import keskar_sharpness
from optbench.measures.maximize import maximize
from optbench.measures.perturbations import PerturbationSet, adaptive, ball, box, subspace_box
from optbench.measures.sam import sam_sharpness
from tests.measures.quadratics import around, best_corner, best_in_ball

RNG = np.random.default_rng(0)


def semidefinite(n, rank):
    factor = RNG.standard_normal((rank, n))
    return factor.T @ factor / n


@pytest.mark.parametrize("size", [1.0, 1e-4])
def test_the_maximum_of_a_linear_function_in_a_box(size):
    n = 200
    x, slope = RNG.standard_normal(n), size * RNG.standard_normal(n)
    found = maximize(around(np.zeros((n, n)), slope, x), box(x, 1e-3))
    gain = float(np.abs(slope) @ (1e-3 * (np.abs(x) + 1)))
    assert found.value - found.centre == pytest.approx(gain, rel=1e-9)
    # Each search reaches it by itself.
    assert all(value - found.centre == pytest.approx(gain, rel=1e-2) for value in found.by_method.values())


@pytest.mark.parametrize("size", [1.0, 1e-6])
def test_the_maximum_of_a_separable_quadratic_in_a_box(size):
    n = 300
    x, curvature = RNG.standard_normal(n), size * RNG.uniform(0.1, 1.0, n)
    within = box(x, 1e-3)
    # Around its minimum, where no gradient shows the way.
    found = maximize(around(np.diag(curvature)), within)
    gain = float(curvature @ within.scale**2) / 2
    assert found.value == pytest.approx(gain, rel=1e-12)
    assert found.by_method["lbfgsb"] == pytest.approx(gain, rel=1e-2)


def test_the_maximum_of_a_quadratic_of_nonnegative_entries_in_a_box():
    n = 200
    hessian = np.abs(semidefinite(n, n))
    within = box(RNG.standard_normal(n), 1e-3)
    found = maximize(around(hessian), within)
    assert found.value == pytest.approx(within.scale @ hessian @ within.scale / 2, rel=1e-9)


@pytest.mark.parametrize("case", range(24))
def test_the_maximum_of_any_convex_quadratic_in_a_box_is_a_corner(case):
    rng = np.random.default_rng(case)
    n = int(rng.integers(2, 15))
    factor = rng.standard_normal((int(rng.integers(1, n + 3)), n))
    hessian = factor.T @ factor
    slope = np.zeros(n) if case % 2 else 1e-3 * rng.standard_normal(n)
    within = box(rng.standard_normal(n), 1e-3)
    found = maximize(around(hessian, slope), within)
    assert found.value == pytest.approx(best_corner(hessian, slope, within.scale), rel=1e-2)


def test_sixteen_dimensions_by_their_65536_corners():
    hessian = semidefinite(16, 5)
    within = box(RNG.standard_normal(16), 5e-4)
    assert maximize(around(hessian), within).value == pytest.approx(
        best_corner(hessian, np.zeros(16), within.scale), rel=1e-2
    )


def test_a_maximum_inside_is_found_and_no_corner_is_taken_for_it():
    # Of -sum (y_i - c_i)^2 the maximum is 0, at c, which lies inside.
    n = 20
    inside = 1e-3 * RNG.uniform(-0.5, 0.5, n)
    loss = Objective(lambda y, c: -jnp.sum((y - c) ** 2), np.zeros(n), shared=(inside,))
    found = maximize(FlatLoss(loss, np.zeros(n)), box(np.zeros(n), 1e-3))
    assert found.method == "lbfgsb"
    assert found.value - found.centre == pytest.approx(inside @ inside, rel=1e-2)
    # In a ball, too.
    found = maximize(FlatLoss(loss, np.zeros(n)), ball(n, 2 * float(np.linalg.norm(inside))))
    assert found.value - found.centre == pytest.approx(inside @ inside, rel=1e-2)
    # Around the maximum itself nothing is larger.
    found = maximize(FlatLoss(loss, inside), box(inside, 1e-3))
    assert (found.method, found.value) == ("centre", found.centre)
    assert not found.displacement.any()
    assert all(value <= found.centre for value in found.by_method.values())


def ten_plain_iterations(hessian, slope, widths, start):
    """L-BFGS-B as SciPy runs it when nothing is scaled, and the best it ever saw."""
    seen = []

    def negative(y):
        value = float(slope @ y + y @ hessian @ y / 2)
        seen.append(value)
        return -value, -(slope + hessian @ y)

    bounds = list(zip(-widths, widths, strict=True))
    minimize(negative, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": 10})
    return max(seen)


def test_ten_plain_iterations_miss_what_the_scaled_ones_find():
    """Reference: the table of scalings in the notes on sharpness; a box has 1e-3, a flat loss small slopes."""
    n = 200
    x = RNG.standard_normal(n)
    within = box(x, 1e-3)
    start = within.scale * RNG.uniform(-0.1, 0.1, n)
    flat = np.diag(RNG.uniform(1e-3, 1e-2, n))
    true = float(np.diag(flat) @ within.scale**2) / 2
    # From the point itself, a minimum, they do not move at all.
    assert ten_plain_iterations(flat, np.zeros(n), within.scale, np.zeros(n)) == 0.0
    # From within the box, tolerances that suit larger problems end them at once.
    assert ten_plain_iterations(flat, np.zeros(n), within.scale, start) < 0.9 * true
    assert maximize(around(flat), within).by_method["lbfgsb"] > 0.99 * true
    slope = 1e-4 * RNG.standard_normal(n)
    true = float(np.abs(slope) @ within.scale)
    assert ten_plain_iterations(np.zeros((n, n)), slope, within.scale, start) < 0.9 * true
    assert maximize(around(np.zeros((n, n)), slope), within).by_method["lbfgsb"] > 0.99 * true


HESSIANS = {
    "convex": lambda n: semidefinite(n, n),
    "indefinite": lambda n: semidefinite(n, n) - semidefinite(n, n),
    "concave": lambda n: -semidefinite(n, n) - 0.1 * np.eye(n),
    "one direction": lambda n: 1e-2 * semidefinite(n, n) + semidefinite(n, 1),
}


@pytest.mark.parametrize("kind", HESSIANS)
@pytest.mark.parametrize("slope_size", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("n", [5, 200])
def test_the_maximum_of_a_quadratic_in_a_ball_solves_the_secular_equation(kind, slope_size, n):
    hessian = HESSIANS[kind](n)
    slope = slope_size * 0.05 * RNG.standard_normal(n) / np.sqrt(n)
    true = best_in_ball(hessian, slope, 0.05)
    found = maximize(around(hessian, slope), ball(n, 0.05))
    assert found.value == pytest.approx(true, rel=0.02, abs=1e-18)
    assert found.value <= true * (1 + 1e-9) + 1e-18


def test_the_maximum_in_an_ellipsoid_is_that_of_a_ball_of_the_scaled_problem():
    n = 40
    x, hessian, slope = RNG.standard_normal(n), semidefinite(n, n), 0.1 * RNG.standard_normal(n)
    scale = np.abs(x) + 0.01
    true = best_in_ball(hessian * np.outer(scale, scale), scale * slope, 0.5)
    found = maximize(around(hessian, slope), adaptive(x, 0.5, 0.01, "l2"))
    assert found.value == pytest.approx(true, rel=1e-2)


def test_nothing_in_the_set_is_larger_than_what_was_found():
    """A smooth loss with many hills; 20,000 random points of each set."""
    n = 6

    def hills(x):
        return jnp.sum(jnp.sin(3.0 * x)) + jnp.cos(x[0] * x[1]) - 0.1 * jnp.sum(x**2)

    x = RNG.standard_normal(n)
    loss = Objective(hills, x)
    for within in (box(x, 0.3), ball(n, 0.5), adaptive(x, 0.5, 0.01, "linf")):
        found = maximize(FlatLoss(loss, x), within)
        z = RNG.uniform(-1, 1, (20_000, n))
        z = np.array([within.project(row) for row in z])
        points = z * within.scale
        values = loss.values_along(x, list(np.eye(n)), points)
        assert found.value >= values.max()
        assert loss.value(x + found.displacement) == found.value


def test_the_whole_space_as_a_subspace_is_the_whole_space():
    n = 30
    x, hessian, slope = RNG.standard_normal(n), semidefinite(n, n), RNG.standard_normal(n)
    whole = maximize(around(hessian, slope, x), box(x, 1e-3))
    same = maximize(around(hessian, slope, x), subspace_box(x, 1e-3, np.eye(n)))
    assert same.value == pytest.approx(whole.value, rel=1e-12)
    assert same.evaluations == whole.evaluations


def test_all_evaluations_are_counted():
    calls = []

    class Counted(FlatLoss):
        def value_and_grad(self, displacement):
            calls.append(displacement)
            return super().value_and_grad(displacement)

    loss = Objective(lambda x: jnp.sum(x**2), np.ones(20))
    for within in (box(np.ones(20), 0.1), ball(20, 0.1)):
        calls.clear()
        assert maximize(Counted(loss, np.ones(20)), within).evaluations == len(calls)


def test_a_search_ends_where_the_loss_is_not_a_number_and_what_was_found_before_stands():
    # log(1 - x) is not a number from 1 on; the box reaches to 2.
    loss = Objective(lambda x: jnp.sum(-jnp.log(1.0 - x)), np.zeros(3))
    found = maximize(FlatLoss(loss, np.zeros(3)), PerturbationSet(np.full(3, 2.0), "linf"))
    assert found.not_finite > 0
    assert np.isfinite(found.value)
    assert found.value >= found.centre == 0.0
    assert found.one_step is None
    # Where it grows beyond all numbers, the maximum does.
    steep = Objective(lambda x: jnp.sum(jnp.exp(x)), np.zeros(3))
    assert maximize(FlatLoss(steep, np.zeros(3)), PerturbationSet(np.full(3, 1e4), "linf")).value == np.inf


def test_of_a_loss_that_is_no_number_at_the_point_nothing_is_searched():
    loss = Objective(lambda x: jnp.log(x[0]), np.array([-1.0]))
    found = maximize(FlatLoss(loss, np.array([-1.0])), box(np.array([-1.0]), 1e-3))
    assert np.isnan(found.value)
    assert (found.evaluations, found.not_finite, found.method, found.by_method) == (1, 1, "centre", {})


def test_a_loss_that_is_no_number_around_the_point_is_not_flat():
    # The root of -|x|^2 is 0 at the centre alone.
    loss = Objective(lambda x: jnp.sqrt(-(x @ x)), np.zeros(3))
    for within in (box(np.zeros(3), 1e-3), ball(3, 0.1)):
        found = maximize(FlatLoss(loss, np.zeros(3)), within)
        assert found.centre == 0.0
        assert np.isnan(found.value)
        assert set(found.by_method.values()) == {-np.inf}
    assert np.isnan(keskar_sharpness(loss, np.zeros(3)).value)
    assert np.isnan(sam_sharpness(loss, np.zeros(3)).value)


def test_a_loss_without_slope_has_no_larger_value():
    loss = Objective(lambda x: 3.0 + 0.0 * jnp.sum(x), np.ones(4))
    for within in (box(np.ones(4), 1e-3), ball(4, 0.1)):
        found = maximize(FlatLoss(loss, np.ones(4)), within)
        assert (found.value, found.method, found.one_step) == (3.0, "centre", None)


def test_the_searches_are_those_that_the_reference_asks_for():
    assert (searches.BOX_ITERATIONS, searches.APGD_STEPS, searches.ASCENT_STEPS) == (10, 20, 10)


def test_rounding_is_told_from_growth():
    def loss(x):
        return jnp.sum(x**2) + jnp.asarray(1000.0, x.dtype)

    x = RNG.standard_normal(50)
    double, single = (FlatLoss(Objective(loss, x.astype(dtype)), x) for dtype in (np.float64, np.float32))
    # Their last digits, at 1000, are 1e-13 and 6e-5.
    assert 1e-13 < double.noise_floor(double.value(np.zeros(50))) < 1e-11
    assert 6e-5 < single.noise_floor(single.value(np.zeros(50))) < 1e-2
