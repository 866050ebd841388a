"""The loss between two solutions and beyond them, on a straight line or on Keskar's curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError, unknown_name
from optbench.measures.checks import is_number, is_whole
from optbench.measures.losses import as_objective, as_point
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.slices import Progress, values_at
from optbench.measures.subject import Subject

#: Ways from one solution to the other.
WAYS = ("line", "curve")


class Interpolation(NamedTuple):
    """The loss on the way from one solution to another.

    Attributes:
        alphas: Places on the way, (points,), float64: 0 is the first solution, 1 the second.
        values: The loss there, (points,), float64.
        ends: The loss at the two solutions.
        barrier: How far the loss between them rises above the straight line that joins ``ends``, at least 0: the
            largest over the ``alphas`` in [0, 1], so a lower bound of the largest over all.
        barrier_at: Where that is; 0 where there is no barrier.
    """

    alphas: np.ndarray
    values: np.ndarray
    ends: tuple[float, float]
    barrier: float
    barrier_at: float


def interpolate(
    loss: Objective | Callable[[Any], Any],
    first: Params,
    second: Params,
    *,
    points: int = 25,
    low: float = -1.0,
    high: float = 2.0,
    way: str = "line",
    progress: Progress | None = None,
) -> Interpolation:
    """Returns the loss on the way from one solution to another.

    On the ``"line"`` it is ``L((1 - alpha) a + alpha b)``, on the ``"curve"`` of Keskar et al.
    ``L(cos(alpha pi/2) a + sin(alpha pi/2) b)``, which passes through both as well. The barrier is
    ``max over alpha in [0, 1] of L(alpha) - ((1 - alpha) L(a) + alpha L(b))``.

    Args:
        loss: A function of a pytree of arrays in ``jax.numpy``, or an ``Objective``.
        first: Solution ``a``, a pytree of arrays.
        second: Solution ``b``, a pytree like it.
        points: How many places, at equal distances.
        low: The first place.
        high: The last place.
        way: ``"line"`` or ``"curve"``.
        progress: Called with the number of points done and of all.

    Returns:
        The losses and the barrier.

    Raises:
        UsageError: A name or a number is out of range, or the solutions are not alike.

    Example:
        >>> wells = lambda x: (x[0] ** 2 - 1) ** 2
        >>> found = interpolate(wells, [-1.0], [1.0], points=5, low=0, high=1)
        >>> found.values.tolist(), found.barrier, found.barrier_at
        ([0.0, 0.5625, 1.0, 0.5625, 0.0], 1.0, 0.5)

    References:
        Goodfellow, Vinyals & Saxe, 2015, Qualitatively characterizing neural network optimization problems,
        arXiv:1412.6544.
        Keskar et al., 2017, On large-batch training for deep learning, arXiv:1609.04836, figures 3 and 7.
        Entezari et al., 2022, The role of permutation invariance in linear mode connectivity, arXiv:2110.06296: the
        barrier.
    """
    objective = as_objective(loss, first)
    a, b = as_point(first, objective), as_point(second, objective)
    alphas = _alphas(points, low, high)
    origin, steps = _zeros(a), weights(alphas, way)
    values = values_at(objective, origin, (a, b), np.concatenate([steps, np.eye(2)]), progress=progress)
    ends = float(values[-2]), float(values[-1])
    return Interpolation(alphas, values[:-2], ends, *barrier(alphas, values[:-2], ends))


def weights(alphas: np.ndarray, way: str) -> np.ndarray:
    """Returns how much of each solution there is at places of a way.

    Args:
        alphas: Places, (n,).
        way: ``"line"`` or ``"curve"``.

    Returns:
        (n, 2): the first solution's part, and the second's.

    Raises:
        UsageError: The way is unknown.
    """
    if way not in WAYS:
        raise UsageError(unknown_name("way", way, WAYS))
    if way == "line":
        return np.stack([1.0 - alphas, alphas], axis=1)
    return np.stack([np.cos(alphas * np.pi / 2), np.sin(alphas * np.pi / 2)], axis=1)


def barrier(alphas: np.ndarray, values: np.ndarray, ends: tuple[float, float]) -> tuple[float, float]:
    """Returns how far a loss rises above the line that joins its ends, and where.

    Args:
        alphas: Places, (n,).
        values: The loss there, (n,).
        ends: The loss at 0 and at 1.

    Returns:
        The height and the place: 0 and 0 where nothing between the ends lies above the line; NaN for a loss that is
        not finite there.
    """
    inside = (alphas >= 0) & (alphas <= 1)
    if not np.isfinite([*values[inside], *ends]).all():
        return float("nan"), float("nan")
    above = values[inside] - ((1.0 - alphas[inside]) * ends[0] + alphas[inside] * ends[1])
    if not above.size or above.max() <= 0:
        return 0.0, 0.0
    return float(above.max()), float(alphas[inside][above.argmax()])


def _alphas(points: int, low: float, high: float) -> np.ndarray:
    problems = []
    if not is_whole(points) or points < 2:
        problems.append(f"points must be a whole number from 2 on; got {points!r}")
    if not (is_number(low) and is_number(high) and low < high):
        problems.append(f"low must be less than high, both finite; got {low!r} and {high!r}")
    if problems:
        raise UsageError(problems)
    return np.linspace(float(low), float(high), points)


def _zeros(like: Params) -> Params:
    zeros: Params = jax.tree.map(np.zeros_like, like)
    return zeros


def take_interpolation(subject: Subject, *, points: int, low: float, high: float, way: str) -> Measured:
    """Returns losses and accuracies between a point and another one, and the barrier of the training loss.

    Args:
        subject: What is measured: ``params`` is at 0 and ``other`` at 1.
        points: How many places.
        low: The first place.
        high: The last place.
        way: ``"line"`` or ``"curve"``.

    Returns:
        The barrier, the places as ``grid``, and as ``values`` one row for each of ``details["series"]``.

    Raises:
        NotApplicable: There is no second point.
        UsageError: ``low`` is not less than ``high``.
    """
    if subject.other is None:
        raise NotApplicable("an interpolation needs a second solution: the end of another run on the same task")
    a = as_point(subject.params, subject.objective)
    b = as_point(subject.other, subject.objective)
    alphas = _alphas(points, low, high)
    # The ends stand last: they need not be among the places.
    steps = np.concatenate([weights(alphas, way), np.eye(2)])
    series = _series(subject, a, b, steps)
    rows = {name: values[:-2] for name, values in series.items()}
    ends = {name: (float(values[-2]), float(values[-1])) for name, values in series.items()}
    barriers = {name: barrier(alphas, rows[name], ends[name]) for name in rows if name.endswith("loss")}
    judged = next(iter(barriers))
    details = {
        "series": list(rows),
        "shape": [len(rows), points],
        "ends": {name: list(pair) for name, pair in ends.items()},
        "barriers": {name: {"height": height, "alpha": at} for name, (height, at) in barriers.items()},
        "distance": float(np.sqrt(sum(np.sum((np.asarray(x, np.float64) - y) ** 2) for x, y in _pairs(a, b)))),
        "batch_norm": NO_NORM if subject.parts_at is None else RECOMPUTED,
    }
    return Measured(barriers[judged][0], None, details, alphas, np.concatenate(list(rows.values())))


#: What rows say of batch normalization.
NO_NORM = "none"
RECOMPUTED = "statistics of the training examples, recomputed at each point"


def _pairs(a: Params, b: Params) -> list[tuple[Any, Any]]:
    return list(zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def _series(subject: Subject, a: Params, b: Params, steps: np.ndarray) -> dict[str, np.ndarray]:
    """Returns losses and accuracies at ``steps[i, 0] a + steps[i, 1] b`` by name, that of the training loss first."""
    if not subject.parts:
        return {"loss": values_at(subject.objective, _zeros(a), (a, b), steps, progress=subject.progress)}
    names = [name for name in ("train", "test") if name in subject.parts]
    found: dict[str, list[float]] = {f"{name}_{what}": [] for name in names for what in ("loss", "accuracy")}
    for done, (one, two) in enumerate(steps, 1):
        point = jax.tree.map(lambda x, y, s=one, t=two: (s * x + t * y).astype(x.dtype), a, b)
        parts: Mapping[str, Any] = subject.parts if subject.parts_at is None else subject.parts_at(point)
        for name in names:
            scored = parts[name]
            found[f"{name}_loss"].append(scored.loss.value(point))
            found[f"{name}_accuracy"].append(scored.accuracy(point))
        if subject.progress is not None:
            subject.progress(done, len(steps))
    return {name: np.array(values, np.float64) for name, values in found.items()}


def _conflict(settings: Mapping[str, Any]) -> tuple[str, str] | None:
    low, high = settings["low"], settings["high"]
    return None if low < high else ("low", f"must be less than high, {high!r}; got {low!r}")


INTERPOLATION = Measure(
    name="interpolation",
    title="barrier",
    formula="max over alpha in [0, 1] of L(alpha) - ((1 - alpha) L(0) + alpha L(1)), L on the line or curve between",
    reference="Keskar et al., 2017, arXiv:1609.04836, figures 3 and 7; Entezari et al., 2022, arXiv:2110.06296",
    take=take_interpolation,
    settings={
        "points": Setting(25, "Places on the way, at equal distances.", 2, 10_001),
        "low": Setting(-1.0, "The first place; 0 is the run's own point.", -1e6, 1e6),
        "high": Setting(2.0, "The last place; 1 is the other run's point.", -1e6, 1e6),
        "way": Setting("line", "Straight, or cos(alpha pi/2) and sin(alpha pi/2) of the two points.", choices=WAYS),
    },
    conflict=_conflict,
    unit="loss",
    of_two=True,
)
