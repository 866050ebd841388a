"""The well of a point: the sharp or the flat one, as noise-free gradient flow decides.

Many points are followed at once by Dormand and Prince's pair of orders 5 and 4, each with its own steps, until
it enters the ball of a well that flow cannot leave (``Wells.radii``). Flow is followed in the landscape's own
frame: shifts, rotations and units of length change no path.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.problems.landscape import Landscape
from optbench.problems.problem import Problem
from optbench.records import NEITHER

#: Points that are followed together.
WIDTH = 256
#: Steps after which a point counts as one that drains to neither well.
MAX_STEPS = 2000
#: Error of a step, relative to the distance between the wells.
_TOLERANCE = 1e-9
#: Nodes and weights of the pair: Dormand and Prince, 1980, A family of embedded Runge-Kutta formulae.
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


def drains_to(problem: Problem, points: np.ndarray) -> np.ndarray:
    """Returns the well that noise-free gradient flow reaches from each point.

    Args:
        problem: A problem with wells.
        points: One a row, (n, dim), in the problem's own frame and raw units.

    Returns:
        ``records.SHARP``, ``FLAT`` or ``NEITHER`` for each, int32 of shape (n,). What is not finite, comes to
        rest elsewhere or takes more than ``MAX_STEPS`` steps drains to neither.
    """
    wells = problem.wells
    assert wells is not None
    codes = _inside(points, wells.bottoms, wells.radii)
    open_ends = np.flatnonzero((codes == NEITHER) & np.isfinite(points).all(axis=1))
    if not len(open_ends):
        return codes
    assert problem.landscape.wells is not None
    frame = problem.frame()
    y = points[open_ends] - frame.shift
    if frame.origin_matrix is not None:
        y = frame.pivot + (y - frame.pivot) @ frame.origin_matrix.T
    bottoms, radii = problem.landscape.wells(problem.dim, *problem.theta)
    follow = _follower(problem.landscape)
    with jax.enable_x64(True):
        for begin in range(0, len(y), WIDTH):
            part = y[begin : begin + WIDTH]
            padded = np.concatenate([part, np.tile(bottoms[:1], (WIDTH - len(part), 1))])
            ends = np.asarray(follow(padded, bottoms, radii, problem.theta, problem.data))[: len(part)]
            codes[open_ends[begin : begin + WIDTH]] = _inside(ends, bottoms, radii)
    return codes


def _inside(points: np.ndarray, bottoms: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Returns the number of the ball in which each point lies, ``NEITHER`` outside."""
    near = np.linalg.norm(points[:, None] - bottoms[None], axis=2) <= radii
    return np.where(near.any(axis=1), near.argmax(axis=1), NEITHER).astype(np.int32)


@lru_cache(maxsize=64)
def _follower(landscape: Landscape) -> Callable[..., Array]:
    """Returns the compiled function that moves points along gradient flow until all have come to an end."""

    def follow(y: Array, bottoms: Array, radii: Array, theta: Any, data: Any) -> Array:
        tolerance = _TOLERANCE * jnp.linalg.norm(bottoms[1] - bottoms[0])
        slope: Callable[..., Array] = jax.grad(landscape.f)
        velocity: Callable[[Array], Array] = jax.vmap(lambda point: -slope(point, *theta, *data))

        def moving(y: Array, v: Array) -> Array:
            away = jnp.linalg.norm(y[:, None] - bottoms[None], axis=2) > radii[None]
            speed = jnp.linalg.norm(v, axis=1)
            open_ends: Array = away.all(axis=1) & (speed > 0) & jnp.isfinite(speed)
            return open_ends

        def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            count, y, v, h = carry
            slopes = [v]
            for weights in _STAGES:
                ahead = y + h[:, None] * sum(w * k for w, k in zip(weights, slopes, strict=True))
                slopes.append(velocity(ahead))
            error = h * jnp.linalg.norm(sum(w * k for w, k in zip(_ERROR, slopes, strict=True)), axis=1) / tolerance
            # A step that left the domain has no error that could be compared: it is tried again, shorter.
            error = jnp.where(jnp.isfinite(error), error, jnp.inf)
            taken = (error <= 1.0) & moving(y, v)
            factor = jnp.clip(0.9 * jnp.maximum(error, 1e-10) ** -0.2, 0.2, 5.0)
            y, v = (jnp.where(taken[:, None], new, old) for new, old in ((ahead, y), (slopes[-1], v)))
            return count + 1, y, v, h * factor

        v = velocity(y)
        h = 1e-3 * jnp.linalg.norm(bottoms[1] - bottoms[0]) / jnp.maximum(jnp.linalg.norm(v, axis=1), 1e-300)
        start: tuple[Any, ...] = (jnp.int32(0), y, v, h)
        _, y, _, _ = lax.while_loop(lambda c: (c[0] < MAX_STEPS) & moving(c[1], c[2]).any(), step, start)
        return y

    return jax.jit(follow)
