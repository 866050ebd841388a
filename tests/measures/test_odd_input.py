"""Odd arguments of the public functions: each is refused with one message that names it, and none gives a number."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest

import optbench as ob
from optbench.errors import OptbenchError, UsageError
from optbench.measures.checks import check_above_zero, check_whole

M = ob.measures
X = np.ones(3)
TERMS = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [1.0, 1.0, 1.0], [2.0, 2.0, 3.0]])
#: What is no number in range for any of the arguments below.
ODD = (math.nan, math.inf, "a", None, [1], True)


def bowl(w):
    return jnp.sum(w * w)


def line(w, term):
    return jnp.sum(w * term)


#: Functions of a loss and a point.
OF_A_LOSS = {
    "keskar_sharpness": M.keskar_sharpness,
    "sam_sharpness": M.sam_sharpness,
    "adaptive_sharpness": M.adaptive_sharpness,
    "average_sharpness": M.average_sharpness,
    "m_sharpness": lambda loss, point: M.m_sharpness([loss], point),
    "eigenvalues": M.eigenvalues,
    "preconditioned_eigenvalues": lambda loss, point: M.preconditioned_eigenvalues(loss, point, X),
    "trace": M.trace,
    "spectral_density": M.spectral_density,
    "fisher_rao_norm": M.fisher_rao_norm,
    "grad_norm": M.grad_norm,
    "loss_slice": lambda loss, point: M.loss_slice(loss, point, mode="unit", points=3),
    "interpolate": lambda loss, point: M.interpolate(loss, point, X, points=3),
    "Hessian": M.Hessian,
}


@pytest.mark.parametrize("take", OF_A_LOSS.values(), ids=OF_A_LOSS)
@pytest.mark.parametrize(
    ("loss", "point", "said"),
    [
        ("rosenbrock", X, "a loss is an optbench Objective or a function of a point in jax.numpy; got str"),
        (lambda w: w, X, r"a loss must return a scalar; it returns shape \(3,\)"),
        (lambda w: None, X, "a loss must return a scalar; it returns nothing"),
        (lambda w: np.sum(np.asarray(w)), X, "a loss must be written in jax.numpy"),
        (lambda w: bowl(w) if w[0] > 0 else 0.0, X, "a loss must be written in jax.numpy"),
        (bowl, np.zeros(0), "a point must have a number at least|structure and shapes of the point"),
        (bowl, {}, "must all be float64 or all float32; got none|structure and shapes of the point"),
        (bowl, np.array([1, 2, 3]), "a point is made of arrays of float64 or float32; got int64"),
        (bowl, np.array([1.0, math.nan, 1.0]), "a point must be finite"),
        (bowl, "abc", "a point is made of arrays of float64 or float32"),
    ],
)
def test_a_loss_and_a_point_that_are_none(take, loss, point, said):
    with pytest.raises(UsageError, match=said):
        take(loss, point)


def batches(rows):
    return M.as_objective(lambda w: jnp.mean(TERMS[rows] @ w), X)


ARGUMENTS = [
    ("eps", lambda odd: M.keskar_sharpness(bowl, X, eps=odd)),
    ("columns", lambda odd: M.keskar_sharpness(bowl, X, columns=odd)),
    ("rho", lambda odd: M.sam_sharpness(bowl, X, rho=odd)),
    ("eta", lambda odd: M.adaptive_sharpness(bowl, X, eta=odd)),
    ("pairs", lambda odd: M.average_sharpness(bowl, X, pairs=odd)),
    ("k", lambda odd: M.eigenvalues(bowl, X, k=odd)),
    ("which", lambda odd: M.eigenvalues(bowl, X, which=odd)),
    ("tol", lambda odd: M.eigenvalues(bowl, X, tol=odd)),
    ("max_hvps", lambda odd: M.eigenvalues(bowl, X, max_hvps=odd)),
    ("probes", lambda odd: M.trace(bowl, X, probes=odd)),
    ("method", lambda odd: M.trace(bowl, X, method=odd)),
    ("max_probes", lambda odd: M.trace(bowl, X, max_probes=odd)),
    ("steps", lambda odd: M.spectral_density(bowl, X, steps=odd)),
    ("points", lambda odd: M.loss_slice(bowl, X, mode="unit", points=odd)),
    ("radius", lambda odd: M.loss_slice(bowl, X, mode="unit", radius="1" if odd is True else odd)),
    ("dimensions", lambda odd: M.loss_slice(bowl, X, mode="unit", dimensions=odd)),
    ("directions", lambda odd: M.loss_slice(bowl, X, points=3, directions=3 if odd is None else odd)),
    ("mode", lambda odd: M.random_direction(X, mode=odd)),
    ("index", lambda odd: M.random_direction(X, mode="unit", index=odd)),
    ("points", lambda odd: M.interpolate(bowl, X, 2 * X, points=odd)),
    ("low", lambda odd: M.interpolate(bowl, X, 2 * X, low="0" if odd is True else odd)),
    ("high", lambda odd: M.interpolate(bowl, X, 2 * X, high="2" if odd is True else odd)),
    ("way", lambda odd: M.interpolate(bowl, X, 2 * X, way=odd)),
    ("accuracy", lambda odd: M.pac_bayes_flatness(odd, X)),
    ("draws", lambda odd: M.pac_bayes_flatness(lambda w: 1 - float(w @ w), 0 * X, draws=odd)),
    ("population", lambda odd: M.noise_scale(line, X, TERMS, population="4" if odd in (None, math.inf) else odd)),
    ("loss", lambda odd: M.noise_scale(odd, X, TERMS)),
    ("small", lambda odd: M.noise_scale_of_batches(batches, X, 4, small=2.5 if odd is True else odd, large=3)),
    ("losses", lambda odd: M.m_sharpness(bowl if odd == "a" or odd == [1] else odd, X)),
    ("limit", lambda odd: M.Hessian(bowl, X).dense(odd)),
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize(("name", "take"), ARGUMENTS, ids=[name for name, _ in ARGUMENTS])
def test_an_argument_that_is_none(name, take, odd):
    with pytest.raises(UsageError, match=name):
        take(odd)


SEEDED = [
    lambda seed: M.keskar_sharpness(bowl, X, seed=seed).value,
    lambda seed: M.sam_sharpness(bowl, X, seed=seed).value,
    lambda seed: M.average_sharpness(bowl, X, seed=seed).value,
    lambda seed: M.m_sharpness([bowl], X, seed=seed).value,
    lambda seed: M.eigenvalues(bowl, X, seed=seed).residuals[0],
    lambda seed: M.trace(bowl, X, seed=seed).estimate,
    lambda seed: M.spectral_density(bowl, X, seed=seed).mean,
    lambda seed: M.random_direction(X, mode="unit", seed=seed)[0],
    lambda seed: M.loss_slice(bowl, X, mode="unit", points=3, seed=seed).values[0, 0],
    lambda seed: M.pac_bayes_flatness(lambda w: 1 - float(np.mean(w * w)), np.zeros(50), seed=seed).value,
    lambda seed: M.noise_scale_of_batches(batches, X, 4, small=1, large=4, repeats=3, seed=seed).value,
]


@pytest.mark.parametrize("take", SEEDED)
def test_seeds_are_whole_numbers_of_any_kind(take):
    for seed in (-1, 1.5, math.nan, "a", None, True):
        with pytest.raises(UsageError, match="seed must be a whole number from 0 on"):
            take(seed)
    assert take(np.int64(3)) == take(3)


def test_numbers_of_numpy_are_numbers():
    for value in (np.float32(0.5), np.float64(0.5), np.int64(2), 2):
        check_above_zero("rho", value)
    check_whole("k", np.int32(2), 1)
    for value in (np.bool_(True), np.float64(np.nan), np.float32(np.inf), 10**400, 1j):
        with pytest.raises(UsageError, match="rho must be a number above 0"):
            check_above_zero("rho", value)
    for value in (np.bool_(True), np.float64(2.0), np.int64(0)):
        with pytest.raises(UsageError, match="k must be a whole number from 1 on"):
            check_whole("k", value, 1)


def test_points_that_are_not_alike_have_no_distance_and_no_plane():
    for other in (np.zeros(1), np.zeros(2), {"w": X}, [X]):
        with pytest.raises(UsageError, match="same structure and shapes"):
            M.distance(X, other)
        with pytest.raises(UsageError, match="same structure and shapes"):
            M.principal_plane([X, 2 * X, other])
    with pytest.raises(UsageError, match="a point must be finite"):
        M.principal_plane([X, X * math.nan, 2 * X])
    with pytest.raises(OptbenchError, match="points of one number have no plane"):
        M.principal_plane([np.array([1.0]), np.array([2.0]), np.array([4.0])])


def test_a_loss_of_a_term_is_a_scalar():
    with pytest.raises(UsageError, match=r"the loss of a term must be a scalar; it has shape \(3,\)"):
        M.noise_scale(lambda w, term: w * term, X, TERMS)


def test_products_take_vectors_as_long_as_a_point():
    for vector in (np.ones(2), np.ones((1, 3)), np.ones(())):
        with pytest.raises(UsageError, match=r"takes shape \(3,\); got"):
            M.Hessian(bowl, X).matvec(vector)
    for vectors in (np.ones(3), np.ones((2, 2)), np.ones((0, 3))):
        with pytest.raises(UsageError, match=r"takes shape \(k, 3\); got"):
            M.Hessian(bowl, X).products(vectors)
