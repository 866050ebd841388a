"""BBOB's f21 and f22: Gallagher's Gaussian peaks, placed at random and unrelated to each other."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.bbob.instances import bbob, second_rotation
from optbench.problems.bbob.randomness import uniform
from optbench.problems.bbob.transforms import penalty, ramp, t_osz

#: Height of the best peak, and of the highest and lowest others.
_BEST, _HIGHEST, _LOWEST = 10.0, 9.1, 1.1
#: Largest ratio of a peak's sensitivities.
_CONDITION = 1000.0


def _heights(peaks: int) -> np.ndarray:
    """Returns the heights of the peaks, the best one first."""
    return np.concatenate([[_BEST], np.linspace(_LOWEST, _HIGHEST, peaks - 1)])


def _centers(seed: int, dim: int, peaks: int, half_width: float) -> np.ndarray:
    """Returns where the peaks stand, one a row; the best one in the middle 80 %."""
    centers = half_width * (2.0 * uniform(peaks * dim, seed).reshape(peaks, dim) - 1.0)
    centers[0] *= 0.8
    return centers


def _sensitivities(seed: int, dim: int, peaks: int, best_condition: float) -> np.ndarray:
    """Returns the curvature of each peak along the rotated axes, shape (peaks, dim)."""
    order = np.argsort(uniform(peaks - 1, seed), kind="stable")
    conditions = np.concatenate([[best_condition], _CONDITION ** (order / (peaks - 2))])
    axes = np.stack([np.argsort(uniform(dim, seed + 1000 * k), kind="stable") for k in range(peaks)])
    return np.asarray(conditions[:, None] ** (ramp(dim)[axes] - 0.5))


def _peaks(peaks: int, half_width: float, best_condition: float) -> Callable[[int, int], tuple[np.ndarray, ...]]:
    """Returns the rule of the data: minimizer, rotation, quadratic forms and logarithms of the peaks.

    Each exponent ``log(h_k/10) - q_k/(2 dim)`` is expanded about the best peak, ``tops_k - forms_k [y^2, y]`` with
    ``y = R (x - x_opt)``: one product of a matrix instead of a table of differences for each point. The best peak
    has no linear part, so that nothing cancels near the minimum.
    """

    def data(seed: int, dim: int) -> tuple[np.ndarray, ...]:
        rotation = second_rotation(seed, dim)
        centers = _centers(seed, dim, peaks, half_width)
        curvatures = _sensitivities(seed, dim, peaks, best_condition) / (2 * dim)
        y = (centers - centers[0]) @ rotation.T
        tops = np.log(_heights(peaks) / _BEST) - np.sum(curvatures * y * y, axis=1)
        return centers[0], rotation, np.concatenate([curvatures, -2.0 * curvatures * y], axis=1), tops

    return data


def _second(peaks: int, half_width: float, best_condition: float) -> Callable[[int, int], float | None]:
    """Returns the rule of the second minimum: the highest peak that no other one covers at its center.

    At such a center the peak's own gradient is 0, and it alone is the maximum nearby.
    """

    def second(seed: int, dim: int) -> float | None:
        centers = _centers(seed, dim, peaks, half_width) @ second_rotation(seed, dim).T
        curvatures = _sensitivities(seed, dim, peaks, best_condition) / (2 * dim)
        logs = np.log(_heights(peaks) / _BEST)
        apart = centers[:, None, :] - centers[None, :, :]
        there = logs[None, :] - np.einsum("abk,bk->ab", apart * apart, curvatures)
        np.fill_diagonal(there, -np.inf)
        free = np.flatnonzero(there[1:].max(axis=1) < logs[1:]) + 1
        if not free.size:
            return None
        depth = -_BEST * np.expm1(logs[free].max())
        t = 10.0 * math.log(depth)
        return float((depth * math.exp(0.049 * (math.sin(t) + math.sin(0.79 * t)))) ** 2)

    return second


def _gallagher(x: Array, x_opt: Array, rotation: Array, forms: Array, tops: Array) -> Array:
    """Returns ``T_osz(10 - max_k h_k exp(-q_k/(2 dim)))^2 + f_pen(x)``."""
    y = rotation @ (x - x_opt)
    exponents = tops - forms @ jnp.concatenate([y * y, y])
    # The highest peak is found among the exponents, so that 10 - 10 exp(e) keeps its digits near the minimum.
    depth = t_osz(-_BEST * jnp.expm1(jnp.max(exponents)))
    return depth * depth + penalty(x)


def _bbob_f21(x: Array, x_opt: Array, rotation: Array, forms: Array, tops: Array) -> Array:
    """Gallagher's 101 peaks.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, the center of the best peak, shape (dim,).
        rotation: R, shape (dim, dim).
        forms: Coefficients of y^2 and of y, ``y = R (x - x_opt)``, in the exponent of each peak, shape (101, 2 dim).
        tops: The exponents at x_opt, shape (101,).

    Returns:
        ``T_osz(10 - max_k h_k exp(-(x - y_k)' R' C_k R (x - y_k)/(2 dim)))^2 + f_pen(x)``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f21; Gallagher & Yuan, 2006, A general-purpose tunable landscape
        generator.
    """
    return _gallagher(x, x_opt, rotation, forms, tops)


_FORMULA = "T_osz(10 - max_k h_k exp(-(x - y_k)' R' C_k R (x - y_k)/(2 dim)))^2 + f_pen(x), k = 1 ... "
#: Number of peaks, half-width of the box in which they stand, condition of the best one.
_F21 = (101, 5.0, _CONDITION**0.5)

bbob_f21 = bbob(
    21,
    f=_bbob_f21,
    optimum=lambda seed, dim: _centers(seed, dim, 101, 5.0)[0],
    data=_peaks(*_F21),
    second=_second(*_F21),
    family="gallagher",
    tags=frozenset({"multimodal", "nonsmooth"}),
    formula=f"{_FORMULA}101",
    remarks="Gallagher's Gaussian 101-me peaks function: the best peak has condition 30; far from all peaks there is "
    "almost no slope.",
)


def _bbob_f22(x: Array, x_opt: Array, rotation: Array, forms: Array, tops: Array) -> Array:
    """Gallagher's 21 peaks, the best one ill-conditioned.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, the center of the best peak, shape (dim,).
        rotation: R, shape (dim, dim).
        forms: Coefficients of y^2 and of y, ``y = R (x - x_opt)``, in the exponent of each peak, shape (21, 2 dim).
        tops: The exponents at x_opt, shape (21,).

    Returns:
        ``T_osz(10 - max_k h_k exp(-(x - y_k)' R' C_k R (x - y_k)/(2 dim)))^2 + f_pen(x)``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f22.
    """
    return _gallagher(x, x_opt, rotation, forms, tops)


_F22 = (21, 4.9, _CONDITION)

bbob_f22 = bbob(
    22,
    f=_bbob_f22,
    optimum=lambda seed, dim: _centers(seed, dim, 21, 4.9)[0],
    data=_peaks(*_F22),
    second=_second(*_F22),
    family="gallagher",
    tags=frozenset({"multimodal", "nonsmooth"}),
    formula=f"{_FORMULA}21",
    remarks="Gallagher's Gaussian 21-hi peaks function: the best peak has condition 1000.",
)
