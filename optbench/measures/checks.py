"""Checks of numbers that several measures are given."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from optbench.errors import UsageError


def is_number(value: Any) -> bool:
    """Returns whether a value is a finite real number, Python's or NumPy's."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    # A whole number of Python's may be too large for a float.
    return abs(value) <= sys.float_info.max if isinstance(value, int) else math.isfinite(value)


def is_whole(value: Any) -> bool:
    """Returns whether a value is a whole number, Python's or NumPy's."""
    return not isinstance(value, bool) and isinstance(value, int | np.integer)


def check_above_zero(name: str, value: Any) -> None:
    """Raises an error unless a value is a finite number above 0.

    Args:
        name: What the message calls it.
        value: The value.

    Raises:
        UsageError: It is not.
    """
    if not is_number(value) or not value > 0:
        raise UsageError(f"{name} must be a number above 0; got {value!r}")


def check_whole(name: str, value: Any, low: int) -> None:
    """Raises an error unless a value is a whole number from ``low`` on.

    Args:
        name: What the message calls it.
        value: The value.
        low: The smallest one allowed.

    Raises:
        UsageError: It is not.
    """
    if not is_whole(value) or value < low:
        raise UsageError(f"{name} must be a whole number from {low} on; got {value!r}")
