"""Two wells with batch noise, started in the middle of either well with equal probability.

From the usual box nearly every start drains into the flat well, in ten dimensions all of them. Here gradient
flow ends in each well from half of the starts, so that leaving the sharp well and leaving the flat one are seen alike.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jax import Array

from optbench.problems.finite_sums.noisy_wells import two_wells_isotropic, two_wells_sum
from optbench.problems.landscape import Matrix

_REMARKS = (
    "Starts: either well with equal probability, at a uniform distance from its bottom of up to half of the way to "
    "the ridge, in a uniform direction."
)


def _starts(rng: np.random.Generator, count: int, dim: int, *theta: float) -> tuple[Matrix, np.ndarray]:
    """Draws starts, one a row: either well, a uniform distance within its radius, a uniform direction.

    Args:
        rng: Random generator.
        count: How many.
        dim: Dimension.
        *theta: The parameters of ``two_wells_sum``.

    Returns:
        The starts (count, dim), and NaN for each, since none belongs to a saddle.
    """
    assert two_wells_sum.wells is not None
    bottoms, radii = two_wells_sum.wells(dim, *theta)
    side = rng.integers(2, size=count)
    direction = rng.standard_normal((count, dim))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    distance = radii[side] * rng.random(count)
    return bottoms[side] + distance[:, None] * direction, np.full(count, np.nan)


def _two_wells_sum_from_both(x: Array, *operands: Array) -> Array:
    """The function and the batches of ``two_wells_sum``, from other starts.

    Args:
        x: Point, shape (dim,).
        *operands: Those of ``two_wells_sum``.

    Returns:
        ``two_wells(x)``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return two_wells_sum.f(x, *operands)


two_wells_sum_from_both = replace(
    two_wells_sum,
    name="two_wells_sum_from_both",
    f=_two_wells_sum_from_both,
    sample_starts=_starts,
    remarks=_REMARKS,
)


def _two_wells_isotropic_from_both(x: Array, *operands: Array) -> Array:
    """The function and the batches of ``two_wells_isotropic``, from other starts.

    Args:
        x: Point, shape (dim,).
        *operands: Those of ``two_wells_isotropic``.

    Returns:
        ``two_wells(x)``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return two_wells_isotropic.f(x, *operands)


two_wells_isotropic_from_both = replace(
    two_wells_isotropic,
    name="two_wells_isotropic_from_both",
    f=_two_wells_isotropic_from_both,
    sample_starts=_starts,
    remarks=_REMARKS,
)
