"""Finite sums: terms, minima and noise against independent computations."""

from __future__ import annotations

import hashlib
import math
from functools import cache

import jax
import numpy as np
import pytest
from mpmath import mp, mpf

from optbench import catalog
from optbench.problems.finite_sums import deep_linear, design, matrix_factorization, minimum
from optbench.problems.finite_sums.batches import index_stream
from optbench.problems.finite_sums.digits import images
from optbench.problems.problem import Problem

from .shelf import by_name

SUMS = [entry.name for entry in catalog.PROBLEMS if entry.group == "finite sums"]
WELLS = [name for name in SUMS if not by_name(name).own_instances]
REGRESSIONS = ["least_squares", "robust_regression", "logistic_regression", "digits_logistic", "digits_softmax"]


def case(name, dim, *more, slow=False):
    """Returns a case; one dimension of each sum is checked at once, the others take longer."""
    slow = slow or not (dim == 10 or (dim, name) == (65, "digits_logistic"))
    return pytest.param(name, dim, *more, marks=pytest.mark.slow if slow else ())


#: (name, dim, instance) at which everything is checked.
_ALL = [
    (name, dim, instance)
    for name in SUMS
    for dim, instance in ((2, 2), (10, 1), (40, 1), (65, 1), (650, 1))
    if by_name(name).dims.allows(dim) and (dim <= 40 or name.startswith("digits"))
]
CASES = [case(*which) for which in _ALL]
SMALL = [case(*which[:2]) for which in _ALL if which[1] <= 10 or which[0] == "digits_logistic"]


@cache
def posed(name, dim, instance=1):
    return Problem(by_name(name), dim, instance)


def operands(problem):
    return (*problem.theta, *problem.data)


def inward(problem, x):
    """Maps a point of the problem to its landscape's frame."""
    return x - problem.frame().shift


def point(problem, k=0):
    return inward(problem, problem.starts(0, "report", k)[0])


@cache
def compiled(name):
    """Returns values with gradients of the sum and of batches, compiled once for all tests."""
    return tuple(jax.jit(jax.value_and_grad(f)) for f in (by_name(name).f, by_name(name).batch))


def own_value(name, x, data, theta):
    """Returns all terms' values from the formula in NumPy, regularizer included."""
    if name == "least_squares":
        rows, targets = data
        return 0.5 * (rows @ x - targets) ** 2
    if name == "robust_regression":
        rows, targets, shift = data
        r, wide = rows @ (x - shift) - targets, theta[2] ** 2
        return 0.5 * wide * r**2 / (wide + r**2)
    if name == "logistic_regression":
        signed, shift = data
        w = x - shift
        return np.log1p(np.exp(-signed @ w)) + 0.5 * theta[1] * (w @ w) / len(w)
    if name == "digits_logistic":
        pixels, labels = images()
        w = x - data[1]
        return np.log(1 + np.exp(-(2.0 * (labels % 2) - 1.0) * (pixels @ w))) + 0.5 * theta[0] * (w @ w)
    if name == "digits_softmax":
        pixels, labels = images()
        w = x - data[2]
        scores = np.exp(pixels @ w.reshape(10, 65).T)
        chosen = scores[np.arange(1797), labels] / scores.sum(axis=1)
        return -np.log(chosen) + 0.5 * theta[0] * (w @ w)
    if name == "matrix_factorization":
        n, rank = matrix_factorization.shape(len(x))
        left, right = x[: n * rank].reshape(n, rank), x[n * rank :].reshape(n, rank)
        return np.array([(left[i] @ right[j] - data[0][i, j]) ** 2 for i in range(n) for j in range(n)])
    if name == "deep_linear":
        p, h = deep_linear.shape(len(x))
        one, two, three = np.split(x, [h * p, h * p + h * h])
        network = three.reshape(h, h) @ two.reshape(h, h) @ one.reshape(h, p) / (h * math.sqrt(p))
        return 0.5 * np.array([np.sum((network @ z - y) ** 2) for z, y in zip(*data, strict=True)])
    slopes = data[0]
    forms = slopes @ x
    if len(data) == 2:
        forms = forms + 0.5 * np.array([x @ b @ x for b in data[1]])
    if name.startswith("one_well"):
        return 0.5 * theta[0] * np.sum((x + 2 * np.eye(len(x))[0]) ** 2) + forms
    ratio, curvature, sharp, flat = theta[:4]
    a = 0.5 * ratio * curvature * np.sum((x + 2 * np.eye(len(x))[0]) ** 2) - sharp
    b = 0.5 * curvature * np.sum((x - 2 * np.eye(len(x))[0]) ** 2) - flat
    return -0.1 * np.logaddexp(-a / 0.1, -b / 0.1) + forms


