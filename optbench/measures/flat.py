"""A loss around a point, as a function of the displacement in float64: what searches, averages and bounds evaluate."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from optbench.core.keys import generator
from optbench.core.objective import Objective, Params

#: Draws of rounding from which the noise floor is read.
_ROUNDINGS = 2


class FlatLoss:
    """An objective around a point. Displacements are flat vectors of float64, leaf after leaf of the point.

    Attributes:
        x: The point, (n,), float64.
        evaluations: Values and gradients computed so far.
    """

    def __init__(self, objective: Objective, params: Params) -> None:
        """Flattens the point.

        Args:
            objective: The loss.
            params: The point.
        """
        self.objective = objective
        self.x, self._tree, self._shapes = flatten(params)
        self.evaluations = 0

    def value(self, displacement: np.ndarray) -> float:
        """Returns the loss at the point plus a displacement, (n,)."""
        self.evaluations += 1
        return float(self.objective.value(self._at(displacement)))

    def value_and_grad(self, displacement: np.ndarray) -> tuple[float, np.ndarray]:
        """Returns the loss and its gradient, (n,), at the point plus a displacement."""
        self.evaluations += 1
        value, grad = self.objective.value_and_grad(self._at(displacement))
        return float(value), flatten(grad)[0]

    def noise_floor(self, value: float) -> float:
        """Returns what rounding alone changes: differences of the loss that are smaller mean nothing.

        Args:
            value: The loss at the point.

        Returns:
            The largest change of the loss when each number of the point moves by its last digit, up or down at
            random, and at least one unit in the last place of the loss. The digits are those of ``objective.dtype``.
        """
        unit = float(np.finfo(self.objective.dtype).eps)
        floor = unit * abs(value)
        for draw in range(_ROUNDINGS):
            signs = generator("rounding of a loss", draw).choice(np.array([-1.0, 1.0]), len(self.x))
            change = abs(self.value(unit * np.abs(self.x) * signs) - value)
            floor = max(floor, change) if np.isfinite(change) else floor
        return floor

    def _at(self, displacement: np.ndarray) -> Params:
        return unflatten(self.x + displacement, self._tree, self._shapes)


def flatten(params: Params) -> tuple[np.ndarray, Any, list[tuple[int, ...]]]:
    """Returns a point as one vector of float64, (n,), with its structure and the shapes of its leaves."""
    leaves, tree = jax.tree.flatten(params)
    flat = np.concatenate([np.zeros(0), *(np.asarray(leaf, np.float64).ravel() for leaf in leaves)])
    return flat, tree, [np.shape(leaf) for leaf in leaves]


def unflatten(flat: np.ndarray, tree: Any, shapes: list[tuple[int, ...]]) -> Params:
    """Returns the point of a flat vector."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    leaves = [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]
    return jax.tree.unflatten(tree, leaves)
