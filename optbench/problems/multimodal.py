"""Multimodal functions in any dimension: many local minima under one slope."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems import trigonometry
from optbench.problems.landscape import Landscape, Matrix, at, box, constant

_SB = "Surjanovic & Bingham, 2013"


def root(square: Array) -> Array:
    """Square root whose gradient at 0 is 0 instead of infinite.

    The inner ``where`` keeps the infinite derivative out of the branch that is thrown away; with only
    the outer one the gradient would be ``0 * inf = nan``.

    Args:
        square: Numbers of at least 0.

    Returns:
        Their roots.
    """
    positive = square > 0.0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)


def _ackley(x: Array) -> Array:
    """Exponential funnel under a cosine grid, with a cone at the minimum.

    The function is not differentiable at 0; the gradient there is 0 by convention, a subgradient.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``20 - 20 exp(-0.2 sqrt(mean x_i^2)) + e - exp(mean cos(2 pi x_i))``.

    References:
        Ackley, 1987, A connectionist machine for genetic hillclimbing; Bäck & Schwefel, 1993.
    """
    scale = 1.0 / x.shape[0]
    radius = root(scale * jnp.sum(x * x))
    waves = scale * jnp.sum(trigonometry.cos(2.0 * jnp.pi * x))
    return 20.0 - 20.0 * jnp.exp(-0.2 * radius) + (np.e - jnp.exp(waves))


def _ackley_ring(k: int, dim: int) -> float | None:
    """Returns the value of the local minimum with k coordinates equal to some t near 1 and the others 0.

    Args:
        k: Number of coordinates that are not 0.
        dim: Dimension.

    Returns:
        The value, or ``None`` where the waves are too low for such a minimum.
    """
    t = np.linspace(0.5, 1.0, 50_001)
    waves = np.exp((k * np.cos(2 * np.pi * t) + dim - k) / dim)
    values = 20 - 20 * np.exp(-0.2 * t * np.sqrt(k / dim)) + np.e - waves
    slope = np.diff(values)
    lows = np.flatnonzero((slope[:-1] < 0) & (slope[1:] >= 0)) + 1
    return float(values[lows[0]]) if lows.size else None


def _ackley_second(dim: int) -> float:
    """Returns the lowest local minimum beside the global one.

    The smallest k for which ``_ackley_ring`` has a minimum grows with the dimension, since each cosine
    counts 1/dim; with k = dim, near (1, ..., 1), there always is one.

    Args:
        dim: Dimension.

    Returns:
        Its value.
    """
    return next(value for k in range(1, dim + 1) if (value := _ackley_ring(k, dim)) is not None)


ackley = Landscape(
    name="ackley",
    f=_ackley,
    bounds=box(-32.768, 32.768),
    x_star=at(0.0),
    f_second=_ackley_second,
    tags=frozenset({"multimodal"}),
    formula="20 - 20 exp(-0.2 sqrt(mean x_i^2)) + e - exp(mean cos(2 pi x_i))",
    reference=f"Ackley, 1987; Bäck & Schwefel, 1993; {_SB}",
    remarks="A cone at the minimum: the gradient does not vanish near it, and is set to 0 at it.",
)


def _rastrigin(x: Array) -> Array:
    """Parabola under a cosine grid: about one local minimum near each point of the integer grid.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum x_i^2 + 10 (1 - cos(2 pi x_i))``.

    References:
        Rastrigin, 1974, Systems of extremal control; Mühlenbein, Schomisch & Born, 1991, The parallel
        genetic algorithm as function optimizer.
    """
    return jnp.sum(x * x + (10.0 - 10.0 * trigonometry.cos(2.0 * jnp.pi * x)))


rastrigin = Landscape(
    name="rastrigin",
    f=_rastrigin,
    bounds=box(-5.12, 5.12),
    x_star=at(0.0),
    f_second=constant(0.99495905709328939),
    tags=frozenset({"multimodal", "separable"}),
    formula="sum_i x_i^2 + 10 (1 - cos(2 pi x_i))",
    reference=f"Rastrigin, 1974; Mühlenbein et al., 1991; {_SB}",
)


@jax.custom_jvp
def _product_of_cosines(angles: Array) -> Array:
    """Returns ``prod cos(a_i)``, whose derivative ``-prod cos(a_i) sum tan(a_i) da_i`` costs one pass.

    The general derivative of a product takes the partial products from both sides, and XLA computes
    their cosines again for each: three times slower in dimension 30. No double has a cosine of exactly
    zero, so the tangent is finite.
    """
    return jnp.prod(trigonometry.cos(angles))


@_product_of_cosines.defjvp
def _product_of_cosines_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (angles,), (d_angles,) = primals, tangents
    product = _product_of_cosines(angles)
    return product, -product * jnp.sum(jnp.tan(angles) * d_angles)


def _griewank(x: Array) -> Array:
    """Wide parabola with a product of cosines, which fades as the dimension grows.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum x_i^2 / 4000 - prod cos(x_i / sqrt(i)) + 1``.

    References:
        Griewank, 1981, Generalized descent for global optimization.
    """
    angles = x * (1.0 / np.sqrt(np.arange(1, x.shape[0] + 1))).astype(x.dtype)
    return jnp.sum(x * x) / 4000.0 + (1.0 - _product_of_cosines(angles))


griewank = Landscape(
    name="griewank",
    f=_griewank,
    bounds=box(-600.0, 600.0),
    x_star=at(0.0),
    f_second=lambda dim: 0.0098646720610062134 if dim == 1 else 0.0073960403341150827,
    tags=frozenset({"multimodal"}),
    formula="sum_i x_i^2/4000 - prod_i cos(x_i/sqrt(i)) + 1",
    reference=f"Griewank, 1981; {_SB}",
    remarks="The second minimum lies near (pi, pi sqrt(2), 0, ..., 0): two cosines change sign together.",
)


def _levy(x: Array) -> Array:
    """Parabola in w = 1 + (x - 1)/4 under sine waves whose height grows with the distance.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sin^2(pi w_1) + sum_{i<dim} (w_i-1)^2 (1 + 10 sin^2(pi w_i + 1)) + (w_dim-1)^2 (1 + sin^2(2 pi w_dim))``.

    References:
        Laguna & Martí, 2005, Experimental testing of advanced scatter search designs for global
        optimization of multimodal functions; Surjanovic & Bingham, 2013.
    """
    v = 0.25 * (x - 1.0)
    # sin(pi w) = -sin(pi v): written in v = w - 1, the value near the minimum keeps its digits.
    first = trigonometry.sin(jnp.pi * v[0])
    ripple = trigonometry.sin(jnp.pi * v[:-1] + (jnp.pi + 1.0))
    last = trigonometry.sin(2.0 * jnp.pi * v[-1])
    middle = v[:-1] * v[:-1] * (1.0 + 10.0 * (ripple * ripple))
    return first * first + jnp.sum(middle) + v[-1] * v[-1] * (1.0 + last * last)


_LEVY_SECOND = {1: 0.97937667099689477, 2: 0.97371159557684979}

levy = Landscape(
    name="levy",
    f=_levy,
    bounds=box(-10.0, 10.0),
    x_star=at(1.0),
    f_second=lambda dim: _LEVY_SECOND.get(dim, 0.089528250416440997),
    tags=frozenset({"multimodal", "separable"}),
    formula="sin^2(pi w_1) + sum_{i<dim} (w_i-1)^2 (1 + 10 sin^2(pi w_i + 1)) + (w_dim-1)^2 (1 + sin^2(2 pi w_dim)), "
    "w = 1 + (x-1)/4",
    reference=f"Laguna & Martí, 2005; {_SB}",
)


def _schwefel(x: Array) -> Array:
    """Waves whose height grows with the distance, the best valley far from the second best.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``-sum x_i sin(sqrt(|x_i|))``.

    References:
        Schwefel, 1981, Numerical optimization of computer models, problem 2.26; Yao, Liu & Lin, 1999, f8.
    """
    return -jnp.sum(x * trigonometry.sin(root(jnp.abs(x))))


schwefel = Landscape(
    name="schwefel",
    f=_schwefel,
    bounds=box(-500.0, 500.0),
    x_star=at(420.96874635998203),
    f_star=lambda dim: -418.98288727243371 * dim,
    f_second=lambda dim: -418.98288727243371 * (dim - 1) - 300.54455265799581,
    tags=frozenset({"multimodal", "separable", "box_only"}),
    formula="-sum_i x_i sin(sqrt(|x_i|))",
    reference=f"Schwefel, 1981, problem 2.26; Yao et al., 1999, f8; {_SB} add 418.9829 dim",
    remarks="Outside its box the waves grow without bound, so the minimum holds only in it.",
)


def _styblinski_tang(x: Array) -> Array:
    """Two minima a coordinate, 2^dim in all, only one of them global.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum (x_i^4 - 16 x_i^2 + 5 x_i) / 2``.

    References:
        Styblinski & Tang, 1990, Experiments in nonconvex optimization.
    """
    square = x * x
    return 0.5 * jnp.sum(square * (square - 16.0) + 5.0 * x)


styblinski_tang = Landscape(
    name="styblinski_tang",
    f=_styblinski_tang,
    bounds=box(-5.0, 5.0),
    x_star=at(-2.9035340277711771),
    f_star=lambda dim: -39.166165703771415 * dim,
    f_second=lambda dim: -39.166165703771415 * (dim - 1) - 25.029446655283943,
    tags=frozenset({"multimodal", "separable"}),
    formula="sum_i (x_i^4 - 16 x_i^2 + 5 x_i) / 2",
    reference=f"Styblinski & Tang, 1990; {_SB}",
)


def _michalewicz(x: Array) -> Array:
    """Narrow channels on a plate: without a channel in reach, the gradient is nearly 0.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``-sum sin(x_i) sin^20(i x_i^2 / pi)``.

    References:
        Michalewicz, 1992, Genetic algorithms + data structures = evolution programs, with m = 10.
    """
    rates = (np.arange(1, x.shape[0] + 1) / np.pi).astype(x.dtype)
    wave = trigonometry.sin(rates * (x * x))
    second = wave * wave
    fourth = second * second
    eighth = fourth * fourth
    return -jnp.sum(trigonometry.sin(x) * (eighth * eighth * fourth))


def _michalewicz_channels(i: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the local minima of one coordinate's term in [0, pi].

    Args:
        i: Number of the coordinate, from 1 on.

    Returns:
        Minimizers and values, the lowest first.
    """
    peaks = np.sqrt(np.pi * (np.pi / 2 + np.pi * np.arange(i)) / i)
    x = peaks[peaks < np.pi]
    for _ in range(30):
        wave = i * x * x / np.pi
        slope = 2 * i * x / np.pi
        # Newton's method on the logarithmic derivative, which is nearly linear around each peak.
        g = 1 / np.tan(x) + 20 * slope / np.tan(wave)
        h = -1 / np.sin(x) ** 2 + 40 * i / np.pi / np.tan(wave) - 20 * (slope / np.sin(wave)) ** 2
        x = x - g / h
    values = -np.sin(x) * np.sin(i * x * x / np.pi) ** 20
    order = np.argsort(values)
    return x[order], values[order]


