"""Checks of numbers that several measures are given."""

from __future__ import annotations

import math
from typing import Any

from optbench.errors import UsageError


def check_above_zero(name: str, value: Any) -> None:
    """Raises an error unless a value is a finite number above 0.

    Args:
        name: What the message calls it.
        value: The value.

    Raises:
        UsageError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
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
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise UsageError(f"{name} must be a whole number from {low} on; got {value!r}")
