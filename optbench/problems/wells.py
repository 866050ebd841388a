"""Two wells, one sharp and one flat: depths and curvatures are parameters, the minima exact.

Both wells stand on the first axis. ``two_wells`` joins two quadratics: the sharp basin is as small as its
curvature makes it, and gradient descent leaves it once ``lr * curvature`` exceeds 2. ``gaussian_wells``
digs two holes into a symmetric land: half of the space drains into each, however sharp it is.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.landscape import Dims, Landscape, Matrix, Parameter, Wells, box

#: Distance of each quadratic well from the origin, and softness of the ridge between them.
_QUADRATIC_AT = 2.0
_SOFTNESS = 0.1
#: Distance of each Gaussian hole from the origin, and curvature of the land at the holes.
_GAUSSIAN_AT = 3.0
_LAND = 0.2


def _depths(sharp_depth: float, flat_depth: float) -> tuple[float, float | None]:
    """Returns the minimum and the second minimum, ``None`` for wells of equal depth."""
    second = None if sharp_depth == flat_depth else -min(sharp_depth, flat_depth)
    return -max(sharp_depth, flat_depth), second


def _bottoms(dim: int, place: float) -> Matrix:
    """Returns the bottoms of the sharp well, at ``-place`` on the first axis, and of the flat one, at ``+place``."""
    points = np.zeros((2, dim))
    points[:, 0] = -place, place
    return points


def _deepest(dim: int, place: float, sharp_depth: float, flat_depth: float) -> Matrix:
    """Returns the bottoms of the deeper well, or of both: sharp at ``-place``, flat at ``+place``.

    Args:
        dim: Dimension.
        place: Distance of the wells from the origin.
        sharp_depth: Depth of the sharp well.
        flat_depth: Depth of the flat well.

    Returns:
        One or two points, one a row.
    """
    depths = np.array([sharp_depth, flat_depth])
    return np.asarray(_bottoms(dim, place)[depths == depths.max()])


def _two_wells(x: Array, ratio: Array, curvature: Array, sharp_depth: Array, flat_depth: Array) -> Array:
    """Soft minimum of two isotropic quadratics at -2 (sharp) and 2 (flat) on the first axis.

    At the bottom of either well the other one's weight is below exp(-60), so places, depths and
    curvatures of the minima are exact in double precision for all parameters.

    Args:
        x: Point, shape (dim,).
        ratio: Curvature of the sharp well over that of the flat one.
        curvature: Curvature of the flat well.
        sharp_depth: Depth of the sharp well.
        flat_depth: Depth of the flat well.

    Returns:
        ``-T log(exp(-s/T) + exp(-f/T))`` with ``s = ratio curvature |x + 2 e_1|^2 / 2 - sharp_depth``,
        ``f = curvature |x - 2 e_1|^2 / 2 - flat_depth`` and ``T = 0.1``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return joined_quadratics(x, ratio, curvature, sharp_depth, flat_depth, _SOFTNESS)


def joined_quadratics(
    x: Array, ratio: Array, curvature: Array, sharp_depth: Array, flat_depth: Array, softness: float
) -> Array:
    """Joins the two quadratics of ``two_wells`` by a ridge of another softness ``T``."""
    across = jnp.sum(x[1:] * x[1:])
    left, right = x[0] + _QUADRATIC_AT, x[0] - _QUADRATIC_AT
    sharp = 0.5 * ratio * curvature * (left * left + across) - sharp_depth
    flat = 0.5 * curvature * (right * right + across) - flat_depth
    return -softness * jnp.logaddexp(-sharp / softness, -flat / softness)


def quadratic_ridge(ratio: float, curvature: float, sharp_depth: float, flat_depth: float) -> float:
    """Returns how far from the bottom of the sharp well, towards the flat one, the two quadratics are equal.

    Args:
        ratio: Curvature of the sharp well over that of the flat one.
        curvature: Curvature of the flat well.
        sharp_depth: Depth of the sharp well.
        flat_depth: Depth of the flat well.

    Returns:
        The positive root of ``ratio r^2 - (4 - r)^2 = 2 (sharp_depth - flat_depth)/curvature``.

    Example:
        >>> quadratic_ridge(9.0, 1.0, 1.0, 1.0)
        1.0
    """
    apart = 2.0 * _QUADRATIC_AT
    level = apart * apart + 2.0 * (sharp_depth - flat_depth) / curvature
    if ratio == 1.0:
        return level / (2.0 * apart)
    return (math.sqrt(apart * apart + (ratio - 1.0) * level) - apart) / (ratio - 1.0)


def _quadratic_wells(dim: int, ratio: float, curvature: float, sharp_depth: float, flat_depth: float) -> Wells:
    """Returns the wells of ``two_wells``; half of the way to the ridge each pulls alone."""
    ridge = quadratic_ridge(ratio, curvature, sharp_depth, flat_depth)
    return Wells(_bottoms(dim, _QUADRATIC_AT), 0.5 * np.array([ridge, 2.0 * _QUADRATIC_AT - ridge]))


