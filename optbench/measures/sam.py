"""Sharpness within a ball: how much a loss grows within a radius of a point, as sharpness-aware minimization sees it.

The ball is plain (SAM), or each weight has its own unit of length, its size (ASAM).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError
from optbench.measures.checks import check_above_zero, check_whole, is_number
from optbench.measures.details import details_of
from optbench.measures.flat import FlatLoss
from optbench.measures.losses import as_objective, as_point
from optbench.measures.maximize import maximize
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.perturbations import Norm, PerturbationSet, adaptive, ball
from optbench.measures.subject import Subject

Loss = Objective | Callable[[Any], Any]


class BallSharpness(NamedTuple):
    """How much a loss grows within a ball.

    Attributes:
        value: ``maximum - centre``.
        maximum: The largest loss found in the ball.
        method: The search that found it, ``"centre"`` if none improved on the point itself.
        maxima: The largest loss that each search found.
        one_step: What the loss grows by at the one step that SAM takes, which may be negative; ``None`` where the
            gradient is 0.
        centre: The loss at the point.
        evaluations: Losses with gradients computed.
        not_finite: How many of them were not finite; their points do not count.
        noise_floor: Differences of the loss that are smaller are rounding.
        dtype: Type in which the loss was computed.
    """

    value: float
    maximum: float
    method: str
    maxima: Mapping[str, float]
    one_step: float | None
    centre: float
    evaluations: int
    not_finite: int
    noise_floor: float
    dtype: str


def sam_sharpness(loss: Loss, params: Params, rho: float = 0.05, *, seed: int = 0) -> BallSharpness:
    """Returns ``max L(w + e) - L(w)`` over ``||e||_2 <= rho``, the sharpness of Foret et al. 2021 (arXiv 2010.01412).

    SAM itself takes one step, ``e = rho g / ||g||``; that value is given beside the maximum. At a minimum there is no
    such step, and the maximum is ``rho^2 lambda_max / 2`` to second order.

    Args:
        loss: A function in ``jax.numpy`` of a pytree, or an ``Objective``. Take float64: differences matter here.
        params: The point ``w``.
        rho: Radius.
        seed: Seed of the starts of the searches.

    Returns:
        The sharpness; a lower bound of the true one, as searches are.

    Raises:
        UsageError: A setting is out of range.

    Example:
        >>> found = sam_sharpness(lambda w: 2 * w[0] ** 2 + w[1] ** 2, np.zeros(2), rho=0.1)
        >>> round(found.value, 6), found.one_step
        (0.02, None)
    """
    check_above_zero("rho", rho)
    return _within(loss, params, lambda x: ball(len(x), rho), seed)


def adaptive_sharpness(
    loss: Loss, params: Params, rho: float = 0.5, eta: float = 0.0, p: float | str = 2, *, seed: int = 0
) -> BallSharpness:
    """Returns ``max L(w + e) - L(w)`` over ``||T^-1 e||_p <= rho``, ``T = diag(|w| + eta)``.

    The sharpness of Kwon et al. 2021 (ASAM, arXiv 2102.11600). With ``eta = 0`` no rescaling of weights that leaves the
    function of a network as it is changes it. The one step is ``rho T^2 g / ||T g||`` for ``p = 2`` and
    ``rho T sign(g)`` for the maximum norm. The authors' code adds ``eta = 0.01``, and leaves tensors that are not
    called weights in a plain ball; here every number has its own unit.

    Args:
        loss: A function in ``jax.numpy`` of a pytree, or an ``Objective``. Take float64: differences matter here.
        params: The point ``w``.
        rho: Relative radius.
        eta: What is added to the size of each weight.
        p: Norm: 2, or ``math.inf`` (or ``"inf"``).
        seed: Seed of the starts of the searches.

    Returns:
        The sharpness; a lower bound of the true one, as searches are.

    Raises:
        UsageError: A setting is out of range.
        NotApplicable: All numbers of the point are 0, and ``eta`` too: the set is the point alone.

    Example:
        >>> found = adaptive_sharpness(lambda w: w[0] * w[1], np.array([2.0, 3.0]), rho=0.1, p="inf")
        >>> round(found.value, 6), round(6 * 1.1**2 - 6, 6)
        (1.26, 1.26)
    """
    check_above_zero("rho", rho)
    if not is_number(eta) or eta < 0:
        raise UsageError(f"eta must be a number from 0 on; got {eta!r}")
    norm = norm_of(p)
    return _within(loss, params, lambda x: adaptive(x, rho, eta, norm), seed)


def norm_of(p: float | str) -> Norm:
    """Returns the norm of an exponent: 2 or infinity, as numbers or as texts.

    Args:
        p: The exponent.

    Raises:
        UsageError: It is another one.
    """
    norms: dict[Any, Norm] = {2: "l2", "2": "l2", math.inf: "linf", "inf": "linf"}
    if isinstance(p, bool) or not isinstance(p, int | float | str) or p not in norms:
        raise UsageError(f"p must be 2 or 'inf'; got {p!r}")
    return norms[p]


def _within(loss: Loss, params: Params, make: Callable[[np.ndarray], PerturbationSet], seed: int) -> BallSharpness:
    """Returns the sharpness within the set that is made around a point."""
    check_whole("seed", seed, 0)
    objective = as_objective(loss, params)
    around = FlatLoss(objective, as_point(params, objective))
    within = make(around.x)
    if not within.scale.any():
        raise NotApplicable("each number of the point is 0 and is its own unit of length, so there is no room to move")
    found = maximize(around, within, seed=seed)
    return BallSharpness(
        value=found.value - found.centre,
        maximum=found.value,
        method=found.method,
        maxima=found.by_method,
        one_step=None if found.one_step is None else found.one_step - found.centre,
        centre=found.centre,
        evaluations=found.evaluations,
        not_finite=found.not_finite,
        noise_floor=around.noise_floor(found.centre),
        dtype=str(objective.dtype),
    )


def _measured(found: BallSharpness) -> Measured:
    return Measured(found.value, details=details_of(found))


def _take_sam(subject: Subject, *, rho: float, seed: int) -> Measured:
    return _measured(sam_sharpness(subject.objective, subject.params, rho, seed=seed))


def _take_asam(subject: Subject, *, rho: float, eta: float, p: str, seed: int) -> Measured:
    return _measured(adaptive_sharpness(subject.objective, subject.params, rho, eta, p, seed=seed))


_SEED = Setting(0, "Seed of the starts of the searches.", low=0)

SAM = Measure(
    name="sam",
    title="SAM sharpness",
    formula="max L(w + e) - L(w) over ||e||_2 <= rho",
    reference="Foret et al. 2021, Sharpness-aware minimization, arXiv 2010.01412",
    take=_take_sam,
    settings={"rho": Setting(0.05, "Radius.", low=1e-12), "seed": _SEED},
)

ASAM = Measure(
    name="asam",
    title="adaptive sharpness",
    formula="max L(w + e) - L(w) over ||e / (|w| + eta)||_p <= rho",
    reference="Kwon et al. 2021, ASAM: adaptive sharpness-aware minimization, arXiv 2102.11600",
    take=_take_asam,
    settings={
        "rho": Setting(0.5, "Relative radius.", low=1e-12),
        "eta": Setting(0.0, "Added to the size of each weight; 0 makes the measure invariant.", low=0.0),
        "p": Setting("2", "Norm.", choices=("2", "inf")),
        "seed": _SEED,
    },
    is_invariant=True,
    invariant_with={"eta": 0.0},
)
