"""Functions with one minimum that no quadratic describes: powers, an exponential, norms with kinks."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.landscape import Dims, Landscape, at, box, constant

_JY = "Jamil & Yang, 2013"


def _different_powers(x: Array) -> Array:
    """Sum of powers from 2 to 6: the curvatures drift apart as the minimum comes near.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum |x_i|^(2 + 4 (i-1)/(dim-1))``.

    References:
        Hansen, Finck, Ros & Auger, 2009, INRIA RR-6829, f14 (without the root and the rotation).
    """
    exponents = (2.0 + 4.0 * np.linspace(0.0, 1.0, x.shape[0])).astype(x.dtype)
    return jnp.sum(jnp.abs(x) ** exponents)


different_powers = Landscape(
    name="different_powers",
    f=_different_powers,
    dims=Dims(minimum=2, default=10),
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    tags=frozenset({"separable"}),
    formula="sum_i |x_i|^(2 + 4 (i-1)/(dim-1))",
    reference="Hansen et al., 2009, BBOB noiseless functions, f14 without its root and rotation",
    remarks="The Hessian at the minimum has rank 1; the condition number grows without bound on the way there.",
)


def _quartic(x: Array) -> Array:
    """Weighted sum of fourth powers, with a Hessian of 0 at the minimum.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum i x_i^4``.

    References:
        De Jong, 1975, An analysis of the behavior of a class of genetic adaptive systems, F4, without its noise.
    """
    weights = np.arange(1, x.shape[0] + 1).astype(x.dtype)
    square = x * x
    return jnp.sum(weights * (square * square))


quartic = Landscape(
    name="quartic",
    f=_quartic,
    bounds=box(-1.28, 1.28),
    x_star=at(0.0),
    tags=frozenset({"separable"}),
    formula="sum_i i x_i^4",
    reference=f"De Jong, 1975, F4 without its noise; Yao et al., 1999, f7; {_JY}, 100",
    remarks="Gradient descent ends sublinearly: the error falls as one over the root of the steps.",
)


def _chung_reynolds(x: Array) -> Array:
    """Square of the sphere: a round quartic.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``(sum x_i^2)^2``.

    References:
        Chung & Reynolds, 1998, CAEP: an evolution-based tool for real-valued function optimization using
        cultural algorithms; Jamil & Yang, 2013, 34.
    """
    square = jnp.sum(x * x)
    return square * square


chung_reynolds = Landscape(
    name="chung_reynolds",
    f=_chung_reynolds,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    tags=frozenset({"rotation_invariant"}),
    formula="(sum_i x_i^2)^2",
    reference=f"Chung & Reynolds, 1998; {_JY}, 34",
    remarks="The gradient falls with the third power of the distance: a rate that is safe far out crawls "
    "near the minimum.",
)


def _raydan_1(x: Array) -> Array:
    """Strictly convex: an exponential wall on one side, a straight slope on the other.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum i/10 (exp(x_i) - x_i)``.

    References:
        Raydan, 1997, The Barzilai and Borwein gradient method for the large scale unconstrained
        minimization problem, SIAM Journal on Optimization 7(1), strictly convex 1.
    """
    weights = (0.1 * np.arange(1, x.shape[0] + 1)).astype(x.dtype)
    return jnp.sum(weights * (jnp.exp(x) - x))


raydan_1 = Landscape(
    name="raydan_1",
    f=_raydan_1,
    bounds=box(-5.0, 5.0),
    x_star=at(0.0),
    f_star=lambda dim: dim * (dim + 1) / 20,
    tags=frozenset({"separable"}),
    formula="sum_i i/10 (exp(x_i) - x_i)",
    reference="Raydan, 1997, strictly convex 1; Andrei, 2008",
    remarks="The literature has no box; this one is ours. The curvature differs by e^10 between its sides.",
)


def _exponential(x: Array) -> Array:
    """Gaussian hole: convex near the minimum, a plate far from it.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``-exp(-sum x_i^2 / 2)``.

    References:
        Rahnamayan, Tizhoosh & Salama, 2007; Jamil & Yang, 2013, 54.
    """
    return -jnp.exp(-0.5 * jnp.sum(x * x))


exponential = Landscape(
    name="exponential",
    f=_exponential,
    bounds=box(-1.0, 1.0),
    x_star=at(0.0),
    f_star=constant(-1.0),
    tags=frozenset({"plate", "rotation_invariant"}),
    formula="-exp(-sum_i x_i^2/2)",
    reference=f"Rahnamayan et al., 2007; {_JY}, 54, with the sign that makes it a minimum",
    remarks="The median start in dimension 40 sees 1e-3 of the hole's depth; further out the gradient underflows.",
)


def _size(x: Array) -> Array:
    """Returns ``|x|`` with derivative 0 at 0, where that of ``jnp.abs`` is 1."""
    return x * jnp.sign(x)


def _schwefel_2_20(x: Array) -> Array:
    """Sum of absolute values: a slope of 1 along every axis up to the kink.

    Where a coordinate is 0 its derivative is 0 by convention, a subgradient.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``sum |x_i|``.

    References:
        Schwefel, 1981, Numerical optimization of computer models, problem 2.20; Jamil & Yang, 2013, 122.
    """
    return jnp.sum(_size(x))


schwefel_2_20 = Landscape(
    name="schwefel_2_20",
    f=_schwefel_2_20,
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    tags=frozenset({"separable"}),
    formula="sum_i |x_i|",
    reference=f"Schwefel, 1981, problem 2.20; {_JY}, 122, with the sign that makes it a minimum",
    remarks="Kinks along every axis: a constant rate ends in a cycle as wide as itself.",
)


def _schwefel_2_21(x: Array) -> Array:
    """Largest absolute value: the gradient sees one coordinate at a time.

    Coordinates that share the largest value share the gradient; at 0 it is 0 by convention, a subgradient.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``max |x_i|``.

    References:
        Schwefel, 1981, Numerical optimization of computer models, problem 2.21; Yao, Liu & Lin, 1999, f4.
    """
    return jnp.max(_size(x))


schwefel_2_21 = Landscape(
    name="schwefel_2_21",
    f=_schwefel_2_21,
    dims=Dims(minimum=2, default=10),
    bounds=box(-100.0, 100.0),
    x_star=at(0.0),
    formula="max_i |x_i|",
    reference=f"Schwefel, 1981, problem 2.21; Yao et al., 1999, f4; {_JY}, 123",
    remarks="Gradients are sparse: each step tells of one coordinate, which suits rules that remember.",
)


def _maxq(x: Array) -> Array:
    """Largest square: smooth at the minimum, with kinks wherever two coordinates are equally large.

    Args:
        x: Point, shape (dim,).

    Returns:
        ``max x_i^2``.

    References:
        Haarala, Miettinen & Mäkelä, 2004, New limited memory bundle method for large-scale nonsmooth
        optimization, problem 1, generalization of MAXQ.
    """
    return jnp.max(x * x)


maxq = Landscape(
    name="maxq",
    f=_maxq,
    dims=Dims(minimum=2, default=10),
    bounds=box(-10.0, 10.0),
    x_star=at(0.0),
    formula="max_i x_i^2",
    reference="Haarala et al., 2004, problem 1",
    remarks="The literature has no box; this one is ours.",
)
