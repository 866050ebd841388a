"""The records of CIFAR-10's binary release.

A record is 1 byte of label and 3 x 32 x 32 bytes of pixels, channel by channel, row by row
(https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optbench.errors import DataError
from optbench.tasks.data.dataset import label_problem


def read(data: bytes, n_rows: int, shape: tuple[int, ...], n_classes: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns pixels and labels of one file.

    Args:
        data: The file's bytes.
        n_rows: Number of records that it must have.
        shape: Height, width, channels of an image.
        n_classes: Number of labels.
        path: The file's name for messages.

    Returns:
        Unsigned bytes of shape (n_rows, height, width, channels) and of shape (n_rows,).

    Raises:
        DataError: The length is not that of the records, or a label is out of range.
    """
    height, width, channels = shape
    record = 1 + height * width * channels
    if len(data) != n_rows * record:
        raise DataError(f"{path} has {len(data):,} bytes; expected {n_rows:,} records of {record:,} bytes")
    records = np.frombuffer(data, np.uint8).reshape(n_rows, record)
    labels = records[:, 0]
    problem = label_problem(labels, n_classes)
    if problem:
        raise DataError(f"{path}: {problem}")
    return records[:, 1:].reshape(n_rows, channels, height, width).transpose(0, 2, 3, 1), labels
