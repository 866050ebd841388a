"""BBOB's third group, f10 to f14: one minimum, high conditioning."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.bbob.instances import bbob, between, first_rotation, place
from optbench.problems.bbob.transforms import ramp, scales, t_asy, t_osz
from optbench.problems.multimodal import root


def _turned(seed: int, dim: int) -> tuple[np.ndarray, ...]:
    """Returns the data of a function that is moved and turned once."""
    return place(seed, dim), first_rotation(seed, dim)


def _bbob_f10(x: Array, x_opt: Array, rotation: Array) -> Array:
    """Rotated ellipsoid of condition 1e6 with oscillations.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).

    Returns:
        ``sum 10^(6 i/(dim-1)) z_i^2``, ``z = T_osz(R (x - x_opt))``, i from 0 on.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f10.
    """
    z = t_osz(rotation @ (x - x_opt))
    return jnp.sum(scales(1e6, x) * (z * z))


bbob_f10 = bbob(
    10,
    f=_bbob_f10,
    data=_turned,
    family="ellipsoid",
    tags=frozenset(),
    formula="sum_i 10^(6 (i-1)/(dim-1)) z_i^2, z = T_osz(R (x - x_opt))",
    remarks="Ellipsoidal function, rotated: condition 1e6.",
)


def _bbob_f11(x: Array, x_opt: Array, rotation: Array) -> Array:
    """Discus: one direction is a thousand times as sensitive as all others.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).

    Returns:
        ``10^6 z_1^2 + sum_{i>=2} z_i^2``, ``z = T_osz(R (x - x_opt))``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f11.
    """
    z = t_osz(rotation @ (x - x_opt))
    return 1e6 * z[0] * z[0] + jnp.sum(z[1:] * z[1:])


bbob_f11 = bbob(
    11,
    f=_bbob_f11,
    data=_turned,
    family="discus",
    tags=frozenset(),
    formula="10^6 z_1^2 + sum_{i>=2} z_i^2, z = T_osz(R (x - x_opt))",
    remarks="Discus function: one direction is a thousand times as sensitive as all others.",
)


def _place_f12(seed: int, dim: int) -> np.ndarray:
    """Returns the optimum, which is drawn from the seed of the rotation."""
    return place(seed + 1_000_000, dim)


def _bbob_f12(x: Array, x_opt: Array, rotation: Array) -> Array:
    """Bent cigar: a smooth, narrow ridge that is bent by the asymmetry.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).

    Returns:
        ``z_1^2 + 10^6 sum_{i>=2} z_i^2``, ``z = R T_asy^0.5(R (x - x_opt))``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f12.
    """
    z = rotation @ t_asy(rotation @ (x - x_opt), 0.5)
    return z[0] * z[0] + 1e6 * jnp.sum(z[1:] * z[1:])


bbob_f12 = bbob(
    12,
    f=_bbob_f12,
    optimum=_place_f12,
    data=lambda seed, dim: (_place_f12(seed, dim), first_rotation(seed, dim)),
    family="bent_cigar",
    tags=frozenset({"valley"}),
    formula="z_1^2 + 10^6 sum_{i>=2} z_i^2, z = R T_asy^0.5(R (x - x_opt))",
    remarks="Bent cigar function: a smooth, narrow, bent ridge.",
)


def _bbob_f13(x: Array, x_opt: Array, matrix: Array) -> Array:
    """Sharp ridge: a valley with an edge at its bottom, along which the slope is small.

    On the ridge the function is not differentiable; the gradient there is that along it.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        matrix: ``R Lambda^10 Q``, shape (dim, dim).

    Returns:
        ``z_1^2 + 100 sqrt(sum_{i>=2} z_i^2)``, ``z = matrix (x - x_opt)``.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f13.
    """
    z = matrix @ (x - x_opt)
    return z[0] * z[0] + 100.0 * root(jnp.sum(z[1:] * z[1:]))


bbob_f13 = bbob(
    13,
    f=_bbob_f13,
    data=lambda seed, dim: (place(seed, dim), between(seed, dim, 10.0)),
    family="sharp_ridge",
    tags=frozenset({"valley", "nonsmooth"}),
    formula="z_1^2 + 100 sqrt(sum_{i>=2} z_i^2), z = R Lambda^10 Q (x - x_opt)",
    remarks="Sharp ridge function: the gradient across the ridge keeps its size up to it, and is set to 0 on it.",
)


def _bbob_f14(x: Array, x_opt: Array, rotation: Array) -> Array:
    """Sum of different powers: coordinates lose their sensitivity one after the other.

    Args:
        x: Point, shape (dim,).
        x_opt: Minimizer, shape (dim,).
        rotation: R, shape (dim, dim).

    Returns:
        ``sqrt(sum |z_i|^(2 + 4 i/(dim-1)))``, ``z = R (x - x_opt)``, i from 0 on.

    References:
        Hansen, Finck, Ros & Auger, 2009, RR-6829, f14.
    """
    z = rotation @ (x - x_opt)
    exponents = jnp.asarray(2.0 + 4.0 * ramp(x.shape[0]), x.dtype)
    return root(jnp.sum(jnp.abs(z) ** exponents))


bbob_f14 = bbob(
    14,
    f=_bbob_f14,
    data=_turned,
    family="different_powers",
    tags=frozenset({"nonsmooth"}),
    formula="sqrt(sum_i |z_i|^(2 + 4 (i-1)/(dim-1))), z = R (x - x_opt)",
    remarks="Different powers function: a cone along the first axis, ever flatter along the others.",
)
