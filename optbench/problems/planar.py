"""Multimodal functions of two variables."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems import trigonometry
from optbench.problems.landscape import TWO_D, Landscape, at, box, constant
from optbench.problems.multimodal import root

_SB = "Surjanovic & Bingham, 2013"
_JY = "Jamil & Yang, 2013"


def _himmelblau(x: Array) -> Array:
    """Quartic with four global minima around a low maximum.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(x^2 + y - 11)^2 + (x + y^2 - 7)^2``.

    References:
        Himmelblau, 1972, Applied nonlinear programming.
    """
    a = x[0] * x[0] + x[1] - 11.0
    b = x[0] + x[1] * x[1] - 7.0
    return a * a + b * b


himmelblau = Landscape(
    name="himmelblau",
    f=_himmelblau,
    dims=TWO_D,
    bounds=box(-5.0, 5.0),
    x_star=at(
        (3.0, 2.0),
        (-2.8051180869527449, 3.1313125182505730),
        (-3.7793102533777469, -3.2831859912861694),
        (3.5844283403304917, -1.8481265269644036),
    ),
    tags=frozenset({"multimodal"}),
    formula="(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    reference=f"Himmelblau, 1972; {_JY}",
    remarks="All four minima are global: which one a run ends in is not judged.",
)


def _branin(x: Array) -> Array:
    """Parabolic trough under a cosine: three global minima in the box, infinitely many outside.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(y - 5.1/(4 pi^2) x^2 + 5/pi x - 6)^2 + 10 (1 - 1/(8 pi)) cos(x) + 10``.

    References:
        Branin, 1972, Widely convergent method for finding multiple solutions of simultaneous
        nonlinear equations; Dixon & Szego, 1978.
    """
    trough = x[1] - 5.1 / (4.0 * np.pi**2) * (x[0] * x[0]) + 5.0 / np.pi * x[0] - 6.0
    return trough * trough + 10.0 * (1.0 - 1.0 / (8.0 * np.pi)) * trigonometry.cos(x[0]) + 10.0


branin = Landscape(
    name="branin",
    f=_branin,
    dims=TWO_D,
    bounds=lambda dim: np.array([[-5.0, 10.0], [0.0, 15.0]]),
    x_star=at((-np.pi, 12.275), (np.pi, 2.275), (3 * np.pi, 2.475)),
    f_star=constant(5 / (4 * np.pi)),
    tags=frozenset({"multimodal"}),
    formula="(y - 5.1/(4 pi^2) x^2 + 5/pi x - 6)^2 + 10 (1 - 1/(8 pi)) cos(x) + 10",
    reference=f"Branin, 1972; Dixon & Szego, 1978; {_SB}",
    remarks="Its minimizers span more than the middle 80 % of the box, so only instance 0 exists.",
)


def _goldstein_price(x: Array) -> Array:
    """Polynomial of degree eight with four minima and values from 3 to a million.

    Args:
        x: Point, shape (2,).

    Returns:
        ``(1 + (s + 1)^2 (19 - 14 s + 3 s^2)) (30 + t^2 (18 - 16 t + 3 t^2))`` with ``s = x + y`` and
        ``t = 2 x - 3 y``.

    References:
        Goldstein & Price, 1971, On descent from local minima.
    """
    s = x[0] + x[1]
    t = 2.0 * x[0] - 3.0 * x[1]
    left = 1.0 + (s + 1.0) * (s + 1.0) * (19.0 + s * (3.0 * s - 14.0))
    right = 30.0 + t * t * (18.0 + t * (3.0 * t - 16.0))
    return left * right


goldstein_price = Landscape(
    name="goldstein_price",
    f=_goldstein_price,
    dims=TWO_D,
    bounds=box(-2.0, 2.0),
    x_star=at((0.0, -1.0)),
    f_star=constant(3.0),
    f_second=constant(30.0),
    tags=frozenset({"multimodal"}),
    formula="(1 + (s + 1)^2 (19 - 14 s + 3 s^2)) (30 + t^2 (18 - 16 t + 3 t^2)), s = x + y, t = 2 x - 3 y",
    reference=f"Goldstein & Price, 1971; {_SB}",
    remarks="The literature's polynomials in x and y are squares of s and t, which this form keeps.",
)


def _easom(x: Array) -> Array:
    """Narrow well on a plate that is flat to the last digit.

    Args:
        x: Point, shape (2,).

    Returns:
        ``-cos(x) cos(y) exp(-(x - pi)^2 - (y - pi)^2)``.

    References:
        Easom, 1990, A survey of global optimization techniques.
    """
    v = x - jnp.pi
    return -(trigonometry.cos(x[0]) * trigonometry.cos(x[1])) * jnp.exp(-jnp.sum(v * v))


easom = Landscape(
    name="easom",
    f=_easom,
    dims=TWO_D,
    bounds=box(-100.0, 100.0),
    x_star=at((np.pi, np.pi)),
    f_star=constant(-1.0),
    f_second=constant(-8.1102238915700710e-05),
    start_bounds=box(0.0, 2.0 * np.pi),
    tags=frozenset({"multimodal", "plate"}),
    formula="-cos(x) cos(y) exp(-(x - pi)^2 - (y - pi)^2)",
    reference=f"Easom, 1990; {_JY}; {_SB}",
    remarks="Starts lie in [0, 2 pi]^2: from most of the box the exponential underflows to exactly 0.",
)


def _drop_wave(x: Array) -> Array:
    """Rings of waves around the minimum, each a connected set of local minima.

    Args:
        x: Point, shape (2,).

    Returns:
        ``-(1 + cos(12 r)) / (r^2 / 2 + 2)`` with ``r = sqrt(x^2 + y^2)``.

    References:
        Surjanovic & Bingham, 2013, Virtual Library of Simulation Experiments, drop-wave.
    """
    square = x[0] * x[0] + x[1] * x[1]
    return -(1.0 + trigonometry.cos(12.0 * root(square))) / (0.5 * square + 2.0)


drop_wave = Landscape(
    name="drop_wave",
    f=_drop_wave,
    dims=TWO_D,
    bounds=box(-5.12, 5.12),
    x_star=at(0.0),
    f_star=constant(-1.0),
    f_second=constant(-0.93624532780794165),
    tags=frozenset({"multimodal", "rotation_invariant"}),
    formula="-(1 + cos(12 r)) / (r^2/2 + 2), r = sqrt(x^2 + y^2)",
    reference=f"{_SB}, drop-wave",
)


def _eggholder(x: Array) -> Array:
    """Steep irregular waves with the minimum on the edge of the box.

    The gradient is infinite where a root is 0; there it is 0 by convention.

    Args:
        x: Point, shape (2,).

    Returns:
        ``-(y + 47) sin(sqrt(|y + x/2 + 47|)) - x sin(sqrt(|x - y - 47|))``.

    References:
        Whitley, Mathias, Rana & Dzubera, 1996, Evaluating evolutionary algorithms, F101.
    """
    lift = x[1] + 47.0
    return -lift * trigonometry.sin(root(jnp.abs(lift + 0.5 * x[0]))) - x[0] * trigonometry.sin(
        root(jnp.abs(x[0] - lift))
    )


eggholder = Landscape(
    name="eggholder",
    f=_eggholder,
    dims=TWO_D,
    bounds=box(-512.0, 512.0),
    x_star=at((512.0, 404.23180511375781)),
    f_star=constant(-959.64066272085080),
    f_second=constant(-956.91823162466555),
    tags=frozenset({"multimodal", "box_only"}),
    formula="-(y + 47) sin(sqrt(|y + x/2 + 47|)) - x sin(sqrt(|x - y - 47|))",
    reference=f"Whitley et al., 1996, F101; {_JY}; {_SB}",
    remarks="The minimum lies on the edge of the box, and the waves grow without bound outside it.",
)
