"""Plates and pathologies: flat regions, a cliff, a degenerate saddle, a narrow curved ravine.

The definitions are this project's own, each chosen so that its minimum is known exactly.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems import trigonometry
from optbench.problems.landscape import TWO_D, Dims, Landscape, Matrix, Parameter, at, box, constant
from optbench.problems.quadratics import log_uniform


def _plateau(x: Array, width: Array) -> Array:
    """Narrow bowl on a wide plate: far away the gradient falls with the third power of the distance.

    Args:
        x: Point, shape (dim,).
        width: Distance at which half the height is reached.

    Returns:
        ``q / (1 + q)`` with ``q = sum x_i^2 / width^2``.

    References:
        This project; the loss of Geman & McClure, 1985, of the distance.
    """
    square = jnp.sum(x * x)
    return square / (width * width + square)


plateau = Landscape(
    name="plateau",
    f=_plateau,
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    parameters={"width": Parameter(0.5, 1e-2, 10.0, "distance at which half the height is reached")},
    tags=frozenset({"plate", "rotation_invariant"}),
    formula="q / (1 + q), q = sum_i x_i^2 / width^2",
    reference="this project; the loss of Geman & McClure, 1985, of the distance",
)

#: Height of the cliff, and slope of the land above and below it.
_CLIFF_HEIGHT = 10.0
_CLIFF_SLOPE = 0.1


def _cliff(x: Array, steepness: Array) -> Array:
    """Gentle bowl with a sheer wall at ``|x_1| = 1``, from which one gradient throws a step far away.

    Args:
        x: Point, shape (dim,).
        steepness: The slope of the wall is 5 times this.

    Returns:
        ``0.05 sum x_i^2 + 10 (sigmoid(steepness (x_1^2 - 1)) - sigmoid(-steepness))``.

    References:
        This project; the cliffs are described in Pascanu, Mikolov & Bengio, 2013, On the difficulty of
        training recurrent neural networks, section 2.3.
    """
    wall = jax.nn.sigmoid(steepness * (x[0] * x[0] - 1.0)) - jax.nn.sigmoid(-steepness)
    return 0.5 * _CLIFF_SLOPE * jnp.sum(x * x) + _CLIFF_HEIGHT * wall


cliff = Landscape(
    name="cliff",
    f=_cliff,
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    parameters={"steepness": Parameter(50.0, 1.0, 1e4, "the slope of the wall is 5 times this")},
    tags=frozenset({"plate", "separable"}),
    formula="0.05 sum_i x_i^2 + 10 (sigmoid(steepness (x_1^2 - 1)) - sigmoid(-steepness))",
    reference="this project; cliffs as in Pascanu, Mikolov & Bengio, 2013, section 2.3",
    remarks="The value grows with the distance along every axis, so there is one minimum only.",
)


def _monkey_saddle(x: Array) -> Array:
    """Saddle with three ways down and a vanishing Hessian, confined by a quartic.

    Args:
        x: Point, shape (2,).

    Returns:
        ``x^3 - 3 x y^2 + 3/4 (x^2 + y^2)^2``, in polar coordinates ``r^3 cos(3 t) + 3/4 r^4``.

    References:
        Hilbert & Cohn-Vossen, 1952, Geometry and the imagination, for the cubic; the quartic is this project's.
    """
    a, b = x[0] * x[0], x[1] * x[1]
    return x[0] * (a - 3.0 * b) + 0.75 * (a + b) * (a + b)


def _monkey_saddle_starts(rng: np.random.Generator, count: int, dim: int) -> tuple[Matrix, np.ndarray]:
    """Draws starts beside the three rays from which the flow leads into the saddle.

    The stable manifold consists of the rays at 0, 120 and 240 degrees. A start stands 0.5 to 1 along one of
    them and a log-uniform 1e-6 to 1e-1 beside it.

    Args:
        rng: Random generator.
        count: Number of starts.
        dim: Dimension, 2.

    Returns:
        Starts of shape (count, 2) and their distances from the nearest ray.
    """
    distance = log_uniform(rng, count)
    angle = 2.0 * np.pi / 3.0 * rng.integers(3, size=count)
    along = rng.uniform(0.5, 1.0, count)
    beside = np.where(rng.random(count) < 0.5, -distance, distance)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([along * cos - beside * sin, along * sin + beside * cos], axis=1), distance


monkey_saddle = Landscape(
    name="monkey_saddle",
    f=_monkey_saddle,
    dims=TWO_D,
    bounds=box(-2.0, 2.0),
    x_star=at((-1.0, 0.0), (0.5, np.sqrt(0.75)), (0.5, -np.sqrt(0.75))),
    f_star=constant(-0.25),
    f_saddle=constant(0.0),
    sample_starts=_monkey_saddle_starts,
    tags=frozenset({"saddle"}),
    formula="x^3 - 3 x y^2 + 3/4 (x^2 + y^2)^2",
    reference="Hilbert & Cohn-Vossen, 1952, for the cubic; confined by this project",
    remarks="The Hessian at the saddle is 0, so that runs approach and leave it more slowly than exponentially.",
)


def _ravine(x: Array, narrowness: Array) -> Array:
    """Narrow ravine that winds along a sine, with a gentle slope on its floor.

    In the coordinates ``x_1`` and ``x_{i+1} - 2 sin(x_i)`` it is a quadratic, so there is one critical point.

    Args:
        x: Point, shape (dim,).
        narrowness: Curvature of the walls, half of it; that of the floor is 0.1.

    Returns:
        ``0.1 x_1^2 + narrowness sum (x_{i+1} - 2 sin(x_i))^2``.

    References:
        This project.
    """
    walls = x[1:] - 2.0 * trigonometry.sin(x[:-1])
    return 0.1 * (x[0] * x[0]) + narrowness * jnp.sum(walls * walls)


ravine = Landscape(
    name="ravine",
    f=_ravine,
    dims=Dims(minimum=2),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    parameters={"narrowness": Parameter(1e3, 1.0, 1e6, "steepness of the walls; that of the floor is 0.1")},
    tags=frozenset({"valley"}),
    formula="0.1 x_1^2 + narrowness sum_i (x_{i+1} - 2 sin(x_i))^2",
    reference="this project",
)
