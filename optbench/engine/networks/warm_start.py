"""A run in two phases: the first one with batches of another size, the second begins at its last point.

The second phase has a fresh state of the rule. What is recorded is the second phase, on a clock that the first one has
moved on: its gradients are counted, so the second phase's first point is at the end of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optbench.engine.networks.fitting import Fitter
from optbench.engine.networks.lane import Fit, Lane
from optbench.engine.outcomes import Point
from optbench.suite.networks.plan import NetworkGroup
from optbench.suite.tuning import told


def fitted(group: NetworkGroup, lanes: Sequence[Lane], first: Fitter, second: Fitter, **given: Any) -> list[Fit]:
    """Trains lanes in both phases.

    Args:
        group: What they belong to; it has a ``warm_start``.
        lanes: The runs.
        first: What trains with batches of the first phase.
        second: What trains with those of the second.
        **given: What ``Fitter.fit`` is told of the second phase.

    Returns:
        One record for each. A run that did not come through its first phase has the curve of that phase, and no point.
    """
    assert group.warm_start is not None
    own = told(first.rule, cost=group.warm_trips, f_star=0.0)
    begun = first.fit(
        [replace(lane, hyper={**lane.hyper, **own}) for lane in lanes],
        epochs=group.warm_start.epochs,
        stop_early=False,
        test=False,
        measure=False,
    )
    going = [
        (place, replace(lane, start=before.ends[Point.LAST]))
        for place, (lane, before) in enumerate(zip(lanes, begun, strict=True))
        if Point.LAST in before.ends
    ]
    gone = dict(zip((place for place, _ in going), second.fit([lane for _, lane in going], **given), strict=True))
    return [_joined(before, gone[place]) if place in gone else _ended(before) for place, before in enumerate(begun)]


def sample_grads(group: NetworkGroup, grads: int) -> int:
    """Returns the gradients of single examples that some gradients of batches are, from the start of a run on.

    Args:
        group: What the run belongs to.
        grads: Gradients of batches, those of a first phase included.
    """
    warm = min(grads, group.warm_trips)
    return warm * (group.warm_start.batch_size if group.warm_start else 0) + (grads - warm) * group.batch_size


def _joined(before: Fit, fit: Fit) -> Fit:
    """Returns the second phase on the clock of both."""
    by = int(before.grads[-1])
    return replace(
        fit,
        grads=fit.grads + by,
        levels=tuple(one._replace(grads=one.grads + by) for one in fit.levels),
        kept={evals + by: found for evals, found in fit.kept.items()},
        along=[one._replace(row={**one.row, "evals": one.row["evals"] + by}) for one in fit.along],
        run_s=before.run_s + fit.run_s,
    )


def _ended(before: Fit) -> Fit:
    """Returns the record of a run that ended before its second phase: what is judged is never of the first."""
    return replace(before, chosen=-1, judged=None, ends={})
