"""How fast recorded values fall in the long run: the slope of their upper envelope against cost."""

from __future__ import annotations

import numpy as np

from optbench.analysis.statistics.arrays import Floats, Ints

#: A slope is fitted to this many recorded values, the last ones above rounding: a factor of 20 in cost.
WINDOW = 14
#: The slope of the last few of them, a factor of 3 in cost, must be the same, or the long run is not reached yet.
RECENT, AGREEMENT = 6, 0.01
#: The logarithm of the values must change by this much within the window.
CHANGE = 20.0
#: First recorded value that may take part: costs below 5 are too dense for a logarithmic grid.
FIRST = 5
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
    return np.asarray(np.where(bad.any(axis=1), bad.argmax(axis=1), values.shape[1]) - 1)


def settled_slopes(costs: Ints, values: Floats, floor: float) -> Floats:
    """Returns the slope of ``log value`` against cost in the long run.

    Args:
        costs: Recorded costs, shape (costs,).
        values: Curves that are positive down to ``floor``, shape (n, costs).
        floor: Where rounding begins.

    Returns:
        Slopes, shape (n,); NaN for a curve that ends, or changes too little, before its slope is settled.
    """
    slope, change = envelope_slope(costs, values, floor, WINDOW)
    recent, _ = envelope_slope(costs, values, floor, RECENT)
    with np.errstate(invalid="ignore", divide="ignore"):
        settled = (np.abs(change) >= CHANGE) & (np.abs(recent / slope - 1.0) <= AGREEMENT)
    return np.where(settled, slope, np.nan)


def envelope_slope(costs: Ints, values: Floats, floor: float, window: int) -> tuple[Floats, Floats]:
    """Fits ``log value = a + b cost`` to the last usable values of each curve, as a quantile regression.

    The line goes through two of the values; among all such lines it is the one with the smallest sum of
    ``q max(r, 0) + (1 - q) max(-r, 0)`` over the residuals ``r``.

    Args:
        costs: Recorded costs, shape (costs,).
        values: Curves that are positive down to ``floor``, shape (n, costs).
        floor: Where rounding begins.
        window: Number of values.

    Returns:
        The slopes ``b``, and by how much the logarithm changes between the ends of the window, shape (n,) each; NaN
        for a curve with too few usable values.

    Source: Koenker, Bassett 1978, Econometrica 46, 33-50, theorem 3.1 for the line through two points.
    """
    last = last_usable(values, floor)
    fits = last >= FIRST + window - 1
    slope, change = np.full((2, len(values)), np.nan)
    index = last[fits, None] + np.arange(1 - window, 1)
    x, y = costs[index].astype(np.float64), np.log(np.take_along_axis(values[fits], index, axis=1))
    i, j = np.triu_indices(window, k=1)
    slopes = (y[:, j] - y[:, i]) / (x[:, j] - x[:, i])
    loss = np.zeros_like(slopes)
    for k in range(window):
        residual = y[:, k, None] - y[:, i] - slopes * (x[:, k, None] - x[:, i])
        loss += np.maximum(QUANTILE * residual, (QUANTILE - 1.0) * residual)
    slope[fits] = slopes[np.arange(len(slopes)), np.argmin(loss, axis=1)]
    change[fits] = y[:, -1] - y[:, 0]
    return slope, change
