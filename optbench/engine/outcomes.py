"""What an engine hands back of cells: rows, facts and end points; and why a cell could not be run."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optbench.records import Status

if TYPE_CHECKING:
    from optbench.core.objective import Params
    from optbench.engine.measuring import Taken

#: Columns by name, each with one entry a cell.
Columns = dict[str, Any]

#: What an error says, in whichever case, when the device or the machine has no memory left: XLA's status, and the words
#: of allocators that have none.
OUT_OF_MEMORY = ("resource_exhausted", "out of memory")


class Stopped(Exception):
    """Lanes were abandoned because the run is being stopped."""


class Point(StrEnum):
    """Which point of a run an end point is."""

    #: The iterate to which the whole budget has led.
    LAST = "last"
    #: The iterate that validation chose, at which a network is scored.
    JUDGED = "judged"
    #: The judged iterate at a cost that the suite names.
    SNAPSHOT = "snapshot"
    #: The iterate of a network at which its training loss had come down to a level that the suite names.
    LEVEL = "level"


class EndPoint(NamedTuple):
    """A point that a run has led to, as its objective takes it.

    A run that has diverged has no last point, one that failed has none at all. The best iterate of a function is not
    among them: its value is recorded, the iterate is not kept.

    Attributes:
        cell_id: The cell.
        point: Which point of the run it is.
        evals: Evaluations that had led there: the clock of budgets, on which a Hessian-vector product takes two.
        params: On a function ``x`` in its own units, (dim,), whatever units the rule saw; of a task a network.
        stats: Running statistics of the network there; none on a function.
        state: The rule's state at a judged point of a network, where a measure is of it.
        levels: Levels of the training loss that it is kept for.
    """

    cell_id: str
    point: Point
    evals: int
    params: Params
    stats: Any = ()
    state: Any = None
    levels: tuple[float, ...] = ()


class Outcome(NamedTuple):
    """What an engine hands back of some cells.

    Attributes:
        columns: Their rows, in the order in which the cells were asked for.
        facts: How they were run, for the commit record: ready for JSON.
        ends: Points that the runs have led to, in any order; as large as the points of all cells together, so whoever
            keeps an outcome keeps them.
        along: What was measured at points on their way.
    """

    columns: Columns
    facts: dict[str, Any]
    ends: tuple[EndPoint, ...] = ()
    along: tuple[Taken, ...] = ()


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether a program failed for want of memory.

    Example:
        >>> is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."))
        True
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("INTERNAL: no"))
        (True, False)
    """
    return isinstance(error, MemoryError) or any(said in str(error).lower() for said in OUT_OF_MEMORY)


def failure(error: Exception) -> tuple[Status, str]:
    r"""Returns the status and the message of a cell whose program failed.

    Args:
        error: What the program raised.

    Returns:
        ``oom`` or ``error``, and the error's class and first line.

    Example:
        >>> failure(ValueError("no\nmore"))
        (<Status.ERROR: 'error'>, 'ValueError: no')
    """
    return Status.OOM if is_out_of_memory(error) else Status.ERROR, first_line(error)


def first_line(error: Exception) -> str:
    """Returns the type of an error and the first line of what it says, if it says anything."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def without_nan(values: np.ndarray) -> np.ndarray:
    """Returns a curve as it is stored: infinity where there is no number, since what is not finite has diverged."""
    return np.where(np.isfinite(values), values, np.inf).astype(np.float32)