def _michalewicz_minimum(dim: int) -> Matrix:
    """Returns the minimizer: the best channel of each coordinate."""
    return np.array([[_michalewicz_channels(i)[0][0] for i in range(1, dim + 1)]])


def _michalewicz_value(dim: int) -> float:
    """Returns the minimum: the sum of the best channels."""
    return float(sum(_michalewicz_channels(i)[1][0] for i in range(1, dim + 1)))


def _michalewicz_second(dim: int) -> float | None:
    """Returns the second lowest local minimum: one coordinate in its second best channel."""
    values = [_michalewicz_channels(i)[1] for i in range(2, dim + 1)]
    return _michalewicz_value(dim) + min(float(v[1] - v[0]) for v in values) if values else None


michalewicz = Landscape(
    name="michalewicz",
    f=_michalewicz,
    bounds=box(0.0, np.pi),
    x_star=_michalewicz_minimum,
    f_star=_michalewicz_value,
    f_second=_michalewicz_second,
    tags=frozenset({"multimodal", "separable", "plate", "box_only"}),
    formula="-sum_i sin(x_i) sin^20(i x_i^2/pi)",
    reference=f"Michalewicz, 1992, m = 10; {_SB}",
    remarks="Outside its box a term can reach -1, below its best value inside, so the minimum holds only in the box.",
)
