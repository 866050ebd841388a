"""Lanczos with full re-orthogonalization, on the host and in float64; it stops when the residual has vanished."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

#: Roundings of the largest product that every product may have, at least.
ROUNDINGS = 4.0
#: Roundings of the largest product below which a residual counts as vanished.
VANISHED = 16.0
#: Rows of the basis that are made room for at first.
_ROOM = 16


class Ritz(NamedTuple):
    """Ritz values of a Krylov space, ascending.

    Attributes:
        values: (m,).
        residuals: Bounds on ``||A u - theta u||``: ``beta_m |s_m|`` and what products have in the span that the space
            keeps clear of, plus the rounding of a product, (m,).
        coefficients: Ritz vectors in the basis, one a column, (m, m).
    """

    values: np.ndarray
    residuals: np.ndarray
    coefficients: np.ndarray


class Krylov:
    """A Krylov space of a symmetric operator that grows step by step.

    After m steps ``A Q = Q T + beta_m q_{m+1} e_m'`` with orthonormal ``Q`` (n, m) and tridiagonal ``T``. Each new
    vector is made orthogonal to all before it, twice. Where the residual ``beta_m`` has vanished the space is
    invariant, its Ritz values are eigenvalues, and no step follows: what is left of a residual then is rounding.

    Attributes:
        alphas: Diagonal of ``T``.
        betas: Its off-diagonal and, last, ``beta_m``.
        exhausted: Whether the residual has vanished.
        asymmetry: Largest part of a product that ``T`` has no place for, as a symmetric operator has none.

    Example:
        >>> matrix = np.diag([1.0, 5.0, 5.0, 1.0])
        >>> space = Krylov(lambda v: matrix @ v, np.ones(4), precision=2.2e-16)
        >>> while not space.exhausted:
        ...     space.step()
        >>> len(space.alphas), space.ritz().values.round(12).tolist()
        (2, [1.0, 5.0])

    References:
        Lanczos, 1950, An iteration method for the solution of the eigenvalue problem of linear differential and
        integral operators. Parlett, 1998, The symmetric eigenvalue problem, chapter 13; section 6.9 for twice.
    """

    def __init__(
        self,
        matvec: Callable[[np.ndarray], np.ndarray],
        start: np.ndarray,
        *,
        precision: float,
        against: np.ndarray | None = None,
    ) -> None:
        """Begins with one vector.

        Args:
            matvec: The operator on flat vectors.
            start: First vector, of any length, outside of the span of ``against``.
            precision: Relative rounding error of a product.
            against: Orthonormal rows of which the space keeps clear: eigenvectors that were found before, (k, n).
        """
        self._matvec, self._precision = matvec, precision
        self._against = np.zeros((0, len(start))) if against is None else against
        self._rows = np.empty((_ROOM, len(start)))
        self.alphas: list[float] = []
        self.betas: list[float] = []
        self.asymmetry = self._largest = 0.0
        self._strays: list[np.ndarray] = []
        self.exhausted = False
        self._next = self._unit(self._unit(start))

    @property
    def basis(self) -> np.ndarray:
        """``Q'``: the basis, one vector a row, (m, n)."""
        return self._rows[: len(self.alphas)]

    @property
    def rounding(self) -> float:
        """Rounding of a product: some units of the largest one, or what was seen of it."""
        return max(ROUNDINGS * self._precision * self._largest, self.asymmetry)

    @property
    def negligible(self) -> float:
        """Length of a residual that counts as vanished."""
        return max(VANISHED * self._precision * self._largest, self.asymmetry)

    def step(self) -> None:
        """Adds a vector to the basis, by one product."""
        m = len(self.alphas)
        if m == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[m] = self._next
        product = self._matvec(self._next)
        along = _coefficients(self._rows[: m + 1], product)
        self.alphas.append(float(along[m]))
        self._largest = max(self._largest, _length(product))
        if m:
            along[m - 1] -= self.betas[-1]
            self.asymmetry = max(self.asymmetry, float(np.linalg.norm(along[:m])))
        self._strays.append(_coefficients(self._against, product))
        residual = self._cleared(product)
        beta = _length(residual)
        self.betas.append(beta)
        full = m + 1 + len(self._against) >= len(product)
        self.exhausted = full or beta <= self.negligible
        if self.exhausted:
            return
        # What rounding has left along the basis counts for more in a short residual.
        self._next = self._unit(residual)

    def ritz(self) -> Ritz:
        """Returns the Ritz values, their residuals and vectors of the space so far; at least one step is needed."""
        values, coefficients = eigh_tridiagonal(np.array(self.alphas), np.array(self.betas[:-1]))
        strays = np.linalg.norm(np.array(self._strays).T @ coefficients, axis=0)
        residuals = np.hypot(self.betas[-1] * coefficients[-1], strays) + self.rounding
        return Ritz(values, residuals, coefficients)

    def vectors(self, ritz: Ritz, which: np.ndarray) -> np.ndarray:
        """Returns Ritz vectors by their numbers, one a row, (k, n)."""
        found: np.ndarray = ritz.coefficients[:, which].T @ self.basis
        return found

    def _unit(self, vector: np.ndarray) -> np.ndarray:
        """Returns the direction of what a vector has outside."""
        clear = self._cleared(vector / _length(vector))
        unit: np.ndarray = clear / _length(clear)
        return unit

    def _cleared(self, vector: np.ndarray) -> np.ndarray:
        """Returns what a vector has outside of the basis and of what the space keeps clear of."""
        for _ in range(2):
            for rows in (self._against, self.basis):
                vector = vector - np.einsum("i,ij->j", _coefficients(rows, vector), rows)
        return vector


# BLAS spreads such products over all cores and waits for cores that the next product with the operator wants: a third
# of the CPU time of a search in 30,000 dimensions. In one thread the bits do not hang on the number of cores, either.
def _coefficients(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Returns the inner products of rows with a vector."""
    found: np.ndarray = np.einsum("ij,j->i", rows, vector)
    return found


def _length(vector: np.ndarray) -> float:
    return float(np.sqrt(np.einsum("i,i->", vector, vector)))
