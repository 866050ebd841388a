"""Eigenvalues of the Hessian as an adaptive rule sees it, divided by its preconditioner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import Array

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError
from optbench.measures.extreme_eigenvalues import SETTINGS, Eigenvalues, check_search, extreme, followed, measured
from optbench.measures.flat import flatten
from optbench.measures.hessian import Hessian
from optbench.measures.losses import as_point
from optbench.measures.measure import Measure, Measured, NotApplicable
from optbench.measures.subject import Subject


def preconditioned_eigenvalues(
    loss: Objective | Callable[[Any], Array],
    params: Params,
    preconditioner: Params,
    k: int = 1,
    which: str = "largest",
    *,
    tol: float = 1e-6,
    max_hvps: int = 1000,
    seed: int = 0,
) -> Eigenvalues:
    """Returns extreme eigenvalues of ``P^-1 H`` for a diagonal, positive ``P``.

    They are those of the symmetric ``P^-1/2 H P^-1/2``, of which Lanczos finds them. Adam on the whole data set hovers
    where the largest one is ``(2 + 2 b1) / ((1 - b1) lr)``, which is ``38 / lr`` for ``b1 = 0.9``.

    Args:
        loss: An ``Objective``, or a function in ``jax.numpy`` of a pytree.
        params: The point.
        preconditioner: The diagonal of ``P``, a pytree like the point, as ``optbench.measures.preconditioner`` reads it
            from the state of a rule.
        k: How many, at each end that is asked for.
        which: ``"largest"``, ``"smallest"`` or ``"both"``.
        tol: Largest residual relative to the size of its eigenvalue.
        max_hvps: Products after which the search ends.
        seed: Of the starts.

    Returns:
        The eigenvalues; residuals are those of the symmetric form. There are no vectors.

    Raises:
        UsageError: ``P`` is not like the point or not positive, an argument is out of range, or the loss or the point
            is none.
        NotApplicable: A product is not finite, or the loss is another one at each call.

    Example:
        >>> import jax.numpy as jnp
        >>> found = preconditioned_eigenvalues(lambda w: w[0] ** 2 + 5 * w[1] ** 2, np.ones(2), np.array([1.0, 10.0]))
        >>> found.values.round(9).tolist()
        [2.0]

    References:
        Cohen et al., 2022, Adaptive gradient methods at the edge of stability, arXiv:2207.14484, section 3.
    """
    check_search(which, tol)
    hessian = _operator(loss, params, preconditioner)
    return extreme(hessian, k, which, tol=tol, max_hvps=max_hvps, seed=seed)


def _operator(loss: Objective | Callable[[Any], Array], params: Params, preconditioner: Params) -> Hessian:
    """Returns ``P^-1/2 H P^-1/2``."""
    diagonal, *layout = flatten(as_point(preconditioner, called="the preconditioner"))
    if layout != list(flatten(as_point(params))[1:]):
        raise UsageError("the preconditioner must be a pytree of the structure and shapes of the point")
    if not (diagonal > 0).all():
        raise UsageError(f"the preconditioner must be positive; its smallest entry is {diagonal.min():g}")
    return Hessian(loss, params, scale=1 / np.sqrt(diagonal))


def _take(subject: Subject, tol: float, max_hvps: int, seed: int) -> Measured:
    if subject.preconditioner is None:
        raise NotApplicable("the rule has no diagonal preconditioner, or its state at this point is not known")
    hessian = _operator(subject.objective, subject.params, subject.preconditioner)
    return measured(followed(hessian, subject.memory, "largest", tol=tol, max_hvps=max_hvps, seed=seed))


PRECONDITIONED_TOP = Measure(
    name="preconditioned_top",
    title="preconditioned top eigenvalue",
    formula="max_u u'Hu / u'Pu, P the diagonal of the rule's step -lr P^-1 m",
    reference="Cohen et al. 2022, arXiv:2207.14484",
    take=_take,
    settings=SETTINGS,
    of_state=True,
)
