"""The Hessian of an objective at a point, as a symmetric operator on flat vectors in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError
from optbench.measures.checks import check_whole
from optbench.measures.flat import flatten, unflatten
from optbench.measures.losses import as_objective, as_point
from optbench.measures.measure import NotApplicable

#: Parameters up to which the whole matrix is made unless a larger limit is given: 200 MB, and as many products.
DENSE_LIMIT = 5000
#: By how many roundings the same product may differ when it is made again, relative to its length.
_ROUNDINGS = 100


class Hessian:
    """``D H D`` for the Hessian ``H`` of an objective at a point and a diagonal ``D``, which is 1 unless given.

    Vectors are flat, (n,), in float64: the leaves of a point in the order of ``jax.tree``, each in row-major order.
    Products are computed in the objective's type.

    The first product is made twice. A loss that draws, or keeps a state, gives another one the second time, and nothing
    is measured of it.

    Attributes:
        objective: The loss.
        n: Its parameters.
        hvps: Products made so far, the one of the check among them.
        precision: Relative rounding error of the objective's type.
        repeat_difference: By how much the first product differed when made again, relative to its length: 0 to the
            last bit; ``None`` before the first product.

    Example:
        >>> import jax.numpy as jnp
        >>> bowl = Hessian(lambda w: jnp.sum(jnp.arange(1.0, 4.0) * w**2), np.ones(3))
        >>> bowl.matvec(np.array([1.0, 0.0, 1.0])), bowl.hvps
        (array([2., 0., 6.]), 2)
        >>> bowl.dense()
        array([[2., 0., 0.],
               [0., 4., 0.],
               [0., 0., 6.]])
    """

    def __init__(
        self, loss: Objective | Callable[[Any], Array], params: Params, scale: np.ndarray | None = None
    ) -> None:
        """Takes the loss and the point; nothing is computed yet.

        Args:
            loss: An objective or a plain function; see ``as_objective``.
            params: The point.
            scale: ``D``, flat; all 1 if ``None``.

        Raises:
            UsageError: The loss or the point is none, or they do not fit.
        """
        self.objective = as_objective(loss, params)
        self._at = self.objective.point(as_point(params, self.objective))
        _, self._tree, self._shapes = flatten(self._at)
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])[:-1]
        self._scale = scale
        self.n = self.objective.n_params
        self.precision = float(np.finfo(self.objective.dtype).eps)
        self.hvps = 0
        self.repeat_difference: float | None = None

    def matvec(self, vector: np.ndarray) -> np.ndarray:
        """Returns the product with a vector.

        Args:
            vector: (n,).

        Returns:
            (n,), float64.

        Raises:
            NotApplicable: The product is not finite, or it is another one when it is made again.
        """
        product = self._product(self._checked(vector, 1))
        if self.repeat_difference is None:
            self.repeat_difference = self._difference(product, self._product(vector))
        return product

    def products(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the products with several vectors.

        Args:
            vectors: One a row, (k, n).

        Returns:
            One a row, (k, n), float64.

        Raises:
            NotApplicable: As ``matvec``.
        """
        products = self._products(self._checked(vectors, 2))
        if self.repeat_difference is None and len(vectors):
            self.repeat_difference = self._difference(products[0], self._products(vectors[:1])[0])
        return products

    def dense(self, limit: int = DENSE_LIMIT) -> np.ndarray:
        """Returns the whole matrix, by one product for each parameter.

        Args:
            limit: Most parameters for which it is made.

        Returns:
            (n, n), made symmetric: products of rounding order differ across the diagonal.

        Raises:
            UsageError: There are more parameters than the limit.
            NotApplicable: As ``matvec``.
        """
        check_whole("limit", limit, 0)
        if self.n > limit:
            raise UsageError(
                f"the whole Hessian of {self.n} parameters has {self.n**2 * 8 / 1e9:.3g} GB; the limit is "
                f"{limit} parameters; ask for eigenvalues, the trace or the spectral density, or give a larger limit"
            )
        matrix = self.products(np.eye(self.n))
        half: np.ndarray = (matrix + matrix.T) / 2
        return half

    def tree(self, vector: np.ndarray) -> Params:
        """Returns a flat vector as a pytree like the point, in the objective's type."""
        return unflatten(np.asarray(vector, self.objective.dtype), self._tree, self._shapes)

    def flat(self, tree: Params) -> np.ndarray:
        """Returns a pytree like the point as a flat vector in float64."""
        return flatten(tree)[0]

    def _checked(self, vectors: np.ndarray, axes: int) -> np.ndarray:
        """Returns a vector, or several, one a row, if they are as long as a point."""
        found = np.asarray(vectors)
        if found.ndim != axes or not found.size or found.shape[-1] != self.n:
            wanted = f"({self.n},)" if axes == 1 else f"(k, {self.n})"
            raise UsageError(f"a product with the Hessian takes shape {wanted}; got {found.shape}")
        return found

    def _product(self, vector: np.ndarray) -> np.ndarray:
        self.hvps += 1
        product = self.flat(self.objective.hvp(self._at, self.tree(self._scaled(vector))))
        return self._scaled(_finite(product))

    def _products(self, vectors: np.ndarray) -> np.ndarray:
        self.hvps += len(vectors)
        rows = np.asarray(self._scaled(vectors), self.objective.dtype)
        parts = np.split(rows, self._ends, axis=1)
        leaves = [part.reshape(len(rows), *shape) for part, shape in zip(parts, self._shapes, strict=True)]
        found = jax.tree.leaves(self.objective.hvps(self._at, jax.tree.unflatten(self._tree, leaves)))
        flat = np.concatenate([np.asarray(leaf, np.float64).reshape(len(rows), -1) for leaf in found], axis=1)
        return self._scaled(_finite(flat))

    def _scaled(self, vectors: np.ndarray) -> np.ndarray:
        return vectors if self._scale is None else self._scale * vectors

    def _difference(self, first: np.ndarray, second: np.ndarray) -> float:
        if np.array_equal(first, second):
            return 0.0
        found = float(np.linalg.norm(first - second) / max(np.linalg.norm(first), np.linalg.norm(second)))
        if found > _ROUNDINGS * self.precision:
            raise NotApplicable(
                f"the same product with the Hessian differs by {found:.2g} of its length when it is made again: "
                "the loss draws something or keeps a state (dropout, noise, examples chosen anew); fix that first"
            )
        return found


def _finite(products: np.ndarray) -> np.ndarray:
    """Returns products, all of whose numbers are finite."""
    if not np.isfinite(products).all():
        raise NotApplicable("a product with the Hessian is not finite: the loss has no curvature at this point")
    return products
