"""A data set in memory: rows, labels, and which rows are the official test part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optbench.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Images or curves with their labels. The arrays are read-only.

    Attributes:
        name: Name of the set.
        x: Rows, float32, shape (n, height, width, channels) with pixels in [0, 1], or (n, length, channels).
        y: Labels, int32, shape (n,), from 0 to ``n_classes - 1``; each occurs.
        n_classes: Number of labels.
        n_test: How many of the last rows are the official test part, 0 where the set has none.
        identity: Hash of what determines the rows: the sums of the files, or the generator's version and seed.

    Raises:
        DataError: A shape, a type, a label or a value is not as said here.

    Example:
        >>> rows = Dataset("two", np.zeros((2, 3, 1), np.float32), np.array([0, 1], np.int32), 2)
        >>> len(rows), rows.shape
        (2, (3, 1))
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    n_classes: int
    n_test: int = 0
    identity: str = ""

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise DataError(f"data set {self.name!r}: {problem}")
        self.x.setflags(write=False)
        self.y.setflags(write=False)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.x.shape[1:]

    @property
    def pool(self) -> np.ndarray:
        """Indices of the rows outside of the official test part."""
        return np.arange(len(self) - self.n_test)

    @property
    def official_test(self) -> np.ndarray:
        """Indices of the rows of the official test part, none where the set has none."""
        return np.arange(len(self) - self.n_test, len(self))


def _problem(rows: Dataset) -> str:
    """Returns what is wrong with the rows of a set, or an empty text."""
    x, y = rows.x, rows.y
    if x.dtype != np.float32 or x.ndim not in (3, 4):
        return f"rows are {x.dtype} of shape {x.shape}; must be float32 of 3 or 4 axes"
    if y.dtype != np.int32 or y.shape != x.shape[:1]:
        return f"labels are {y.dtype} of shape {y.shape}; must be int32 of shape {x.shape[:1]}"
    if not x.size:
        return f"rows have shape {x.shape}: there is nothing in them"
    if not 0 <= rows.n_test < len(y):
        return f"{rows.n_test} rows of {len(y)} are its test part; some must be left for training"
    return value_problem(x) or label_problem(y, rows.n_classes) or _absent_class(rows)


def value_problem(x: np.ndarray) -> str:
    """Returns which value is not finite, or an empty text.

    Args:
        x: Rows, at least one.

    Returns:
        The row, the value and its place in the row.

    Example:
        >>> value_problem(np.array([[0.0, 1.0], [np.inf, 0.0]]))
        'row 1 has inf at (0,); all values must be finite'
    """
    # Minimum and maximum are not finite if any value is not, and take no array of the rows' size.
    if np.isfinite(x.min()) and np.isfinite(x.max()):
        return ""
    row, *place = (int(found[0]) for found in np.nonzero(~np.isfinite(x)))
    return f"row {row} has {x[row, *place]} at {tuple(place)}; all values must be finite"


def label_problem(labels: np.ndarray, n_classes: int) -> str:
    """Returns which label is out of range, or an empty text.

    Args:
        labels: Integers.
        n_classes: Their number; they run from 0.

    Returns:
        The row and its label.

    Example:
        >>> label_problem(np.array([0, 7]), 2)
        'row 1 has the label 7; labels are 0 to 1'
    """
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if not wrong.size:
        return ""
    return f"row {wrong[0]} has the label {labels[wrong[0]]}; labels are 0 to {n_classes - 1}"


def _absent_class(rows: Dataset) -> str:
    """Returns which class has no row in the training or the official test part, or an empty text."""
    for part, members in (("training", rows.pool), ("test", rows.official_test)):
        counts = np.bincount(rows.y[members], minlength=rows.n_classes)
        if members.size and not counts.all():
            return f"class {int(np.argmin(counts))} has no row in the {part} part; each class must have some"
    return ""