two_wells = Landscape(
    name="two_wells",
    f=_two_wells,
    dims=Dims(minimum=1),
    bounds=box(-4.0, 4.0),
    x_star=lambda dim, ratio, curvature, sharp, flat: _deepest(dim, _QUADRATIC_AT, sharp, flat),
    f_star=lambda dim, ratio, curvature, sharp, flat: _depths(sharp, flat)[0],
    f_second=lambda dim, ratio, curvature, sharp, flat: _depths(sharp, flat)[1],
    wells=_quadratic_wells,
    parameters={
        "ratio": Parameter(10.0, 1.0, 1e4, "curvature of the sharp well over that of the flat one"),
        "curvature": Parameter(1.0, 1.0, 1e2, "curvature of the flat well"),
        "sharp_depth": Parameter(1.0, 0.0, 2.0, "depth of the sharp well"),
        "flat_depth": Parameter(1.0, 0.0, 2.0, "depth of the flat well"),
    },
    tags=frozenset({"two_wells", "multimodal"}),
    formula="-T log(exp(-s/T) + exp(-f/T)), T = 0.1, s = ratio curvature |x + 2 e_1|^2/2 - sharp_depth, "
    "f = curvature |x - 2 e_1|^2/2 - flat_depth",
    reference="this project; the question is that of Keskar et al., 2017",
    remarks="The sharp basin is a ball, so in high dimension few starts of the box lie in it: compare with gradient "
    "flow from the same starts.",
)


def _gaussian_wells(x: Array, ratio: Array, width: Array, sharp_depth: Array, flat_depth: Array) -> Array:
    """Two Gaussian holes at -3 (sharp) and 3 (flat) on the first axis of a symmetric double trough.

    The land has value, slope and curvature 0, 0 and 0.2 at both holes. The width of the sharp hole
    follows from the ratio of the curvatures, land included. Tails at the other hole are below 2e-16.

    Args:
        x: Point, shape (dim,).
        ratio: Curvature at the sharp minimum over that at the flat one.
        width: Standard deviation of the flat hole.
        sharp_depth: Depth of the sharp hole.
        flat_depth: Depth of the flat hole.

    Returns:
        ``0.2 (sum_{i >= 2} x_i^2 / 2 + (x_1^2 - 9)^2 / 72) - sharp_depth exp(-|x + 3 e_1|^2 / (2 w^2))
        - flat_depth exp(-|x - 3 e_1|^2 / (2 width^2))`` with
        ``sharp_depth / w^2 + 0.2 = ratio (flat_depth / width^2 + 0.2)``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    place = _GAUSSIAN_AT
    across = jnp.sum(x[1:] * x[1:])
    trough = x[0] * x[0] - place * place
    left, right = x[0] + place, x[0] - place
    flat_sharpness = flat_depth / (width * width)
    sharp_sharpness = ratio * (flat_sharpness + _LAND) - _LAND
    sharp = sharp_depth * jnp.exp(-0.5 * (sharp_sharpness / sharp_depth) * (left * left + across))
    flat = flat_depth * jnp.exp(-0.5 * (flat_sharpness / flat_depth) * (right * right + across))
    return _LAND * (0.5 * across + trough * trough / (8.0 * place * place)) - sharp - flat


def _gaussian_wells_at(dim: int, ratio: float, width: float, sharp_depth: float, flat_depth: float) -> Wells:
    """Returns the wells of ``gaussian_wells``; within a standard deviation each pulls alone."""
    sharp_sharpness = ratio * (flat_depth / (width * width) + _LAND) - _LAND
    return Wells(_bottoms(dim, _GAUSSIAN_AT), np.array([math.sqrt(sharp_depth / sharp_sharpness), width]))


gaussian_wells = Landscape(
    name="gaussian_wells",
    f=_gaussian_wells,
    dims=Dims(minimum=1),
    bounds=box(-5.0, 5.0),
    x_star=lambda dim, ratio, width, sharp, flat: _deepest(dim, _GAUSSIAN_AT, sharp, flat),
    f_star=lambda dim, ratio, width, sharp, flat: _depths(sharp, flat)[0],
    f_second=lambda dim, ratio, width, sharp, flat: _depths(sharp, flat)[1],
    wells=_gaussian_wells_at,
    parameters={
        "ratio": Parameter(10.0, 4.0, 1e4, "curvature at the sharp minimum over that at the flat one"),
        "width": Parameter(0.6, 0.1, 0.7, "standard deviation of the flat hole"),
        "sharp_depth": Parameter(1.0, 0.5, 2.0, "depth of the sharp hole"),
        "flat_depth": Parameter(1.0, 0.5, 2.0, "depth of the flat hole"),
    },
    tags=frozenset({"two_wells", "multimodal"}),
    formula="0.2 (sum_{i>=2} x_i^2/2 + (x_1^2 - 9)^2/72) - sharp_depth exp(-|x + 3 e_1|^2/(2 w^2)) "
    "- flat_depth exp(-|x - 3 e_1|^2/(2 width^2)), sharp_depth/w^2 + 0.2 = ratio (flat_depth/width^2 + 0.2)",
    reference="this project; the question is that of Keskar et al., 2017",
    remarks="Half of the space drains into each well whatever their curvatures, so that basin volume favors neither.",
)
