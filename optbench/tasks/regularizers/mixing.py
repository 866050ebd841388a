"""Examples made of two: mixup and cutmix.

Both mix each example of a batch with another of the same batch, in one random order of it, and draw one weight a batch
from ``Beta(alpha, alpha)``, as their authors' programs do.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike


def mixup(key: Array, x: Array, targets: Array, alpha: ArrayLike) -> tuple[Array, Array]:
    """Mixes inputs and targets: ``lam a + (1 - lam) b`` with ``lam ~ Beta(alpha, alpha)``.

    Args:
        key: What the weight and the partners are drawn from.
        x: Inputs, (n, ...).
        targets: Probabilities, (n, K).
        alpha: Strength; at 0 nothing is mixed, at 1 the weight is uniform.

    Returns:
        Mixed inputs and targets.

    Source:
        Zhang, Cisse, Dauphin, Lopez-Paz: mixup, ICLR 2018, arXiv:1710.09412, section 2.
    """
    weight_key, partner_key = jax.random.split(key)
    lam = drawn_weight(weight_key, alpha)
    partner = jax.random.permutation(partner_key, x.shape[0])
    return lam * x + (1.0 - lam) * x[partner], lam * targets + (1.0 - lam) * targets[partner]


def cutmix(key: Array, x: Array, targets: Array, alpha: ArrayLike) -> tuple[Array, Array]:
    """Pastes a box of another image, and mixes targets by the share of pixels that it really covers.

    The box has sides ``sqrt(1 - lam)`` of the image's, ``lam ~ Beta(alpha, alpha)``, and its center is uniform over
    the image. What lies outside is cut off, so the share is counted and not ``1 - lam``.

    Args:
        key: What weight, box and partners are drawn from.
        x: Images (n, height, width, channels) or sequences (n, length, channels).
        targets: Probabilities, (n, K).
        alpha: Strength; at 0 nothing is pasted.

    Returns:
        Images with a box of their partner's, and mixed targets.

    Raises:
        ValueError: ``x`` has other axes.

    Source:
        Yun, Han, Oh, Chun, Choe, Yoo: CutMix, ICCV 2019, arXiv:1905.04899, section 3.1.
    """
    if x.ndim not in (3, 4):
        raise ValueError(f"x must be (n, height, width, channels) or (n, length, channels); got shape {x.shape}")
    weight_key, partner_key, place_key = jax.random.split(key, 3)
    lam = drawn_weight(weight_key, alpha)
    partner = jax.random.permutation(partner_key, x.shape[0])
    sides = x.shape[1:-1]
    # A sequence has one side, which alone must make up the share.
    ratio = (1.0 - lam) ** (1.0 / len(sides))
    places = jax.random.uniform(place_key, (len(sides),))
    inside = jnp.ones((), bool)
    for axis, side in enumerate(sides):
        length, center = jnp.floor(side * ratio), jnp.floor(side * places[axis])
        begin = jnp.clip(center - jnp.floor(length / 2.0), 0, side)
        end = jnp.clip(center - jnp.floor(length / 2.0) + length, 0, side)
        at = jnp.arange(side)
        along = (at >= begin) & (at < end)
        inside = inside[..., None] & along.reshape((1,) * axis + (side,))
    kept = 1.0 - jnp.mean(inside.astype(x.dtype))
    mixed = jnp.where(inside[None, ..., None], x[partner], x)
    return mixed, kept * targets + (1.0 - kept) * targets[partner]


def drawn_weight(key: Array, alpha: ArrayLike) -> Array:
    """Returns a draw from ``Beta(alpha, alpha)``, float32; 1 where ``alpha`` is 0."""
    alpha = jnp.asarray(alpha, jnp.float32)
    positive = jnp.where(alpha > 0.0, alpha, 1.0)
    lam = jax.random.beta(key, positive, positive, dtype=jnp.float32)
    return lax.select(alpha > 0.0, lam, jnp.ones_like(lam))
