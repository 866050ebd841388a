"""BBOB's fourth group, f15 to f19: many minima under one slope."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.bbob.instances import bbob, between, first_rotation, place, second_rotation
from optbench.problems.bbob.moderate import turned_valley, turned_valley_place
from optbench.problems.bbob.separable import RASTRIGIN_SECOND
from optbench.problems.bbob.transforms import penalty, power, ramp, rastrigin, rosenbrock_terms, t_asy, t_osz

#: Weierstrass's function is cut off after this many terms, amplitudes 2^-k and frequencies 3^k.
_TERMS = np.arange(12)


def _twice_turned(condition: float) -> Callable[[int, int], tuple[np.ndarray, ...]]:
    """Returns the rule of the optimum, R and ``R Lambda^condition Q``."""
    return lambda seed, dim: (place(seed, dim), first_rotation(seed, dim), between(seed, dim, condition))


def _bbob_f15(x: Array, x_opt: Array, rotation: Array, matrix: Array) -> Array:
    """Rastrigin's function, made asymmetric and irregular, rotated.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).
        matrix: ``R Lambda^10 Q``, shape (dim, dim).

    Returns:
        ``sum z_i^2 + 10 (1 - cos(2 pi z_i))``, ``z = matrix T_asy^0.2(T_osz(R (x - x_opt)))``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f15.
    """
    return rastrigin(matrix @ t_asy(t_osz(rotation @ (x - x_opt)), 0.2))


bbob_f15 = bbob(
    15,
    f=_bbob_f15,
    data=_twice_turned(10.0),
    second=lambda seed, dim: RASTRIGIN_SECOND,
    family="rastrigin",
    tags=frozenset({"multimodal"}),
    formula="sum_i z_i^2 + 10 (1 - cos(2 pi z_i)), z = R Lambda^10 Q T_asy^0.2(T_osz(R (x - x_opt)))",
    remarks="Rastrigin function, rotated: about 10^dim local minima.",
)


def _bbob_f16(x: Array, x_opt: Array, rotation: Array, matrix: Array) -> Array:
    """Weierstrass's function: rugged, and repeated with a moderate period.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).
        matrix: ``R Lambda^(1/100) Q``, shape (dim, dim).

    Returns:
        ``10 (mean_i sum_k 2^-k (1 - cos(2 pi 3^k z_i)))^3 + 10/dim f_pen(x)``, k = 0 ... 11,
        ``z = matrix T_osz(R (x - x_opt))``. The document's cosines of ``z_i + 1/2`` are those with the other sign,
        since every ``3^k`` is odd.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f16.
    """
    z = matrix @ t_osz(rotation @ (x - x_opt))
    half_angles = jnp.asarray(np.pi * 3.0**_TERMS, x.dtype)[:, None] * z[None, :]
    sines = jnp.sin(half_angles)
    height = jnp.asarray(2.0 * 0.5**_TERMS, x.dtype)[:, None] * (sines * sines)
    mean = jnp.sum(height) / x.shape[0]
    return 10.0 * (mean * mean * mean) + 10.0 / x.shape[0] * penalty(x)


bbob_f16 = bbob(
    16,
    f=_bbob_f16,
    data=_twice_turned(0.01),
    family="weierstrass",
    tags=frozenset({"multimodal"}),
    formula="10 (mean_i sum_k 2^-k (1 - cos(2 pi 3^k z_i)))^3 + 10/dim f_pen(x), "
    "z = R Lambda^(1/100) Q T_osz(R (x - x_opt))",
    remarks="Weierstrass function: every integer z inside the box is a global minimizer; the one named is COCO's.",
)


def _schaffers(x: Array, x_opt: Array, rotation: Array, matrix: Array) -> Array:
    """Returns Schaffer's F7 of ``matrix T_asy^0.5(rotation (x - x_opt))`` with ten times the penalty."""
    z = matrix @ t_asy(rotation @ (x - x_opt), 0.5)
    square = z[:-1] * z[:-1] + z[1:] * z[1:]
    waves = jnp.sin(50.0 * power(square, 0.1))
    mean = jnp.mean(power(square, 0.25) * (1.0 + waves * waves))
    return mean * mean + 10.0 * penalty(x)


