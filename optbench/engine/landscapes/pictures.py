"""What pictures of two-dimensional problems need beyond rows, computed by the engine's own programs.

Contours are values on a grid; trajectories are paths from a few reported starts; basins tell in which
minimum each start of a grid ends. Each rule runs at one configuration for each problem.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.execute import Engine
from optbench.problems.problem import Problem
from optbench.problems.units import units_of
from optbench.records import ESCAPE_WIDTHS, Split

#: Points a side of the contour grid and of the grid of starts.
CONTOUR_POINTS = 101
BASIN_POINTS = 48
#: Reported starts whose paths are drawn.
PATHS = 4
#: A run has ended in a minimum if its end lies within this share of the box width from it.
NEAR = 0.02
#: ``minimum`` codes: global minimizers from 0, other minima from OTHER, then these two.
OTHER, NOWHERE, LOST = 100, -1, -2
#: Other minima that get a code of their own, the lowest first; further ones share the next.
MAX_OTHER = 4

Columns = dict[str, Any]


@dataclass(frozen=True)
class Shot:
    """A rule at one configuration on one problem.

    Attributes:
        problem: A problem of dimension 2.
        rule: The rule.
        optimizer: Its label.
        hyper: All hyperparameters.
        swept_value: Value of the swept one.
        units: ``normalized`` or ``raw``.
        budget: Cost of a run.
        seed: Seed of the starts.
    """

    problem: Problem
    rule: Optimizer
    optimizer: str
    hyper: dict[str, float]
    swept_value: float
    units: str
    budget: int
    seed: int


def draw(engine: Engine, shots: Sequence[Shot]) -> dict[str, Columns]:
    """Computes the data of all pictures.

    Args:
        engine: Prepared for the pairs of ``shots``.
        shots: What to draw; shots of one problem form one picture.

    Returns:
        Columns of ``contours``, ``trajectories`` and ``basins``; empty without shots.
    """
    if not shots:
        return {}
    problems = {shot.problem.label: shot.problem for shot in shots}
    contours: list[Columns] = []
    paths: list[Columns] = []
    basins: list[Columns] = []
    for label, problem in problems.items():
        mine = [shot for shot in shots if shot.problem.label == label]
        values = _Values(problem)
        contours.append(_contour(problem, values))
        paths += [_path(engine, shot, values, _reported(shot)) for shot in mine]
        basins += _basins(engine, mine, values)
    return {
        name: _joined(parts) for name, parts in (("contours", contours), ("trajectories", paths), ("basins", basins))
    }


def contours(problems: Sequence[Problem]) -> Columns:
    """Computes the grid of values of two-dimensional problems.

    Args:
        problems: At least one.

    Returns:
        Columns of ``contours``.
    """
    return _joined([_contour(problem, _Values(problem)) for problem in problems])


def trajectories(engine: Engine, shots: Sequence[Shot], starts: Sequence[np.ndarray]) -> Columns:
    """Follows given starts, as ``draw`` follows reported ones.

    Args:
        engine: Prepared for the pairs of ``shots``.
        shots: At least one.
        starts: Points of each shot, each of shape (n, 2); column ``start`` counts them.

    Returns:
        Columns of ``trajectories``.
    """
    values = {shot.problem: _Values(shot.problem) for shot in shots}
    return _joined([_path(engine, shot, values[shot.problem], x0) for shot, x0 in zip(shots, starts, strict=True)])


class _Values:
    """The objective at many points, compiled for one number of them."""

    def __init__(self, problem: Problem) -> None:
        self._size = CONTOUR_POINTS**2
        self._many = jax.jit(jax.vmap(problem.value_and_grad))

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns values (n,) and gradients (n, 2)."""
        values, grads = np.empty(len(points)), np.empty_like(points)
        with jax.enable_x64(True):
            for begin in range(0, len(points), self._size):
                part = points[begin : begin + self._size]
                padded = np.concatenate([part, np.tile(part[:1], (self._size - len(part), 1))])
                f, g = self._many(padded)
                values[begin : begin + len(part)] = np.asarray(f)[: len(part)]
                grads[begin : begin + len(part)] = np.asarray(g)[: len(part)]
        return values, grads


