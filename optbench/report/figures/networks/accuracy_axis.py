"""An axis of accuracies on which 99 % and 98 % stand as far apart as 98 % and 96 %: logarithmic in the error."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

#: Accuracies at which ticks may stand, in percent.
TICKS = (0.0, 50.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.8, 99.9, 99.98, 99.99)

#: Largest over smallest error that a panel shows at least, so that noise is not blown up.
LEAST_RATIO = 8.0

SAYS = "Accuracy is drawn on a scale that is logarithmic in the error, on which 100 stands at half an example"


def error(accuracy: Any, n_examples: int) -> np.ndarray:
    """Returns the error of accuracies; no error at all is drawn as half an example of ``n_examples``.

    Example:
        >>> error([0.9, 1.0], 100).round(4).tolist()
        [0.1, 0.005]
    """
    return np.maximum(1.0 - np.asarray(accuracy, dtype=np.float64), 0.5 / max(n_examples, 1))


def mark(ax: Axes, errors: Any, n_examples: int) -> None:
    """Makes the vertical axis of a panel one of accuracies; what is drawn on it are errors.

    Args:
        ax: The panel.
        errors: What the axis must hold.
        n_examples: Number of examples that ``error`` was told.
    """
    values = np.asarray(errors, dtype=np.float64)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.01, 1.0)
    middle = np.sqrt(low * high)
    low, high = min(low, middle / LEAST_RATIO**0.5), max(high, middle * LEAST_RATIO**0.5)
    room = (high / low) ** 0.08
    low, high = low / room, min(high * room, 1.1)
    ticks = {1 - tick / 100: f"{tick:g}" for tick in TICKS if low <= 1 - tick / 100 <= high}
    whole = 0.5 / max(n_examples, 1)
    if values.size and values.min() <= whole:
        ticks = {place: text for place, text in ticks.items() if place > 1.5 * whole} | {whole: "100"}
    ax.set_yscale("log")
    # Better is above.
    ax.set_ylim(high, low)
    ax.yaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FixedFormatter(list(ticks.values())))
