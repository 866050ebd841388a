"""Sets of perturbations in which a loss is made as large as it gets: boxes, balls and ellipsoids as one thing.

Every set is the image ``{S z : ||z|| <= 1}`` of a unit ball, of the l2 or of the maximum norm, under a linear map
``S = A diag(scale)``. Searches run in the unit coordinates ``z``, so no unit of length of a set matters to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import qr, solve_triangular

from optbench.core.keys import generator
from optbench.errors import UsageError, unknown_name
from optbench.measures.measure import NotApplicable

Norm = Literal["l2", "linf"]

#: How the columns of a random subspace are scaled: as they are drawn from N(0, 1), or to length 1.
COLUMNS = ("normal", "unit")

#: Share of the unit ball in which a search begins, so that a stationary point does not hold it.
INTERIOR = 0.1


@dataclass(frozen=True)
class PerturbationSet:
    """The set ``{A (scale * z) : ||z|| <= 1}``.

    Attributes:
        scale: Half-widths or half-axes, (p,); a 0 leaves no freedom there.
        norm: Norm of the unit ball: ``"l2"`` makes an ellipsoid, ``"linf"`` a box.
        basis: ``A``, (n, p); ``None`` for the identity.
    """

    scale: np.ndarray
    norm: Norm
    basis: np.ndarray | None = None

    def displacement(self, z: np.ndarray) -> np.ndarray:
        """Returns the displacement ``S z``, (n,), of unit coordinates, (p,)."""
        y = self.scale * z
        return np.asarray(y if self.basis is None else self.basis @ y)

    def slope(self, grad: np.ndarray) -> np.ndarray:
        """Returns the gradient in unit coordinates, ``S' g``, (p,), of one in the full space, (n,)."""
        return np.asarray(self.scale * (grad if self.basis is None else self.basis.T @ grad))

    def project(self, z: np.ndarray) -> np.ndarray:
        """Returns the nearest point of the unit ball."""
        if self.norm == "linf":
            return np.asarray(np.clip(z, -1.0, 1.0))
        return np.asarray(z / max(1.0, float(np.linalg.norm(z))))

    def farthest(self, slope: np.ndarray) -> np.ndarray:
        """Returns the point of the unit ball where a linear function is largest: a vertex of a box.

        Args:
            slope: Gradient in unit coordinates.

        Returns:
            ``sign(slope)`` for a box, ``slope / ||slope||`` for an ellipsoid; 0 for a slope of 0.
        """
        if self.norm == "linf":
            return np.asarray(np.sign(slope))
        largest = float(np.abs(slope).max(initial=0.0))
        if largest == 0.0:
            return np.zeros_like(slope)
        # Squares of tiny or huge slopes would leave the range of float64.
        direction = slope / largest
        return np.asarray(direction / np.linalg.norm(direction))

    def start(self, seed: int, index: int = 0) -> np.ndarray:
        """Returns a random point near the centre, uniform in the unit ball times ``INTERIOR``.

        Args:
            seed: Seed of the draw.
            index: Number of the start.
        """
        rng = generator("start in a perturbation set", self.norm, seed, index)
        if self.norm == "linf":
            return rng.uniform(-INTERIOR, INTERIOR, len(self.scale))
        direction = rng.standard_normal(len(self.scale))
        radius = INTERIOR * rng.random() ** (1 / len(self.scale))
        return np.asarray(radius * direction / np.linalg.norm(direction))


def box(x: np.ndarray, eps: float) -> PerturbationSet:
    """Returns Keskar's box in the full space: ``|y_i| <= eps (|x_i| + 1)``.

    Args:
        x: The point, (n,).
        eps: Relative size.
    """
    return PerturbationSet(eps * (np.abs(x) + 1.0), "linf")


def subspace_box(x: np.ndarray, eps: float, basis: np.ndarray) -> PerturbationSet:
    """Returns Keskar's box in a subspace: ``A z`` with ``|z_i| <= eps (|(A+ x)_i| + 1)``, ``A+`` the pseudo-inverse.

    Args:
        x: The point, (n,).
        eps: Relative size.
        basis: ``A``, (n, p), of full column rank.

    Raises:
        UsageError: The basis has other rows than the point has numbers, or its columns are dependent.
    """
    if basis.ndim != 2 or len(basis) != len(x) or not 1 <= basis.shape[1] <= len(x) or not np.isfinite(basis).all():
        raise UsageError(f"subspace: a basis is a finite array of {len(x)} rows and 1 to {len(x)} columns; "
                         f"got shape {basis.shape}")  # fmt: skip
    q, r = qr(basis, mode="economic")
    pivots = np.abs(np.diag(r))
    if pivots.min() <= len(x) * np.finfo(np.float64).eps * pivots.max():
        raise UsageError("subspace: the columns of the basis are linearly dependent")
    return PerturbationSet(eps * (np.abs(solve_triangular(r, q.T @ x)) + 1.0), "linf", basis)


def random_basis(n: int, p: int, columns: str, seed: int) -> np.ndarray:
    """Returns random directions, (n, p), independent N(0, 1) or these scaled to length 1.

    Args:
        n: Numbers in a point.
        p: Number of directions.
        columns: ``"normal"`` or ``"unit"``.
        seed: Seed of the draw.

    Raises:
        UsageError: ``columns`` is unknown, or there is no direction.
        NotApplicable: The space has fewer dimensions than the subspace.
    """
    if columns not in COLUMNS:
        raise UsageError(unknown_name("scaling of columns", columns, COLUMNS))
    if p < 1:
        raise UsageError(f"subspace: must have at least one dimension; got {p}")
    if p > n:
        raise NotApplicable(f"a subspace of {p} dimensions does not fit into a space of {n}")
    basis = generator("random subspace", seed, n, p).standard_normal((n, p))
    return basis if columns == "normal" else np.asarray(basis / np.linalg.norm(basis, axis=0))


def ball(n: int, rho: float) -> PerturbationSet:
    """Returns the l2 ball of radius ``rho`` in ``n`` dimensions."""
    return PerturbationSet(np.full(n, float(rho)), "l2")


def adaptive(x: np.ndarray, rho: float, eta: float, norm: Norm) -> PerturbationSet:
    """Returns the set ``||T^-1 e|| <= rho`` with ``T = diag(|x| + eta)``.

    Args:
        x: The point, (n,).
        rho: Relative size.
        eta: What is added to each ``|x_i|``.
        norm: ``"l2"`` or ``"linf"``.
    """
    return PerturbationSet(rho * (np.abs(x) + eta), norm)
