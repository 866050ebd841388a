"""Where a point stands: how far it is from being stationary, and how far the run has come from its start."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError
from optbench.measures.losses import as_objective, as_point
from optbench.measures.measure import Measure, Measured, NotApplicable
from optbench.measures.subject import Subject


def grad_norm(loss: Objective | Callable[[Params], Array], params: Params) -> float:
    """Returns the Euclidean norm of the gradient at a point, ``|grad L|_2``, summed in double precision.

    Args:
        loss: An objective, or a plain function of a point.
        params: The point.

    Returns:
        The norm.

    Raises:
        UsageError: The loss or the point is none.

    Example:
        >>> grad_norm(lambda w: w @ w / 2, [3.0, 4.0])
        5.0

    Source:
        Nocedal and Wright 2006, Numerical Optimization, theorem 2.2: it is 0 at a minimum.
    """
    objective = as_objective(loss, params)
    return norm(objective.value_and_grad(as_point(params, objective))[1])


def distance(params: Params, start: Params) -> float:
    """Returns the Euclidean distance between two points, ``|w - w_0|_2``, summed in double precision.

    Args:
        params: A point: a pytree of arrays.
        start: Another one of the same structure.

    Returns:
        The distance, in the units of the point.

    Raises:
        UsageError: The points have different structures or shapes.

    Example:
        >>> distance({"a": np.array([3.0]), "b": np.array([4.0])}, {"a": np.zeros(1), "b": np.zeros(1)})
        5.0

    Source:
        Keskar et al. 2017, On large-batch training for deep learning, arXiv:1609.04836.
    """
    if _shapes(params) != _shapes(start):
        raise UsageError("a distance is that of two points of the same structure and shapes")
    return norm(jax.tree.map(lambda a, b: np.asarray(a, float) - np.asarray(b, float), params, start))


def norm(tree: Params) -> float:
    """Returns the Euclidean norm of a pytree of arrays."""
    return math.sqrt(sum(float(np.sum(np.square(leaf, dtype=float))) for leaf in jax.tree.leaves(tree)))


def _shapes(tree: Params) -> tuple[Any, list[tuple[int, ...]]]:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [np.shape(leaf) for leaf in leaves]


def _take_grad_norm(subject: Subject) -> Measured:
    return Measured(grad_norm(subject.objective, subject.params), 0.0)


def _take_distance(subject: Subject) -> Measured:
    if subject.start is None:
        raise NotApplicable("distance: the start of the run is not known")
    return Measured(distance(subject.params, subject.start), 0.0, {"norm_of_start": norm(subject.start)})


GRAD_NORM = Measure(
    name="grad_norm",
    title="gradient norm",
    formula="|grad L|_2 of the whole loss, without noise",
    reference="Nocedal and Wright 2006, Numerical Optimization, theorem 2.2: it is 0 at a minimum",
    take=_take_grad_norm,
)

DISTANCE = Measure(
    name="distance",
    title="distance from the start",
    formula="|w - w_0|_2",
    reference="Keskar et al. 2017, On large-batch training for deep learning, arXiv:1609.04836",
    take=_take_distance,
)
