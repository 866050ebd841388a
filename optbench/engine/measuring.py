"""Takes measures of points that runs have led to: whatever becomes of one, it becomes a row."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from optbench.core.keys import canonical
from optbench.engine.outcomes import EndPoint, first_line, is_out_of_memory
from optbench.measures.measure import Measured, NotApplicable
from optbench.measures.subject import Subject
from optbench.records.measures import MeasureStatus
from optbench.suite.measure import MeasureSpec

#: A row of ``records.measures``, by column.
Row = dict[str, Any]


class Taken(NamedTuple):
    """A measure of one point.

    Attributes:
        row: Its row.
        seconds: Of the clock that it took; of points that were measured together, an equal share.
    """

    row: Row
    seconds: float = 0.0


def take(spec: MeasureSpec, end: EndPoint, subject: Subject | Callable[[], Subject]) -> Taken:
    """Returns a measure of one point.

    Args:
        spec: The measure with its settings.
        end: The point.
        subject: What is measured, or what makes it.

    Returns:
        A row, whatever exception was raised.
    """
    begin = time.perf_counter()
    try:
        given = subject if isinstance(subject, Subject) else subject()
        found = _found(spec, end, given, spec.build().take(given, **spec.resolved))
    except Exception as error:  # whatever a measure raises becomes the message of its row
        found = _failed(spec, end, error)
    return Taken(found, time.perf_counter() - begin)


def take_together(spec: MeasureSpec, ends: Sequence[EndPoint], subjects: Sequence[Subject]) -> list[Taken]:
    """Returns a measure of several points of one objective, by ``Measure.take_many``.

    Args:
        spec: The measure with its settings; it must have a ``take_many``.
        ends: The points.
        subjects: What is measured, in the same order.

    Returns:
        A row for each point. Where points cannot be measured together, each is measured alone.
    """
    many, begin = spec.build().take_many, time.perf_counter()
    assert many is not None
    try:
        measured = many(subjects, **spec.resolved)
        found = [_found(spec, *given) for given in zip(ends, subjects, measured, strict=True)]
    except Exception:  # one of them may be at fault: alone, each has a status of its own
        return [take(spec, end, subject) for end, subject in zip(ends, subjects, strict=True)]
    share = (time.perf_counter() - begin) / max(len(ends), 1)
    return [Taken(row, share) for row in found]


def nothing(spec: MeasureSpec, cell_id: str, point: str, message: str) -> Taken:
    """Returns the row of a run that has no such point.

    Args:
        spec: The measure with its settings.
        cell_id: The run's cell.
        point: Which point was to be measured.
        message: Why there is none.
    """
    return Taken(_row(spec, cell_id, point, -1, status=MeasureStatus.NO_POINT, message=message))


def _found(spec: MeasureSpec, end: EndPoint, subject: Subject, found: Measured | NotApplicable) -> Row:
    """Returns the row of what a measure returned."""
    if isinstance(found, NotApplicable):
        return _failed(spec, end, found)
    details = {**found.details, **subject.details}
    estimate, error = float(found.estimate), found.standard_error
    if not math.isfinite(estimate):
        said = f"the estimate is {estimate}"
        return _row(spec, *end[:3], status=MeasureStatus.NOT_FINITE, message=said, details=details)
    return _row(
        spec,
        *end[:3],
        estimate=estimate,
        standard_error=float(error) if error is not None and math.isfinite(error) else None,
        details=details,
        grid=_numbers(found.grid),
        values=_numbers(found.values),
    )


def _failed(spec: MeasureSpec, end: EndPoint, error: Exception) -> Row:
    """Returns the row of a measure that raised something."""
    if isinstance(error, NotApplicable):
        return _row(spec, *end[:3], status=MeasureStatus.NOT_APPLICABLE, message=str(error))
    status = MeasureStatus.OOM if is_out_of_memory(error) else MeasureStatus.ERROR
    return _row(spec, *end[:3], status=status, message=first_line(error))


def _row(
    spec: MeasureSpec,
    cell_id: str,
    point: str,
    evals: int,
    *,
    status: MeasureStatus = MeasureStatus.OK,
    message: str = "",
    estimate: float | None = None,
    standard_error: float | None = None,
    details: Mapping[str, Any] | None = None,
    grid: Sequence[float] = (),
    values: Sequence[float] = (),
) -> Row:
    return {
        "cell_id": cell_id,
        "point": str(point),
        "evals": evals,
        "other_cell_id": "",
        "measure": spec.title,
        "estimate": estimate,
        "standard_error": standard_error,
        "settings": spec.identity,
        "details": canonical(_plain(dict(details or {}))),
        "grid": list(grid),
        "values": list(values),
        "status": str(status),
        "message": message,
    }


def _numbers(values: Any) -> list[float]:
    """Returns numbers in a flat list; what is not finite is infinite, as in curves."""
    flat = np.asarray(values, np.float64).ravel()
    found: list[float] = np.where(np.isfinite(flat), flat, np.inf).tolist()
    return found


def _plain(value: Any) -> Any:
    """Returns details as JSON has them: NumPy's numbers as Python's, and what is not finite by its name."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
