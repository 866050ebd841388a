"""Quadratics, one bent so that heavy ball cycles, a convex sum of powers, and a saddle confined by a quartic."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.landscape import Dims, Landscape, Matrix, Parameter, at, box, constant


def _sphere(x: Array) -> Array:
    """Sum of squares: every rule's easiest landscape, with condition number 1.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum x_i^2``.

    References:
        De Jong, 1975, An analysis of the behavior of a class of genetic adaptive systems, F1.
    """
    return jnp.sum(x * x)


sphere = Landscape(
    name="sphere",
    f=_sphere,
    bounds=box(-5.12, 5.12),
    x_star=at(0.0),
    eigenvalues=lambda dim: np.full(dim, 2.0),
    tags=frozenset({"quadratic", "separable", "rotation_invariant"}),
    formula="sum_i x_i^2",
    reference="De Jong, 1975, F1; Surjanovic & Bingham, 2013, Virtual Library of Simulation Experiments",
)


def _ellipsoid(x: Array, condition: Array) -> Array:
    """Quadratic whose curvatures stand a constant factor apart.

    Args:
        x: Point, shape (dim,).
        condition: Ratio of the largest to the smallest curvature.

    Returns:
        ``sum condition^((i-1)/(dim-1)) x_i^2``.

    References:
        Hansen, Finck, Ros & Auger, 2009, Real-parameter black-box optimization benchmarking 2009:
        noiseless functions definitions, INRIA RR-6829, f2 (without its oscillation).
    """
    exponents = np.linspace(0.0, 1.0, x.shape[0]).astype(x.dtype)
    return jnp.sum(condition**exponents * (x * x))


ellipsoid = Landscape(
    name="ellipsoid",
    f=_ellipsoid,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    parameters={"condition": Parameter(1e4, 1.0, 1e8, "ratio of the largest to the smallest curvature")},
    eigenvalues=lambda dim, condition: 2.0 * condition ** np.linspace(0.0, 1.0, dim),
    tags=frozenset({"quadratic", "separable"}),
    formula="sum_i condition^((i-1)/(dim-1)) x_i^2",
    reference="Hansen et al., 2009, BBOB noiseless functions, f2 without its oscillation",
    remarks="Unrotated it is separable, which a rule with one rate per coordinate exploits; the rotated twin is not.",
)


def _unit_quadratic(x: Array, condition: Array) -> Array:
    """Quadratic whose largest curvature is 1, so that learning rates are in units of 1/L whatever the condition.

    Args:
        x: Point, shape (dim,).
        condition: Ratio of the largest to the smallest curvature.

    Returns:
        ``1/2 sum condition^(-(i-1)/(dim-1)) x_i^2``.

    References:
        Polyak, 1964, USSR Computational Mathematics and Mathematical Physics 4(5), 1-17: the quadratic with spectrum
        in [m, M] on which rates of iteration methods are compared; the spacing is that of BBOB's f2.
    """
    exponents = -np.linspace(0.0, 1.0, x.shape[0]).astype(x.dtype)
    return 0.5 * jnp.sum(condition**exponents * (x * x))


unit_quadratic = Landscape(
    name="unit_quadratic",
    f=_unit_quadratic,
    family="ellipsoid",
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    parameters={"condition": Parameter(1e4, 1.0, 1e8, "ratio of the largest to the smallest curvature")},
    eigenvalues=lambda dim, condition: condition ** -np.linspace(0.0, 1.0, dim),
    tags=frozenset({"quadratic", "separable"}),
    formula="1/2 sum_i condition^(-(i-1)/(dim-1)) x_i^2",
    reference="Polyak, 1964, section 2: a quadratic with a given spectrum; spaced as Hansen et al., 2009, BBOB f2",
    remarks="Its curvatures run from 1/condition to 1; in raw units learning rates are then in units of 1/L. "
    "The suite `theory` holds measured rates against predicted ones on it.",
)


def _lessard_cycle(x: Array) -> Array:
    """Piecewise quadratic of curvatures 1 and 25 on which optimally tuned heavy ball runs in a circle.

    Args:
        x: Point, shape (1,).

    Returns:
        ``25/2 x^2 - 24 (c^2/2 + max(x - 2, 0))`` with ``c = x - 1`` cut off to [0, 1]; its slope is ``25 x - 24 c``.

    References:
        Lessard, Recht & Packard, 2016, Analysis and design of optimization algorithms via integral quadratic
        constraints, SIAM J. Optim. 26, 57-95, section 4.5.
    """
    bend = jnp.clip(x - 1.0, 0.0, 1.0)
    return jnp.sum(12.5 * (x * x) - 24.0 * (0.5 * (bend * bend) + jnp.maximum(x - 2.0, 0.0)))


lessard_cycle = Landscape(
    name="lessard_cycle",
    f=_lessard_cycle,
    dims=Dims(minimum=1, maximum=1, default=1),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    start_bounds=box(3.07, 3.46),
    formula="25/2 x^2 - 24 (c^2/2 + max(x - 2, 0)), c = min(max(x - 1, 0), 1)",
    reference="Lessard, Recht & Packard, 2016, section 4.5",
    remarks="Convex, with curvatures 1 and 25. Heavy ball with lr 1/9 and beta 4/9, optimal for quadratics of these "
    "curvatures, ends in a cycle of three points from every start in [3.07, 3.46]; gradient descent and NAG reach the "
    "minimum.",
)


def _sum_of_powers(x: Array) -> Array:
    """Convex sum of different powers: flatter from coordinate to coordinate.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum |x_i|^(i+1)``.

    References:
        Surjanovic & Bingham, 2013, Virtual Library of Simulation Experiments, sum of different powers.
    """
    # Static exponents by repeated squaring: about log2(dim) multiplications, and no singular power at 0.
    exponents = np.arange(2, x.shape[0] + 2)
    power = jnp.ones_like(x)
    factor = jnp.abs(x)
    for bit in range(int(exponents[-1]).bit_length()):
        power = jnp.where((exponents >> bit) % 2 == 1, power * factor, power)
        factor = factor * factor
    return jnp.sum(power)


sum_of_powers = Landscape(
    name="sum_of_powers",
    f=_sum_of_powers,
    bounds=box(-1.0, 1.0),
    x_star=at(0.0),
    tags=frozenset({"separable"}),
    formula="sum_i |x_i|^(i+1)",
    reference="Surjanovic & Bingham, 2013, sum of different powers",
    remarks="The Hessian at the minimum is singular from dimension 2 on.",
)


def _saddle(x: Array, curvature: Array) -> Array:
    """Quadratic saddle at the origin, confined by a quartic along its descending axis.

    Args:
        x: Point, shape (dim,).
        curvature: Negative curvature along ``x_1``; the curvature along all other axes is 1.

    Returns:
        ``curvature (x_1^4 / 4 - x_1^2 / 2) + sum_{i >= 2} x_i^2 / 2``.

    References:
        This project. The quadratic saddle is Dauphin et al., 2014, Identifying and attacking the saddle
        point problem, section 4; the quartic makes a minimum exist.
    """
    descent = x[0] * x[0]
    return curvature * (0.25 * descent * descent - 0.5 * descent) + 0.5 * jnp.sum(x[1:] * x[1:])


def _saddle_minima(dim: int, curvature: float) -> Matrix:
    """Returns the two minimizers, one unit from the saddle along the first axis."""
    points = np.zeros((2, dim))
    points[:, 0] = 1.0, -1.0
    return points


def _saddle_starts(rng: np.random.Generator, count: int, dim: int, curvature: float) -> tuple[Matrix, np.ndarray]:
    """Draws starts at log-uniform distances from the stable manifold ``x_1 = 0``, on either side.

    Args:
        rng: Random generator.
        count: Number of starts.
        dim: Dimension.
        curvature: Negative curvature, without influence.

    Returns:
        Starts of shape (count, dim), uniform in the box along the other axes, and distances 1e-6 to 1e-1.
    """
    distance = log_uniform(rng, count)
    x0 = rng.uniform(-2.0, 2.0, (count, dim))
    x0[:, 0] = np.where(rng.random(count) < 0.5, -distance, distance)
    return x0, distance


def log_uniform(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draws distances from a stable manifold, log-uniform between 1e-6 and 1e-1.

    Args:
        rng: Random generator.
        count: Number of distances.

    Returns:
        Distances, shape (count,).
    """
    return 10.0 ** rng.uniform(-6.0, -1.0, count)


saddle = Landscape(
    name="saddle",
    f=_saddle,
    dims=Dims(minimum=2),
    bounds=box(-2.0, 2.0),
    x_star=_saddle_minima,
    f_star=lambda dim, curvature: -0.25 * curvature,
    f_saddle=constant(0.0),
    sample_starts=_saddle_starts,
    parameters={
        "curvature": Parameter(0.1, 1e-4, 1e2, "negative curvature along the first axis, in units of the others'")
    },
    tags=frozenset({"saddle", "separable"}),
    formula="curvature (x_1^4/4 - x_1^2/2) + sum_{i>=2} x_i^2/2",
    reference="this project; the quadratic saddle of Dauphin et al., 2014, confined by a quartic",
    remarks="Starts lie 1e-6 to 1e-1 from the stable manifold x_1 = 0; the score is the steps to escape.",
)
