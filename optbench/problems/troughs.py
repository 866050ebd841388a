"""Two variables: Bohachevsky's and Schaffer's waves, and troughs with one or two minima."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems import trigonometry
from optbench.problems.landscape import TWO_D, Landscape, at, box, constant

_SB = "Surjanovic & Bingham, 2013"
_JY = "Jamil & Yang, 2013"


def _bohachevsky_1(x: Array) -> Array:
    """Parabola under two cosine waves, one for each coordinate.

    Args:
        x: Point, shape (2,).

    Returns:
        ``x^2 + 2 y^2 - 0.3 cos(3 pi x) - 0.4 cos(4 pi y) + 0.7``.

    References:
        Bohachevsky, Johnson & Stein, 1986, Generalized simulated annealing for function optimization.
    """
    waves = 0.3 * (1.0 - trigonometry.cos(3.0 * jnp.pi * x[0])) + 0.4 * (1.0 - trigonometry.cos(4.0 * jnp.pi * x[1]))
    return x[0] * x[0] + 2.0 * (x[1] * x[1]) + waves


bohachevsky_1 = Landscape(
    name="bohachevsky_1",
    f=_bohachevsky_1,
    dims=TWO_D,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    f_second=constant(0.41292683027581509),
    family="bohachevsky",
    tags=frozenset({"multimodal", "separable"}),
    formula="x^2 + 2 y^2 - 0.3 cos(3 pi x) - 0.4 cos(4 pi y) + 0.7",
    reference=f"Bohachevsky et al., 1986; {_SB}; {_JY}, 17",
    remarks="Seen from the box it is a parabola; the waves matter within 2 of the minimum.",
)


def _bohachevsky_2(x: Array) -> Array:
    """Parabola under the product of two cosine waves.

    Args:
        x: Point, shape (2,).

    Returns:
        ``x^2 + 2 y^2 - 0.3 cos(3 pi x) cos(4 pi y) + 0.3``.

    References:
        Bohachevsky, Johnson & Stein, 1986, Generalized simulated annealing for function optimization.
    """
    waves = 0.3 * (1.0 - trigonometry.cos(3.0 * jnp.pi * x[0]) * trigonometry.cos(4.0 * jnp.pi * x[1]))
    return x[0] * x[0] + 2.0 * (x[1] * x[1]) + waves


bohachevsky_2 = Landscape(
    name="bohachevsky_2",
    f=_bohachevsky_2,
    dims=TWO_D,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    f_second=constant(0.21831318777061313),
    family="bohachevsky",
    tags=frozenset({"multimodal"}),
    formula="x^2 + 2 y^2 - 0.3 cos(3 pi x) cos(4 pi y) + 0.3",
    reference=f"Bohachevsky et al., 1986; {_SB}; {_JY}, 18",
)


def _bohachevsky_3(x: Array) -> Array:
    """Parabola under one cosine wave across both coordinates.

    Args:
        x: Point, shape (2,).

    Returns:
        ``x^2 + 2 y^2 - 0.3 cos(3 pi x + 4 pi y) + 0.3``.

    References:
        Bohachevsky, Johnson & Stein, 1986, Generalized simulated annealing for function optimization.
    """
    wave = 0.3 * (1.0 - trigonometry.cos(3.0 * jnp.pi * x[0] + 4.0 * jnp.pi * x[1]))
    return x[0] * x[0] + 2.0 * (x[1] * x[1]) + wave


bohachevsky_3 = Landscape(
    name="bohachevsky_3",
    f=_bohachevsky_3,
    dims=TWO_D,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    f_second=constant(0.22626001250111953),
    family="bohachevsky",
    tags=frozenset({"multimodal"}),
    formula="x^2 + 2 y^2 - 0.3 cos(3 pi x + 4 pi y) + 0.3",
    reference=f"Bohachevsky et al., 1986; {_SB}; {_JY}, 19",
)


def _schaffer_n2(x: Array) -> Array:
    """Hyperbolic waves that fade with the distance from the minimum.

    Args:
        x: Point, shape (2,).

    Returns:
        ``1/2 + (sin^2(x^2 - y^2) - 1/2) / (1 + 0.001 (x^2 + y^2))^2``.

    References:
        Mishra, 2006, Some new test functions for global optimization; Surjanovic & Bingham, 2013.
    """
    square = x[0] * x[0] + x[1] * x[1]
    wave, fade = trigonometry.sin((x[0] - x[1]) * (x[0] + x[1])), 1.0 + 0.001 * square
    # 1/2 - 1/(2 fade^2), written so that the value near the minimum keeps its digits.
    rise = 0.0005 * square * (1.0 + fade)
    return (wave * wave + rise) / (fade * fade)


schaffer_n2 = Landscape(
    name="schaffer_n2",
    f=_schaffer_n2,
    dims=TWO_D,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    f_second=constant(0.0031266031338632098),
    tags=frozenset({"multimodal", "plate"}),
    formula="1/2 + (sin^2(x^2 - y^2) - 1/2)/(1 + 0.001 (x^2 + y^2))^2",
    reference=f"Mishra, 2006; {_SB}; {_JY}, 113",
    remarks="Two straight valleys, x = y and x = -y, cross at the minimum and are 1e-3 steep.",
)


def _schaffer_n4(x: Array) -> Array:
    """Folded hyperbolic waves around four equal minima.

    Args:
        x: Point, shape (2,).

    Returns:
        ``1/2 + (cos^2(sin(x^2 - y^2)) - 1/2) / (1 + 0.001 (x^2 + y^2))^2``.

    References:
        Mishra, 2006, Some new test functions for global optimization; Surjanovic & Bingham, 2013.
    """
    fade = 1.0 + 0.001 * (x[0] * x[0] + x[1] * x[1])
    # The literature takes the absolute value of the angle, which the even cosine does not need.
    wave = trigonometry.cos(trigonometry.sin((x[0] - x[1]) * (x[0] + x[1])))
    return 0.5 + (wave * wave - 0.5) / (fade * fade)


schaffer_n4 = Landscape(
    name="schaffer_n4",
    f=_schaffer_n4,
    dims=TWO_D,
    bounds=box(-100.0, 100.0),
    x_star=at(
        (0.0, 1.2531318314637332),
        (0.0, -1.2531318314637332),
        (1.2531318314637332, 0.0),
        (-1.2531318314637332, 0.0),
    ),
    f_star=constant(0.29257863203598055),
    f_second=constant(0.29387375881132026),
    tags=frozenset({"multimodal", "plate"}),
    formula="1/2 + (cos^2(sin(x^2 - y^2)) - 1/2)/(1 + 0.001 (x^2 + y^2))^2",
    reference=f"Mishra, 2006; {_SB}; {_JY}, 115",
)


def _zettl(x: Array) -> Array:
    """Circular trough with a slight slope along it.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(x^2 + y^2 - 2 x)^2 + x / 4``.

    References:
        Schwefel, 1995, Evolution and optimum seeking, problem 1.3 of Zettl; Jamil & Yang, 2013, 174.
    """
    trough = x[0] * (x[0] - 2.0) + x[1] * x[1]
    return trough * trough + 0.25 * x[0]


zettl = Landscape(
    name="zettl",
    f=_zettl,
    dims=TWO_D,
    bounds=box(-5.0, 10.0),
    x_star=at((-0.029895985050660383, 0.0)),
    f_star=constant(-0.0037912372204688980),
    tags=frozenset({"valley"}),
    formula="(x^2 + y^2 - 2 x)^2 + x/4",
    reference=f"Zettl, 1970; Schwefel, 1995; {_JY}, 174",
    remarks="Runs fall into the trough at (2, 0) as readily as near the minimum, and then go half around the circle.",
)


def _aluffi_pentini(x: Array) -> Array:
    """Two wells of unequal depth along one axis.

    Args:
        x: Point, shape (2,).

    Returns:
        ``x^4 / 4 - x^2 / 2 + x / 10 + y^2 / 2``.

    References:
        Aluffi-Pentini, Parisi & Zirilli, 1985, Global optimization and stochastic differential equations;
        Ali, Khompatraporn & Zabinsky, 2005.
    """
    square = x[0] * x[0]
    return 0.25 * (square * square) - 0.5 * square + 0.1 * x[0] + 0.5 * (x[1] * x[1])


aluffi_pentini = Landscape(
    name="aluffi_pentini",
    f=_aluffi_pentini,
    dims=TWO_D,
    bounds=box(-10.0, 10.0),
    x_star=at((-1.0466805318046023, 0.0)),
    f_star=constant(-0.35238607380003642),
    f_second=constant(-0.15263944177378456),
    tags=frozenset({"multimodal", "separable"}),
    formula="x^4/4 - x^2/2 + x/10 + y^2/2",
    reference=f"Aluffi-Pentini et al., 1985; Ali et al., 2005; {_JY}, 175",
    remarks="Either well draws about half of the starts.",
)


def _deckkers_aarts(x: Array) -> Array:
    """Narrow trough along y with two deep ends and a shallow middle.

    Args:
        x: Point, shape (2,).

    Returns:
        ``1e5 x^2 + y^2 - (x^2 + y^2)^2 + 1e-5 (x^2 + y^2)^4``.

    References:
        Dekkers & Aarts, 1991, Global optimization and simulated annealing; Ali, Khompatraporn & Zabinsky, 2005.
    """
    a, b = x[0] * x[0], x[1] * x[1]
    square = (a + b) * (a + b)
    return 1e5 * a + b - square + 1e-5 * (square * square)


deckkers_aarts = Landscape(
    name="deckkers_aarts",
    f=_deckkers_aarts,
    dims=TWO_D,
    bounds=box(-20.0, 20.0),
    x_star=at((0.0, 14.945112151891958), (0.0, -14.945112151891958)),
    f_star=constant(-24776.518342317690),
    f_second=constant(0.0),
    tags=frozenset({"multimodal", "valley"}),
    formula="1e5 x^2 + y^2 - (x^2 + y^2)^2 + 1e-5 (x^2 + y^2)^4",
    reference=f"Dekkers & Aarts, 1991; Ali et al., 2005; {_JY}, 45",
    remarks="The curvatures at the two minima differ by a factor of 56; the origin is a local minimum of value 0.",
)


def _jennrich_sampson(x: Array) -> Array:
    """Least squares fit of two exponentials to a straight line, which leaves a large residual.

    Args:
        x: Point, shape (2,).

    Returns:
        ``sum_{i<=10} (2 + 2 i - exp(i x) - exp(i y))^2``.

    References:
        Jennrich & Sampson, 1968, Application of stepwise regression to nonlinear estimation; Moré, Garbow &
        Hillstrom, 1981, problem 6.
    """
    i = np.arange(1, 11).astype(x.dtype)
    residual = 2.0 + 2.0 * i - jnp.exp(i * x[0]) - jnp.exp(i * x[1])
    return jnp.sum(residual * residual)


jennrich_sampson = Landscape(
    name="jennrich_sampson",
    f=_jennrich_sampson,
    dims=TWO_D,
    bounds=box(-1.0, 1.0),
    x_star=at(0.25782521367036408),
    f_star=constant(124.36218235561485),
    tags=frozenset({"plate", "valley"}),
    formula="sum_{i<=10} (2 + 2 i - exp(i x) - exp(i y))^2",
    reference=f"Jennrich & Sampson, 1968; Moré, Garbow & Hillstrom, 1981, problem 6; {_JY}, 67",
    remarks="A plate where both exponents are negative, walls of 1e9 where one is positive.",
)
