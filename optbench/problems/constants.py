"""The three constants of a problem, frozen in ``constants.json`` with the package's version.

``f_scale`` is the unit of every gap; ``f_solved`` is the target that counts as solved
(``protocol.md`` section 1). ``python -m optbench.problems.freeze`` writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from optbench.core.keys import generator

#: Starts whose median is ``f_scale``, and points on the shell.
SAMPLES = 100_000
#: Half the edge of the shell around a minimizer, in box widths.
SHELL = 0.01
#: ``f_solved`` is at most this many ``f_scale`` above ``f_star`` ...
SOLVED_SCALE = 1e-6
#: ... and at most this part of the way to the second minimum.
SOLVED_SECOND = 0.1
#: Constants are rounded to this many digits, far above the rounding differences between machines.
DIGITS = 10
#: Rows that are evaluated in one call, to bound the memory.
_ROWS = 10_000
PATH = Path(__file__).with_name("constants.json")

#: Maps points of shape (n, dim) to values of shape (n,).
Values = Callable[[np.ndarray], np.ndarray]


class Constants(NamedTuple):
    """What turns values of a problem into gaps; all are differences of objective values.

    Attributes:
        f_scale: Median of f(x0) - f_star over the starts.
        gap_scale: ``1e-6 f_scale``.
        gap_second: ``0.1 (f_second - f_star)``; ``None`` where no other local minimum is known.
        gap_shell: Median of f - f_star at 1 % of the box width around ``x_star``.
    """

    f_scale: float
    gap_scale: float
    gap_second: float | None
    gap_shell: float

    @property
    def gap_solved(self) -> float:
        """``f_solved - f_star``, the smallest of the three gaps."""
        return min(g for g in (self.gap_scale, self.gap_second, self.gap_shell) if g is not None)


@cache
def frozen() -> dict[str, Constants]:
    """Returns the frozen constants by problem label."""
    if not PATH.exists():
        return {}
    return {label: Constants(**row) for label, row in json.loads(PATH.read_text(encoding="utf-8")).items()}


def measure(
    label: str,
    values: Values,
    starts: Callable[[np.random.Generator, int], np.ndarray],
    *,
    x_star: np.ndarray,
    f_star: float,
    f_second: float | None,
    bounds: np.ndarray,
) -> Constants:
    """Computes the constants of a problem from random points that belong to its label.

    Args:
        label: Label of the problem, the key of the random stream.
        values: The objective at many points.
        starts: ``starts(rng, n)`` draws n starts, shape (n, dim).
        x_star: Global minimizers, shape (m, dim).
        f_star: Minimum.
        f_second: Second lowest local minimum, or ``None``.
        bounds: Box, shape (dim, 2).

    Returns:
        The constants, rounded to 10 digits.
    """
    rng = generator("f_scale", label)
    scale = _median(values, lambda n: starts(rng, n)) - f_star
    shell_rng = generator("f_shell", label)
    shell = _median(values, lambda n: _shell(shell_rng, n, x_star, bounds)) - f_star
    second = None if f_second is None else _rounded(SOLVED_SECOND * (f_second - f_star))
    return Constants(_rounded(scale), _rounded(SOLVED_SCALE * scale), second, _rounded(shell))


def _median(values: Values, points: Callable[[int], np.ndarray]) -> float:
    """Returns the median of the values at SAMPLES random points."""
    return float(np.median(np.concatenate([values(points(_ROWS)) for _ in range(SAMPLES // _ROWS)])))


def _shell(rng: np.random.Generator, count: int, x_star: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Draws points of the box uniformly on the max-norm shells around the minimizers."""
    dim = len(bounds)
    u = rng.uniform(-1.0, 1.0, (count, dim))
    face = rng.integers(dim, size=count)
    rows = np.arange(count)
    u[rows, face] = np.where(u[rows, face] < 0, -1.0, 1.0)
    points = x_star[rng.integers(len(x_star), size=count)] + SHELL * (bounds[:, 1] - bounds[:, 0]) * u
    # A minimizer on the edge of its box keeps the part of its shell that lies inside.
    inside = points[np.all((points >= bounds[:, 0]) & (points <= bounds[:, 1]), axis=1)]
    if len(inside):
        return np.asarray(inside)
    # In a corner of many dimensions that part is hardly ever hit; mirrored into the box, all of the shell is.
    return np.asarray(2.0 * np.clip(points, bounds[:, 0], bounds[:, 1]) - points)


def _rounded(value: float) -> float:
    """Returns ``value`` with DIGITS significant digits."""
    return float(f"{value:.{DIGITS - 1}e}")
