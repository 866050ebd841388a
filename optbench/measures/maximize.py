"""The largest value of a loss within a set of perturbations, by several searches of which the best counts.

All of them find lower bounds of the true maximum. Which one is best differs from loss to loss, so each search's own
best is kept. A search ends where the loss or its gradient is not finite; what was found before stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, minimize

from optbench.measures.flat import FlatLoss
from optbench.measures.perturbations import PerturbationSet

#: Iterations of L-BFGS-B in a box, those of Keskar et al. 2017, and of L-BFGS in an ellipsoid.
BOX_ITERATIONS = 10
ELLIPSOID_ITERATIONS = 20
#: Evaluations allowed for each iteration: line searches among differences that are rounding need many.
_EVALUATIONS = 3
#: Largest slope that these two are shown: their first step is a plain gradient step, and must reach the border.
FIRST_SLOPE = 1000.0
#: Steps of one vertex ascent.
ASCENT_STEPS = 10
#: Interior points from which vertex ascent begins, beside the centre: in an ellipsoid, in a box, in a small box.
ELLIPSOID_STARTS, BOX_STARTS, SMALL_STARTS = 1, 4, 10
#: Boxes of at most so many dimensions are small: there, single coordinates are turned over as well.
SMALL = 16
#: Turned coordinates that one ascent in a small box may try.
_TURNS = 32
#: Steps of APGD; the share of the new step in each, the rest being momentum.
APGD_STEPS = 20
APGD_NEW = 0.75
#: APGD halves its step where fewer steps than this share rose since the last look.
APGD_RISES = 0.75

#: What has found the maximum where no search improves on the point itself, which belongs to the set.
CENTRE = "centre"


class Maximum(NamedTuple):
    """The largest value found.

    Attributes:
        value: The loss there; not a number where the loss at the centre is none, or no search saw a number.
        displacement: Where, (n,), as a displacement from the point.
        method: The search that found it, ``"centre"`` if none improved on the point itself.
        by_method: The best value of each search; minus infinity where it never saw a number.
        centre: The loss at the point.
        one_step: The loss at the point of the set to which its gradient at the centre leads; ``None`` where that
            gradient is 0 or not finite, or the loss there is not finite.
        evaluations: Values with gradients computed.
        not_finite: How many of them were not finite.
    """

    value: float
    displacement: np.ndarray
    method: str
    by_method: Mapping[str, float]
    centre: float
    one_step: float | None
    evaluations: int
    not_finite: int


def maximize(loss: FlatLoss, within: PerturbationSet, *, seed: int = 0) -> Maximum:
    """Returns the largest value of a loss that several searches find in a set.

    ``vertex_ascent`` goes to the point of the set where the linearized loss is largest, ``z <- sign(slope)`` in a box
    and ``z <- slope / ||slope||`` in an ellipsoid, as long as the loss rises. It begins at the centre and at random
    interior points. In a small box it then turns single coordinates over, as long as that helps. Beside it runs
    ``lbfgsb`` in a box, and ``lbfgs`` and ``apgd`` in an ellipsoid, from the first of these points.

    Args:
        loss: The loss around a point.
        within: The set.
        seed: Seed of the interior points.

    Returns:
        The maximum. Of a loss that is not finite at the point itself nothing more is evaluated.
    """
    before = loss.evaluations
    search = _Search(loss, within)
    is_box = within.norm == "linf"
    starts = ELLIPSOID_STARTS if not is_box else SMALL_STARTS if len(within.scale) <= SMALL else BOX_STARTS
    if np.isfinite(search.centre):
        for name, run in (("lbfgsb", _lbfgsb),) if is_box else (("lbfgs", _lbfgs), ("apgd", _apgd)):
            with search.running(name):
                run(search, within.start(seed))
        with search.running("vertex_ascent"):
            _ascend_from_centre(search)
        for index in range(starts):
            with search.running("vertex_ascent"):
                z = within.start(seed, index)
                _ascend(search, z, *search(z))
    # A loss that is no number anywhere else is not flat.
    is_known = np.isfinite(search.centre) and max(search.by_method.values()) > -np.inf
    return Maximum(
        value=search.best if is_known else float("nan"),
        displacement=within.displacement(search.best_z),
        method=search.best_method,
        by_method=search.by_method,
        centre=search.centre,
        one_step=search.one_step,
        evaluations=loss.evaluations - before,
        not_finite=search.not_finite,
    )


class _NotFinite(Exception):
    """A search came to where the loss or its gradient is not finite."""


class _Search:
    """The loss in unit coordinates, and the best that was ever evaluated."""

    def __init__(self, loss: FlatLoss, within: PerturbationSet) -> None:
        self.loss, self.within = loss, within
        self.by_method: dict[str, float] = {}
        self.one_step: float | None = None
        self.not_finite = 0
        self.best_z = np.zeros(len(within.scale))
        self.centre, grad = loss.value_and_grad(within.displacement(self.best_z))
        self.slope = within.slope(grad)
        self.best, self.best_method = self.centre, CENTRE
        self.method = CENTRE
        self.not_finite += not np.isfinite(self.centre)

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """Returns value and slope at unit coordinates; raises ``_NotFinite`` where one of them is not finite."""
        value, grad = self.loss.value_and_grad(self.within.displacement(z))
        slope = self.within.slope(grad)
        # What is not a number compares as no improvement.
        if value > self.by_method[self.method]:
            self.by_method[self.method] = value
        if value > self.best:
            self.best, self.best_z, self.best_method = value, z.copy(), self.method
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            self.not_finite += 1
            raise _NotFinite
        return value, slope

    @contextmanager
    def running(self, method: str) -> Iterator[None]:
        """Evaluates in the name of a search, which ends where something is not finite: that is counted."""
        self.method = method
        self.by_method.setdefault(method, -np.inf)
        try:
            yield
        except _NotFinite:
            return


def _lbfgsb(search: _Search, start: np.ndarray) -> None:
    """Runs L-BFGS-B from a start within the walls of a box."""
    _run_scipy(search, start, search, BOX_ITERATIONS, Bounds(-1.0, 1.0))


def _lbfgs(search: _Search, start: np.ndarray) -> None:
    """Runs L-BFGS from a start, without walls: a point outside the ball stands for the one below it on the sphere."""

    def anywhere(u: np.ndarray) -> tuple[float, np.ndarray]:
        length = float(np.linalg.norm(u))
        if length <= 1.0:
            return search(u)
        z = u / length
        value, slope = search(z)
        return value, (slope - (slope @ z) * z) / length

    _run_scipy(search, start, anywhere, ELLIPSOID_ITERATIONS, None)


def _run_scipy(
    search: _Search,
    start: np.ndarray,
    of: Callable[[np.ndarray], tuple[float, np.ndarray]],
    iterations: int,
    bounds: Bounds | None,
) -> None:
    """Runs SciPy's L-BFGS-B in unit coordinates and with the slope scaled.

    In raw coordinates, or with the loss in its own units, the first steps are far shorter than the set is wide.
    """
    _, slope = of(start)
    largest = float(np.abs(slope).max())
    if largest == 0.0:
        return
    factor = FIRST_SLOPE / largest

    def negative(u: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = of(u)
        # The loss at the centre is taken off first: else its digits would drown the differences.
        return -factor * (value - search.centre), -factor * slope

    options = {"maxiter": iterations, "maxfun": _EVALUATIONS * iterations, "ftol": 0.0, "gtol": 0.0}
    minimize(negative, start, method="L-BFGS-B", jac=True, bounds=bounds, options=options)


def _ascend_from_centre(search: _Search) -> None:
    """Takes the step of sharpness-aware minimization, and goes on from there."""
    if np.isfinite(search.slope).all() and search.slope.any():
        z = search.within.farthest(search.slope)
        # A loss that is not finite there ends the search before the step is kept.
        search.one_step, slope = search(z)
        _ascend(search, z, search.one_step, slope)


def _ascend(search: _Search, z: np.ndarray, value: float, slope: np.ndarray) -> None:
    """Goes to where the linearized loss is largest as long as the loss rises; turns coordinates of a small box."""
    z, value, slope = _climb(search, z, value, slope)
    turns = _TURNS if search.within.norm == "linf" and len(z) <= SMALL else 0
    while turns > 0:
        higher = None
        # The coordinate first whose turn costs least at first order; what is gained beyond is seen by trying.
        for turned in np.argsort(z * slope)[:turns]:
            other = z.copy()
            other[turned] *= -1.0
            turns -= 1
            found, slope_there = search(other)
            if found > value:
                higher = other, found, slope_there
                break
        if higher is None:
            return
        z, value, slope = _climb(search, *higher)


def _climb(search: _Search, z: np.ndarray, value: float, slope: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Returns where vertex ascent ends, with value and slope there."""
    for _ in range(ASCENT_STEPS):
        ahead = search.within.farthest(slope)
        if np.array_equal(ahead, z):
            break
        higher, slope_there = search(ahead)
        if not higher > value:
            break
        z, value, slope = ahead, higher, slope_there
    return z, value, slope


