"""A data set that is not what it says is refused, with the place of what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.errors import DataError
from optbench.tasks.data import Dataset

Y = np.array([0, 1, 2, 0, 1, 2], np.int32)


def pixels(value=0.5, place=None, wrong=0.0):
    x = np.full((6, 3, 3, 1), value, np.float32)
    if place is not None:
        x[place] = wrong
    return x


@pytest.mark.parametrize(
    ("x", "y", "n_test", "message"),
    [
        (pixels(place=(4, 1, 2, 0), wrong=np.nan), Y, 0, r"row 4 has nan at \(1, 2, 0\); all values must be finite"),
        (pixels(place=(0, 0, 0, 0), wrong=-np.inf), Y, 0, r"row 0 has -inf at \(0, 0, 0\)"),
        (pixels(), np.array([0, 1, 2, 0, 1, 3], np.int32), 0, "row 5 has the label 3; labels are 0 to 2"),
        (pixels(), np.array([0, 1, -1, 0, 1, 2], np.int32), 0, "row 2 has the label -1"),
        (pixels(), np.array([0, 1, 1, 0, 1, 1], np.int32), 0, "class 2 has no row in the training part"),
        (pixels(), Y, 4, "class 2 has no row in the training part"),
        (pixels(), Y, 2, "class 0 has no row in the test part"),
        (pixels(), Y, 6, "6 rows of 6 are its test part"),
        (pixels(), Y[:5], 0, r"labels are int32 of shape \(5,\); must be int32 of shape \(6,\)"),
        (pixels(), Y.astype(np.int64), 0, "labels are int64"),
        (pixels().astype(np.float64), Y, 0, "rows are float64"),
        (pixels().reshape(6, 9), Y, 0, r"shape \(6, 9\); must be float32 of 3 or 4 axes"),
        (pixels()[:0], Y[:0], 0, "there is nothing in them"),
    ],
)
def test_it_is_refused(x, y, n_test, message):
    with pytest.raises(DataError, match=f"data set 'mine': .*{message}"):
        Dataset("mine", x, y, 3, n_test)


def test_parts_and_arrays_cannot_be_changed():
    rows = Dataset("mine", pixels(), Y, 3, 3)
    assert (rows.pool.tolist(), rows.official_test.tolist(), len(rows)) == ([0, 1, 2], [3, 4, 5], 6)
    with pytest.raises(ValueError, match="read-only"):
        rows.y[0] = 1
    with pytest.raises(AttributeError):
        rows.n_test = 0
