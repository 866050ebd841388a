"""BBOB's first group, f1 to f5: functions of one coordinate each, added up."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.bbob.instances import bbob, place
from optbench.problems.bbob.transforms import penalty, rastrigin, scales, t_asy, t_osz

#: Second lowest minimum of Rastrigin's function: every T is a bijection of the line, so that it keeps its value.
RASTRIGIN_SECOND = 0.99495905709328939


def _shifted(seed: int, dim: int) -> tuple[np.ndarray, ...]:
    """Returns the data of a function that is moved and not turned."""
    return (place(seed, dim),)


def _bbob_f01(x: Array, x_opt: Array) -> Array:
    """Sphere: the easiest function there is.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).

    Returns:
        ``sum (x_i - x_opt_i)^2``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f1.
    """
    z = x - x_opt
    return jnp.sum(z * z)


bbob_f01 = bbob(
    1,
    f=_bbob_f01,
    data=_shifted,
    family="sphere",
    tags=frozenset({"quadratic", "separable", "rotation_invariant"}),
    formula="sum_i z_i^2, z = x - x_opt",
    remarks="Sphere function.",
)


def _bbob_f02(x: Array, x_opt: Array) -> Array:
    """Separable ellipsoid of condition 1e6 with oscillations.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).

    Returns:
        ``sum 10^(6 i/(dim-1)) z_i^2``, ``z = T_osz(x - x_opt)``, i from 0 on.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f2.
    """
    z = t_osz(x - x_opt)
    return jnp.sum(scales(1e6, x) * (z * z))


bbob_f02 = bbob(
    2,
    f=_bbob_f02,
    data=_shifted,
    family="ellipsoid",
    tags=frozenset({"separable"}),
    formula="sum_i 10^(6 (i-1)/(dim-1)) z_i^2, z = T_osz(x - x_opt)",
    remarks="Ellipsoidal function: condition 1e6, with smooth local irregularities. f10 is its rotated twin.",
)


def _bbob_f03(x: Array, x_opt: Array) -> Array:
    """Rastrigin's function, made asymmetric and irregular.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).

    Returns:
        ``sum z_i^2 + 10 (1 - cos(2 pi z_i))``, ``z = Lambda^10 T_asy^0.2(T_osz(x - x_opt))``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f3.
    """
    return rastrigin(scales(10.0**0.5, x) * t_asy(t_osz(x - x_opt), 0.2))


bbob_f03 = bbob(
    3,
    f=_bbob_f03,
    data=_shifted,
    second=lambda seed, dim: RASTRIGIN_SECOND,
    family="rastrigin",
    tags=frozenset({"separable", "multimodal"}),
    formula="sum_i z_i^2 + 10 (1 - cos(2 pi z_i)), z = Lambda^10 T_asy^0.2(T_osz(x - x_opt))",
    remarks="Rastrigin function: about 10^dim local minima. f15 is its rotated twin.",
)


def _place_f04(seed: int, dim: int) -> np.ndarray:
    """Returns the optimum of f3 with every other coordinate, from the first on, made positive."""
    x_opt = place(seed, dim)
    x_opt[::2] = np.abs(x_opt[::2])
    return x_opt


def _bbob_f04(x: Array, x_opt: Array) -> Array:
    """Büche and Rastrigin's function: a skew lattice that misleads beyond the minimum.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).

    Returns:
        ``sum z_i^2 + 10 (1 - cos(2 pi z_i)) + 100 f_pen(x)``, ``z_i = s_i T_osz(x - x_opt)_i``, where s_i is
        ``10^(i/(2 (dim-1)))``, i from 0 on, and ten times as much where i is even and z_i positive.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f4.
    """
    y = t_osz(x - x_opt)
    steep = jnp.asarray(np.where(np.arange(x.shape[0]) % 2 == 0, 10.0, 1.0), x.dtype)
    z = scales(10.0**0.5, x) * jnp.where(y > 0.0, steep, 1.0) * y
    return rastrigin(z) + 100.0 * penalty(x)


bbob_f04 = bbob(
    4,
    f=_bbob_f04,
    optimum=_place_f04,
    data=lambda seed, dim: (_place_f04(seed, dim),),
    second=lambda seed, dim: RASTRIGIN_SECOND,
    family="rastrigin",
    tags=frozenset({"separable", "multimodal"}),
    formula="sum_i z_i^2 + 10 (1 - cos(2 pi z_i)) + 100 f_pen(x), z_i = s_i T_osz(x - x_opt)_i",
    remarks="Büche-Rastrigin function: odd coordinates are ten times steeper beyond the minimum. Its seed is f3's.",
)


def _place_f05(seed: int, dim: int) -> np.ndarray:
    """Returns the corner of the box that is the optimum."""
    return np.where(place(seed, dim) < 0.0, -5.0, 5.0)


def _bbob_f05(x: Array, x_opt: Array) -> Array:
    """Linear slope toward a corner of the box, beyond which it is flat.

    Args:
        x: Point, shape (dim,).
        x_opt: Corner of the box, shape (dim,).

    Returns:
        ``sum 5 |s_i| - s_i z_i``, ``s_i = sign(x_opt_i) 10^(i/(dim-1))``, i from 0 on; ``z_i`` is ``x_i``, but
        ``x_opt_i`` where the slope has passed the corner.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f5.
    """
    # Distances to the corner along each slope keep their digits near it.
    distance = jnp.abs(x_opt) - jnp.sign(x_opt) * x
    return jnp.sum(scales(10.0, x) * jnp.where(distance > 0.0, distance, 0.0))


bbob_f05 = bbob(
    5,
    f=_bbob_f05,
    optimum=_place_f05,
    data=lambda seed, dim: (_place_f05(seed, dim),),
    family="linear_slope",
    tags=frozenset({"separable"}),
    formula="sum_i 5 |s_i| - s_i z_i, s_i = sign(x_opt_i) 10^((i-1)/(dim-1)), z_i = x_i before the corner",
    remarks="Linear slope: the minimizer is a corner of the box, and everything beyond that corner is one as well.",
)
