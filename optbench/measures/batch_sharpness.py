"""m-sharpness: sharpness within a ball of the loss of small batches, each with a perturbation of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from optbench.core.keys import order
from optbench.core.objective import Params
from optbench.errors import UsageError
from optbench.measures.details import details_of
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.sam import Loss, adaptive_sharpness, sam_sharpness
from optbench.measures.subject import Subject


class MSharpness(NamedTuple):
    """The mean over batches of how much a batch's loss grows within a ball.

    Attributes:
        value: Mean over the batches.
        standard_error: Of it, from how the batches differ; ``None`` of one batch.
        by_batch: The sharpness of each.
        one_step: Mean of what the one step of SAM adds; ``None`` where a batch has no gradient.
        evaluations: Losses of batches with gradients computed.
        not_finite: How many of them were not finite.
        dtype: Type in which the losses were computed.
    """

    value: float
    standard_error: float | None
    by_batch: tuple[float, ...]
    one_step: float | None
    evaluations: int
    not_finite: int
    dtype: str


def m_sharpness(
    losses: Iterable[Loss],
    params: Params,
    rho: float = 0.05,
    *,
    relative: bool = False,
    p: float | str = 2,
    seed: int = 0,
) -> MSharpness:
    """Returns ``mean_b max L_b(w + e_b) - L_b(w)`` over batches ``b``, with ``e_b`` in a ball.

    It is at least the sharpness of the mean loss, since each batch has a perturbation of its own. References: Foret et
    al. 2021 (arXiv 2010.01412); the code of Andriushchenko et al. 2023 (arXiv 2302.07011), with batches of 128 examples
    and 20 steps of APGD.

    Args:
        losses: The mean loss of each batch: functions in ``jax.numpy`` of a pytree, or objectives.
        params: The point ``w``.
        rho: Radius.
        relative: Whether the size of each weight is its unit of length, as in ``adaptive_sharpness`` with ``eta = 0``.
        p: Norm where it is relative: 2, or ``math.inf`` (or ``"inf"``). A plain ball has the norm 2.
        seed: Seed of the starts of the searches.

    Returns:
        The sharpness.

    Raises:
        UsageError: There is no batch, or a setting is out of range.
        NotApplicable: It is relative and each number of the point is 0.

    Example:
        >>> found = m_sharpness([lambda w: w @ w, lambda w: 3 * w @ w], np.zeros(2), rho=0.1)
        >>> round(found.value, 6), round(found.standard_error, 6)
        (0.02, 0.01)
    """
    if not relative and p not in (2, "2"):
        raise UsageError(f"p must be 2 unless relative; got {p!r}")
    if not isinstance(losses, Iterable):
        raise UsageError(f"losses must be a list with the loss of each batch; got {type(losses).__name__}")
    found = [
        adaptive_sharpness(loss, params, rho, p=p, seed=seed)
        if relative
        else sam_sharpness(loss, params, rho, seed=seed)
        for loss in losses
    ]
    if not found:
        raise UsageError("m-sharpness needs the loss of at least one batch")
    values = np.array([each.value for each in found])
    steps = [each.one_step for each in found if each.one_step is not None]
    with np.errstate(invalid="ignore"):
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
    return MSharpness(
        value=float(values.mean()),
        standard_error=None if spread is None else spread / math.sqrt(len(values)),
        by_batch=tuple(values.tolist()),
        one_step=float(np.mean(steps)) if len(steps) == len(found) else None,
        evaluations=sum(each.evaluations for each in found),
        not_finite=sum(each.not_finite for each in found),
        dtype=found[0].dtype,
    )


def _take(subject: Subject, *, m: int, batches: int, rho: float, relative: bool, p: str, seed: int) -> Measured:
    if subject.terms is None:
        raise NotApplicable("m-sharpness is that of batches, and the loss has no terms")
    if subject.n_terms < m:
        raise NotApplicable(f"a batch of {m} terms cannot be drawn from {subject.n_terms}")
    if not relative and p != "2":
        raise NotApplicable(f"a plain ball has the norm 2; p = {p!r} is for relative = true")
    rows = order(subject.n_terms, seed, "batches of m-sharpness")
    count = min(batches, subject.n_terms // m)
    losses = (subject.terms(np.sort(rows[k * m : (k + 1) * m])) for k in range(count))
    found = m_sharpness(losses, subject.params, rho, relative=relative, p=p, seed=seed)
    details = details_of(found, but=("value", "standard_error", "by_batch")) | {"batches": count}
    return Measured(found.value, found.standard_error, details, np.arange(count, dtype=float), found.by_batch)


M_SHARPNESS = Measure(
    name="m_sharpness",
    title="m-sharpness",
    formula="mean over batches of m examples of max L_b(w + e) - L_b(w) over ||e|| <= rho, or ||e / |w|||_p <= rho",
    reference="Foret et al. 2021, arXiv 2010.01412; Andriushchenko et al. 2023, arXiv 2302.07011",
    take=_take,
    settings={
        "m": Setting(128, "Terms of a batch.", low=1),
        "batches": Setting(8, "Batches, which share no term; fewer where there are not so many.", low=1),
        "rho": Setting(0.05, "Radius.", low=1e-12),
        "relative": Setting(False, "Whether the size of each weight is its unit of length."),
        "p": Setting("2", "Norm where it is relative.", choices=("2", "inf")),
        "seed": Setting(0, "Seed of the batches and of the starts of the searches.", low=0),
    },
    is_invariant=True,
    invariant_with={"relative": True},
)
