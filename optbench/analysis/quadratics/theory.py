"""What linear algebra predicts for gradient descent, heavy ball and Nesterov's method on a quadratic.

Along an eigenvector of curvature ``c`` each rule is a linear map of ``(x, v)``: ``x`` the distance from the minimizer,
``v = lr a`` the last move, ``n`` noise on the gradient of standard deviation ``s``:

    v' = beta v + lr (c (x - look beta v) + n),    x' = x - v'

with ``look`` 1 for Nesterov's method and 0 for heavy ball; gradient descent is ``beta = 0``. With ``l = lr c`` the
characteristic polynomials are ``z^2 - (1 + beta - l) z + beta`` (heavy ball) and
``z^2 - (1 + beta)(1 - l) z + beta (1 - l)`` (Nesterov).

Sources: Polyak 1964, USSR Comput. Math. Math. Phys. 4(5), 1-17; Lessard, Recht, Packard 2016, SIAM J. Optim. 26,
57-95, section 2.2 and proposition 1; Nesterov 2004, Introductory Lectures on Convex Optimization, section 2.2. The
stationary covariance solves the discrete Lyapunov equation ``P = M P M' + lr^2 s^2 b b'``: Mandt, Hoffman, Blei 2017,
J. Mach. Learn. Res. 18(134); Gitman, Lang, Zhang, Xiao 2019, NeurIPS, for heavy ball.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from optbench.analysis.statistics.arrays import Floats

#: Registry names of the rules that the theory covers, and whether they look ahead.
LOOKS_AHEAD: Mapping[str, float] = {"sgd": 0.0, "momentum": 0.0, "nag": 1.0}


class Quadratic(NamedTuple):
    """A quadratic in the units in which rules see it.

    Attributes:
        curvatures: Eigenvalues of the Hessian, shape (dim,).
        spread: Standard deviation of one coordinate of the noise on the gradient; 0 for none.
        f_unit: What one unit of the value is in raw units.
    """

    curvatures: Floats
    spread: float
    f_unit: float

    @property
    def largest(self) -> float:
        """Largest curvature, L."""
        return float(self.curvatures.max())


def quadratic(problem: Mapping[str, Any], units: str) -> Quadratic | None:
    """Returns the quadratic of a problem.

    Args:
        problem: What the manifest says of it.
        units: ``raw``, or ``normalized``: ``z = 10 (x - center)/width`` and values in units of ``f_scale``.

    Returns:
        The quadratic; ``None`` if its eigenvalues are not known, or its noise is not normal and additive.
    """
    known = problem.get("spectrum")
    if known is None or known["noise_spread"] is None:
        return None
    curvatures, spread = np.array(known["eigenvalues"]), float(known["noise_spread"])
    if units == "raw":
        return Quadratic(curvatures, spread, 1.0)
    unit, f_unit = problem["width"] / 10.0, float(problem["f_scale"])
    return Quadratic(curvatures * unit**2 / f_unit, spread * unit / f_unit, f_unit)


def iteration(rule: str, lr: Floats, beta: Floats, curvatures: Floats) -> Floats:
    """Returns the matrices that one step multiplies ``(x, v)`` by, one for each rate and curvature.

    Args:
        rule: A key of ``LOOKS_AHEAD``.
        lr: Learning rates, shape (n,).
        beta: Their momenta, shape (n,); 0 for gradient descent.
        curvatures: Eigenvalues, shape (dim,).

    Returns:
        Shape (n, dim, 2, 2).
    """
    pull = lr[:, None] * curvatures
    held = beta[:, None] * (1.0 - LOOKS_AHEAD[rule] * pull)
    return np.stack([np.stack([1.0 - pull, -held], -1), np.stack([pull, held], -1)], -2)


def radius(matrices: Floats) -> Floats:
    """Returns the spectral radius of each rate: the factor of one step on the distance, in the long run.

    Args:
        matrices: Shape (n, dim, 2, 2).

    Returns:
        The largest absolute eigenvalue over all modes, shape (n,); values of the objective fall by its square.
    """
    return np.asarray(np.abs(np.linalg.eigvals(matrices)).max(axis=(-2, -1)))


def edge(rule: str, beta: float, largest: float) -> float:
    """Returns the learning rate at which a rule begins to diverge: an eigenvalue of the steepest mode reaches -1.

    Args:
        rule: A key of ``LOOKS_AHEAD``.
        beta: Momentum; 0 for gradient descent.
        largest: Largest curvature.

    Returns:
        ``2 (1 + beta)/L``, and for Nesterov's method ``2 (1 + beta)/((1 + 2 beta) L)``.

    Example:
        >>> [round(edge(rule, beta, 2.0), 4) for rule, beta in (("sgd", 0.0), ("momentum", 0.9), ("nag", 0.9))]
        [1.0, 1.9, 0.6786]
    """
    return 2.0 * (1.0 + beta) / ((1.0 + 2.0 * beta * LOOKS_AHEAD[rule]) * largest)


def stationary(matrices: Floats, kick: Floats) -> Floats:
    """Returns the variance of the distance along each mode once the start is forgotten.

    Args:
        matrices: Shape (n, dim, 2, 2).
        kick: Learning rate times the standard deviation of the noise, shape (n,).

    Returns:
        ``P_xx`` of the solution of ``P = M P M' + kick^2 b b'`` with ``b = (-1, 1)``, shape (n, dim); infinite where
        the mode does not contract.
    """
    stable = np.abs(np.linalg.eigvals(matrices)).max(axis=-1) < 1.0
    held = np.where(stable[..., None, None], matrices, 0.0)
    # The equation for the four entries of P is linear: (I - M (x) M) vec P = kick^2 vec(b b').
    squared = np.einsum("...ij,...kl->...ikjl", held, held).reshape(*held.shape[:-2], 4, 4)
    forced = kick[:, None, None] ** 2 * np.array([1.0, -1.0, -1.0, 1.0]) * np.ones((*stable.shape, 1))
    solved = np.linalg.solve(np.eye(4) - squared, forced[..., None])[..., 0, 0]
    return np.where(stable, solved, np.inf)


def excess(given: Quadratic, matrices: Floats, lr: Floats) -> Floats:
    """Returns the expected ``f - f_star`` under noise once the start is forgotten.

    Args:
        given: The quadratic with its noise.
        matrices: Shape (n, dim, 2, 2).
        lr: Learning rates, shape (n,).

    Returns:
        ``1/2 sum_i c_i Var x_i`` in raw units, shape (n,); infinite beyond the edge of stability.
    """
    return 0.5 * given.f_unit * (stationary(matrices, lr * given.spread) @ given.curvatures)
