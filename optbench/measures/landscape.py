"""Pictures of the loss around a point as measures: on a line and on a plane of random directions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import numpy as np

from optbench.measures.directions import MODES, cosine
from optbench.measures.examples import loss_on_some
from optbench.measures.measure import Measure, Measured, Setting
from optbench.measures.slices import Slice, loss_slice
from optbench.measures.subject import Subject


def take_landscape(
    subject: Subject, *, dimensions: int, points: int, radius: float, mode: str, seed: int, n_examples: int
) -> Measured:
    """Returns the loss on a grid through a point, and how much it rises to the grid's border on average.

    Args:
        subject: What is measured.
        dimensions: 1 for a line, 2 for a plane.
        points: Points along each direction.
        radius: How far it goes along each direction.
        mode: How directions are scaled; see ``measures.directions``.
        seed: Seed of the directions.
        n_examples: Training examples of which the loss is the mean; all where there are fewer.

    Returns:
        The mean rise, coordinates along each direction as ``grid``, and the losses as ``values``.
    """
    loss, n_terms = loss_on_some(subject, n_examples)
    found = loss_slice(
        loss,
        subject.params,
        dimensions=dimensions,
        points=points,
        radius=radius,
        mode=mode,
        seed=seed,
        progress=subject.progress,
    )
    details = {
        "shape": list(found.values.shape),
        "center": found.center,
        "examples": n_terms,
        "evaluations": found.values.size + 1,
        "norms": [_norm(direction) for direction in found.directions],
        "arrays_of_one_axis": "move" if mode == "unit" else "stay",
    }
    if dimensions == 2:
        details["cosine"] = cosine(*found.directions)
    return Measured(rise(found), None, details, found.coordinates, found.values.ravel())


def rise(found: Slice) -> float:
    """Returns the mean of the loss on the border of a grid minus the loss at its center.

    Args:
        found: The loss on a line, whose border are its two ends, or on a plane.

    Returns:
        The rise; not finite where the loss on the border is not.

    Example:
        >>> bowl = loss_slice(lambda x: x @ x, np.zeros(2), points=3, directions=[[1.0, 0.0], [0.0, 1.0]])
        >>> rise(bowl)
        1.5
    """
    inside = np.ones(found.values.shape, bool)
    inside[(slice(1, -1),) * found.values.ndim] = False
    return float(np.mean(found.values[inside]) - found.center)


def _norm(direction: object) -> float:
    return float(np.sqrt(sum(np.sum(np.asarray(leaf, np.float64) ** 2) for leaf in jax.tree.leaves(direction))))


_REFERENCE = "Li et al., 2018, Visualizing the loss landscape of neural nets, arXiv:1712.09913"

_SETTINGS = {
    "points": Setting(51, "Points along each direction; an odd number has the point itself among them.", 2, 1001),
    "radius": Setting(1.0, "How far the grid goes along each direction, in lengths of it.", 1e-12, 1e12),
    "mode": Setting("filter", "How random directions are scaled.", choices=MODES),
    "seed": Setting(0, "Seed of the directions.", 0, 2**63 - 1),
    "n_examples": Setting(1000, "Training examples of which the loss is the mean, the same for all points.", 1, 2**31),
}

LANDSCAPE_1D = Measure(
    name="landscape_1d",
    title="rise on a random line",
    formula="(L(w + radius d) + L(w - radius d))/2 - L(w), d Gaussian, scaled by mode",
    reference=_REFERENCE,
    take=partial(take_landscape, dimensions=1),
    settings=_SETTINGS,
    unit="loss",
)

LANDSCAPE_2D = replace(
    LANDSCAPE_1D,
    name="landscape_2d",
    title="rise on a random plane",
    formula="mean of L(w + a d1 + b d2) - L(w) where |a| or |b| is radius, d1, d2 Gaussian, scaled by mode",
    take=partial(take_landscape, dimensions=2),
)
