"""Does a row that was computed again agree with the one that is stored: to the bit, or as far as other places can?

Where the environment differs, one rounding differs somewhere, and what becomes of it depends on the run. Three things
can still be asked of a row, and ``TOLERANCES`` says how closely:

- what was planned or drawn from names is the same everywhere;
- the first ``EARLY`` evaluations are too few to amplify a rounding much;
- the outcome may have gone another way, but at worst as another start or seed would have: it may differ by as much as
  the stored rows of the same configuration differ among themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optbench.records import curve_steps
from optbench.runner.kinds.compared import Compared

#: Evaluations in which a rounding stays small.
EARLY = 10
#: Relative differences there, by precision. The fastest growth that was measured is a factor of 1e13 in 600 steps, 1.7
#: in ten; steps of a rate that diverges magnify more. So ten thousand roundings and more are let pass: of double
#: precision 5e9, of single 8,000; bfloat16 has no more than three digits to begin with.
TOLERANCES = {"float64": 1e-6, "float32": 1e-3, "bfloat16": 0.1}
#: Beside it, in parts of the largest early value: near a minimum differences of nearly equal numbers are left.
FLOOR = 1e-3
#: Stored rows of the same configuration that must be there for their spread to say anything.
LEAST_PEERS = 3


@dataclass(frozen=True)
class Deviation:
    """A value that is further from the stored one than is allowed.

    Attributes:
        column: The column, and of a curve the point.
        stored: What is stored.
        again: What was computed.
        allowed: By how much they may differ.
    """

    column: str
    stored: str
    again: str
    allowed: str


def unequal(stored: Mapping[str, Any], again: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Returns the columns in which two rows do not have the same bits.

    Args:
        stored: A row as it is read.
        again: The same row, computed again and written and read in the same way.
        columns: Which columns.

    Example:
        >>> unequal({"f": 0.5, "curve": [1.0, 2.0]}, {"f": 0.5, "curve": [1.0, 2.0000000000000004]}, ["f", "curve"])
        ['curve']
    """
    return [name for name in columns if _bytes(stored[name]) != _bytes(again[name])]


def _bytes(value: Any) -> object:
    """Returns what two values share that are the same to the bit; null is null whatever stands for it."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype == object:
        array = np.array([np.nan if each is None else each for each in array.tolist()], np.float64)
    return array.shape, array.astype(np.float64).tobytes() if array.dtype.kind == "f" else array.tolist()


def deviations(
    stored: Mapping[str, Any], again: Mapping[str, Any], compared: Compared, peers: pd.DataFrame, dtype: str
) -> list[Deviation]:
    """Returns what of a row lies outside of what another environment can change.

    Args:
        stored: The row as it is stored; curves that were left out are empty.
        again: The row, computed again.
        compared: What is compared.
        peers: Stored rows of the same configuration, this one among them.
        dtype: Precision of the run.
    """
    relative = TOLERANCES.get(dtype, TOLERANCES["float32"])
    others = peers[peers["cell_id"] != stored["cell_id"]]
    found = [
        Deviation(name, str(stored[name]), str(again[name]), "the same everywhere")
        for name in unequal(stored, again, compared.planned)
    ]
    found += [
        Deviation(name, str(stored[name]), str(again[name]), f"{relative:g} of it")
        for name in compared.starts
        if not _near(stored[name], again[name], relative, 0.0)
    ]
    found += [one for name in compared.curves for one in _early(name, stored, again, compared.clock, relative)]
    if stored["status"] != again["status"]:
        known = sorted({*others["status"], stored["status"]})
        if again["status"] not in known and len(others) >= LEAST_PEERS:
            found.append(Deviation("status", stored["status"], again["status"], f"{', '.join(known)}, as its peers"))
        return found
    for name in compared.outcomes:
        values = others[name].to_numpy(np.float64, na_value=np.nan)
        values = values[np.isfinite(values)]
        if len(values) < LEAST_PEERS:
            continue
        spread = float(values.max() - values.min())
        if not _near(stored[name], again[name], relative, spread):
            text = f"{spread:.6g}, the spread of its peers"
            found.append(Deviation(name, str(stored[name]), str(again[name]), text))
    return found


def _near(one: Any, other: Any, relative: float, absolute: float) -> bool:
    """Returns whether two numbers differ by no more than a share of the larger, or than a number; null is near null."""
    a, b = (np.nan if value is None else float(value) for value in (one, other))
    if np.isnan(a) or np.isnan(b) or np.isinf(a) or np.isinf(b):
        return bool(a == b or (np.isnan(a) and np.isnan(b)))
    return abs(a - b) <= max(relative * max(abs(a), abs(b)), absolute)


def _early(
    name: str, stored: Mapping[str, Any], again: Mapping[str, Any], clock: str, relative: float
) -> list[Deviation]:
    """Returns the first point of a curve's first evaluations that is too far from the stored one."""
    one, other = (np.asarray([] if row[name] is None else row[name], np.float64) for row in (stored, again))
    when = np.asarray(stored[clock] if clock else curve_steps(max(EARLY, 1)))[: len(one)]
    n = int((when <= EARLY).sum())
    if len(other) < n:
        return [Deviation(name, f"{len(one)} points", f"{len(other)}", "as many points")]
    finite = np.abs(one[:n][np.isfinite(one[:n])])
    floor = relative * FLOOR * float(finite.max(initial=0.0))
    for place in range(n):
        if not _near(one[place], other[place], relative, floor):
            at = f"{name} at {when[place]} evaluations"
            return [Deviation(at, str(one[place]), str(other[place]), f"{relative:g} of it")]
    return []
