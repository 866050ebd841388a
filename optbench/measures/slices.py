"""The loss on a line or a plane through a point: many points at once, on all cores, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, NamedTuple

import jax
import numpy as np

from optbench.core.objective import Objective, Params
from optbench.environment import visible_cores
from optbench.errors import UsageError
from optbench.measures.checks import is_number, is_whole
from optbench.measures.directions import random_direction
from optbench.measures.losses import as_objective, as_point

#: Points of one call of the program, between two reports of progress.
CHUNK = 64

#: Told how many points are done, and of how many.
Progress = Callable[[int, int], None]


class Slice(NamedTuple):
    """The loss on a grid through a point.

    Attributes:
        coordinates: Steps along each direction, (points,), float64, from ``-radius`` to ``radius``.
        values: The loss, (points,) on a line, (points, points) on a plane, float64: ``values[i, j]`` is that of
            ``w + coordinates[i] d1 + coordinates[j] d2``.
        center: The loss at the point itself.
        directions: ``d1`` and on a plane ``d2``, pytrees like the point.
    """

    coordinates: np.ndarray
    values: np.ndarray
    center: float
    directions: tuple[Params, ...]


def loss_slice(
    loss: Objective | Callable[[Any], Any],
    params: Params,
    *,
    dimensions: int = 2,
    points: int = 51,
    radius: float = 1.0,
    mode: str = "filter",
    seed: int = 0,
    directions: Sequence[Params] | None = None,
    progress: Progress | None = None,
) -> Slice:
    """Returns the loss on a line or a plane through a point: ``L(w + a d1)`` or ``L(w + a d1 + b d2)``.

    Args:
        loss: A function of a pytree of arrays in ``jax.numpy``, or an ``Objective``.
        params: The point ``w``, such as the end of a training run.
        dimensions: 1 for a line, 2 for a plane.
        points: Points along each direction, at equal distances.
        radius: How far it goes along each direction, in lengths of it.
        mode: How random directions are scaled: ``"filter"``, ``"layer"``, ``"weight"`` or ``"unit"``; see
            ``measures.directions``.
        seed: Seed of random directions.
        directions: As many as ``dimensions``, in the place of random ones.
        progress: Called with the number of points done and of all.

    Returns:
        The slice.

    Raises:
        UsageError: A number is out of range, or a direction is not like the point.
        NotApplicable: Directions of this mode would move nothing.

    Example:
        >>> bowl = loss_slice(lambda x: x @ x, np.array([1.0, 0.0]), dimensions=1, points=3, directions=[[1.0, 0.0]])
        >>> bowl.values.tolist(), bowl.center
        ([0.0, 1.0, 4.0], 1.0)

    References:
        Li et al., 2018, Visualizing the loss landscape of neural nets, arXiv:1712.09913.
    """
    problems = []
    if not is_whole(dimensions) or dimensions not in (1, 2):
        problems.append(f"dimensions must be 1 or 2; got {dimensions!r}")
    if not is_whole(points) or points < 2:
        problems.append(f"points must be a whole number from 2 on; got {points!r}")
    if not is_number(radius) or not radius > 0:
        problems.append(f"radius must be positive and finite; got {radius!r}")
    if directions is not None and (not isinstance(directions, Sequence) or len(directions) != dimensions):
        said = len(directions) if isinstance(directions, Sequence) else repr(directions)
        problems.append(f"directions must be as many as dimensions, {dimensions!r}; got {said}")
    if problems:
        raise UsageError(problems)
    objective = as_objective(loss, params)
    origin = as_point(params, objective)
    if directions is None:
        along = [random_direction(origin, mode=mode, seed=seed, index=k) for k in range(dimensions)]
    else:
        along = [as_point(direction, objective) for direction in directions]
    steps = np.linspace(-float(radius), float(radius), points)
    grid = np.stack(np.meshgrid(*[steps] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    # The point itself lies on the grid only where the number of points is odd.
    values = values_at(objective, origin, along, np.concatenate([grid, np.zeros((1, dimensions))]), progress=progress)
    return Slice(steps, values[:-1].reshape((points,) * dimensions), float(values[-1]), tuple(along))


def values_at(
    objective: Objective,
    origin: Params,
    directions: Sequence[Params],
    coordinates: np.ndarray,
    *,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> np.ndarray:
    """Returns the loss at ``origin + sum_k coordinates[i, k] directions[k]``: on a CPU, as many threads as cores.

    Args:
        objective: The loss.
        origin: A point.
        directions: Pytrees like it, K of them.
        coordinates: Numbers, (n, K).
        progress: Called with the number of points done and of all, after each chunk.
        chunk: Points of one call of the program; a value depends on none of the others.

    Returns:
        (n,), float64; its digits are those of the objective's type.
    """
    n = len(coordinates)
    size = min(chunk, n)
    # One shape, one program: the last chunk is filled with its last point.
    parts = [coordinates[np.minimum(np.arange(begin, begin + size), n - 1)] for begin in range(0, n, size)]
    found: list[Any] = [None] * len(parts)
    report = progress or (lambda done, total: None)
    # The first chunk alone, so that the program is compiled once.
    found[0] = objective.values_along(origin, directions, parts[0])
    report(size, n)
    threads = visible_cores() if jax.default_backend() == "cpu" else 1
    with ThreadPoolExecutor(threads) as pool:
        jobs = {pool.submit(objective.values_along, origin, directions, parts[k]): k for k in range(1, len(parts))}
        try:
            for done, job in enumerate(as_completed(jobs), start=2):
                found[jobs[job]] = job.result()
                report(min(done * size, n), n)
        finally:
            # Whoever interrupts waits for the chunks in flight alone.
            pool.shutdown(wait=True, cancel_futures=True)
    return np.concatenate(found)[:n].astype(np.float64)
