"""Two classic summaries of run lengths: expected running time and the performance profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from optbench.analysis.statistics.arrays import Floats
from optbench.errors import DataError


def expected_running_time(evaluations: ArrayLike, solved: ArrayLike | Sequence[bool]) -> float:
    """Returns the expected cost until success when failed runs are restarted.

    All evaluations, those of failed runs included, over the number of successes.

    Args:
        evaluations: Cost of each run: until the target, or all that it spent, shape (n,).
        solved: Whether it reached the target, shape (n,).

    Returns:
        The expected running time, infinite if no run succeeded.

    Raises:
        DataError: The lengths differ, there is no run, or a cost is not a finite number.

    Example:
        >>> expected_running_time([10, 30, 100], [True, True, False])
        70.0

    Source: Hansen et al. 2021, Optim. Methods Softw. 36, 114-144; Auger, Hansen 2005, CEC.
    """
    cost, hit = np.asarray(evaluations, dtype=np.float64), np.asarray(solved)
    wrong = []
    if cost.ndim != 1 or cost.shape != hit.shape or not cost.size:
        wrong.append(
            f"evaluations and solved must be two lists of one length, at least 1; got shapes {cost.shape}, {hit.shape}"
        )
    if not (np.isfinite(cost) & (cost >= 0)).all():
        wrong.append("evaluations must be finite and at least 0; a run that failed has spent its budget, not infinity")
    if hit.dtype != np.bool_:
        wrong.append(f"solved must be true or false for each run; got {hit.dtype}")
    if wrong:
        raise DataError("; ".join(wrong))
    # Summed exactly: the order of the runs changes no bit.
    return float(cost_per_success(np.array(math.fsum(cost)), np.array(float(hit.sum()))))


def cost_per_success(cost: Floats, successes: Floats) -> Floats:
    """Returns what a success costs when failed runs are restarted.

    Args:
        cost: Cost of all runs together, any shape.
        successes: How many of them, or how large a share, succeeded, of the same shape.

    Returns:
        ``cost / successes``, infinite without a success.

    Example:
        >>> cost_per_success(np.array([140.0, 200.0]), np.array([2.0, 0.0])).tolist()
        [70.0, inf]
    """
    return np.asarray(np.divide(cost, successes, out=np.full(np.shape(cost), np.inf), where=successes > 0))


@dataclass(frozen=True)
class Profile:
    """A performance profile.

    Attributes:
        curve: Share of problems solved within ``tau`` times the best time: rows the values of tau at
            which some curve rises, from 1 to ``tau_max``; columns optimizers. Between rows it is flat.
        area: Mean height of each curve from 1 to ``tau_max``, in [0, 1].
    """

    curve: pd.DataFrame
    area: pd.Series[float]


def performance_profile(times: pd.DataFrame, tau_max: float = 4.0) -> Profile:
    """Returns Dolan and Moré's performance profile and its area in closed form.

    With ``r`` the time over the best time on the problem, the curve is
    ``rho(tau) = (number of problems with r <= tau) / n`` and its area over [1, tau_max], divided by
    ``tau_max - 1``, is the mean of ``max(0, (tau_max - r) / (tau_max - 1))``: no grid, no error.
    A problem that nobody solved counts as missed for all.

    Only the best curve can be read as a ranking: without it the others may change their order.

    Args:
        times: Rows problems, columns optimizers; infinite where the target was missed.
        tau_max: Where a miss begins, greater than 1.

    Returns:
        Curve and area.

    Raises:
        DataError: A time is missing (NaN is not a miss), zero or negative, or there is none.

    Example:
        >>> times = pd.DataFrame({"a": [1.0, 4.0], "b": [2.0, 2.0]}, index=["p", "q"])
        >>> performance_profile(times).area.round(3).to_dict()
        {'a': 0.833, 'b': 0.833}

    Source: Dolan, Moré 2002, Math. Program. 91, 201-213; area as in Dahl et al. 2023, AlgoPerf.
    """
    values = times.to_numpy(dtype=np.float64)
    wrong = []
    if not values.size:
        wrong.append("times must hold at least one problem and one optimizer")
    if missing := [str(label) for label, row in zip(times.index, values, strict=True) if np.isnan(row).any()]:
        wrong.append(f"times must be numbers, infinity for a miss; there is NaN in {', '.join(missing)}")
    if (values <= 0).any():
        wrong.append("times must be greater than 0")
    if not 1 < tau_max < np.inf:
        wrong.append(f"tau_max must be a finite number greater than 1; got {tau_max!r}")
    if wrong:
        raise DataError("; ".join(wrong))
    best = values.min(axis=1, keepdims=True)
    ratio = np.divide(values, best, out=np.full_like(values, np.inf), where=np.isfinite(best))
    area = np.maximum(0.0, (tau_max - ratio) / (tau_max - 1)).mean(axis=0)
    tau = np.unique(np.append(ratio[ratio <= tau_max], [1.0, tau_max]))
    curve = (ratio[None] <= tau[:, None, None]).mean(axis=1)
    return Profile(
        curve=pd.DataFrame(curve, index=pd.Index(tau, name="tau"), columns=times.columns),
        area=pd.Series(area, index=times.columns, name="area"),
    )
