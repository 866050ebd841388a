"""Two wells with batch noise, started in the middle of either well with equal probability.

From the usual box nearly every start drains into the flat well, in ten dimensions all of them. Here gradient
flow ends in each well from half of the starts, so that leaving the sharp well and leaving the flat one are seen alike.

The ridge is five times as hard as that of ``two_wells``. On a soft ridge the force fades before its top, and gradient
descent somewhat above ``lr * curvature = 2`` goes round the sharp bottom in a cycle of two steps for ever; here it
leaves from 2.01 on.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.finite_sums.noisy_wells import forms_at, mean_of, two_wells_isotropic, two_wells_sum
from optbench.problems.landscape import Matrix
from optbench.problems.wells import joined_quadratics

#: ``T`` of the ridge; that of ``two_wells`` is 0.1.
SOFTNESS = 0.02
_FORMULA = "-T log(exp(-s/T) + exp(-f/T)), T = 0.02, s and f the quadratics of two_wells; "
_REMARKS = (
    "Starts: either well with equal probability, at a uniform distance from its bottom of up to half of the way to "
    "the ridge, in a uniform direction."
)


def _two_wells(x: Array, *operands: Array) -> Array:
    ratio, curvature, sharp_depth, flat_depth, *_ = operands
    return joined_quadratics(x, ratio, curvature, sharp_depth, flat_depth, SOFTNESS)


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
    """``two_wells_sum`` with a harder ridge, from other starts; the noise of the batches is the same.

    Args:
        x: Point, shape (dim,).
        *operands: Those of ``two_wells_sum``.

    Returns:
        ``-T log(exp(-s/T) + exp(-f/T))`` with the quadratics of ``two_wells`` and ``T = 0.02``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return _two_wells(x, *operands)


def _sum_batch(x: Array, indices: Array, *operands: Array) -> Array:
    return _two_wells(x, *operands) + forms_at(x, indices, *operands[-2:])


two_wells_sum_from_both = replace(
    two_wells_sum,
    name="two_wells_sum_from_both",
    f=_two_wells_sum_from_both,
    batch=_sum_batch,
    formula=_FORMULA + "f_i adds a_i . x + x' B_i x/2, sum a_i = 0, sum B_i = 0",
    sample_starts=_starts,
    remarks=_REMARKS,
)


def _two_wells_isotropic_from_both(x: Array, *operands: Array) -> Array:
    """``two_wells_isotropic`` with a harder ridge, from other starts; the noise of the batches is the same.

    Args:
        x: Point, shape (dim,).
        *operands: Those of ``two_wells_isotropic``.

    Returns:
        ``-T log(exp(-s/T) + exp(-f/T))`` with the quadratics of ``two_wells`` and ``T = 0.02``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return _two_wells(x, *operands)


def _isotropic_batch(x: Array, indices: Array, *operands: Array) -> Array:
    return _two_wells(x, *operands) + jnp.sum(mean_of(operands[-1], indices) * x)


two_wells_isotropic_from_both = replace(
    two_wells_isotropic,
    name="two_wells_isotropic_from_both",
    f=_two_wells_isotropic_from_both,
    batch=_isotropic_batch,
    formula=_FORMULA + "f_i adds a_i . x, sum a_i = 0, covariance a multiple of the identity",
    sample_starts=_starts,
    remarks=_REMARKS,
)