def _grid(problem: Problem, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns ``ix``, ``iy`` and the points of a regular grid over the box, row by row."""
    low, high = problem.bounds.T
    ix, iy = (index.ravel() for index in np.meshgrid(np.arange(n), np.arange(n)))
    points = low + (high - low) * np.stack([ix, iy], axis=1) / (n - 1)
    return ix.astype(np.int32), iy.astype(np.int32), points


def _contour(problem: Problem, values: _Values) -> Columns:
    ix, iy, points = _grid(problem, CONTOUR_POINTS)
    f, _ = values(points)
    return {"problem": [problem.label] * len(f), "ix": ix, "iy": iy, "x": points[:, 0], "y": points[:, 1], "f": f}


def _reported(shot: Shot) -> np.ndarray:
    """Returns the first few reported starts, shape (PATHS, 2)."""
    return np.stack([shot.problem.starts(shot.seed, Split.REPORT, i)[0] for i in range(PATHS)])


def _path(engine: Engine, shot: Shot, values: _Values, starts: np.ndarray) -> Columns:
    """Follows a few starts: every step at first, then ever fewer."""
    scale = units_of(shot.problem, shot.units)
    task = engine.task(shot.problem, shot.rule, units=shot.units, budget=shot.budget)
    dense = np.arange(min(shot.budget, 200) + 1)
    sparse = np.geomspace(1, shot.budget, 200).round().astype(int)
    costs = np.unique(np.concatenate([dense, sparse]))
    z = [scale.inward(starts)]
    with jax.enable_x64(True):
        block, hyper = task.start(z[0], np.array([list(shot.hyper.values())]))
        for first, last in itertools.pairwise(costs):
            block = task.advance(block, hyper, int(first), int(last - first))
            z.append(np.asarray(block.carry.params)[: len(starts)])
    x = scale.outward(np.stack(z, axis=1)).reshape(-1, 2)
    f, _ = values(np.where(np.isfinite(x), x, 0.0))
    n = len(x)
    return {
        "problem": [shot.problem.label] * n,
        "optimizer": [shot.optimizer] * n,
        "start": np.repeat(np.arange(len(starts), dtype=np.int32), len(costs)),
        "cost": np.tile(costs.astype(np.int32), len(starts)),
        "x": x[:, 0],
        "y": x[:, 1],
        "f": np.where(np.isfinite(x).all(axis=1), f, np.inf),
        "swept_value": np.full(n, shot.swept_value),
    }


def _basins(engine: Engine, shots: Sequence[Shot], values: _Values) -> Iterator[Columns]:
    """Runs every rule from a grid of starts and names the minimum in which each run ends."""
    problem = shots[0].problem
    ix, iy, points = _grid(problem, BASIN_POINTS)
    ends = [_ends(engine, shot, points) for shot in shots]
    minima = _minima(problem, np.concatenate(ends), values)
    for shot, end in zip(shots, ends, strict=True):
        yield {
            "problem": [problem.label] * len(end),
            "optimizer": [shot.optimizer] * len(end),
            "ix": ix,
            "iy": iy,
            "x": points[:, 0],
            "y": points[:, 1],
            "minimum": _named(problem, end, minima),
            "swept_value": np.full(len(end), shot.swept_value),
        }


def _ends(engine: Engine, shot: Shot, starts: np.ndarray) -> np.ndarray:
    """Returns the iterates at the budget, NaN for runs that diverged or escaped."""
    scale = units_of(shot.problem, shot.units)
    task = engine.task(shot.problem, shot.rule, units=shot.units, budget=shot.budget)
    blocks = engine.map(task, scale.inward(starts), np.array([list(shot.hyper.values())]), shot.budget)
    ends = []
    for block in blocks:
        end = scale.outward(block.carry.params)
        # The iterate after the last update has not been scored; only where it stands is known.
        far = ~(np.abs(end - shot.problem.center).max(axis=1) <= ESCAPE_WIDTHS * shot.problem.width)
        out = (block.records.diverged_at >= 0) | (block.records.escaped_at >= 0) | far
        ends.append(np.where(out[:, None], np.nan, end))
    return np.concatenate(ends)[: len(starts)]


def _minima(problem: Problem, ends: np.ndarray, values: _Values) -> np.ndarray:
    """Finds the other minima among the ends of all runs: flat places, each NEAR apart, the lowest first."""
    ends = ends[np.isfinite(ends).all(axis=1)]
    if not len(ends):
        return np.empty((0, 2))
    f, grads = values(ends)
    flat = np.linalg.norm(grads, axis=1) * problem.width <= 1e-6 * problem.f_scale
    found = list(problem.x_star)
    for point in ends[flat][np.argsort(f[flat], kind="stable")]:
        if min(np.abs(point - other).max() for other in found) > NEAR * problem.width:
            found.append(point)
        if len(found) > len(problem.x_star) + MAX_OTHER:
            break
    return np.array(found[len(problem.x_star) :]).reshape(-1, 2)


def _named(problem: Problem, ends: np.ndarray, minima: np.ndarray) -> np.ndarray:
    """Returns the code of the nearest minimum of each end, if one is near."""
    known = np.concatenate([problem.x_star, minima])
    codes = np.concatenate([np.arange(len(problem.x_star)), OTHER + np.arange(len(minima))])
    distance = np.abs(ends[:, None] - known[None]).max(axis=2)
    lost = ~np.isfinite(ends).all(axis=1)
    nearest = np.where(lost[:, None], np.inf, distance).argmin(axis=1)
    near = distance[np.arange(len(ends)), nearest] <= NEAR * problem.width
    return np.where(lost, LOST, np.where(near, codes[nearest], NOWHERE)).astype(np.int32)


def _joined(parts: Sequence[Columns]) -> Columns:
    return {
        name: np.concatenate([part[name] for part in parts])
        if isinstance(parts[0][name], np.ndarray)
        else [value for part in parts for value in part[name]]
        for name in parts[0]
    }
