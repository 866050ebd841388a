"""The IDX format of MNIST's files: a big-endian header, then bytes.

Format: two zero bytes, the type (8 is unsigned byte), the number of axes, each axis as a 32-bit integer, the values
(LeCun, Cortes & Burges, http://yann.lecun.com/exdb/mnist).
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from optbench.errors import DataError

_UNSIGNED_BYTE = 8


def read(data: bytes, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """Returns the array in a gzipped IDX file.

    Args:
        data: The file's bytes.
        shape: The shape that the array must have.
        path: The file's name for messages.

    Returns:
        Unsigned bytes of that shape, read-only.

    Raises:
        DataError: It is no gzip file, ends early, or has another type, shape or length.
    """
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, _UNSIGNED_BYTE, len(shape), *shape)
    n_bytes = len(header) + math.prod(shape)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            # One byte more than expected tells that there is more; all of it might fill the memory.
            content = file.read(n_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked: {error}") from error
    if content[: len(header)] != header:
        raise DataError(
            f"{path} has the IDX header {_shown(content)}; expected unsigned bytes of shape {shape}, "
            f"header {header.hex(' ', 4)}"
        )
    if len(content) != n_bytes:
        size = "more" if len(content) > n_bytes else f"{len(content):,}"
        raise DataError(f"{path} unpacks to {size} bytes; expected {n_bytes:,} for shape {shape}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _shown(content: bytes) -> str:
    """Returns a header as a reader of the message needs it: its shape if it has one, else its bytes."""
    if len(content) >= 4 and content[:3] == bytes((0, 0, _UNSIGNED_BYTE)) and len(content) >= 4 + 4 * content[3]:
        axes = struct.unpack_from(f">{content[3]}I", content, 4)
        return f"of unsigned bytes of shape {axes}"
    return content[:16].hex(" ", 4) or "of no bytes"
