"""Keskar's sharpness: how much a loss grows within a small box, in percent of one plus the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError, unknown_name
from optbench.measures.checks import check_above_zero, check_whole
from optbench.measures.details import details_of
from optbench.measures.flat import FlatLoss
from optbench.measures.losses import as_objective, as_point
from optbench.measures.maximize import maximize
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.perturbations import COLUMNS, box, random_basis, subspace_box
from optbench.measures.subject import Subject


class KeskarSharpness(NamedTuple):
    """Keskar's sharpness of a point.

    Attributes:
        value: ``100 (maximum - centre) / (1 + centre)``, in percent.
        maximum: The largest loss found in the box.
        method: The search that found it: ``"lbfgsb"``, ``"vertex_ascent"``, or ``"centre"`` if none improved on the
            point itself.
        maxima: The largest loss that each search found.
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
    centre: float
    evaluations: int
    not_finite: int
    noise_floor: float
    dtype: str


def keskar_sharpness(
    loss: Objective | Callable[[Any], Any],
    params: Params,
    eps: float = 1e-3,
    subspace: int | np.ndarray | None = None,
    seed: int = 0,
    *,
    columns: str = "normal",
) -> KeskarSharpness:
    """Returns Keskar's sharpness, Metric 2.1 of Keskar et al. 2017 (arXiv 1609.04836).

    ``phi = 100 (max f(x + A y) - f(x)) / (1 + f(x))`` over ``|y_i| <= eps (|(A+ x)_i| + 1)``, where ``A`` is the
    identity, or random directions with the pseudo-inverse ``A+``. The paper's maximum is that of ten iterations of
    L-BFGS-B, of which it does not tell the start and the scale. Here they run in units of the box, with the largest
    slope scaled to 1000, from a random point of a tenth of the box; vertex ascent runs beside them, from several
    points. The larger of the two maxima counts, and each is a lower bound of the true one.

    Args:
        loss: A function in ``jax.numpy`` of a pytree, or an ``Objective``. Take float64: differences matter here.
        params: The point.
        eps: Size of the box.
        subspace: Dimensions of a random subspace, or a basis ``A`` of shape (n, p); ``None`` for the full space.
        seed: Seed of the subspace and of the starts.
        columns: Of a random subspace: ``"normal"`` leaves the columns of ``A`` as they are drawn from N(0, 1),
            ``"unit"`` scales them to length 1. The paper does not say what it did. With unit columns a step is
            ``eps sqrt(p)`` long, shorter than one in the full space by ``sqrt(n / p)``, and what it adds to a loss of
            curvature ``H`` is about ``eps^2 p tr(H) / (2 n)``: too little for the paper's Table 4.

    Returns:
        The sharpness, both maxima and what it took.

    Raises:
        UsageError: A setting is out of range, or a basis does not fit.
        NotApplicable: ``1 + f(x)`` is not positive, or the subspace is larger than the space.

    Example:
        >>> found = keskar_sharpness(lambda x: x @ x, np.zeros(3), eps=1e-3)
        >>> round(found.value / (100 * 3 * 1e-6), 6), found.centre
        (1.0, 0.0)
    """
    check_above_zero("eps", eps)
    check_whole("seed", seed, 0)
    if columns not in COLUMNS:
        raise UsageError(unknown_name("scaling of columns", columns, COLUMNS))
    objective = as_objective(loss, params)
    around = FlatLoss(objective, as_point(params, objective))
    if subspace is None:
        within = box(around.x, eps)
    elif isinstance(subspace, np.ndarray):
        within = subspace_box(around.x, eps, np.asarray(subspace, np.float64))
    else:
        check_whole("subspace", subspace, 1)
        within = subspace_box(around.x, eps, random_basis(len(around.x), subspace, columns, seed))
    found = maximize(around, within, seed=seed)
    if found.centre <= -1.0:
        raise NotApplicable(f"Keskar's sharpness divides by 1 + f(x), which must be positive; f(x) is {found.centre:g}")
    return KeskarSharpness(
        value=100.0 * (found.value - found.centre) / (1.0 + found.centre),
        maximum=found.value,
        method=found.method,
        maxima=found.by_method,
        centre=found.centre,
        evaluations=found.evaluations,
        not_finite=found.not_finite,
        noise_floor=around.noise_floor(found.centre),
        dtype=str(objective.dtype),
    )


def _take(subject: Subject, *, eps: float, subspace: int, seed: int, columns: str) -> Measured:
    found = keskar_sharpness(subject.objective, subject.params, eps, subspace or None, seed, columns=columns)
    return Measured(found.value, details=details_of(found))


KESKAR = Measure(
    name="keskar",
    title="Keskar's sharpness",
    formula="100 (max f(x + A y) - f(x)) / (1 + f(x)) over |y_i| <= eps (|(A+ x)_i| + 1)",
    reference="Keskar et al. 2017, On large-batch training for deep learning, arXiv 1609.04836, Metric 2.1",
    take=_take,
    settings={
        "eps": Setting(1e-3, "Size of the box.", low=1e-12, high=1.0),
        "subspace": Setting(0, "Dimensions of a random subspace; 0 for the full space.", low=0),
        "seed": Setting(0, "Seed of the subspace and of the starts.", low=0),
        "columns": Setting("normal", "Columns of A: N(0, 1), or scaled to length 1.", choices=COLUMNS),
    },
    unit="%",
)
