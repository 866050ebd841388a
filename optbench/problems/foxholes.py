"""Holes of several depths in a plain: Hartmann's Gaussians and Shekel's foxholes."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.landscape import Dims, Landscape, at, box, constant

_SB = "Surjanovic & Bingham, 2013"
_JY = "Jamil & Yang, 2013"
_THREE_D = Dims(minimum=3, maximum=3, default=3)
_FOUR_D = Dims(minimum=4, maximum=4, default=4)
_SIX_D = Dims(minimum=6, maximum=6, default=6)

_DEPTHS = np.array([1.0, 1.2, 3.0, 3.2])
_RATES_3 = np.array([[3.0, 10.0, 30.0], [0.1, 10.0, 35.0], [3.0, 10.0, 30.0], [0.1, 10.0, 35.0]])
_CENTERS_3 = np.array(
    [[0.3689, 0.1170, 0.2673], [0.4699, 0.4387, 0.7470], [0.1091, 0.8732, 0.5547], [0.0381, 0.5743, 0.8828]]
)
_RATES_6 = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
_CENTERS_6 = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)
#: Shekel's centers, one a row, and the reciprocals of the depths.
_HOLES = np.array(
    [
        [4.0, 4.0, 4.0, 4.0],
        [1.0, 1.0, 1.0, 1.0],
        [8.0, 8.0, 8.0, 8.0],
        [6.0, 6.0, 6.0, 6.0],
        [3.0, 7.0, 3.0, 7.0],
        [2.0, 9.0, 2.0, 9.0],
        [5.0, 5.0, 3.0, 3.0],
        [8.0, 1.0, 8.0, 1.0],
        [6.0, 2.0, 6.0, 2.0],
        [7.0, 3.6, 7.0, 3.6],
    ]
)
_FLOORS = np.array([0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5])


def _gaussians(x: Array, rates: np.ndarray, centers: np.ndarray) -> Array:
    """Returns minus the sum of Gaussians with the given rates and centers, shapes (4, dim)."""
    v = x[None, :] - centers.astype(x.dtype)
    return -jnp.sum(_DEPTHS.astype(x.dtype) * jnp.exp(-jnp.sum(rates.astype(x.dtype) * (v * v), axis=1)))


def _foxholes(x: Array, count: int) -> Array:
    """Returns minus the sum of the first ``count`` of Shekel's holes."""
    v = x[None, :] - _HOLES[:count].astype(x.dtype)
    return -jnp.sum(1.0 / (jnp.sum(v * v, axis=1) + _FLOORS[:count].astype(x.dtype)))


def _hartmann_3(x: Array) -> Array:
    """Four Gaussian holes of different shapes, three of which keep a minimum.

    Args:
        x: Point, shape (3,).

    Returns:
        ``-sum_{i<=4} c_i exp(-sum_j a_ij (x_j - p_ij)^2)``.

    References:
        Hartman, 1973, Some experiments in global optimization; Dixon & Szego, 1978, for the coefficients.
    """
    return _gaussians(x, _RATES_3, _CENTERS_3)


hartmann_3 = Landscape(
    name="hartmann_3",
    f=_hartmann_3,
    dims=_THREE_D,
    bounds=box(0.0, 1.0),
    x_star=at((0.11458887665506897, 0.55564889461693004, 0.85254698468667744)),
    f_star=constant(-3.8627797873326625),
    f_second=constant(-3.0897641343826482),
    tags=frozenset({"multimodal"}),
    formula="-sum_{i<=4} c_i exp(-sum_j a_ij (x_j - p_ij)^2), 3 variables",
    reference=f"Hartman, 1973; Dixon & Szego, 1978; {_SB}; {_JY}, 62",
)


def _hartmann_6(x: Array) -> Array:
    """Four Gaussian holes of different shapes in six variables, two of which keep a minimum.

    Args:
        x: Point, shape (6,).

    Returns:
        ``-sum_{i<=4} c_i exp(-sum_j a_ij (x_j - p_ij)^2)``.

    References:
        Hartman, 1973, Some experiments in global optimization; Dixon & Szego, 1978, for the coefficients.
    """
    return _gaussians(x, _RATES_6, _CENTERS_6)


