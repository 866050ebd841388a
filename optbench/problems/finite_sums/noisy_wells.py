"""Wells whose gradient noise comes from batches: two wells, one well, and the same with isotropic noise.

A term adds a linear and a quadratic form to the function; both sum to exactly 0 over all terms, so that the
function is known in closed form whatever the noise (``protocol.md`` section 6).
"""

from __future__ import annotations

from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.problems.landscape import Dims, Landscape, Parameter, Wells, box
from optbench.problems.wells import two_wells

N_TERMS = 64
_PAIRS = N_TERMS // 2
#: Every number of the noise is a multiple of this, so that sums of them are exact in any order.
_GRID = 2.0**-30
#: Distance of the wells from the origin, on the first axis.
_PLACE = 2.0
_DIMS = Dims(minimum=1, maximum=_PAIRS)
_NOISE = {
    "noise": Parameter(1.0, 0.0, 1e2, "root mean square of the terms' linear part"),
    "curvature_noise": Parameter(0.5, 0.0, 1e2, "root mean square of |B_i x|/|x| of the terms' quadratic part"),
}
_REFERENCE = "this project; the question is that of Keskar et al., 2017"


def _signed(halves: np.ndarray) -> np.ndarray:
    """Returns each of the 32 draws, rounded to the grid, followed by its negative."""
    exact = np.round(halves / _GRID) * _GRID
    return np.asarray(np.stack([exact, -exact], axis=1).reshape(N_TERMS, *halves.shape[1:]))


