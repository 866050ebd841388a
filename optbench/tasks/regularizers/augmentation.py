"""Images that mean the same: shifted, flipped, cropped; and which of these a data set allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


class Allowed(NamedTuple):
    """What changes nothing in the meaning of a data set's examples.

    Attributes:
        shift: Most pixels that an example may be moved along each axis.
        flip: Whether its mirror image, left to right, is of the same class.
        crop: Least share of its side that must be seen.
    """

    shift: int
    flip: bool
    crop: float


#: By data set. Digits and most letters are not their mirror images; articles of clothing and things in photographs are.
#: A shift is about an eighth of the side or less, less than the margin of most examples.
ALLOWED = {
    "digits": Allowed(shift=1, flip=False, crop=0.85),
    "mnist1d": Allowed(shift=4, flip=False, crop=0.9),
    "mnist": Allowed(shift=2, flip=False, crop=0.85),
    "fashion-mnist": Allowed(shift=2, flip=True, crop=0.85),
    "cifar10": Allowed(shift=4, flip=True, crop=0.75),
}


def shift(key: Array, x: Array, most: ArrayLike) -> Array:
    """Moves each example by whole pixels, uniform in ``-most..most`` along each axis, and fills with zeros.

    Args:
        key: What the shifts are drawn from.
        x: (n, *sides, channels).
        most: Largest shift in pixels; at 0 nothing moves.

    Returns:
        Examples of the same shape.
    """
    sides = x.shape[1:-1]
    # Uniform over the 2 most + 1 whole numbers: the half at each end belongs to the last one.
    reach = jnp.asarray(most, jnp.float32) + 0.5
    drawn = jax.random.uniform(key, (x.shape[0], len(sides)), minval=-1.0, maxval=1.0) * reach
    by = jnp.clip(jnp.round(drawn), -jnp.floor(reach), jnp.floor(reach)).astype(jnp.int32)
    return jax.vmap(_moved)(x, by)


def _moved(x: Array, by: Array) -> Array:
    for axis, side in enumerate(x.shape[:-1]):
        source = jnp.arange(side) - by[axis]
        x = jnp.take(x, source, axis=axis, mode="fill", fill_value=0.0)
        # A negative index is one from the end, not one outside.
        x = x * _along((source >= 0).astype(x.dtype), axis, x.ndim)
    return x


def flip(key: Array, x: Array, probability: ArrayLike) -> Array:
    """Mirrors each example, left to right, with some probability.

    Args:
        key: What decides.
        x: (n, *sides, channels); the last side is the width.
        probability: In [0, 1].

    Returns:
        Examples of the same shape.
    """
    turned = jax.random.bernoulli(key, probability, (x.shape[0],))
    return jnp.where(turned.reshape(-1, *(1,) * (x.ndim - 1)), jnp.flip(x, axis=-2), x)


def crop(key: Array, x: Array, least: ArrayLike) -> Array:
    """Shows a window of each example in its full size, by linear interpolation.

    The window's side is uniform in ``least..1`` of the example's, the same along all axes, and its place uniform.

    Args:
        key: What windows are drawn from.
        x: (n, *sides, channels).
        least: Smallest share of a side, in (0, 1]; at 1 nothing is cut.

    Returns:
        Examples of the same shape.
    """
    size_key, place_key = jax.random.split(key)
    n, sides = x.shape[0], x.shape[1:-1]
    share = jax.random.uniform(size_key, (n,), minval=least, maxval=1.0)
    places = jax.random.uniform(place_key, (n, len(sides)))
    return jax.vmap(_window)(x, share, places)


def _window(x: Array, share: Array, places: Array) -> Array:
    """Resamples one example at evenly spaced points of a window: one product with a matrix along each axis."""
    for axis, side in enumerate(x.shape[:-1]):
        at = (jnp.arange(side) * share) + places[axis] * (side - 1) * (1.0 - share)
        weights = jnp.maximum(0.0, 1.0 - jnp.abs(at[:, None] - jnp.arange(side)[None, :]))
        x = jnp.moveaxis(jnp.tensordot(weights, x, axes=(1, axis)), 0, axis)
    return x


def _along(values: Array, axis: int, ndim: int) -> Array:
    """Returns a vector shaped to multiply an array of ``ndim`` axes along one of them."""
    shape: Sequence[int] = [1] * axis + [-1] + [1] * (ndim - axis - 1)
    return values.reshape(shape)
