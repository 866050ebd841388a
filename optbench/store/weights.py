"""Points of runs that are kept beside their rows: arrays in a NumPy file, and a commit record written last."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from optbench.errors import DataError
from optbench.store import files
from optbench.store.paths import WEIGHTS, slug


def write_weights(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keeps arrays of a shard's runs; equal arrays are equal files.

    Args:
        folder: The run's folder, held by ``writing``.
        name: Name of the shard of rows.
        arrays: Arrays by name; none of them holds objects.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    data, path = buffer.getvalue(), folder / WEIGHTS / f"{slug(name)}.npz"
    with files.explained("write to", path.parent):
        files.make_folder(path.parent)
    files.write_atomic(path, data)
    record = {"sha256": hashlib.sha256(data).hexdigest(), "arrays": len(arrays)}
    files.write_atomic(path.with_suffix(".json"), (json.dumps(record, indent=1) + "\n").encode())


def read_weights(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Returns what ``write_weights`` kept, its SHA-256 verified; nothing where nothing is kept.

    Args:
        folder: The run's folder.
        name: Name of the shard of rows.

    Returns:
        Arrays by name.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / WEIGHTS / f"{slug(name)}.npz"
    if not path.with_suffix(".json").is_file():
        return {}
    remedy = f"remove both {path.name} and {path.with_suffix('.json').name}; the runs are then made again"
    try:
        expected = json.loads(files.read(path.with_suffix(".json")))["sha256"]
        data = files.read(path)
        actual = hashlib.sha256(data).hexdigest()
        if actual != expected:
            raise DataError(f"{path} is damaged: sha256 must be {expected}; got {actual}; {remedy}")
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return {key: kept[key] for key in kept.files}
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged: {error}; {remedy}") from error
