"""The extreme eigenvalues of a Hessian, by Lanczos with full re-orthogonalization and a bound on each residual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.core.objective import Objective, Params
from optbench.errors import UsageError, unknown_name
from optbench.measures import dense
from optbench.measures.checks import check_whole, is_number
from optbench.measures.hessian import Hessian
from optbench.measures.lanczos import Krylov, Ritz
from optbench.measures.measure import Measure, Measured, Setting
from optbench.measures.subject import Subject

#: Ends of the spectrum that can be asked for.
ENDS = ("largest", "smallest", "both")
#: Steps up to which each is looked at for convergence; beyond, each eighth.
_EACH = 32
#: Length of the random vector that is added to a unit vector from which a search begins.
MIXED = 0.1


class Eigenvalues(NamedTuple):
    """Extreme eigenvalues.

    Attributes:
        values: From the end inwards: the largest fall, the smallest rise; of both ends first the largest, then the
            smallest, (k,) or (2 k,).
        residuals: Bound on ``||H u - theta u||`` for each: an eigenvalue is no farther from it than this.
        hvps: Products with the Hessian, the one that is made twice to compare among them.
        converged: Whether each residual is below the tolerance.
        vectors: Unit eigenvectors, each a pytree like the point; empty unless asked for.
    """

    values: np.ndarray
    residuals: np.ndarray
    hvps: int
    converged: bool
    vectors: tuple[Params, ...] = ()


def eigenvalues(
    loss: Objective | Callable[[Any], Array],
    params: Params,
    k: int = 1,
    which: str = "largest",
    *,
    tol: float = 1e-6,
    max_hvps: int = 1000,
    seed: int = 0,
    vectors: bool = False,
) -> Eigenvalues:
    """Returns extreme eigenvalues of the Hessian of a loss at a point.

    Lanczos from a random start, in float64, each vector made orthogonal to all before it. A Krylov space has one vector
    of each eigenspace. So for ``k > 1`` further spaces begin outside of what was found, until one has nothing more to
    add: eigenvalues come as often as they are.

    Args:
        loss: An ``Objective``, or a function in ``jax.numpy`` of a pytree.
        params: The point.
        k: How many, at each end that is asked for.
        which: ``"largest"``, ``"smallest"`` or ``"both"``, with their signs: the largest are not those of largest size.
        tol: Largest residual relative to the size of its eigenvalue. Residuals as small as the rounding of products
            are small enough, so an eigenvalue of 0 is found, too.
        max_hvps: Products after which the search ends; ``converged`` then says so.
        seed: Of the starts.
        vectors: Whether eigenvectors are returned as well.

    Returns:
        The eigenvalues. ``hvps`` vectors of the length of a point are kept meanwhile.

    Raises:
        UsageError: An argument is out of range, or the loss or the point is none.
        NotApplicable: A product is not finite, or the loss is another one at each call.

    Example:
        >>> import jax.numpy as jnp
        >>> found = eigenvalues(lambda w: jnp.sum(jnp.array([3.0, 1.0, -2.0, 3.0]) * w**2) / 2, np.ones(4), k=2)
        >>> found.values.round(9).tolist(), found.converged
        ([3.0, 3.0], True)

    References:
        Lanczos, 1950, as in ``optbench.measures.lanczos``; Parlett, 1998, The symmetric eigenvalue problem, section
        13.2 for the bound.
    """
    check_search(which, tol)
    hessian = Hessian(loss, params)
    return extreme(hessian, k, which, tol=tol, max_hvps=max_hvps, seed=seed, vectors=vectors)


def check_search(which: str, tol: float) -> None:
    """Raises a usage error unless a search for eigenvalues can be made so."""
    if which not in ENDS:
        raise UsageError(unknown_name("which", which, ENDS))
    if not is_number(tol) or not 0 < tol < 1:
        raise UsageError(f"tol must lie between 0 and 1; got {tol!r}")


def extreme(
    hessian: Hessian,
    k: int,
    which: str,
    *,
    tol: float,
    max_hvps: int,
    seed: int,
    vectors: bool = False,
    near: np.ndarray | None = None,
) -> Eigenvalues:
    """Returns extreme eigenvalues of an operator; ``eigenvalues`` says what its arguments are.

    The first search begins near the unit vector ``near`` if there is one. Some of a random vector is added to it: an
    eigenvector that is the extreme one no more would be all that is found.

    Raises:
        UsageError: An argument is out of range.
    """
    check_whole("k", k, 1)
    if k > hessian.n:
        raise UsageError(f"k must be at most the number of parameters, {hessian.n}; got {k!r}")
    # The first product is made twice.
    check_whole("max_hvps", max_hvps, k + 1)
    check_whole("seed", seed, 0)
    search = _Search(hessian, k, which, tol, max_hvps)
    while search.goes_on:
        drawn = generator("lanczos", seed, search.spaces).standard_normal(hessian.n)
        if near is not None and not search.spaces:
            drawn = near + MIXED * drawn / np.linalg.norm(drawn)
        search.explore(drawn)
    return search.found(vectors)


class _Search:
    """What was found so far, space by space. Found vectors are orthonormal, and each space keeps clear of them."""

    def __init__(self, hessian: Hessian, k: int, which: str, tol: float, max_hvps: int) -> None:
        self._hessian, self._k, self._which, self._tol, self._max_hvps = hessian, k, which, tol, max_hvps
        self.values, self.residuals, self.rows = np.zeros(0), np.zeros(0), np.zeros((0, hessian.n))
        self.spaces = 0
        self.goes_on = True
        self._is_complete, self._negligible = False, 0.0

    def found(self, with_vectors: bool) -> Eigenvalues:
        """Returns the extreme ones of what was found."""
        chosen = self._extreme(self.values)
        values, residuals = self.values[chosen], self.residuals[chosen]
        converged = self._is_complete and bool(self._is_small(values, residuals).all())
        vectors = tuple(self._hessian.tree(row) for row in self.rows[chosen]) if with_vectors else ()
        return Eigenvalues(values, residuals, self._hessian.hvps, converged, vectors)

    def explore(self, start: np.ndarray) -> None:
        """Searches one Krylov space and keeps what it adds."""
        space = Krylov(self._hessian.matvec, start, precision=self._hessian.precision, against=self.rows)
        spent = settled = False
        while not (settled or spent or space.exhausted):
            space.step()
            spent = self._hessian.hvps >= self._max_hvps
            # In a large space the eigenvalues of its small matrix cost as much as a product.
            if len(space.alphas) > _EACH and len(space.alphas) % 8 and not (spent or space.exhausted):
                continue
            ritz = space.ritz()
            self._negligible = max(self._negligible, space.negligible)
            new = self._additions(ritz)
            wanted = np.union1d(new, self._extreme(ritz.values, 1))
            small = self._is_small(ritz.values[wanted], ritz.residuals[wanted])
            settled = bool(small.all()) and len(self.values) + len(ritz.values) >= self._k
        # Of an invariant space all are eigenvectors, and the next space keeps clear of all of them.
        kept = np.arange(len(ritz.values)) if space.exhausted else new
        self.spaces += 1
        self.values = np.concatenate([self.values, ritz.values[kept]])
        self.residuals = np.concatenate([self.residuals, ritz.residuals[kept]])
        self.rows = np.concatenate([self.rows, space.vectors(ritz, kept)])
        adds_nothing = len(new) == 0 or self._k == 1
        self._is_complete = (settled or space.exhausted) and (adds_nothing or len(self.values) == self._hessian.n)
        self.goes_on = not (self._is_complete or spent)

    def _extreme(self, values: np.ndarray, k: int | None = None) -> np.ndarray:
        """Returns the numbers of the extreme values, from the end inwards."""
        order = np.argsort(values, kind="stable")
        k = self._k if k is None else k
        ends = {"largest": order[::-1][:k], "smallest": order[:k]}
        return ends[self._which] if self._which in ends else np.concatenate([*ends.values()])

    def _additions(self, ritz: Ritz) -> np.ndarray:
        """Returns the numbers of the Ritz values that are among the extreme ones of all that was found."""
        old = len(self.values)
        chosen = np.unique(self._extreme(np.concatenate([self.values, ritz.values])))
        return chosen[chosen >= old] - old

    def _is_small(self, values: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        """Returns which residuals are small enough."""
        small: np.ndarray = residuals <= np.maximum(self._tol * np.abs(values), 2 * self._negligible)
        return small


def _take(subject: Subject, which: str, tol: float, max_hvps: int, seed: int) -> Measured:
    hessian = Hessian(subject.objective, subject.params)
    return measured(followed(hessian, subject.memory, which, tol=tol, max_hvps=max_hvps, seed=seed))


def followed(
    hessian: Hessian, memory: dict[str, Any] | None, which: str, *, tol: float, max_hvps: int, seed: int
) -> Eigenvalues:
    """Returns the extreme eigenvalue of an operator, searched near the eigenvector of the point before.

    Args:
        hessian: The operator.
        memory: What the measure left at the point before, to which it adds; ``None`` where a point is measured alone.
        which: ``"largest"`` or ``"smallest"``.
        tol: As ``eigenvalues`` has it, and so the others.
        max_hvps: Products.
        seed: Of the starts.
    """
    if memory is None:
        return extreme(hessian, 1, which, tol=tol, max_hvps=max_hvps, seed=seed)
    # That the loss is the same at every call was seen at the point before.
    hessian.repeat_difference = memory.get("repeat_difference")
    near = memory.get("vector")
    found = extreme(hessian, 1, which, tol=tol, max_hvps=max_hvps, seed=seed, vectors=True, near=near)
    memory["repeat_difference"], memory["vector"] = hessian.repeat_difference, hessian.flat(found.vectors[0])
    return found


def measured(found: Eigenvalues) -> Measured:
    """Returns the first eigenvalue as what a measure has found.

    A residual is a bound on an error and no standard error, so it stands in the details.
    """
    details = {"residual": float(found.residuals[0]), "converged": found.converged, "hvps": found.hvps}
    return Measured(float(found.values[0]), None, details)


#: Settings of every measure that is an extreme eigenvalue.
SETTINGS = {
    "tol": Setting(1e-3, "Largest residual, relative to the eigenvalue.", low=1e-14, high=0.5),
    "max_hvps": Setting(200, "Products with the Hessian after which the search ends.", low=2, high=100_000),
    "seed": Setting(0, "Seed of the start of Lanczos.", low=0),
}

HESSIAN_TOP = Measure(
    name="hessian_top",
    title="top eigenvalue",
    formula="max_u u'Hu / u'u",
    reference="Lanczos 1950; Parlett 1998, The symmetric eigenvalue problem, chapter 13",
    take=lambda subject, **settings: _take(subject, "largest", **settings),
    take_many=dense.tops,
    settings=SETTINGS,
)

HESSIAN_BOTTOM = Measure(
    name="hessian_bottom",
    title="bottom eigenvalue",
    formula="min_u u'Hu / u'u",
    reference="Lanczos 1950; Parlett 1998, The symmetric eigenvalue problem, chapter 13",
    take=lambda subject, **settings: _take(subject, "smallest", **settings),
    take_many=dense.bottoms,
    settings=SETTINGS,
)
