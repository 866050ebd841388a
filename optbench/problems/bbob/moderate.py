"""BBOB's second group, f6 to f9: low or moderate conditioning."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.bbob.instances import bbob, between, first_rotation, place, second_rotation
from optbench.problems.bbob.transforms import magnitude, penalty, power, ramp, rosenbrock_terms, t_osz
from optbench.problems.valleys import rosenbrock


def _bbob_f06(x: Array, x_opt: Array, matrix: Array) -> Array:
    """Attractive sector: one of 2^dim sectors is flat, and all others are 10^4 times as steep.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        matrix: ``R Lambda^10 Q``, shape (dim, dim).

    Returns:
        ``T_osz(sum (s_i z_i)^2)^0.9``, ``z = matrix (x - x_opt)``, with s_i = 100 where z_i and x_opt_i have the
        same sign, else 1.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f6; the sign rule is COCO's.
    """
    z = matrix @ (x - x_opt)
    y = jnp.where(z * x_opt > 0.0, 100.0, 1.0) * z
    return power(t_osz(jnp.sum(y * y)), 0.9)


bbob_f06 = bbob(
    6,
    f=_bbob_f06,
    data=lambda seed, dim: (place(seed, dim), between(seed, dim, 10.0)),
    family="attractive_sector",
    tags=frozenset(),
    formula="T_osz(sum_i (s_i z_i)^2)^0.9, z = R Lambda^10 Q (x - x_opt), s_i = 100 where z_i x_opt_i > 0, else 1",
    remarks="Attractive sector function: highly asymmetric around the minimum.",
)


def _bbob_f07(x: Array, x_opt: Array, inner: Array, outer: Array) -> Array:
    """Step ellipsoid: an ellipsoid of terraces.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        inner: ``Lambda^10 Q``, shape (dim, dim).
        outer: ``Lambda^100 R``, shape (dim, dim).

    Returns:
        ``0.1 max(|y_1|/10^4, |outer z|^2) + f_pen(x)``, ``y = inner (x - x_opt)``, z is y rounded to integers
        where ``|y_i| > 0.5`` and to tenths elsewhere. The gradient is that on the terrace.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f7; R and Q change places in COCO.
    """
    y = inner @ (x - x_opt)
    z = jnp.where(jnp.abs(y) > 0.5, jnp.floor(y + 0.5), jnp.floor(10.0 * y + 0.5) / 10.0)
    long = outer @ z
    return 0.1 * jnp.maximum(magnitude(y[0]) / 1e4, jnp.sum(long * long)) + penalty(x)


def _data_f07(seed: int, dim: int) -> tuple[np.ndarray, ...]:
    """Returns the optimum and the two matrices."""
    inner = 10.0 ** (0.5 * ramp(dim))[:, None] * second_rotation(seed, dim)
    outer = 10.0 ** ramp(dim)[:, None] * first_rotation(seed, dim)
    return place(seed, dim), inner, outer


bbob_f07 = bbob(
    7,
    f=_bbob_f07,
    data=_data_f07,
    family="step_ellipsoid",
    tags=frozenset({"plate", "nonsmooth"}),
    formula="0.1 max(|y_1|/10^4, sum_i 100^((i-1)/(dim-1)) (R z)_i^2) + f_pen(x), z = y in steps, "
    "y = Lambda^10 Q (x - x_opt)",
    remarks="Step ellipsoidal function: almost everywhere the gradient is 0 or 1e-5 long. On the innermost terrace all "
    "points with y_1 = 0 are minimizers; the one named is COCO's.",
)


def _growth(dim: int) -> float:
    """Returns the factor by which the valleys of f8, f9 and f19 shrink in high dimension."""
    return float(max(1.0, dim**0.5 / 8.0))


def _place_f08(seed: int, dim: int) -> np.ndarray:
    """Returns the optimum, in [-3, 3]^dim."""
    return 0.75 * place(seed, dim)


def _bbob_f08(x: Array, x_opt: Array) -> Array:
    """Rosenbrock's function.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).

    Returns:
        ``sum 100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2``, ``z = max(1, sqrt(dim)/8) (x - x_opt) + 1``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f8.
    """
    return jnp.sum(rosenbrock_terms(_growth(x.shape[0]) * (x - x_opt)))


bbob_f08 = bbob(
    8,
    f=_bbob_f08,
    optimum=_place_f08,
    data=lambda seed, dim: (_place_f08(seed, dim),),
    second=lambda seed, dim: rosenbrock.f_second(dim),
    family="rosenbrock",
    tags=frozenset({"valley"}),
    formula="sum_i 100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2, z = max(1, sqrt(dim)/8) (x - x_opt) + 1",
    remarks="Rosenbrock function, original: a second minimum from dimension 4 on.",
)


def turned_valley(seed: int, dim: int) -> np.ndarray:
    """Returns the matrix ``max(1, sqrt(dim)/8) Q`` that turns the valleys of f9 and f19."""
    return _growth(dim) * second_rotation(seed, dim)


def turned_valley_place(seed: int, dim: int) -> np.ndarray:
    """Returns the optimum of f9 and f19, where the matrix times it is 0.5 in every coordinate."""
    return np.asarray(second_rotation(seed, dim).T @ np.full(dim, 0.5 / _growth(dim)))


def _bbob_f09(x: Array, x_opt: Array, matrix: Array) -> Array:
    """Rosenbrock's function, rotated.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        matrix: ``max(1, sqrt(dim)/8) R``, shape (dim, dim).

    Returns:
        ``sum 100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2``, ``z = matrix x + 0.5 = matrix (x - x_opt) + 1``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f9.
    """
    return jnp.sum(rosenbrock_terms(matrix @ (x - x_opt)))


bbob_f09 = bbob(
    9,
    f=_bbob_f09,
    optimum=turned_valley_place,
    data=lambda seed, dim: (turned_valley_place(seed, dim), turned_valley(seed, dim)),
    second=lambda seed, dim: rosenbrock.f_second(dim),
    family="rosenbrock",
    tags=frozenset({"valley"}),
    formula="sum_i 100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2, z = max(1, sqrt(dim)/8) R x + 0.5",
    remarks="Rosenbrock function, rotated: its minimizer is sqrt(dim)/2 from the center.",
)
