"""What BBOB bends its functions with, written so that every gradient is finite.

Each formula that has a root, a logarithm or a power replaces a number at which that is singular by 1
*before* it is taken: ``where`` on the result alone would leave ``0 * inf = nan`` in the gradient.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

#: Numbers up to this size are taken for 0 by the logarithms: derivatives of smaller ones overflow.
_TINY = 1e-300
#: Half the edge of the box, beyond which ``penalty`` counts.
_EDGE = 5.0


def ramp(dim: int) -> np.ndarray:
    """Returns ``i / (dim - 1)`` for i = 0 ... dim - 1: the exponents of every scale."""
    return np.arange(dim) / (dim - 1)


def scales(condition: float, x: Array) -> Array:
    """Returns ``condition^(i / (dim - 1))``, from 1 to the condition number, in the precision of ``x``."""
    return jnp.asarray(condition ** ramp(x.shape[0]), x.dtype)


def t_osz(x: Array) -> Array:
    """Adds smooth oscillations in the logarithm, different for either sign (T_osz).

    At 0 the quotient ``t_osz(x)/x`` oscillates between 0.91 and 1.11 without a limit; the derivative there is
    1 by convention.

    Args:
        x: Numbers, any shape.

    Returns:
        ``x exp(0.049 (sin(c_1 t) + sin(c_2 t)))``, ``t = 10 log|x|``, with c = (1, 0.79) where x > 0 and
        (0.55, 0.31) elsewhere.
    """
    size = jnp.abs(x)
    t = 10.0 * jnp.log(jnp.where(size > _TINY, size, 1.0))
    positive = x > 0.0
    waves = jnp.sin(jnp.where(positive, 1.0, 0.55) * t) + jnp.sin(jnp.where(positive, 0.79, 0.31) * t)
    return x * jnp.exp(0.049 * waves)


def t_asy(x: Array, beta: float) -> Array:
    """Raises positive coordinates to powers that grow with the coordinate's number and value (T_asy).

    Args:
        x: Point, shape (dim,).
        beta: Strength.

    Returns:
        ``x_i^(1 + beta i/(dim-1) sqrt(x_i))`` where ``x_i > 0``, else ``x_i``; i counts from 0.
    """
    safe = jnp.where(x > _TINY, x, 1.0)
    return x * jnp.exp(jnp.asarray(beta * ramp(x.shape[0]), x.dtype) * jnp.sqrt(safe) * jnp.log(safe))


def power(base: Array, exponent: float) -> Array:
    """Returns ``base**exponent`` for bases of at least 0; the gradient at 0 is 0, which is finite."""
    positive = base > _TINY
    return jnp.where(positive, jnp.where(positive, base, 1.0) ** exponent, 0.0)


def magnitude(x: Array) -> Array:
    """Returns ``|x|``, whose gradient at 0 is 0 and not that of either side."""
    return x * jnp.sign(x)


def penalty(x: Array) -> Array:
    """Returns ``sum max(0, |x_i| - 5)^2``, which is 0 in the box (f_pen)."""
    outside = jnp.maximum(jnp.abs(x) - _EDGE, 0.0)
    return jnp.sum(outside * outside)


def rastrigin(z: Array) -> Array:
    """Returns ``sum z_i^2 + 10 (1 - cos(2 pi z_i))``."""
    return jnp.sum(z * z + (10.0 - 10.0 * jnp.cos(2.0 * jnp.pi * z)))


def rosenbrock_terms(e: Array) -> Array:
    """Returns the dim - 1 terms ``100 (z_i^2 - z_{i+1})^2 + (z_i - 1)^2`` of ``z = 1 + e``.

    Written in e, they keep their digits near the minimum.
    """
    head, tail = e[:-1], e[1:]
    ridge = head * (2.0 + head) - tail
    return 100.0 * (ridge * ridge) + head * head