def test_the_shelf_is_complete():
    assert set(SUMS) >= {*REGRESSIONS, "matrix_factorization", "deep_linear", "two_wells_sum", "one_well"}
    for name in SUMS:
        landscape = by_name(name)
        assert landscape.batch is not None
        assert landscape.n_terms is not None
        assert landscape.f.__name__ == f"_{name}"
        assert all(section in landscape.f.__doc__ for section in ("Args:", "Returns:", "References:"))
        assert landscape.own_instances or by_name(name).family in ("two_wells", "one_well")


@pytest.mark.parametrize(("name", "dim", "instance"), CASES)
def test_values_equal_the_formula_in_numpy(name, dim, instance):
    problem = posed(name, dim, instance)
    n = problem.landscape.n_terms(dim)
    rng = np.random.default_rng(dim)
    f, batch = compiled(name)
    for k in range(3):
        x = point(problem, k)
        terms = own_value(name, x, problem.data, problem.theta)
        assert len(terms) == n
        assert float(f(x, *operands(problem))[0]) == pytest.approx(math.fsum(terms) / n, rel=1e-12, abs=1e-12)
        some = rng.integers(n, size=5).astype(np.int32)
        assert float(batch(x, some, *operands(problem))[0]) == pytest.approx(terms[some].mean(), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize(("name", "dim", "instance"), CASES)
def test_the_batch_of_all_terms_is_the_function(name, dim, instance):
    problem = posed(name, dim, instance)
    x, everything = point(problem), np.arange(problem.landscape.n_terms(dim), dtype=np.int32)
    f, batch = compiled(name)
    value, grad = f(x, *operands(problem))
    same, close = batch(x, everything, *operands(problem))
    assert float(same) == pytest.approx(float(value), rel=1e-14)
    assert np.abs(np.asarray(close - grad)).max() <= 1e-13 * np.abs(np.asarray(grad)).max()


@pytest.mark.parametrize(
    ("name", "dim"),
    [case(*which.values, slow="well" in which.values[0]) for which in SMALL if which.values[0] != "digits_logistic"],
)
def test_an_epochs_batch_gradients_average_to_the_gradient(name, dim):
    problem = posed(name, dim)
    x, n = point(problem), problem.landscape.n_terms(dim)
    full = np.asarray(compiled(name)[0](x, *operands(problem))[1])
    batches = [b for b in (1, 5, 32) if b < n and n % b == 0]
    assert batches or n == 1
    for b in batches:
        epoch = index_stream(4, problem.label, n, b, n // b)
        one = jax.grad(problem.landscape.batch)
        grads = jax.jit(jax.vmap(lambda i, one=one: one(x, i, *operands(problem))))(epoch)
        assert np.abs(np.asarray(grads).mean(axis=0) - full).max() <= 1e-12 * max(1.0, np.abs(full).max())


@pytest.mark.parametrize(("name", "dim"), SMALL)
def test_gradients_equal_central_differences(name, dim):
    problem = posed(name, dim)
    last = problem.landscape.n_terms(dim) - 1
    some = np.array([0, last, last // 2, last, last // 3], np.int32)
    sum_of_all, batch = compiled(name)
    functions = (
        lambda x: sum_of_all(x, *operands(problem)),
        lambda x: batch(x, some, *operands(problem)),
    )
    for both in functions:
        x = point(problem, 1)
        grad = np.asarray(both(x)[1])
        step = 1e-5
        axes = np.eye(dim)[: min(dim, 6)]
        rough = np.array([(float(both(x + step * e)[0]) - float(both(x - step * e)[0])) / (2 * step) for e in axes])
        assert np.abs(rough - grad[: len(axes)]).max() <= 1e-6 * np.abs(grad).max() + 1e-8


@pytest.mark.parametrize(("name", "dim", "instance"), CASES)
def test_the_gradient_vanishes_at_the_minimum(name, dim, instance):
    problem = posed(name, dim, instance)
    for x in problem.x_star:
        value, grad = problem.value_and_grad(x)
        assert np.linalg.norm(grad) <= 1e-12
        assert value == pytest.approx(problem.f_star, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize(("name", "dim", "instance"), CASES)
def test_minimizers_stand_in_the_middle_off_center(name, dim, instance):
    problem = posed(name, dim, instance)
    width = problem.bounds[:, 1] - problem.bounds[:, 0]
    placed = np.abs(problem.x_star - problem.center) / width
    assert np.all(placed <= 0.4 + 1e-12)
    assert np.all(placed.max(axis=1) >= 0.05)
    if name in REGRESSIONS:
        assert np.all(np.diff(np.sort(problem.x_star, axis=1), axis=1) >= 0.1 / dim**2 * width.mean() * (1 - 1e-9))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("least_squares", {"condition": 1e6, "noise": 3.0}),
        ("least_squares", {"noise": 0.0}),
        ("robust_regression", {"condition": 1e3, "outliers": 0.4}),
        ("logistic_regression", {"condition": 1e4, "l2": 1e-4}),
        pytest.param("digits_logistic", {"l2": 1e-4}, marks=pytest.mark.slow),
        ("matrix_factorization", {"noise": 0.0}),
        ("matrix_factorization", {"noise": 1.0}),
        ("deep_linear", {"noise": 2.0}),
        ("two_wells_sum", {"noise": 30.0, "ratio": 100.0, "flat_depth": 0.5}),
    ],
)
def test_minima_hold_at_the_ends_of_the_parameters(name, parameters):
    dim = 65 if name == "digits_logistic" else 10
    problem = Problem(by_name(name), dim, 3, parameters=parameters)
    for x in problem.x_star:
        value, grad = problem.value_and_grad(x)
        assert np.linalg.norm(grad) <= 1e-12
        assert value == pytest.approx(problem.f_star, rel=1e-13, abs=1e-14)
    width = problem.bounds[:, 1] - problem.bounds[:, 0]
    assert name == "deep_linear" or np.all(np.abs(problem.x_star - problem.center) <= 0.4 * width + 1e-12)


@pytest.mark.parametrize("name", WELLS)
@pytest.mark.parametrize(("dim", "instance"), [(1, 0), (2, 1), (10, 2), (32, 3)])
def test_the_noise_of_the_wells_sums_to_exactly_nothing(name, dim, instance):
    rng = np.random.default_rng(0)
    for part in posed(name, dim, instance).data:
        assert part.shape[0] == 64
        assert len(np.unique(part.reshape(64, -1), axis=0)) == 64
        assert not part.sum(axis=0).any()
        assert not part[rng.permutation(64)].sum(axis=0).any()
        assert all(math.fsum(column) == 0.0 for column in part.reshape(64, -1).T.tolist())
        if part.ndim == 3:
            assert np.array_equal(part, part.transpose(0, 2, 1))


@pytest.mark.parametrize(("name", "plain"), [("two_wells_sum", "two_wells"), ("two_wells_isotropic", "two_wells")])
@pytest.mark.parametrize("dim", [2, 10])
def test_two_wells_keep_their_shape(name, plain, dim):
    theta = {"ratio": 100.0, "flat_depth": 0.5}
    ours, known = (Problem(by_name(n), dim, parameters=theta) for n in (name, plain))
    for k in range(5):
        x = known.starts(0, "report", k)[0]
        assert ours.f(x) == known.f(x)
        assert np.array_equal(ours.value_and_grad(x)[1], known.value_and_grad(x)[1])
    assert np.array_equal(ours.x_star, known.x_star)
    assert (ours.f_star, ours.f_second) == (known.f_star, known.f_second) == (-1.0, -0.5)
    assert ours.family == known.family


@pytest.mark.parametrize("dim", [pytest.param(2, marks=pytest.mark.slow), 10])
def test_the_isotropic_control_has_the_trace_at_the_sharp_minimum_and_no_direction(dim):
    theta = {"noise": 1.5, "curvature_noise": 0.8}
    real, control = (Problem(by_name(n), dim, 2, parameters=theta) for n in ("two_wells_sum", "two_wells_isotropic"))
    sharp, flat = -2.0 * np.eye(dim)[0], 2.0 * np.eye(dim)[0]

    def covariance(problem, x):
        one = jax.grad(problem.landscape.batch)
        terms = jax.vmap(lambda i: one(x, i[None], *operands(problem)))(np.arange(64, dtype=np.int32))
        return np.cov(np.asarray(terms).T, bias=True)

    there = covariance(control, sharp)
    assert np.trace(there) == pytest.approx(np.trace(covariance(real, sharp)), rel=1e-8)
    assert np.allclose(there, np.trace(there) / dim * np.eye(dim), rtol=0, atol=1e-7)
    assert np.allclose(covariance(control, flat), there, rtol=0, atol=1e-12)
    real_there = covariance(real, sharp)
    assert not np.allclose(real_there, np.trace(real_there) / dim * np.eye(dim), rtol=0, atol=0.05)
    single = [Problem(by_name(n), dim, 2, parameters=theta) for n in ("one_well", "one_well_isotropic")]
    assert np.allclose(covariance(single[0], sharp), real_there, rtol=1e-9, atol=1e-9)
    assert np.allclose(covariance(single[1], sharp), there, rtol=1e-9, atol=1e-9)


def test_the_size_of_the_noise_is_what_the_parameters_say():
    squares, quadratic = [], []
    for instance in range(200):
        slopes, curvatures = by_name("two_wells_sum").data(5, instance, 10.0, 1.0, 1.0, 1.0, 2.0, 0.5)
        squares.append(np.mean(np.sum(slopes**2, axis=1)))
        quadratic.append(np.mean(np.sum(curvatures[:, :, 0] ** 2, axis=1)))
    assert np.mean(squares) == pytest.approx(4.0, rel=0.03)
    assert np.mean(quadratic) == pytest.approx(0.25, rel=0.03)


@pytest.mark.parametrize("curvature", [1.0, 100.0])
def test_one_well_is_a_single_quadratic(curvature):
    problem = Problem(by_name("one_well"), 3, parameters={"curvature": curvature})
    for x in (np.zeros(3), np.array([1.0, -2.0, 0.5])):
        grad = curvature * (x + 2.0 * np.eye(3)[0])
        assert np.allclose(problem.value_and_grad(x)[1], grad, rtol=1e-14)
    assert problem.x_star.tolist() == [[-2.0, 0.0, 0.0]]
    assert problem.f_star == 0.0


def test_instances_differ_and_come_from_their_names():
    for name in sorted(set(SUMS) - {"digits_softmax"}):
        dim = by_name(name).dims.default
        first, second = posed(name, dim, 1), posed(name, dim, 2)
        assert any(not np.array_equal(a, b) for a, b in zip(first.data, second.data, strict=True))
        assert first.frame().offset != second.frame().offset
        again = Problem(by_name(name), dim, 1)
        assert all(np.array_equal(a, b) for a, b in zip(first.data, again.data, strict=True))
        if name in (*REGRESSIONS, "matrix_factorization", "deep_linear"):
            assert 0.5 <= abs(first.frame().offset) < 2.0
            assert (128 * first.frame().offset).is_integer()


def test_digits_are_those_of_scikit_learn():
    pixels, labels = images()
    assert pixels.shape == (1797, 65)
    assert np.all(pixels[:, 64] == 1.0)
    raw = (16.0 * pixels[:, :64]).astype(np.uint8).tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(raw).hexdigest() == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


@pytest.mark.parametrize("name", ["least_squares", "matrix_factorization", "deep_linear", "two_wells_sum"])
def test_constants_are_sensible(name):
    problem = posed(name, 2 if by_name(name).dims.allows(2) else 3)
    assert 0.05 < problem.f_scale < 100.0
    assert problem.f_star < problem.f_solved <= problem.f_star + 1.0000001e-6 * problem.f_scale
    gaps = [problem.f(problem.starts(1, "report", k)[0]) - problem.f_star for k in range(200)]
    assert min(gaps) > 0
    assert np.median(gaps) == pytest.approx(problem.f_scale, rel=0.5)


def test_compensated_products_keep_what_plain_ones_lose():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((20, 9)) * 10.0 ** rng.integers(-8, 9, (20, 9))
    x = rng.standard_normal(9)
    start = -(rows @ x)
    with mp.workdps(60):
        for row, begin, ours in zip(rows.tolist(), start.tolist(), minimum.dots(rows, x, start), strict=True):
            exact = sum((mpf(a) * mpf(b) for a, b in zip(row, x.tolist(), strict=True)), mpf(begin))
            assert abs(mpf(float(ours)) - exact) <= mpf(2) ** -52 * abs(exact) + mpf(10) ** -22


def test_newton_says_when_there_is_no_minimum():
    with pytest.raises(Exception, match="no minimum"):
        minimum.newton(lambda x: float(x[0]), lambda x: np.ones(1), lambda x: np.eye(1), np.zeros(1))


def test_newton_ends_where_the_gradient_is_exactly_0():
    x = minimum.newton(lambda x: float(x @ x), lambda x: 2.0 * x, lambda x: 2.0 * np.eye(1), np.ones(1))
    assert x.tolist() == [0.0]


def test_newton_halves_steps_that_overshoot():
    # sqrt(1 + x^2): the whole Newton step is -x^3 from x, so it diverges from 2.
    x = minimum.newton(
        lambda x: float(np.sqrt(1 + x[0] ** 2)),
        lambda x: x / np.sqrt(1 + x**2),
        lambda x: np.array([[(1 + x[0] ** 2) ** -1.5]]),
        np.array([2.0]),
    )
    assert abs(x[0]) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["least_squares", "robust_regression", "logistic_regression", "deep_linear"])
def test_a_thousand_dimensions(name):
    problem = Problem(by_name(name), 1000)
    value, grad = problem.value_and_grad(problem.x_star[0])
    assert np.linalg.norm(grad) <= 1e-12
    assert value == pytest.approx(problem.f_star, rel=1e-14)
    assert problem.landscape.n_terms(1000) >= len(problem.data[0])


def test_the_number_of_terms_is_a_power_of_two_above_four_times_the_unknowns():
    for dim in (2, 10, 64, 65, 300, 1000):
        n = design.n_terms(dim)
        assert n >= max(256, 4 * dim)
        assert n & (n - 1) == 0
