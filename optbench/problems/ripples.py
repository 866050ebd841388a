"""Ripples over a slope, in any dimension: rings, lattices of minima and rows of them."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from optbench.problems import trigonometry
from optbench.problems.landscape import Dims, Landscape, at, box, constant
from optbench.problems.multimodal import root

_JY = "Jamil & Yang, 2013"


def _salomon(x: Array) -> Array:
    """Rings around a cone: every ring is a connected set of local minima.

    The function is not differentiable at 0; the gradient there is 0 by convention, a subgradient.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``1 - cos(2 pi r) + 0.1 r`` with ``r = sqrt(sum x_i^2)``.

    References:
        Salomon, 1996, Re-evaluating genetic algorithm performance under coordinate rotation of benchmark
        functions; Jamil & Yang, 2013, 110.
    """
    radius = root(jnp.sum(x * x))
    return (1.0 - trigonometry.cos(2.0 * jnp.pi * radius)) + 0.1 * radius


salomon = Landscape(
    name="salomon",
    f=_salomon,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    f_second=constant(0.099873345846810119),
    tags=frozenset({"multimodal", "rotation_invariant"}),
    formula="1 - cos(2 pi r) + 0.1 r, r = sqrt(sum_i x_i^2)",
    reference=f"Salomon, 1996; {_JY}, 110",
    remarks="A run crosses some 80 rings in two dimensions, each 2 high, for 0.1 of descent from one to the next.",
)


def _deflected_corrugated_spring(x: Array) -> Array:
    """Rings around a smooth minimum, under a parabola.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``0.1 r^2 - cos(5 r)`` with ``r = sqrt(sum (x_i - 5)^2)``.

    References:
        Ali, Khompatraporn & Zabinsky, 2005, A numerical evaluation of several stochastic algorithms on selected
        continuous global optimization test problems; Adorio & Diliman, 2005.
    """
    v = x - 5.0
    square = jnp.sum(v * v)
    return 0.1 * square - trigonometry.cos(5.0 * root(square))


deflected_corrugated_spring = Landscape(
    name="deflected_corrugated_spring",
    f=_deflected_corrugated_spring,
    bounds=box(0.0, 10.0),
    x_star=at(5.0),
    f_star=constant(-1.0),
    f_second=constant(-0.84333987051941208),
    tags=frozenset({"multimodal", "rotation_invariant"}),
    formula="0.1 r^2 - cos(5 r), r = sqrt(sum_i (x_i - 5)^2)",
    reference="Ali et al., 2005; Adorio & Diliman, 2005",
    remarks="Rings of minima lie around it up to a distance of 25, where the parabola gets the better of the cosine.",
)


def _periodic(x: Array) -> Array:
    """Lattice of minima that all but agree: one of them is deeper by a tenth.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``1 + sum sin^2(x_i) - 0.1 exp(-sum x_i^2)``.

    References:
        Price, 1977, A controlled random search procedure for global optimisation; Ali, Khompatraporn &
        Zabinsky, 2005; Jamil & Yang, 2013, 90 and 95.
    """
    waves = trigonometry.sin(x)
    return 1.0 + (jnp.sum(waves * waves) - 0.1 * jnp.exp(-jnp.sum(x * x)))


periodic = Landscape(
    name="periodic",
    f=_periodic,
    bounds=box(-10.0, 10.0),
    x_star=at(0.0),
    f_star=constant(0.9),
    f_second=constant(0.99999482741731368),
    tags=frozenset({"multimodal"}),
    formula="1 + sum_i sin^2(x_i) - 0.1 exp(-sum_i x_i^2)",
    reference=f"Price, 1977; Ali et al., 2005; {_JY}, 90 and 95",
    remarks="There is no slope toward the minimum, and 7 minima lie along each side of the box.",
)


def _cosine_mixture(x: Array) -> Array:
    """Parabola under a coarse cosine grid: five minima in every coordinate.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum x_i^2 - 0.1 cos(5 pi x_i)``.

    References:
        Breiman & Cutler, 1993, A deterministic algorithm for global optimization; Ali, Khompatraporn &
        Zabinsky, 2005; Jamil & Yang, 2013, 38.
    """
    return jnp.sum(x * x - 0.1 * trigonometry.cos(5.0 * jnp.pi * x))


cosine_mixture = Landscape(
    name="cosine_mixture",
    f=_cosine_mixture,
    bounds=box(-1.0, 1.0),
    x_star=at(0.0),
    f_star=lambda dim: -0.1 * dim,
    f_second=lambda dim: -0.1 * (dim - 1) + 0.047784250720710123,
    tags=frozenset({"multimodal", "separable"}),
    formula="sum_i x_i^2 - 0.1 cos(5 pi x_i)",
    reference=f"Breiman & Cutler, 1993; Ali et al., 2005; {_JY}, 38, with the sign that makes it a minimum",
)


def _wavy(x: Array) -> Array:
    """Ripples that fade with the distance: far from the minimum they end in a plate.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``mean 1 - cos(10 x_i) exp(-x_i^2 / 2)``.

    References:
        Courrieu, 1997, The hyperbell algorithm for global optimization; Jamil & Yang, 2013, 165, with k = 10.
    """
    return jnp.sum(1.0 - trigonometry.cos(10.0 * x) * jnp.exp(-0.5 * (x * x))) / x.shape[0]


wavy = Landscape(
    name="wavy",
    f=_wavy,
    bounds=box(-3.141592653589793, 3.141592653589793),
    x_star=at(0.0),
    f_second=lambda dim: 0.17752645181891245 / dim,
    tags=frozenset({"multimodal", "plate", "separable"}),
    formula="mean_i 1 - cos(10 x_i) exp(-x_i^2/2)",
    reference=f"Courrieu, 1997; {_JY}, 165, k = 10",
)


def _egg_crate(x: Array) -> Array:
    """Parabola under a high sine grid: a hollow every pi in each coordinate.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum x_i^2 + 25 sin^2(x_i)``.

    References:
        Jamil & Yang, 2013, 52, for two variables.
    """
    waves = trigonometry.sin(x)
    return jnp.sum(x * x + 25.0 * (waves * waves))


egg_crate = Landscape(
    name="egg_crate",
    f=_egg_crate,
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    f_second=constant(9.4881973391062587),
    tags=frozenset({"multimodal", "separable"}),
    formula="sum_i x_i^2 + 25 sin^2(x_i)",
    reference=f"{_JY}, 52",
)


def _expanded_schaffer_f6(x: Array) -> Array:
    """Rings of every pair of neighbors, which fade with the distance from the minimum.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum 1/2 + (sin^2(r_i) - 1/2) / (1 + 0.001 r_i^2)^2`` with ``r_i^2 = x_i^2 + x_{i+1}^2`` and
        ``x_{dim+1} = x_1``.

    References:
        Schaffer, Caruana, Eshelman & Das, 1989, A study of control parameters affecting online performance of
        genetic algorithms, F6; Suganthan et al., 2005, CEC 2005, F14, for the chain.
    """
    square = x * x
    pair = square + jnp.roll(square, -1)
    wave, fade = trigonometry.sin(root(pair)), 1.0 + 0.001 * pair
    # 1/2 - 1/(2 fade^2), written so that the value near the minimum keeps its digits.
    rise = 0.0005 * pair * (1.0 + fade)
    return jnp.sum((wave * wave + rise) / (fade * fade))


expanded_schaffer_f6 = Landscape(
    name="expanded_schaffer_f6",
    f=_expanded_schaffer_f6,
    dims=Dims(minimum=2),
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    f_second=constant(0.019431819755029095),
    tags=frozenset({"multimodal", "plate"}),
    formula="sum_i 1/2 + (sin^2(r_i) - 1/2)/(1 + 0.001 r_i^2)^2, r_i^2 = x_i^2 + x_{i+1}^2, x_{dim+1} = x_1",
    reference=f"Schaffer et al., 1989, F6; Suganthan et al., 2005, F14; {_JY}, 136",
    remarks="At the edge of the box the waves have faded to a hundredth, and the slope with them.",
)


def _levy_montalvo_1(x: Array) -> Array:
    """Coupled sine waves under a parabola in y = 1 + (x + 1)/4.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``pi/dim (10 sin^2(pi y_1) + sum_{i<dim} (y_i - 1)^2 (1 + 10 sin^2(pi y_{i+1})) + (y_dim - 1)^2)``.

    References:
        Levy & Montalvo, 1985, The tunneling algorithm for the global minimization of functions; Ali,
        Khompatraporn & Zabinsky, 2005, LM1.
    """
    v = 0.25 * (x + 1.0)
    # sin^2(pi y) = sin^2(pi v): written in v = y - 1, the value near the minimum keeps its digits.
    wave = trigonometry.sin(jnp.pi * v)
    wave = 10.0 * (wave * wave)
    square = v * v
    return jnp.pi / x.shape[0] * (wave[0] + jnp.sum(square[:-1] * (1.0 + wave[1:])) + square[-1])


levy_montalvo_1 = Landscape(
    name="levy_montalvo_1",
    f=_levy_montalvo_1,
    dims=Dims(minimum=2, default=10),
    bounds=box(-10.0, 10.0),
    x_star=at(-1.0),
    f_second=lambda dim: 3.1100706075148829 / dim,
    tags=frozenset({"multimodal"}),
    formula="pi/dim (10 sin^2(pi y_1) + sum_{i<dim} (y_i-1)^2 (1 + 10 sin^2(pi y_{i+1})) + (y_dim-1)^2), "
    "y = 1 + (x+1)/4",
    reference="Levy & Montalvo, 1985; Ali et al., 2005, LM1; Yao et al., 1999, f12, add a wall beyond this box",
    remarks="The waves of a coordinate are as high as its left neighbor is far from the minimum.",
)


def _levy_montalvo_2(x: Array) -> Array:
    """Coupled sine waves of higher frequency under a parabola.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``0.1 (sin^2(3 pi x_1) + sum_{i<dim} (x_i - 1)^2 (1 + sin^2(3 pi x_{i+1}))
        + (x_dim - 1)^2 (1 + sin^2(2 pi x_dim)))``.

    References:
        Levy & Montalvo, 1985, The tunneling algorithm for the global minimization of functions; Ali,
        Khompatraporn & Zabinsky, 2005, LM2.
    """
    v = x - 1.0
    wave, last = trigonometry.sin(3.0 * jnp.pi * v), trigonometry.sin(2.0 * jnp.pi * v[-1])
    wave = wave * wave
    square = v * v
    middle = jnp.sum(square[:-1] * (1.0 + wave[1:]))
    return 0.1 * (wave[0] + middle + square[-1] * (1.0 + last * last))


levy_montalvo_2 = Landscape(
    name="levy_montalvo_2",
    f=_levy_montalvo_2,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=at(1.0),
    f_second=constant(0.010987365838837950),
    tags=frozenset({"multimodal"}),
    formula="0.1 (sin^2(3 pi x_1) + sum_{i<dim} (x_i-1)^2 (1 + sin^2(3 pi x_{i+1})) "
    "+ (x_dim-1)^2 (1 + sin^2(2 pi x_dim)))",
    reference="Levy & Montalvo, 1985; Ali et al., 2005, LM2; Yao et al., 1999, f13, add a wall beyond this box",
    remarks="In two dimensions it is a tenth of Levy's function N. 13.",
)
