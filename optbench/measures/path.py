"""The way of a run through the space of parameters, seen in the plane in which it varies most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError
from optbench.measures.directions import random_direction
from optbench.measures.examples import loss_on_some
from optbench.measures.interpolation import NO_NORM, RECOMPUTED
from optbench.measures.losses import as_point
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.slices import values_at
from optbench.measures.subject import Subject

#: Numbers of a point that are looked at together: memory is bounded by it, and by nothing that grows with the network.
COLUMNS = 1 << 16
#: A variance below this share of the largest is rounding.
ROUNDING = 1e-12
#: Sides of the picture's plane are at least this share of the longer one.
LEAST_SIDE = 0.5
#: How far the plane goes beyond the way, in widths of it.
MARGIN = 0.2


class PrincipalPlane(NamedTuple):
    """The plane in which points vary most.

    Attributes:
        shares: Share of the variance that each principal direction holds, largest first, (points - 1,), float64.
        coordinates: The points in the plane, (points, 2), float64; the origin is where they are counted from.
        directions: The first two principal directions, orthogonal and of norm 1, pytrees like a point.
    """

    shares: np.ndarray
    coordinates: np.ndarray
    directions: tuple[Params, Params]


def principal_plane(points: Sequence[Params], origin: Params | None = None) -> PrincipalPlane:
    """Returns the plane of the first two principal directions of points, as of those on the way of a run.

    The directions are the eigenvectors of the points' covariance about their mean, the shares its eigenvalues divided
    by its trace. Each direction points so that the farthest coordinate along it is negative: a run that moves away
    from its start moves to the right. Where all points lie on a line the second direction is a random one, orthogonal
    to it.

    A large share of the first two does not mean that a run is simple: a random walk in many dimensions has the shares
    ``6/(pi k)^2``, 61 % and 15 %.

    Args:
        points: Three at least, pytrees of arrays.
        origin: Where coordinates are counted from; the last point if ``None``.

    Returns:
        The plane.

    Raises:
        UsageError: There are fewer than three points, or they are not alike.
        NotApplicable: All points are the same, or each is one number.

    Example:
        >>> plane = principal_plane([np.array([4.0, 0.0, 1.0]), np.array([2.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])])
        >>> plane.shares.round(3).tolist(), (plane.coordinates.round(3) + 0.0).tolist()
        ([0.923, 0.077], [[-4.0, 0.0], [-2.0, -1.0], [0.0, 0.0]])

    References:
        Li et al., 2018, arXiv:1712.09913, section 7.
        Antognini & Sohl-Dickstein, 2018, PCA of high dimensional random walks with comparison to neural network
        training, arXiv:1806.08805.
    """
    if len(points) < 3:
        raise UsageError(f"a plane needs at least 3 points; got {len(points)}")
    points = [as_point(point) for point in points]
    origin = points[-1] if origin is None else as_point(origin)
    if len({_layout(point) for point in (*points, origin)}) > 1:
        raise UsageError("the points of a path must have the same structure and shapes")
    if sum(np.size(leaf) for leaf in jax.tree.leaves(origin)) < 2:
        raise NotApplicable("points of one number have no plane")
    n = len(points)
    gram = np.zeros((n, n))
    for block in _differences(points, origin):
        gram += block @ block.T
    to_mean = np.eye(n) - 1.0 / n
    variances, vectors = np.linalg.eigh(to_mean @ gram @ to_mean)
    # Largest first; the mean has taken one direction of the n away.
    variances, vectors = np.maximum(variances[:0:-1], 0.0), vectors[:, :0:-1]
    if not variances[0] > 0:
        raise NotApplicable("all points of the path are the same, so no plane is its own")
    variances[variances < ROUNDING * variances[0]] = 0.0
    parts = (to_mean @ vectors[:, :2]).T
    flat = np.concatenate([parts @ block for block in _differences(points, origin)], axis=1)
    if variances[1] == 0:
        drawn = random_direction(origin, mode="unit", index=2)
        flat[1] = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(drawn)])
    flat[0] /= np.linalg.norm(flat[0])
    flat[1] -= (flat[1] @ flat[0]) * flat[0]
    flat[1] /= np.linalg.norm(flat[1])
    coordinates, done = np.zeros((n, 2)), 0
    for block in _differences(points, origin):
        coordinates += block @ flat[:, done : done + block.shape[1]].T
        done += block.shape[1]
    farthest = coordinates[np.abs(coordinates).argmax(axis=0), [0, 1]]
    signs = np.where(farthest > 0, -1.0, 1.0)
    first, second = (_unflattened(vector, origin) for vector in flat * signs[:, None])
    return PrincipalPlane(variances / variances.sum(), coordinates * signs + 0.0, (first, second))


def _layout(point: Params) -> tuple[Any, tuple[tuple[int, ...], ...]]:
    """Returns the structure and the shapes of a point."""
    leaves, structure = jax.tree.flatten(point)
    return structure, tuple(np.shape(leaf) for leaf in leaves)


def _differences(points: Sequence[Params], origin: Params) -> Iterator[np.ndarray]:
    """Yields the points minus the origin, a row for each, some columns at a time, in float64."""
    leaves = [[np.ravel(leaf) for leaf in jax.tree.leaves(point)] for point in (*points, origin)]
    for arrays in zip(*leaves, strict=True):
        for begin in range(0, len(arrays[0]), COLUMNS):
            block = np.stack([array[begin : begin + COLUMNS] for array in arrays]).astype(np.float64)
            yield block[:-1] - block[-1]


def _unflattened(vector: np.ndarray, like: Params) -> Params:
    """Returns a pytree of a vector, in the shapes and types of another."""
    leaves, tree = jax.tree.flatten(like)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])
    parts = np.split(vector, ends[:-1])
    made: Params = jax.tree.unflatten(
        tree,
        [part.reshape(np.shape(leaf)).astype(np.asarray(leaf).dtype) for part, leaf in zip(parts, leaves, strict=True)],
    )
    return made


def take_path(subject: Subject, *, plane: bool, points: int, n_examples: int) -> Measured:
    """Returns the way of a run in its principal plane, and the loss on that plane.

    Args:
        subject: What is measured; ``path`` has the points of the way, and coordinates are counted from ``params``.
        plane: Whether the loss is computed on a grid of the plane as well.
        points: Points along each side of the grid.
        n_examples: Training examples of which the loss is the mean.

    Returns:
        The share of the variance that the plane holds; with ``plane`` the coordinates of the grid's columns and then
        of its rows as ``grid``, and the losses by rows as ``values``. The way itself is in ``details``.

    Raises:
        NotApplicable: There are fewer than three points of the way, or they are all the same.
    """
    if len(subject.path) < 3:
        raise NotApplicable(f"a path needs at least 3 points on the way of a run; there are {len(subject.path)}")
    origin = as_point(subject.params, subject.objective)
    way = [as_point(point, subject.objective) for _, point in subject.path]
    found = principal_plane(way, origin)
    loss, n_terms = loss_on_some(subject, n_examples)
    if subject.parts_at is not None:
        n_terms = subject.n_terms
    details = {
        "evals": [int(evals) for evals, _ in subject.path],
        "x": found.coordinates[:, 0].tolist(),
        "y": found.coordinates[:, 1].tolist(),
        "losses": [_loss_at(subject, loss, point) for point in way],
        "shares": found.shares[:10].tolist(),
        "centered": True,
        "second_direction": "principal" if len(found.shares) > 1 and found.shares[1] > 0 else "random",
        "examples": n_terms,
        "batch_norm": NO_NORM if subject.parts_at is None else RECOMPUTED,
    }
    estimate = float(found.shares[:2].sum())
    if not plane:
        return Measured(estimate, None, details)
    x, y = (_side(found.coordinates, k, points) for k in (0, 1))
    steps = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    if subject.parts_at is None:
        values = values_at(loss, origin, found.directions, steps, progress=subject.progress)
    else:
        values = np.array([_loss_at(subject, loss, _moved(origin, found.directions, step)) for step in steps])
    details |= {"shape": [points, points]}
    return Measured(estimate, None, details, np.concatenate([x, y]), values)


def _loss_at(subject: Subject, loss: Objective, point: Params) -> float:
    """Returns the training loss at a point, with the statistics that belong there."""
    if subject.parts_at is None:
        return float(loss.value(point))
    return float(subject.parts_at(point)["train"].loss.value(point))


def _moved(origin: Params, directions: Sequence[Params], steps: np.ndarray) -> Params:
    first, second = directions
    moved: Params = jax.tree.map(
        lambda w, a, b: (w + steps[0] * a + steps[1] * b).astype(w.dtype), origin, first, second
    )
    return moved


def _side(coordinates: np.ndarray, axis: int, points: int) -> np.ndarray:
    """Returns the grid's coordinates along one axis: around the way with a margin, and around the origin."""
    shown = np.concatenate([coordinates, np.zeros((1, 2))])
    low, high = shown.min(axis=0), shown.max(axis=0)
    middle, widths = (low[axis] + high[axis]) / 2, high - low
    half = (0.5 + MARGIN) * max(widths[axis], LEAST_SIDE * widths.max())
    return np.linspace(middle - half, middle + half, points)


PATH = Measure(
    name="path",
    title="share of variance",
    formula="(s1 + s2)/sum s, s the eigenvalues of the covariance of the points on the way about their mean",
    reference="Li et al., 2018, arXiv:1712.09913, section 7",
    take=take_path,
    settings={
        "plane": Setting(True, "Whether the loss is computed on a grid of the plane as well."),
        "points": Setting(25, "Points along each side of the grid.", 2, 1001),
        "n_examples": Setting(
            1000, "Training examples of which the loss is the mean, the same for all points.", 1, 2**31
        ),
    },
    of_path=True,
)
