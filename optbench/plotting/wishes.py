"""What a caller wants drawn: at which rates, and from which starts, in Python or in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from optbench.errors import UsageError

#: A rate: a value of the swept constant, or one of these words. A gentle one is the smallest that scores at least half
#: of the best, at which a path shows the rule and not the rate; it is what a run's own pictures have.
WORDS = ("gentle", "tuned", "default")
#: The key of rates that hold for all optimizers that are not named.
OTHERS = ""
#: Panels of a row, and rates of one rule, that can be told apart.
MOST_STARTS, MOST_RATES = 4, 4

Rate = float | str
Start = int | tuple[float, float]


def read_rates(items: Iterable[str]) -> dict[str, list[Rate]]:
    """Reads rates as the command line has them.

    Args:
        items: ``0.01``, ``gentle``, ``tuned`` or ``default``, for all optimizers that are not named; ``adam=0.1`` for
            one. A name may come several times.

    Returns:
        Rates by name; ``OTHERS`` for all others.

    Raises:
        UsageError: An item is neither; all at once.

    Example:
        >>> read_rates(["0.01", "adam=0.1", "adam=default"])
        {'': [0.01], 'adam': [0.1, 'default']}
    """
    found: dict[str, list[Rate]] = {}
    faults = []
    for item in items:
        name, _, text = item.rpartition("=")
        try:
            rate: Rate = text if text in WORDS else float(text)
        except ValueError:
            faults.append(f"--rates: a rate is a number, {', '.join(WORDS)}, or NAME= and one of them; got {item!r}")
            continue
        found.setdefault(name, []).append(rate)
    if faults:
        raise UsageError(faults)
    return found


def read_starts(text: str) -> list[Start]:
    """Reads starts as the command line has them.

    Args:
        text: Separated by commas: ``3`` is the reported start of that number, ``-1.5:2`` is the point (-1.5, 2).

    Returns:
        Numbers and points in their order.

    Raises:
        UsageError: An item is neither; all at once.

    Example:
        >>> read_starts("0,-1.5:2")
        [0, (-1.5, 2.0)]
    """
    found: list[Start] = []
    faults = []
    for item in map(str.strip, text.split(",")):
        parts = item.split(":")
        try:
            found.append(int(item) if len(parts) == 1 else _point([float(part) for part in parts]))
        except ValueError:
            faults.append(f"--starts: a start is a number such as 0, or a point X:Y such as -1.5:2; got {item!r}")
    if faults:
        raise UsageError(faults)
    return found


def rates_of(given: Any) -> dict[str, list[Rate]]:
    """Returns rates by optimizer, of what a Python caller gives.

    Args:
        given: A rate or several for all optimizers, or a mapping from names to a rate or several; ``None`` for gentle.

    Returns:
        Rates by name; ``OTHERS`` for all others.

    Raises:
        UsageError: Something is no rate, or there are too many of one rule.

    Example:
        >>> rates_of({"adam": [0.1, 0.01], "sgd": "default"})
        {'adam': [0.1, 0.01], 'sgd': ['default']}
    """
    by_name = dict(given) if isinstance(given, Mapping) else {OTHERS: [] if given is None else given}
    found: dict[str, list[Rate]] = {}
    faults = []
    for name, rates in by_name.items():
        several = list(rates) if isinstance(rates, Sequence | np.ndarray) and not isinstance(rates, str) else [rates]
        called = f"rates of {name}" if name else "rates"
        for rate in several:
            number = isinstance(rate, int | float | np.number) and not isinstance(rate, bool) and math.isfinite(rate)
            if not number and rate not in WORDS:
                faults.append(
                    f"{called}: a rate is a number, {', '.join(map(repr, WORDS[:-1]))} or {WORDS[-1]!r}; got {rate!r}"
                )
        if len(several) > MOST_RATES:
            faults.append(f"{called}: at most {MOST_RATES} can be told apart; got {len(several)}")
        found[name] = [rate if isinstance(rate, str) else float(rate) for rate in several] if not faults else []
    if faults:
        raise UsageError(faults)
    return found


def starts_of(given: Any) -> list[Start]:
    """Returns starts, of what a Python caller gives.

    Args:
        given: Numbers of reported starts and points of two coordinates, in any mixture.

    Returns:
        The starts.

    Raises:
        UsageError: Something is neither, or there are too many.

    Example:
        >>> starts_of([0, (-1.5, 2)])
        [0, (-1.5, 2.0)]
    """
    wanted = "starts: a list of numbers of reported starts, such as 0, and of points, such as (-1.5, 2)"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f"{wanted}; got {given!r}")
    found: list[Start] = []
    for start in given:
        try:
            is_number = isinstance(start, int | np.integer) and not isinstance(start, bool)
            found.append(int(start) if is_number else _point(start))
        except (TypeError, ValueError):
            raise UsageError(f"{wanted}; got {start!r} among them") from None
    if not 1 <= len(found) <= MOST_STARTS:
        raise UsageError(f"starts: 1 to {MOST_STARTS} stand in a row; got {len(found)}")
    return found


def _point(start: Any) -> tuple[float, float]:
    x, y = (float(part) for part in start)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError("a point is finite")
    return x, y


def title(start: Start) -> str:
    """Returns what stands over the panel of a start."""
    return f"start {start}" if isinstance(start, int) else f"from ({start[0]:g}, {start[1]:g})"


def place(start: Start, bounds: Sequence[Sequence[float]], label: str, n_reported: int | None) -> str | None:
    """Returns what is wrong with a start of a problem, ``None`` if nothing is.

    Args:
        start: The start.
        bounds: The problem's box.
        label: Its label.
        n_reported: Number of reported starts; ``None`` for no limit.

    Returns:
        One line with what is allowed.
    """
    if isinstance(start, int):
        if start >= 0 and (n_reported is None or start < n_reported):
            return None
        allowed = "0 or more" if n_reported is None else f"0 to {n_reported - 1}"
        return f"starts: the reported ones are {allowed}; got {start}"
    if all(low <= value <= high for value, (low, high) in zip(start, bounds, strict=True)):
        return None
    box = " x ".join(f"[{low:g}, {high:g}]" for low, high in bounds)
    return f"starts: a start of {label} lies in {box}; got ({start[0]:g}, {start[1]:g})"
