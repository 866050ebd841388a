"""Instances: a seeded shift, rotation and offset, so that nothing stands where an optimizer could guess it.

Instance 0 is the literature's form. From instance 1 on, every global minimizer lies in the middle
80 % of the box, off its center, without equal coordinates (``protocol.md`` section 1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.errors import UsageError

#: The part of the box, in each coordinate, in which minimizers lie.
MIDDLE = 0.8
#: A minimizer is at least this far from the center, in box widths and the max norm.
OFF_CENTER = 0.05
#: Two coordinates of a minimizer differ by at least SEPARATION / dim^2 mean box widths.
SEPARATION = 0.1
_TRIES = 1000
#: Shifts are multiples of 2^-24 of the width rounded to a power of two, so that ``x - shift`` rounds little.
_SHIFT_BITS = 24


class Frame(NamedTuple):
    """The map from a problem's frame to its landscape's: ``y = pivot + R (x - shift - pivot)``.

    Attributes:
        origin_matrix: The rotation R, shape (dim, dim); ``None`` where nothing is turned.
        shift: How far the landscape is moved, shape (dim,).
        pivot: The point of the landscape about which it is turned, shape (dim,).
        offset: What is added to the value.
        theta: The landscape's parameters in their order.
    """

    origin_matrix: np.ndarray | None
    shift: np.ndarray
    pivot: np.ndarray
    offset: float
    theta: tuple[float, ...]

    def inward(self, x: Array) -> Array:
        """Maps a point of the problem's frame to the landscape's, in pure JAX, in the type of ``x``."""
        y = x - _copied(self.shift, x)
        if self.origin_matrix is not None:
            pivot = _copied(self.pivot, x)
            y = pivot + _copied(self.origin_matrix, x) @ (y - pivot)
        return y

    def outward(self, y: np.ndarray) -> np.ndarray:
        """Maps points of the landscape's frame, one a row, to the problem's frame."""
        turned = y - self.pivot if self.origin_matrix is None else (y - self.pivot) @ self.origin_matrix
        return np.asarray(self.shift + self.pivot + turned)


def _copied(array: np.ndarray, like: Array) -> np.ndarray:
    """Returns a copy in the type of a point, always: see ``evaluation``."""
    return np.array(array, like.dtype)


def literature(dim: int, theta: tuple[float, ...]) -> Frame:
    """Returns the frame of instance 0, which moves nothing."""
    return Frame(None, np.zeros(dim), np.zeros(dim), 0.0, theta)


def haar(rng: np.random.Generator, dim: int) -> np.ndarray:
    """Draws an orthogonal matrix from the uniform (Haar) distribution.

    Args:
        rng: Random generator.
        dim: Number of rows and columns.

    Returns:
        The Q of a Gaussian matrix, its columns signed so that the diagonal of R is positive.

    References:
        Mezzadri, 2007, How to generate random matrices from the classical compact groups,
        Notices of the AMS 54(5), section 5.
    """
    q, r = np.linalg.qr(rng.standard_normal((dim, dim)))
    return np.asarray(q * np.sign(np.diagonal(r)))


def draw(
    name: str,
    instance: int,
    *,
    rotated: bool,
    bounds: np.ndarray,
    x_star: np.ndarray,
    f_scale: float,
    theta: tuple[float, ...],
) -> Frame:
    """Draws the frame of an instance from its identity.

    The rotated twin shares the offset, and the place of a single minimizer, with the plain one.

    Args:
        name: Name of the landscape.
        instance: Number of the instance, from 1 on.
        rotated: Whether to turn the landscape about its first minimizer.
        bounds: Box, shape (dim, 2).
        x_star: Global minimizers of the literature's form, shape (m, dim).
        f_scale: ``f_scale`` of the literature's form; the offset is at most twice as large.
        theta: Parameters of the landscape.

    Returns:
        The frame.

    Raises:
        UsageError: The minimizers lie too far apart for the middle 80 % of the box.
    """
    dim = len(bounds)
    rng = generator("instance", name, dim, instance)
    sign = 1.0 if rng.random() < 0.5 else -1.0
    offset = sign * int(rng.integers(64, 256)) / 128 * 2.0 ** math.floor(math.log2(f_scale))
    width = bounds[:, 1] - bounds[:, 0]
    first = x_star[0]
    if np.any(np.ptp(x_star, axis=0) > MIDDLE * width):
        raise UsageError(
            f"{name} has no instance {instance}: its {len(x_star)} global minimizers span more than the middle "
            f"{MIDDLE:.0%} of its box; use instance 0"
        )
    grid = 2.0 ** (_SHIFT_BITS - np.floor(np.log2(width)))
    for _ in range(_TRIES):
        place = rng.random(dim)
        matrix = haar(rng, dim) if rotated else None
        relative = x_star - first if matrix is None else (x_star - first) @ matrix
        low = bounds[:, 0] + 0.5 * (1 - MIDDLE) * width - relative.min(axis=0)
        high = bounds[:, 1] - 0.5 * (1 - MIDDLE) * width - relative.max(axis=0)
        shift = np.round((low + place * (high - low) - first) * grid) / grid
        frame = Frame(matrix, shift, first if rotated else np.zeros(dim), offset, theta)
        if _well_placed(frame.outward(x_star), bounds):
            return frame
    raise UsageError(f"{name} has no instance {instance} in dimension {dim}: its minimizers fit nowhere in the box")


def _well_placed(points: np.ndarray, bounds: np.ndarray) -> bool:
    """Returns whether every minimizer is in the middle, off the center, its coordinates apart."""
    width = bounds[:, 1] - bounds[:, 0]
    place = np.abs(points - bounds.mean(axis=1)) / width
    gaps = np.diff(np.sort(points, axis=1), axis=1)
    inside = bool(np.all(place <= 0.5 * MIDDLE))
    apart = bool(np.all(gaps >= SEPARATION / len(bounds) ** 2 * width.mean()))
    return inside and apart and bool(np.all(place.max(axis=1) >= OFF_CENTER))
