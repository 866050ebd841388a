"""How fast recorded values fall in the long run: the slope of their upper envelope against cost."""

from __future__ import annotations

import numpy as np

from optbench.analysis.scores import Floats, Ints

#: A slope is fitted to this many recorded values, the last ones above rounding: a decade of cost.
WINDOW = 11
#: First recorded cost that may take part: before it the log grid has no decade behind it.
FIRST = 8
#: Quantile of the fit. Values that oscillate, as cos^2 times an envelope, lie mostly just below that envelope,
#: and far below it now and then: a high quantile keeps to the envelope.
QUANTILE = 0.75


def last_usable(values: Floats, floor: float) -> Ints:
    """Returns the index of the last value of each curve before the first that is not finite or not above ``floor``.

    Args:
        values: Curves, shape (n, costs).
        floor: Where rounding begins.

    Returns:
        Indices, shape (n,); -1 where the first value is none.
    """
    bad = ~(np.isfinite(values) & (values > floor))
    return np.where(bad.any(axis=1), bad.argmax(axis=1), values.shape[1]) - 1


def envelope_slope(costs: Ints, values: Floats, floor: float) -> tuple[Floats, Floats]:
    """Fits ``log value = a + b cost`` to the last ``WINDOW`` usable values of each curve, as a quantile regression.

    The line goes through two of the values; among all such lines it is the one with the smallest sum of
    ``q max(r, 0) + (1 - q) max(-r, 0)`` over the residuals ``r``.

    Args:
        costs: Recorded costs, shape (costs,).
        values: Curves that are positive down to ``floor``, shape (n, costs).
        floor: Where rounding begins.

    Returns:
        The slopes ``b``, and by how much the logarithm changes between the ends of the window, shape (n,) each; NaN
        for a curve with too few usable values.

    Source: Koenker, Bassett 1978, Econometrica 46, 33-50, theorem 3.1 for the line through two points.
    """
    last = last_usable(values, floor)
    fits = last - WINDOW + 1 >= FIRST
    index = np.where(fits, last, FIRST + WINDOW - 1)[:, None] + np.arange(1 - WINDOW, 1)
    index = np.minimum(index, values.shape[1] - 1)
    x = costs[index].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(fits[:, None], np.log(np.take_along_axis(values, index, axis=1)), 0.0)
    i, j = np.triu_indices(WINDOW, k=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (y[:, j] - y[:, i]) / (x[:, j] - x[:, i])
        residuals = y[:, None, :] - y[:, i, None] - slopes[..., None] * (x[:, None, :] - x[:, i, None])
    loss = np.where(residuals > 0, QUANTILE * residuals, (QUANTILE - 1.0) * residuals).sum(axis=-1)
    best = np.argmin(np.where(np.isnan(loss), np.inf, loss), axis=1)
    slope = slopes[np.arange(len(slopes)), best]
    return np.where(fits, slope, np.nan), np.where(fits, y[:, -1] - y[:, 0], np.nan)
