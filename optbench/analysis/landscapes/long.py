"""The long arrays of reported runs, which are not kept as they are: a large suite has gigabytes of them.

First hits are kept packed: most are misses, and all are small whole numbers. Curves are read again when
they are asked for, all of a problem at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np

from optbench.analysis.landscapes.rows import Rows
from optbench.analysis.statistics.arrays import Floats
from optbench.errors import DataError
from optbench.records import Split

Value = TypeVar("Value")

#: Packed arrays that stay unpacked, since one table asks for the same ones several times in a row.
UNPACKED = 16

#: Stands for an infinite cost among packed ones.
MISSED = -1

#: What orders the reported runs of one problem and optimizer.
ORDER = ("config", "start", "noise_seed")


class Long(Generic[Value]):
    """A field of a dataclass that is given an array, or what makes it each time that it is asked for."""

    def __init__(self, *default: Value) -> None:
        """Makes a field.

        Args:
            *default: Its default, if it has one.
        """
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._place = f"_{name}"

    def __get__(self, owned: object | None, owner: type) -> Value:
        if owned is None:
            # So a dataclass learns of the default, and by the error that there is none.
            if not self._default:
                raise AttributeError
            return self._default[0]
        value: Value | Callable[[], Value] = owned.__dict__[self._place]
        return value() if callable(value) else value

    def __set__(self, owned: object, value: Value | Callable[[], Value]) -> None:
        owned.__dict__[self._place] = value


class Packed:
    """An array in as few bytes as it takes; calling it gives the array, to the last bit."""

    def __init__(self, values: Floats) -> None:
        """Packs an array.

        Args:
            values: Any numbers; costs of targets, which are whole, halves or infinite, take a tenth of their size.
        """
        finite = np.isfinite(values)
        doubled = np.where(finite, 2.0 * values, MISSED)
        fits = (doubled == np.rint(doubled)) & (doubled >= MISSED) & (doubled <= np.iinfo(np.int16).max)
        self._are_costs = bool(fits.all() and (finite | np.isposinf(values)).all() and not np.signbit(values).any())
        self._shape = values.shape
        kept = doubled.astype(np.int16) if self._are_costs else np.ascontiguousarray(values)
        self._bytes = zlib.compress(kept.tobytes(), level=1)

    def __call__(self) -> Floats:
        """Returns the array, which is not to be written to."""
        return _unpacked(self)

    def unpack(self) -> Floats:
        """Returns the array, unpacked anew."""
        flat = zlib.decompress(self._bytes)
        if self._are_costs:
            doubled = np.frombuffer(flat, np.int16).astype(np.float64)
            values = np.where(doubled == MISSED, np.inf, doubled / 2.0).reshape(self._shape)
        else:
            values = np.frombuffer(flat, np.float64).reshape(self._shape)
        values.flags.writeable = False
        return values


@lru_cache(maxsize=UNPACKED)
def _unpacked(packed: Packed) -> Floats:
    return packed.unpack()


class StoredCurves:
    """The curves of reported runs, read again problem by problem."""

    def __init__(self, rows: Rows) -> None:
        """Reads nothing yet.

        Args:
            rows: The rows of the run.
        """
        self._rows = rows
        self._held: tuple[str, str] | None = None
        self._curves: dict[str, np.ndarray] = {}

    def of(self, problem: str, optimizer: str, name: str, width: int) -> Floats:
        """Returns the curves of one problem and optimizer.

        Args:
            problem: Label of the problem.
            optimizer: Label of the optimizer.
            name: ``curve_f`` or ``curve_best``.
            width: Number of points that each must have.

        Returns:
            Shape (runs, width), in the order of configuration, start and noise seed; NaN where there is none.

        Raises:
            DataError: A curve has another number of points.
        """
        if self._held != (problem, name):
            rows = self._rows.of([problem], ["optimizer", "split", *ORDER, name])
            rows = rows[rows["split"] == str(Split.REPORT)].sort_values(["optimizer", *ORDER], ignore_index=True)
            lists = rows[name].to_numpy()
            places = rows.groupby("optimizer").indices
            self._curves = {str(label): lists[at] for label, at in places.items()}
            self._held = problem, name
        return matrix(self._curves[optimizer], width, np.nan, name)


def matrix(lists: np.ndarray, width: int, fill: float, what: str) -> Floats:
    """Returns equal lists as the rows of a matrix.

    Args:
        lists: One list a row, or ``None``.
        width: Entries that each must have.
        fill: What stands in the row of a missing list.
        what: Name of the column.

    Returns:
        Shape (rows, width).

    Raises:
        DataError: A list has another length.
    """
    lengths = np.fromiter((0 if v is None or isinstance(v, float) else len(v) for v in lists), np.int64, len(lists))
    if not np.isin(lengths, (0, width)).all():
        raise DataError(f"{what}: every row must have {width} entries or none")
    found = np.full((len(lists), width), fill)
    present = lengths > 0
    if present.any():
        found[present] = np.concatenate(lists[present]).reshape(-1, width)
    return found
