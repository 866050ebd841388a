"""Quadratic losses and the exact maxima that they have in boxes and balls: what searches are compared with."""

import itertools

import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from optbench.core.loss import Loss
from optbench.core.objective import Objective
from optbench.measures.flat import FlatLoss


def _value(x, hessian, slope, value):
    return value + slope @ x + (x @ (hessian @ x)) / jnp.asarray(2.0, x.dtype)


#: One loss for all, so that each number of dimensions is compiled once.
_QUADRATIC = Loss(_value)


def symmetric(eigenvalues, seed=0):
    """A symmetric matrix with these eigenvalues and random eigenvectors."""
    n = len(eigenvalues)
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    return (basis * np.asarray(eigenvalues, np.float64)) @ basis.T


def quadratic(hessian, slope=None, value=0.0, dtype=np.float64):
    """The loss ``value + slope'x + x'Hx / 2`` of a vector."""
    slope = np.zeros(len(hessian)) if slope is None else slope
    return Objective(_QUADRATIC, np.zeros(len(hessian), dtype), shared=(hessian, slope, np.float64(value)))


def around(hessian, slope=None, x=None, value=0.0):
    """The same around a point."""
    return FlatLoss(quadratic(hessian, slope, value), np.zeros(len(hessian)) if x is None else x)


def best_corner(hessian, slope, widths):
    """The largest value at a corner of the box ``|y_i| <= widths_i``: of a convex function its maximum."""
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=len(widths)))) * widths
    return float((corners @ slope + ((corners @ hessian) * corners).sum(axis=1) / 2).max())


def best_in_ball(hessian, slope, rho):
    """The largest value in a ball: the trust-region problem, by its secular equation ``||(mu - H)^-1 g|| = rho``."""
    values, vectors = np.linalg.eigh(hessian)
    g = vectors.T @ slope
    if not g.any():
        return float(max(0.0, values[-1]) * rho**2 / 2)

    def excess(mu):
        return float(np.sum((g / (mu - values)) ** 2)) - rho**2

    if values[-1] < 0 and excess(0.0) <= 0:
        y = -g / values
    else:
        low = max(values[-1], 0.0)
        high = low + np.linalg.norm(g) / rho + 1.0
        y = g / (brentq(excess, low + 1e-12 * max(1.0, low), high, xtol=1e-15, rtol=1e-15) - values)
    return float(g @ y + (values * y * y).sum() / 2)
