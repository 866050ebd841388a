"""Number formatting in one place: what a person reads, and what a program reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

#: Shown where there is no number: no rows, or nothing to count.
MISSING = "n/a"

#: A gap below this is not told from zero: minima are known to 1e-14, f is rounded to 1e-16 of its size, and a gap is
#: their difference in units of ``f_scale``. Two decades below the smallest target, and the floor of axes too.
GAP_FLOOR = 1e-12

#: Digits of a number in CSV and JSON: far beyond what 32 starts can tell, and coarse enough that the
#: summation order of another processor does not show.
MACHINE_DIGITS = 10

#: From so many test examples on one of them is less than a twentieth of a point, and two decimals are shown.
FINE = 2000


def significant(value: float, digits: int = 2, *, trim: bool = False) -> str:
    """Returns ``value`` with a number of significant digits; the exponent is written without padding.

    Args:
        value: Any number.
        digits: Significant digits.
        trim: Whether trailing zeros behind the decimal point go.

    Returns:
        Plain notation from 0.001 to 99999, else ``1.2e-5``; ``inf``, ``-inf`` or ``n/a`` where not finite.

    Example:
        >>> [significant(v) for v in (0.0, 0.01234, 123.4, 1.25e-7, float("inf"))]
        ['0', '0.012', '123', '1.2e-7', 'inf']
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if -3 <= exponent < 5:
        text = f"{value:.{max(0, digits - 1 - exponent)}f}"
        return _trimmed(text) if trim else text
    return f"{_trimmed(mantissa) if trim else mantissa}e{exponent}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def gap(value: float) -> str:
    """Returns a gap with two significant digits, or that it is below ``GAP_FLOOR``, as zero and rounding are.

    Example:
        >>> [gap(v) for v in (0.0123, 3.8e-12, 3.1e-47, 0.0, -2e-16, float("inf"))]
        ['0.012', '3.8e-12', '<1e-12', '<1e-12', '<1e-12', 'inf']
    """
    return f"<{significant(GAP_FLOOR, trim=True)}" if -GAP_FLOOR < value < GAP_FLOOR else significant(value)


def rate(value: float) -> str:
    """Returns a swept value, such as a learning rate, as short as two significant digits allow.

    Example:
        >>> rate(0.021544346900318846), rate(1e-6), rate(100.0)
        ('0.022', '1e-6', '100')
    """
    return significant(value, trim=True)


def share(value: float) -> str:
    """Returns a share in [0, 1] with two decimals."""
    return MISSING if math.isnan(value) else f"{value:.2f}"


def signed(value: float) -> str:
    """Returns a number with its sign and two decimals; what rounds to 0 is no minus zero.

    Example:
        >>> signed(0.456), signed(-0.001), signed(float("nan"))
        ('+0.46', '+0.00', 'n/a')
    """
    return MISSING if math.isnan(value) else f"{round(value, 2) + 0.0:+.2f}"


def points(n_test: float, *, signed: bool = False) -> Callable[[float], str]:
    """Returns what shows a share in percent, with as many decimals as a test set of ``n_test`` examples can tell.

    Example:
        >>> points(360)(0.97222), points(10000)(0.98765), points(360, signed=True)(0.004)
        ('97.2', '98.77', '+0.4')
    """
    digits = 2 if n_test >= FINE else 1

    def show(value: float) -> str:
        if math.isnan(value):
            return MISSING
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        rounded = round(100 * value, digits) + 0.0
        return f"{rounded:+.{digits}f}" if signed else f"{rounded:.{digits}f}"

    return show


def evaluations(value: float) -> str:
    """Returns a median number of evaluations: whole from 10 on, one decimal below, two digits below 1.

    Less than one evaluation is a batch of a finite sum.

    Example:
        >>> evaluations(123.5), evaluations(2.5), evaluations(4.0), evaluations(0.0391)
        ('124', '2.5', '4', '0.039')
    """
    if not math.isfinite(value) or value < 1:
        return significant(value, trim=True)
    return f"{value:.0f}" if value >= 10 else _trimmed(f"{value:.1f}")


def count(value: float) -> str:
    """Returns a count."""
    return MISSING if math.isnan(value) else str(int(value))


def rank(low: float, high: float) -> str:
    """Returns a rank interval.

    Example:
        >>> rank(1.0, 3.0), rank(2.0, 2.0), rank(float("nan"), float("nan"))
        ('1-3', '2', 'n/a')
    """
    if math.isnan(low):
        return MISSING
    return f"{low:.0f}" if low == high else f"{low:.0f}-{high:.0f}"


def machine(value: Any) -> bool | int | float | str | None:
    """Returns ``value`` as a plain value for CSV and JSON; missing numbers become ``None``.

    Args:
        value: A Python or NumPy scalar, text, or ``None``.

    Returns:
        A bool, an int, a float rounded to ``MACHINE_DIGITS`` significant digits (infinity included) or text.

    Example:
        >>> machine(0.1 + 0.2), machine(float("nan")), machine(True)
        (0.3, None, True)
    """
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return float(f"{value:.{MACHINE_DIGITS}g}") + 0.0
    # pandas' own missing values are the only ones that do not equal themselves or say so in their text.
    return None if str(value) in {"<NA>", "NaT"} else str(value)
