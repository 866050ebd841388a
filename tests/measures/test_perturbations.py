import numpy as np
import pytest
from scipy.stats import kstest

from optbench.errors import UsageError
from optbench.measures.measure import NotApplicable
from optbench.measures.perturbations import (
    INTERIOR,
    PerturbationSet,
    adaptive,
    ball,
    box,
    random_basis,
    subspace_box,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal(7)


def sets():
    basis = RNG.standard_normal((7, 3))
    yield "box", box(X, 1e-3), lambda e: np.all(np.abs(e) <= 1e-3 * (np.abs(X) + 1) * (1 + 1e-12))
    yield "ball", ball(7, 0.05), lambda e: np.linalg.norm(e) <= 0.05 * (1 + 1e-12)
    yield "asam", adaptive(X, 0.5, 0.01, "l2"), lambda e: np.linalg.norm(e / (np.abs(X) + 0.01)) <= 0.5 * (1 + 1e-12)
    yield "asam, inf", adaptive(X, 0.5, 0.0, "linf"), lambda e: np.all(np.abs(e / X) <= 0.5 * (1 + 1e-12))
    inverse = np.linalg.pinv(basis)
    widths = 1e-3 * (np.abs(inverse @ X) + 1)
    yield (
        "subspace",
        subspace_box(X, 1e-3, basis),
        lambda e: np.all(np.abs(inverse @ e) <= widths * (1 + 1e-9)) and np.allclose(basis @ (inverse @ e), e),
    )


@pytest.mark.parametrize(("within", "holds"), [(w, h) for _, w, h in sets()], ids=[name for name, _, _ in sets()])
def test_sets_hold_their_points_and_none_is_better_for_a_linear_function(within, holds):
    for index in range(50):
        grad = RNG.standard_normal(7)
        z = within.project(3 * RNG.standard_normal(len(within.scale)))
        best = within.farthest(within.slope(grad))
        assert holds(within.displacement(z))
        assert holds(within.displacement(best))
        assert grad @ within.displacement(z) <= grad @ within.displacement(best) * (1 + 1e-12)
        # The best point lies on the border: nothing larger is in the set.
        assert not holds(1.001 * within.displacement(best))
        # A point of the set stays where it is.
        assert np.allclose(within.project(z), z, rtol=1e-15)
        start = within.start(3, index)
        order = 2 if within.norm == "l2" else np.inf
        assert 0 < np.linalg.norm(start, order) <= INTERIOR


def test_the_slope_is_the_gradient_in_unit_coordinates():
    for _, within, _ in sets():
        grad, z = RNG.standard_normal(7), RNG.standard_normal(len(within.scale))
        assert within.slope(grad) @ z == pytest.approx(grad @ within.displacement(z), rel=1e-12)


def test_projection_is_the_nearest_point():
    for norm in ("l2", "linf"):
        within = PerturbationSet(np.ones(4), norm)
        far = 2 * RNG.standard_normal(4)
        nearest = within.project(far)
        for _ in range(200):
            other = within.project(RNG.standard_normal(4))
            assert np.linalg.norm(far - nearest) <= np.linalg.norm(far - other) + 1e-12


def test_slopes_of_any_size_have_a_farthest_point_and_none_has_the_centre():
    for scale in (1e-200, 1e200):
        found = ball(3, 1.0).farthest(scale * np.array([3.0, 0.0, 4.0]))
        assert np.allclose(found, [0.6, 0.0, 0.8], rtol=1e-15)
    assert not ball(3, 1.0).farthest(np.zeros(3)).any()
    assert not box(np.zeros(3), 1.0).farthest(np.zeros(3)).any()


def test_starts_follow_from_their_seed_and_number():
    within = box(X, 1e-3)
    assert np.array_equal(within.start(1, 0), within.start(1, 0))
    assert not np.array_equal(within.start(1, 0), within.start(1, 1))
    assert not np.array_equal(within.start(1, 0), within.start(2, 0))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_starts_are_uniform_in_a_tenth_of_the_set(norm):
    """The share of the volume within a start is uniform, and so is each coordinate's sign."""
    within = PerturbationSet(np.ones(5), norm)
    starts = np.array([within.start(0, index) for index in range(1000)]) / 0.1
    lengths = np.linalg.norm(starts, ord=2 if norm == "l2" else np.inf, axis=1)
    assert kstest(lengths**5, "uniform").pvalue > 0.01
    assert np.abs(np.sign(starts).mean(axis=0)).max() < 4 / np.sqrt(1000)


def test_random_directions_are_normal_or_of_length_1():
    normal, unit = (random_basis(4000, 5, columns, 0) for columns in ("normal", "unit"))
    assert np.allclose(np.linalg.norm(unit, axis=0), 1.0, rtol=1e-12)
    assert np.allclose(normal / np.linalg.norm(normal, axis=0), unit)
    # Standard errors of the variance of 20,000 draws: 0.01.
    assert abs(normal.var() - 1) < 0.03


def test_widths_of_a_subspace_are_those_of_the_pseudo_inverse():
    basis = random_basis(30, 6, "normal", 1)
    x = RNG.standard_normal(30)
    assert np.allclose(subspace_box(x, 0.1, basis).scale, 0.1 * (np.abs(np.linalg.pinv(basis) @ x) + 1), rtol=1e-12)


def test_what_cannot_be_a_subspace_says_so():
    with pytest.raises(NotApplicable, match="a subspace of 8 dimensions does not fit into a space of 7"):
        random_basis(7, 8, "normal", 0)
    with pytest.raises(UsageError, match="subspace: must have at least one dimension; got 0"):
        random_basis(7, 0, "normal", 0)
    with pytest.raises(UsageError, match="unknown scaling of columns 'units'; did you mean 'unit'"):
        random_basis(7, 2, "units", 0)
    with pytest.raises(UsageError, match="finite array of 7 rows and 1 to 7 columns; got shape \\(6, 2\\)"):
        subspace_box(X, 1e-3, np.ones((6, 2)))
    with pytest.raises(UsageError, match="linearly dependent"):
        subspace_box(X, 1e-3, np.ones((7, 2)))