@lru_cache(maxsize=16)
def _forms(dim: int, instance: int, noise: float, curvature_noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws the linear and the quadratic parts of the terms, the same for all functions of this module.

    Args:
        dim: Dimension.
        instance: Seed.
        noise: Root mean square of ``|a_i|``.
        curvature_noise: Root mean square of ``|B_i x| / |x|``.

    Returns:
        ``a``, shape (64, dim), and ``B``, symmetric, shape (64, dim, dim); both sum to exactly 0.
    """
    rng = generator("finite_sum", "wells", dim, instance)
    slopes = noise / np.sqrt(dim) * rng.standard_normal((_PAIRS, dim))
    square = rng.standard_normal((_PAIRS, dim, dim))
    symmetric = 0.5 * (square + square.transpose(0, 2, 1))
    return _signed(slopes), _signed(curvature_noise * np.sqrt(2.0 / (dim + 1)) * symmetric)


@lru_cache(maxsize=16)
def _isotropic(dim: int, instance: int, noise: float, curvature_noise: float) -> tuple[np.ndarray]:
    """Draws linear parts whose covariance is a multiple of the identity, to rounding.

    Args:
        dim: Dimension.
        instance: Seed.
        noise: Root mean square of ``|a_i|`` of the noise that it replaces.
        curvature_noise: Root mean square of ``|B_i x| / |x|`` of the noise that it replaces.

    Returns:
        ``a``, shape (64, dim), with the mean of ``|a_i|^2`` that the other noise has at the sharp minimum.
    """
    slopes, curvatures = _forms(dim, instance, noise, curvature_noise)
    there = slopes - _PLACE * curvatures[:, :, 0]
    trace = np.sum(there * there) / N_TERMS
    rng = generator("finite_sum", "wells isotropic", dim, instance)
    frame, _ = np.linalg.qr(rng.standard_normal((_PAIRS, dim)))
    return (_signed(np.sqrt(_PAIRS * trace / dim) * frame),)


def mean_of(part: Array, indices: Array) -> Array:
    """Returns the mean of the chosen terms' parts."""
    return jnp.mean(jnp.take(part, indices, axis=0), axis=0)


def forms_at(x: Array, indices: Array, slopes: Array, curvatures: Array) -> Array:
    """Returns the mean of ``a_i . x + x' B_i x / 2`` over the chosen terms."""
    return jnp.sum(mean_of(slopes, indices) * x) + 0.5 * jnp.sum(x * (mean_of(curvatures, indices) @ x))


def _two_wells_sum(x: Array, *operands: Array) -> Array:
    """The mean of the terms is ``two_wells``; a term adds ``a_i . x + x' B_i x / 2``.

    The noise of a batch's gradient is the mean of ``a_i + B_i x`` over it: it differs from place to place,
    and has the same expected trace ``noise^2 + 4 curvature_noise^2`` at both minima.

    Args:
        x: Point, shape (dim,).
        *operands: The four parameters of ``two_wells``, the two of the noise, and the parts ``a`` and ``B``.

    Returns:
        ``two_wells(x)``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return two_wells.f(x, *operands[:4])


def _two_wells_batch(x: Array, indices: Array, *operands: Array) -> Array:
    return two_wells.f(x, *operands[:4]) + forms_at(x, indices, *operands[-2:])


def _wells(dim: int, *theta: float) -> Wells:
    assert two_wells.wells is not None
    return two_wells.wells(dim, *theta[:4])


two_wells_sum = Landscape(
    name="two_wells_sum",
    f=_two_wells_sum,
    dims=_DIMS,
    bounds=two_wells.bounds,
    x_star=lambda dim, *theta: two_wells.x_star(dim, *theta[:4]),
    f_star=lambda dim, *theta: two_wells.f_star(dim, *theta[:4]),
    f_second=lambda dim, *theta: two_wells.f_second(dim, *theta[:4]),
    wells=_wells,
    control="one_well",
    parameters={**two_wells.parameters, **_NOISE},
    data=lambda dim, instance, *theta: _forms(dim, instance, *theta[4:]),
    batch=_two_wells_batch,
    n_terms=lambda dim: N_TERMS,
    family="two_wells",
    tags=two_wells.tags,
    formula="two_wells(x); f_i adds a_i . x + x' B_i x/2, sum a_i = 0, sum B_i = 0",
    reference=_REFERENCE,
    remarks="The noise is that of real batches: it grows with the distance from the origin and has a direction.",
)


def _two_wells_isotropic(x: Array, *operands: Array) -> Array:
    """The control of ``two_wells_sum``: a term adds ``a_i . x`` only, and the noise has no direction.

    The covariance of ``a_i`` is a multiple of the identity, everywhere the same, with the trace that the
    noise of ``two_wells_sum`` of the same instance has at the sharp minimum.

    Args:
        x: Point, shape (dim,).
        *operands: The parameters of ``two_wells_sum`` and the parts ``a``.

    Returns:
        ``two_wells(x)``.

    References:
        This project; the question is that of Keskar et al., 2017, On large-batch training for deep learning.
    """
    return two_wells.f(x, *operands[:4])


def _two_wells_isotropic_batch(x: Array, indices: Array, *operands: Array) -> Array:
    return two_wells.f(x, *operands[:4]) + jnp.sum(mean_of(operands[-1], indices) * x)


two_wells_isotropic = Landscape(
    name="two_wells_isotropic",
    f=_two_wells_isotropic,
    dims=_DIMS,
    bounds=two_wells.bounds,
    x_star=two_wells_sum.x_star,
    f_star=two_wells_sum.f_star,
    f_second=two_wells_sum.f_second,
    wells=_wells,
    control="one_well_isotropic",
    parameters=two_wells_sum.parameters,
    data=lambda dim, instance, *theta: _isotropic(dim, instance, *theta[4:]),
    batch=_two_wells_isotropic_batch,
    n_terms=lambda dim: N_TERMS,
    family="two_wells",
    tags=two_wells.tags,
    formula="two_wells(x); f_i adds a_i . x, sum a_i = 0, covariance a multiple of the identity",
    reference=_REFERENCE,
    remarks="The control of two_wells_sum: the same trace of the noise at the sharp minimum, and everywhere.",
)


def _one_well(x: Array, curvature: Array, *operands: Array) -> Array:
    """A single quadratic well at -2 on the first axis, with the noise of ``two_wells_sum``.

    Args:
        x: Point, shape (dim,).
        curvature: Curvature of the well: that of the sharp or of the flat one.
        *operands: The two parameters of the noise, and the parts ``a`` and ``B``.

    Returns:
        ``curvature |x + 2 e_1|^2 / 2``.

    References:
        This project; optimizers are compared at equal final excess loss on it.
    """
    del operands
    left = x[0] + _PLACE
    return 0.5 * curvature * (left * left + jnp.sum(x[1:] * x[1:]))


def _one_well_batch(x: Array, indices: Array, curvature: Array, *operands: Array) -> Array:
    return _one_well(x, curvature) + forms_at(x, indices, *operands[-2:])


one_well = Landscape(
    name="one_well",
    f=_one_well,
    dims=_DIMS,
    bounds=box(-4.0, 4.0),
    x_star=lambda dim, *theta: -_PLACE * np.eye(dim)[:1],
    parameters={"curvature": Parameter(1.0, 1.0, 1e6, "curvature of the well"), **_NOISE},
    data=lambda dim, instance, curvature, *theta: _forms(dim, instance, *theta),
    batch=_one_well_batch,
    n_terms=lambda dim: N_TERMS,
    family="one_well",
    tags=frozenset({"quadratic", "rotation_invariant"}),
    formula="curvature |x + 2 e_1|^2/2; f_i adds a_i . x + x' B_i x/2, sum a_i = 0, sum B_i = 0",
    reference=_REFERENCE,
    remarks="The control on which optimizers are brought to equal excess loss; the place is the sharp well's.",
)


def _one_well_isotropic(x: Array, curvature: Array, *operands: Array) -> Array:
    """The single well of ``one_well`` with the noise of ``two_wells_isotropic``.

    Args:
        x: Point, shape (dim,).
        curvature: Curvature of the well.
        *operands: The two parameters of the noise, and the parts ``a``.

    Returns:
        ``curvature |x + 2 e_1|^2 / 2``.

    References:
        This project; optimizers are compared at equal final excess loss on it.
    """
    return _one_well(x, curvature, *operands)


def _one_well_isotropic_batch(x: Array, indices: Array, curvature: Array, *operands: Array) -> Array:
    return _one_well(x, curvature) + jnp.sum(mean_of(operands[-1], indices) * x)


one_well_isotropic = Landscape(
    name="one_well_isotropic",
    f=_one_well_isotropic,
    dims=_DIMS,
    bounds=one_well.bounds,
    x_star=one_well.x_star,
    parameters=one_well.parameters,
    data=lambda dim, instance, curvature, *theta: _isotropic(dim, instance, *theta),
    batch=_one_well_isotropic_batch,
    n_terms=lambda dim: N_TERMS,
    family="one_well",
    tags=one_well.tags,
    formula="curvature |x + 2 e_1|^2/2; f_i adds a_i . x, sum a_i = 0, covariance a multiple of the identity",
    reference=_REFERENCE,
    remarks="The control of two_wells_isotropic on which optimizers are brought to equal excess loss.",
)
