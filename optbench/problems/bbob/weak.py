"""BBOB's fifth group, f20, f23 and f24: many minima, and no slope that leads to the best.

The group's f21 and f22 are in ``gallagher``.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.bbob.instances import bbob, between, place
from optbench.problems.bbob.randomness import gaussian, uniform
from optbench.problems.bbob.transforms import magnitude, penalty, ramp, scales
from optbench.problems.multimodal import root

#: A hundredth of Schwefel's minimizer as the code of f20 has it, and to all digits.
_SCHWEFEL = 4.2096874637
_SCHWEFEL_EXACT = 4.2096874635998203
#: Minus the minimum of Schwefel's function in one coordinate ...
_SCHWEFEL_DEPTH = 418.9828872724339
#: ... and minus its second lowest one.
_SCHWEFEL_SECOND = 300.54455265799581


def _signs_f20(seed: int, dim: int) -> np.ndarray:
    """Returns the signs of the optimum's coordinates."""
    return np.where(uniform(dim, seed) < 0.5, -1.0, 1.0)


def _place_f20(seed: int, dim: int) -> np.ndarray:
    """Returns the minimizer to all digits; COCO's has ten of them."""
    u = (_SCHWEFEL_EXACT - _SCHWEFEL) / 10.0 ** (0.5 * ramp(dim))
    for i in range(1, dim):
        u[i] -= 0.25 * u[i - 1]
    return 0.5 * _signs_f20(seed, dim) * (_SCHWEFEL + u)


def _bbob_f20(x: Array, signs: Array) -> Array:
    """Schwefel's function, its best minima near the corners of the unpenalized region.

    Args:
        x: Point, shape (dim,).
        signs: Signs of the minimizer's coordinates, shape (dim,).

    Returns:
        ``4.1898 - mean(z_i sin(sqrt(|z_i|)))/100 + 100 f_pen(z/100)``, ``z = 100 (Lambda^10 (y - m) + m)``,
        ``m = 4.2097``, ``y_1 = u_1``, ``y_{i+1} = u_{i+1} + 0.25 (u_i - m)``, ``u = 2 signs x``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f20.
    """
    u = 2.0 * signs * x - _SCHWEFEL
    y = u + 0.25 * jnp.concatenate([jnp.zeros_like(u[:1]), u[:-1]])
    z = 100.0 * (scales(10.0**0.5, x) * y + _SCHWEFEL)
    waves = z * jnp.sin(root(jnp.abs(z)))
    return 0.01 * (_SCHWEFEL_DEPTH - jnp.mean(waves)) + 100.0 * penalty(z / 100.0)


bbob_f20 = bbob(
    20,
    f=_bbob_f20,
    optimum=_place_f20,
    data=lambda seed, dim: (_signs_f20(seed, dim),),
    second=lambda seed, dim: 0.01 * (_SCHWEFEL_DEPTH - _SCHWEFEL_SECOND) / dim,
    family="schwefel",
    tags=frozenset({"multimodal"}),
    formula="4.1898 - mean_i(z_i sin(sqrt(|z_i|)))/100 + 100 f_pen(z/100), z = 100 (Lambda^10 (y - m) + m), m = 4.2097",
    remarks="Schwefel function x sin(x): the penalty makes its minimum hold everywhere.",
)


def _bbob_f23(x: Array, x_opt: Array, matrix: Array) -> Array:
    """Katsuura's function: rugged at every scale, and repeated.

    Between its kinks, 2^-33 apart, it is smooth: a gradient says nothing about what lies farther off.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        matrix: ``R Lambda^100 Q``, shape (dim, dim).

    Returns:
        ``10/dim^2 (prod (1 + i sum_j |2^j z_i - round(2^j z_i)|/2^j)^(10/dim^1.2) - 1) + f_pen(x)``, i from 1 on,
        j = 1 ... 32, ``z = matrix (x - x_opt)``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f23.
    """
    dim = x.shape[0]
    z = matrix @ (x - x_opt)
    steps = jnp.asarray(2.0 ** np.arange(1, 33), x.dtype)[:, None]
    fine = steps * z[None, :]
    rough = jnp.sum(magnitude(fine - jnp.round(fine)) / steps, axis=0)
    logs = jnp.log1p(jnp.asarray(np.arange(1.0, dim + 1.0), x.dtype) * rough)
    return 10.0 / dim**2 * jnp.expm1(10.0 / dim**1.2 * jnp.sum(logs)) + penalty(x)


bbob_f23 = bbob(
    23,
    f=_bbob_f23,
    data=lambda seed, dim: (place(seed, dim), between(seed, dim, 100.0)),
    family="katsuura",
    tags=frozenset({"multimodal", "nonsmooth"}),
    formula="10/dim^2 (prod_i (1 + i sum_j |2^j z_i - round(2^j z_i)|/2^j)^(10/dim^1.2) - 1) + f_pen(x), "
    "z = R Lambda^100 Q (x-x_opt)",
    remarks="Katsuura function: every half-integer z inside the box is a global minimizer; the one named is COCO's.",
)

#: Place of the funnel with the minimum, in the coordinates of f24.
_NARROW = 2.5


def _signs_f24(seed: int, dim: int) -> np.ndarray:
    """Returns the signs of the optimum's coordinates."""
    return np.where(gaussian(dim, seed) < 0.0, -1.0, 1.0)


def _bbob_f24(x: Array, signs: Array, matrix: Array) -> Array:
    """Lunacek's double funnel under Rastrigin's lattice: the wider funnel does not hold the minimum.

    Args:
        x: Point, shape (dim,).
        signs: Signs of the minimizer's coordinates, shape (dim,).
        matrix: ``R Lambda^100 Q``, shape (dim, dim).

    Returns:
        ``min(|u - 2.5|^2, dim + s |u - m|^2) + 10 sum (1 - cos(2 pi z_i)) + 10^4 f_pen(x)``,
        ``u = 2 signs x``, ``z = matrix (u - 2.5)``, ``s = 1 - 1/(2 sqrt(dim + 20) - 8.2)``,
        ``m = -sqrt((2.5^2 - 1)/s)``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f24; Lunacek, Whitley & Sutton, 2008, The impact of global
        structure on search.
    """
    dim = x.shape[0]
    ratio = 1.0 - 0.5 / ((dim + 20.0) ** 0.5 - 4.1)
    wide = -(((_NARROW**2 - 1.0) / ratio) ** 0.5)
    u = 2.0 * signs * x
    near, far = u - _NARROW, u - wide
    funnels = jnp.minimum(jnp.sum(near * near), dim + ratio * jnp.sum(far * far))
    lattice = jnp.sum(10.0 - 10.0 * jnp.cos(2.0 * jnp.pi * (matrix @ near)))
    return funnels + lattice + 1e4 * penalty(x)


bbob_f24 = bbob(
    24,
    f=_bbob_f24,
    optimum=lambda seed, dim: 0.5 * _NARROW * _signs_f24(seed, dim),
    data=lambda seed, dim: (_signs_f24(seed, dim), between(seed, dim, 100.0)),
    family="lunacek_bi_rastrigin",
    tags=frozenset({"multimodal", "nonsmooth"}),
    formula="min(|u - 2.5|^2, dim + s |u - m|^2) + 10 sum_i (1 - cos(2 pi z_i)) + 10^4 f_pen(x), "
    "z = R Lambda^100 Q (u - 2.5)",
    remarks="Lunacek bi-Rastrigin function: two funnels, the wider of which misleads.",
)