def _stretched(condition: float) -> Callable[[int, int], tuple[np.ndarray, ...]]:
    """Returns the rule of the optimum, R and ``Lambda^condition Q``."""
    return lambda seed, dim: (
        place(seed, dim),
        first_rotation(seed, dim),
        condition ** (0.5 * ramp(dim))[:, None] * second_rotation(seed, dim),
    )


def _bbob_f17(x: Array, x_opt: Array, rotation: Array, matrix: Array) -> Array:
    """Schaffer's F7: waves whose frequency and height change with the distance.

    Where two neighboring z are 0 the function has a cusp; the gradient of that term is set to 0.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).
        matrix: ``Lambda^10 Q``, shape (dim, dim).

    Returns:
        ``(mean sqrt(s_i) (1 + sin^2(50 s_i^(1/5))))^2 + 10 f_pen(x)``, ``s_i = sqrt(z_i^2 + z_{i+1}^2)``,
        ``z = matrix T_asy^0.5(R (x - x_opt))``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f17.
    """
    return _schaffers(x, x_opt, rotation, matrix)


bbob_f17 = bbob(
    17,
    f=_bbob_f17,
    data=_stretched(10.0),
    family="schaffer_f7",
    tags=frozenset({"multimodal", "nonsmooth"}),
    formula="(mean_i sqrt(s_i) (1 + sin^2(50 s_i^0.2)))^2 + 10 f_pen(x), s_i = |(z_i, z_{i+1})|, "
    "z = Lambda^10 Q T_asy^0.5(R (x-x_opt))",
    remarks="Schaffers F7 function: waves whose frequency and height vary.",
)


def _bbob_f18(x: Array, x_opt: Array, rotation: Array, matrix: Array) -> Array:
    """Schaffer's F7, moderately ill-conditioned.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).
        matrix: ``Lambda^1000 Q``, shape (dim, dim).

    Returns:
        As f17, with ``Lambda^1000`` for ``Lambda^10``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f18.
    """
    return _schaffers(x, x_opt, rotation, matrix)


bbob_f18 = bbob(
    18,
    f=_bbob_f18,
    data=_stretched(1000.0),
    family="schaffer_f7",
    tags=frozenset({"multimodal", "nonsmooth"}),
    formula="(mean_i sqrt(s_i) (1 + sin^2(50 s_i^0.2)))^2 + 10 f_pen(x), s_i = |(z_i, z_{i+1})|, "
    "z = Lambda^1000 Q T_asy^0.5(R (x-x_opt))",
    remarks="Schaffers F7 function, moderately ill-conditioned. Its seed is f17's.",
)


def _bbob_f19(x: Array, x_opt: Array, matrix: Array) -> Array:
    """Griewank's function of Rosenbrock's terms (F8F2).

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        matrix: ``max(1, sqrt(dim)/8) R``, shape (dim, dim).

    Returns:
        ``10 mean(s_i/4000 + 1 - cos(s_i))``, ``s_i = 100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2``, ``z = matrix x + 0.5``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f19.
    """
    terms = rosenbrock_terms(matrix @ (x - x_opt))
    sines = jnp.sin(0.5 * terms)
    return 10.0 * jnp.mean(terms / 4000.0 + 2.0 * (sines * sines))


bbob_f19 = bbob(
    19,
    f=_bbob_f19,
    optimum=turned_valley_place,
    data=lambda seed, dim: (turned_valley_place(seed, dim), turned_valley(seed, dim)),
    family="griewank_rosenbrock",
    tags=frozenset({"multimodal"}),
    formula="10 mean_i(s_i/4000 + 1 - cos(s_i)), s_i = 100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2, "
    "z = max(1, sqrt(dim)/8) R x + 0.5",
    remarks="Composite Griewank-Rosenbrock function F8F2.",
)