def _apgd(search: _Search, start: np.ndarray) -> None:
    """Runs projected gradient ascent with momentum and a step that halves: APGD of Croce and Hein 2020.

    The step is twice the radius at first. At checkpoints that come closer and closer it is halved where the loss rose
    too seldom, or where neither the step nor the best loss has changed since the last one; then the search goes on
    from its best point.
    """
    within = search.within
    z = before = start
    value, slope = search(z)
    best, best_z, best_slope = value, z, slope
    step, rises, gap, left = 2.0, 0, max(int(0.22 * APGD_STEPS), 1), max(int(0.22 * APGD_STEPS), 1)
    was_halved, best_then = True, value
    for _ in range(APGD_STEPS):
        ahead = within.project(z + step * within.farthest(slope))
        z, before = within.project(z + APGD_NEW * (ahead - z) + (1 - APGD_NEW) * (z - before)), z
        last, (value, slope) = value, search(z)
        rises += value > last
        if value > best:
            best, best_z, best_slope = value, z, slope
        left -= 1
        if left:
            continue
        stuck = not was_halved and best <= best_then
        was_halved, best_then = rises < APGD_RISES * gap or stuck, best
        if was_halved:
            step /= 2
            z = before = best_z
            value, slope = best, best_slope
        gap, rises = max(gap - max(int(0.03 * APGD_STEPS), 1), max(int(0.06 * APGD_STEPS), 1)), 0
        left = gap