hartmann_6 = Landscape(
    name="hartmann_6",
    f=_hartmann_6,
    dims=_SIX_D,
    bounds=box(0.0, 1.0),
    x_star=at(
        (
            0.20168951100670542,
            0.15001069182345797,
            0.47687397422189699,
            0.27533243049405607,
            0.31165161660011324,
            0.65730053406562032,
        )
    ),
    f_star=constant(-3.3223680114155148),
    f_second=constant(-3.2031619183962311),
    tags=frozenset({"multimodal"}),
    formula="-sum_{i<=4} c_i exp(-sum_j a_ij (x_j - p_ij)^2), 6 variables",
    reference=f"Hartman, 1973; Dixon & Szego, 1978; {_SB}; {_JY}, 63",
    remarks="The second minimum is nearly as deep as the first, and draws a third of the starts.",
)


def _shekel_5(x: Array) -> Array:
    """Five foxholes in a plain.

    Args:
        x: Point, shape (4,).

    Returns:
        ``-sum_{i<=5} 1 / (|x - a_i|^2 + c_i)``.

    References:
        Shekel, 1971, Test functions for multimodal search techniques; Dixon & Szego, 1978, S5.
    """
    return _foxholes(x, 5)


shekel_5 = Landscape(
    name="shekel_5",
    f=_shekel_5,
    dims=_FOUR_D,
    bounds=box(0.0, 10.0),
    x_star=at((4.0000371528196762, 4.0001332765915601, 4.0000371528196762, 4.0001332765915601)),
    f_star=constant(-10.153199679058227),
    f_second=constant(-5.1007721403319875),
    family="shekel",
    tags=frozenset({"multimodal", "plate"}),
    formula="-sum_{i<=5} 1/(|x - a_i|^2 + c_i)",
    reference=f"Shekel, 1971; Dixon & Szego, 1978, S5; {_SB}; {_JY}, 130",
)


def _shekel_7(x: Array) -> Array:
    """Seven foxholes in a plain.

    Args:
        x: Point, shape (4,).

    Returns:
        ``-sum_{i<=7} 1 / (|x - a_i|^2 + c_i)``.

    References:
        Shekel, 1971, Test functions for multimodal search techniques; Dixon & Szego, 1978, S7.
    """
    return _foxholes(x, 7)


shekel_7 = Landscape(
    name="shekel_7",
    f=_shekel_7,
    dims=_FOUR_D,
    bounds=box(0.0, 10.0),
    x_star=at((4.0005729161858233, 4.0006893661853042, 3.9994897088591506, 3.9996061588586315)),
    f_star=constant(-10.402940566818661),
    f_second=constant(-5.1288227969654543),
    family="shekel",
    tags=frozenset({"multimodal", "plate"}),
    formula="-sum_{i<=7} 1/(|x - a_i|^2 + c_i)",
    reference=f"Shekel, 1971; Dixon & Szego, 1978, S7; {_SB}; {_JY}, 131",
)


def _shekel_10(x: Array) -> Array:
    """Ten foxholes in a plain.

    Args:
        x: Point, shape (4,).

    Returns:
        ``-sum_{i<=10} 1 / (|x - a_i|^2 + c_i)``.

    References:
        Shekel, 1971, Test functions for multimodal search techniques; Dixon & Szego, 1978, S10.
    """
    return _foxholes(x, 10)


shekel_10 = Landscape(
    name="shekel_10",
    f=_shekel_10,
    dims=_FOUR_D,
    bounds=box(0.0, 10.0),
    x_star=at((4.0007465315920467, 4.0005929341385320, 3.9996633980403223, 3.9995098005868076)),
    f_star=constant(-10.536409816692043),
    f_second=constant(-5.1756467416478820),
    family="shekel",
    tags=frozenset({"multimodal", "plate"}),
    formula="-sum_{i<=10} 1/(|x - a_i|^2 + c_i)",
    reference=f"Shekel, 1971; Dixon & Szego, 1978, S10; {_SB}; {_JY}, 132",
)
