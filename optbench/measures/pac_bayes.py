"""PAC-Bayes flatness: how much noise the weights of a network bear before it classifies worse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optbench.core.keys import generator
from optbench.core.objective import Params
from optbench.errors import UsageError
from optbench.measures.checks import check_above_zero, check_whole
from optbench.measures.details import details_of
from optbench.measures.flat import flatten, unflatten
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.subject import Subject

#: The search gives up on noise of a larger or smaller standard deviation.
LARGEST, SMALLEST = 1e6, 1e-12
#: Relative width at which the search ends.
TOLERANCE = 5e-3
#: Factor between the two levels of noise that tell how fast accuracy falls.
_APART = 1.25


class PacBayes(NamedTuple):
    """The noise that costs a certain accuracy.

    Attributes:
        value: ``1 / sigma^2``.
        standard_error: Of the value; ``None`` where accuracy does not fall with the noise around ``sigma``, or all
            draws have the same accuracy, as on a cliff.
        sigma: Standard deviation of the noise, of each weight or relative to each.
        accuracy: Accuracy without noise.
        drop: Mean drop at ``sigma``.
        draws: Draws of noise; each level of noise scales the same ones.
        evaluations: Accuracies computed.
    """

    value: float
    standard_error: float | None
    sigma: float
    accuracy: float
    drop: float
    draws: int
    evaluations: int


def pac_bayes_flatness(
    accuracy: Callable[[Params], float],
    params: Params,
    *,
    drop: float = 0.1,
    draws: int = 10,
    relative: bool = False,
    seed: int = 0,
) -> PacBayes:
    """Returns ``1 / sigma^2``, ``sigma`` being the noise that lowers the accuracy of training by ``drop`` on average.

    Noise is ``N(0, sigma^2)``, or ``N(0, sigma^2 w_i^2)`` where it is relative (magnitude-aware): the measures
    ``pacbayes-flatness`` and its magnitude-aware form of Jiang et al. 2019 (arXiv 1912.02178). ``sigma`` is bisected,
    with the same draws at each level, so that the mean accuracy is one function of it. Different from the code of
    ``robust-generalization-measures``: that code hands ``sigma**2`` to a function that takes a standard deviation, so
    its noise is smaller than it says wherever ``sigma < 1``; it folds batch normalization into the layer before; and
    relative noise there has 0.001 added to it, which is a length and would make the measure depend on units.

    Args:
        accuracy: Share of the training examples that a point classifies right.
        params: The point.
        drop: Mean drop of accuracy, in (0, 1).
        draws: Draws of noise.
        relative: Whether the noise of each weight is relative to its size.
        seed: Seed of the draws.

    Returns:
        The flatness, its standard error from how the draws differ, and ``sigma``.

    Raises:
        UsageError: A setting is out of range.
        NotApplicable: Accuracy cannot fall so far, or no noise or any noise makes it fall, or noise relative to a point
            of zeros is asked for.

    Example:
        >>> found = pac_bayes_flatness(lambda w: 1 - w @ w / 400, np.zeros(400))
        >>> abs(found.value - 1 / 0.1) < 3 * found.standard_error
        True
    """
    if not callable(accuracy):
        raise UsageError(f"accuracy must be a function of a point; got {type(accuracy).__name__}")
    check_above_zero("drop", drop)
    check_whole("draws", draws, 2)
    check_whole("seed", seed, 0)
    x, tree, shapes = flatten(params)
    scale = np.abs(x) if relative else np.ones_like(x)
    if not scale.any():
        raise NotApplicable("each number of the point is 0, so noise relative to it moves nothing")
    best = float(accuracy(params))
    if not best > drop:
        raise NotApplicable(f"training accuracy is {best:g}, so it cannot fall by {drop:g}")
    evaluations = 1

    def drops(sigma: float) -> np.ndarray:
        nonlocal evaluations
        evaluations += draws
        found = np.empty(draws)
        for draw in range(draws):
            # Drawn again at each level: the draws of a large network would not fit into memory together.
            noise = generator("noise of PAC-Bayes", seed, draw).standard_normal(len(x))
            found[draw] = best - float(accuracy(unflatten(x + sigma * scale * noise, tree, shapes)))
        return found

    sigma = _bisected(lambda sigma: float(drops(sigma).mean()), drop)
    at = drops(sigma)
    slope = float(drops(sigma * _APART).mean() - drops(sigma / _APART).mean()) / (2 * math.log(_APART))
    # d log(1 / sigma^2) = -2 d log(sigma), and log(sigma) moves by the error of the drop over its slope.
    error = float(at.std(ddof=1)) / math.sqrt(draws)
    return PacBayes(
        value=sigma**-2,
        standard_error=2 * sigma**-2 * error / slope if slope > 0 and error > 0 else None,
        sigma=sigma,
        accuracy=best,
        drop=float(at.mean()),
        draws=draws,
        evaluations=evaluations,
    )


def _bisected(mean_drop: Callable[[float], float], drop: float) -> float:
    """Returns the standard deviation at which the mean drop crosses ``drop``, by bisection of its logarithm."""
    high = 0.1
    while mean_drop(high) <= drop:
        high *= 2
        if high > LARGEST:
            raise NotApplicable(f"no noise up to a standard deviation of {LARGEST:g} lowers accuracy by {drop:g}")
    low = high / 2
    while mean_drop(low) > drop:
        high, low = low, low / 2
        if low < SMALLEST:
            raise NotApplicable(f"noise of a standard deviation of {SMALLEST:g} lowers accuracy by more than {drop:g}")
    while high > (1 + TOLERANCE) * low:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if mean_drop(middle) > drop else (middle, high)
    return math.sqrt(low * high)


def _take(subject: Subject, *, drop: float, draws: int, relative: bool, seed: int) -> Measured:
    if "train" not in subject.parts:
        raise NotApplicable("PAC-Bayes flatness is about the accuracy of a network, and a function has none")
    accuracy = subject.parts["train"].accuracy
    found = pac_bayes_flatness(accuracy, subject.params, drop=drop, draws=draws, relative=relative, seed=seed)
    return Measured(found.value, found.standard_error, details_of(found, but=("value", "standard_error")))


PAC_BAYES = Measure(
    name="pac_bayes",
    title="PAC-Bayes flatness",
    formula="1 / sigma^2, with sigma such that E accuracy(w + d) = accuracy(w) - drop over d ~ N(0, sigma^2), or "
    "N(0, sigma^2 w_i^2) where it is relative",
    reference="Jiang et al. 2019, Fantastic generalization measures and where to find them, arXiv 1912.02178",
    take=_take,
    settings={
        "drop": Setting(0.1, "Mean drop of training accuracy.", low=1e-3, high=0.9),
        "draws": Setting(10, "Draws of noise.", low=2),
        "relative": Setting(False, "Whether the noise of each weight is relative to its size (magnitude-aware)."),
        "seed": Setting(0, "Seed of the draws.", low=0),
    },
    is_invariant=True,
    invariant_with={"relative": True},
)
