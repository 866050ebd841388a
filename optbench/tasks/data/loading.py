"""From files to rows: every file is checked before anything is made of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from optbench.core.keys import digest
from optbench.errors import DataError, StorageError
from optbench.tasks.data import cifar, idx, mnist1d, registry
from optbench.tasks.data.dataset import Dataset, label_problem
from optbench.tasks.data.folder import path as path_of
from optbench.tasks.data.inspecting import Condition, Finding, explained, inspect
from optbench.tasks.data.registry import DataSet, File
from optbench.tasks.data.splitting import Sizes, check_seed, sizes

#: Of the digits' pixels, then labels, a byte each.
DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def load(
    name: str = registry.DEFAULT,
    folder: Path | str | None = None,
    *,
    seed: int = mnist1d.SEED,
    n_train: int | None = None,
    n_test: int | None = None,
) -> Dataset:
    """Returns a data set. Nothing is downloaded.

    Args:
        name: Its name: ``digits``, ``mnist1d``, ``mnist``, ``fashion-mnist`` or ``cifar10``.
        folder: Root of all data sets; ``$OPTBENCH_DATA``, else the user's cache if ``None``.
        seed: Seed of a set that is generated, 0 or more; another one has other rows. Of other sets nothing is drawn
            here: their rows are the same for every seed, and ``split`` draws parts of them.
        n_train: Examples to train on; a set that is generated then has as many, those to validate on and ``n_test``.
            Other sets have all their rows, and ``split`` takes so many; here it is checked that there are enough.
        n_test: Examples to report, likewise.

    Returns:
        All rows, those of the official test part last. Pixels are divided by their largest value, 255 or 16; the curves
        of ``mnist1d`` have mean 0 and standard deviation 1.

    Raises:
        UsageError: There is no such data set, it cannot have such numbers of examples, or the seed is no whole number.
        DataError: A file is missing, truncated, corrupted, or not what its format says.
        StorageError: The system refused to read a file.

    Example:
        >>> digits = load("digits")
        >>> digits.x.shape, float(digits.x.max()), digits.n_test
        ((1797, 8, 8, 1), 1.0, 0)
        >>> len(load("mnist1d", seed=3, n_train=90, n_test=1000))
        1100
    """
    found = registry.find(name)
    check_seed(seed)
    wanted = sizes(found, n_train, n_test)
    if found.name == "digits":
        return _digits(found)
    if found.name == "mnist1d":
        return _mnist1d(found, int(seed), wanted)
    contents = _contents(found, folder)
    x, y = _batches(found, contents) if found.archive is not None else _pairs(found, contents)
    identity = digest([found.name, [file.sha256 for file in found.files]])
    return Dataset(found.name, _scaled(x, 255.0), y.astype(np.int32), found.n_classes, found.n_test, identity)


def _digits(found: DataSet) -> Dataset:
    """Scikit-learn's digits: the test part of the data set at UCI."""
    # It takes seconds to import, and no other data set needs it.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    pixels, labels = np.asarray(pixels, np.uint8), np.asarray(labels, np.uint8)
    actual = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    if actual != DIGITS_SHA256:
        raise DataError(
            f"data set 'digits': scikit-learn's copy has the SHA-256 {actual}, expected {DIGITS_SHA256}; install "
            "scikit-learn again"
        )
    x = _scaled(pixels.reshape(-1, *found.shape), 16.0)
    return Dataset(found.name, x, labels.astype(np.int32), found.n_classes, found.n_test, digest([found.name, actual]))


def _mnist1d(found: DataSet, seed: int, wanted: Sizes) -> Dataset:
    """The generated curves; as rows are alike and classes take turns, the last rows are a stratified test part."""
    x, y = mnist1d.generate(sum(wanted), seed)
    own = [] if (len(y), wanted.test) == (mnist1d.N_ROWS, found.n_test) else [len(y), wanted.test]
    return Dataset(found.name, x, y, found.n_classes, wanted.test, digest([found.name, mnist1d.VERSION, seed, *own]))


def _scaled(pixels: np.ndarray, largest: float) -> np.ndarray:
    """Returns pixels over their largest value as float32, without another array of that size."""
    x = pixels.astype(np.float32, order="C")
    x /= np.float32(largest)
    return x


def _contents(found: DataSet, folder: Path | str | None) -> dict[File, tuple[Path, bytes]]:
    """Returns the files of a set that are the original ones, or says of all the others what is wrong."""
    contents, findings = {}, []
    for file in found.files:
        path = path_of(found, file, folder)
        finding, data = _read(path, file)
        findings.append(finding)
        contents[file] = (path, data)
    if any(finding.condition is not Condition.GOOD for finding in findings):
        raise DataError(explained(found, findings, archive=archive_there(found, folder)))
    return contents


def archive_there(found: DataSet, folder: Path | str | None) -> Path | None:
    """Returns where the archive of a set lies, ``None`` if it has none or it is not there in its full size."""
    if found.archive is None:
        return None
    path = path_of(found, found.archive, folder)
    return path if inspect(path, found.archive, sums=False).condition is Condition.GOOD else None


def _read(path: Path, file: File) -> tuple[Finding, bytes]:
    """Reads a file once, and judges the very bytes that are used."""
    finding = inspect(path, file, sums=False)
    if finding.condition is not Condition.GOOD:
        return inspect(path, file), b""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    actual = hashlib.sha256(data).hexdigest()
    condition = Condition.GOOD if actual == file.sha256 else Condition.CORRUPTED
    return Finding(file, path, condition, len(data), actual), data


def _pairs(found: DataSet, contents: dict[File, tuple[Path, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of IDX files: images, labels, images, labels."""
    arrays = []
    for number, (file, (path, data)) in enumerate(contents.items()):
        is_labels = number % 2 == 1
        shape = (file.n_rows,) if is_labels else (file.n_rows, *found.shape[:2])
        array = idx.read(data, shape, path)
        problem = label_problem(array, found.n_classes) if is_labels else ""
        if problem:
            raise DataError(f"{path}: {problem}")
        arrays.append(array)
    return np.concatenate(arrays[::2])[..., None], np.concatenate(arrays[1::2])


def _batches(found: DataSet, contents: dict[File, tuple[Path, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of CIFAR's files."""
    parts = [
        cifar.read(data, file.n_rows, found.shape, found.n_classes, path) for file, (path, data) in contents.items()
    ]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
