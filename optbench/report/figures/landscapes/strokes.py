"""One path as a reader can follow it: what of it is drawn boldly, what faintly, and where its arrowheads sit.

Everything is in panel widths, from 0 to 1 in both directions, so that it looks the same on every problem.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import numpy as np

#: Steps shorter than this are drawn as one: a few hundredths of an inch.
STEP = 0.004
#: A path is bold until it has come so far; what then goes on is wandering more often than not, and is faint.
BOLD = 1.5
#: A single step longer than this shows no way that a run has gone, and is faint.
LEAP = 0.4
#: Far outside of the panel a point has a direction only; drawing code dislikes 1e300.
FAR = 1e3
#: Arrowheads are so far apart, and from both ends.
APART = 0.07


class Stroke(NamedTuple):
    """A part of a path.

    Attributes:
        points: In panel widths, shape (n, 2).
        is_bold: Whether a reader should follow it.
    """

    points: np.ndarray
    is_bold: bool


class Arrow(NamedTuple):
    """An arrowhead.

    Attributes:
        point: Where, in panel widths, shape (2,).
        degrees: Where it points, counterclockwise from up.
    """

    point: np.ndarray
    degrees: float


def finite(points: np.ndarray) -> np.ndarray:
    """Returns a path up to its first point that is none, kept within ``FAR``."""
    bad = ~np.isfinite(points).all(axis=1)
    good = points[: int(bad.argmax())] if bad.any() else points
    return np.asarray(np.clip(good, -FAR, FAR))


def strokes(points: np.ndarray) -> list[Stroke]:
    """Cuts a path into bold and faint parts.

    Args:
        points: Finite points in panel widths, shape (n, 2).

    Returns:
        The parts in their order; each begins where the last one ended.

    Example:
        >>> way = np.array([[0.0, 0.0], [0.1, 0.0], [0.2, 0.0], [0.9, 0.0], [0.8, 0.0]])
        >>> [(part.is_bold, len(part.points)) for part in strokes(way)]
        [(True, 3), (False, 2), (True, 2)]
    """
    kept = points[_thinned(points)]
    lengths = np.linalg.norm(np.diff(kept, axis=0), axis=1)
    travelled = np.cumsum(lengths) - lengths
    bold = (lengths <= LEAP) & (travelled < BOLD)
    parts = []
    for is_bold, group in groupby(range(len(lengths)), key=lambda i: bool(bold[i])):
        places = list(group)
        parts.append(Stroke(kept[places[0] : places[-1] + 2], is_bold))
    return parts


def arrows(points: np.ndarray, costs: np.ndarray) -> list[Arrow]:
    """Places arrowheads at costs 1, 3, 10, 30 and so on, where the path is bold, in the panel, and has room.

    Args:
        points: Finite points in panel widths, shape (n, 2).
        costs: Cost at each, ascending, shape (n,).

    Returns:
        The arrowheads.
    """
    found: list[Arrow] = []
    taken = [points[0], points[-1]]
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(lengths)])
    for cost in (base * 10**power for power in range(9) for base in (1, 3)):
        i = int(np.searchsorted(costs, cost))
        if i < 1 or i >= len(points) or travelled[i] >= BOLD or lengths[i - 1] > LEAP:
            continue
        at, way = points[i], points[i] - points[i - 1]
        room = min(np.linalg.norm(at - other) for other in taken)
        if room < APART or not ((at >= 0) & (at <= 1)).all() or not way.any():
            continue
        taken.append(at)
        found.append(Arrow(at, float(np.degrees(np.arctan2(-way[0], way[1])))))
    return found


def _thinned(points: np.ndarray) -> list[int]:
    """Returns the indices of the points that are ``STEP`` from the last one kept, and of both ends."""
    kept = [0]
    for i in range(1, len(points)):
        if np.abs(points[i] - points[kept[-1]]).max() >= STEP:
            kept.append(i)
    if kept[-1] != len(points) - 1:
        kept.append(len(points) - 1)
    return kept
