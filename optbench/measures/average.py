"""Average sharpness: how much a loss grows on average where its point is moved at random."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optbench.core.keys import generator
from optbench.core.objective import Objective, Params
from optbench.measures.checks import check_above_zero, check_whole
from optbench.measures.details import details_of
from optbench.measures.flat import FlatLoss
from optbench.measures.losses import as_objective, as_point
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.subject import Subject


class AverageSharpness(NamedTuple):
    """The mean growth of a loss under Gaussian noise.

    Attributes:
        value: Mean of ``L(w + d) - L(w)``; not a number where some of the losses are none.
        standard_error: Of it, over the pairs.
        centre: The loss at the point.
        pairs: Pairs of draws ``d`` and ``-d``.
        noise_floor: Differences of the loss that are smaller are rounding.
        dtype: Type in which the loss was computed.
    """

    value: float
    standard_error: float
    centre: float
    pairs: int
    noise_floor: float
    dtype: str


def average_sharpness(
    loss: Objective | Callable[[Any], Any],
    params: Params,
    rho: float = 0.1,
    *,
    relative: bool = True,
    pairs: int = 50,
    seed: int = 0,
) -> AverageSharpness:
    """Returns ``E L(w + d) - L(w)`` over ``d ~ N(0, rho^2 diag(c^2))``, ``c = |w|`` or 1.

    To second order it is ``rho^2 tr(H diag(c^2)) / 2``. Each draw is used with both signs, so that the gradient, which
    adds nothing to the mean, adds nothing to its error either: at a point that is no minimum that is most of it. As in
    Andriushchenko et al. 2023 (arXiv 2302.07011) the noise may be relative to each weight.

    Args:
        loss: A function in ``jax.numpy`` of a pytree, or an ``Objective``. Take float64: differences matter here.
        params: The point ``w``.
        rho: Standard deviation of the noise.
        relative: Whether ``c`` is the size of each weight; else it is 1.
        pairs: Pairs of draws.
        seed: Seed of the draws.

    Returns:
        The mean and its standard error.

    Raises:
        UsageError: A setting is out of range.
        NotApplicable: The noise is relative and each number of the point is 0.

    Example:
        >>> found = average_sharpness(lambda w: w @ w, np.ones(100), rho=0.1, pairs=200)
        >>> abs(found.value - 0.1**2 * 100) < 3 * found.standard_error
        True
    """
    check_above_zero("rho", rho)
    check_whole("pairs", pairs, 2)
    check_whole("seed", seed, 0)
    objective = as_objective(loss, params)
    around = FlatLoss(objective, as_point(params, objective))
    scale = rho * (np.abs(around.x) if relative else np.ones_like(around.x))
    if not scale.any():
        raise NotApplicable("each number of the point is 0, so noise relative to it moves nothing")
    centre = around.value(np.zeros_like(around.x))
    rng = generator("noise of average sharpness", seed)
    growth = np.empty(pairs)
    for pair in range(pairs):
        d = scale * rng.standard_normal(len(scale))
        growth[pair] = (around.value(d) - centre + around.value(-d) - centre) / 2
    with np.errstate(invalid="ignore"):
        standard_error = float(growth.std(ddof=1)) / math.sqrt(pairs)
    return AverageSharpness(
        value=float(growth.mean()),
        standard_error=standard_error,
        centre=centre,
        pairs=pairs,
        noise_floor=around.noise_floor(centre),
        dtype=str(objective.dtype),
    )


def _take(subject: Subject, *, rho: float, relative: bool, pairs: int, seed: int) -> Measured:
    found = average_sharpness(subject.objective, subject.params, rho, relative=relative, pairs=pairs, seed=seed)
    return Measured(found.value, found.standard_error, details_of(found, but=("value", "standard_error")))


AVERAGE_SHARPNESS = Measure(
    name="average_sharpness",
    title="average sharpness",
    formula="E L(w + d) - L(w) over d ~ N(0, rho^2 diag(c^2)), with c = |w| where it is relative, else 1",
    reference="Andriushchenko et al. 2023, A modern look at the relationship between sharpness and generalization, "
    "arXiv 2302.07011",
    take=_take,
    settings={
        "rho": Setting(0.1, "Standard deviation of the noise.", low=1e-12),
        "relative": Setting(True, "Whether the noise of each weight is relative to its size."),
        "pairs": Setting(50, "Pairs of draws, with both signs.", low=2),
        "seed": Setting(0, "Seed of the draws.", low=0),
    },
    is_invariant=True,
    invariant_with={"relative": True},
)
