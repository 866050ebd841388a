"""Which rows train, which choose, which judge: fixed by the names of the set and a seed, and by nothing else.

Rows of a class are put into an order drawn from the name of the set, the seed and the class, by Philox's raw bits,
which no version of NumPy changes. A part takes the first rows of each class. The test part has a stream of its own:
another size of the validation part, or cross-validation, leaves it as it is.
"""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

import numpy as np

from optbench.core.keys import order
from optbench.errors import UsageError
from optbench.tasks.data.dataset import Dataset
from optbench.tasks.data.registry import DataSet

#: Share of the rows outside of the test part.
VALIDATION = 0.1
#: Share of all rows, where a set has no official test part.
TEST = 0.2


class Parts(NamedTuple):
    """Indices of rows, in ascending order; no row is in two parts.

    Attributes:
        train: Rows to train on.
        validation: Rows to choose hyperparameters by.
        test: Rows to report: the official test part where the set has one.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


class Sizes(NamedTuple):
    """How many examples the parts of a set have.

    Attributes:
        train: Those to train on.
        validation: Those to choose by.
        test: Those to report.
    """

    train: int
    validation: int
    test: int


def sizes(found: DataSet) -> Sizes:
    """Returns how many examples ``split`` puts into each part, without reading the set.

    Args:
        found: What the registry knows of it.

    Returns:
        The sizes.

    Example:
        >>> from optbench.tasks.data import registry
        >>> sizes(registry.find("mnist1d"))
        Sizes(train=3600, validation=400, test=1000)
    """
    test = found.n_test or round(TEST * found.n_train)
    rest = found.n_train - (0 if found.n_test else test)
    validation = round(VALIDATION * rest)
    return Sizes(rest - validation, validation, test)


def split(dataset: Dataset, seed: int, *, validation: float = VALIDATION, test: float = TEST) -> Parts:
    """Splits the rows of a set, each class in the same proportions.

    Args:
        dataset: The set.
        seed: Seed of the split, 0 or more.
        validation: Share of the rows outside of the test part, above 0 and below 1.
        test: Share of all rows for the test part, likewise; unused where the set has an official one.

    Returns:
        The rows of the three parts.

    Raises:
        UsageError: The seed or a share is out of range, or leaves a class without rows in some part.

    Example:
        >>> from optbench.tasks.data import load
        >>> [len(part) for part in split(load("mnist1d"), seed=0)]
        [3600, 400, 1000]
    """
    rest, held_out = _test_part(dataset, seed, test)
    train, chosen = _parted(dataset, rest, validation, "validation", seed)
    return Parts(train, chosen, held_out)


def folds(dataset: Dataset, k: int, seed: int, *, test: float = TEST) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns k pairs of training and validation rows for cross-validation, each class in the same proportions.

    The rows of ``split(dataset, seed, test=test).test`` are in none of them; every other row validates once.

    Args:
        dataset: The set.
        k: Number of folds, 2 or more, at most the number of rows of the rarest class.
        seed: Seed of the split, 0 or more.
        test: Share of all rows for the test part; unused where the set has an official one.

    Returns:
        Indices of training rows and of validation rows, fold by fold, in ascending order.

    Raises:
        UsageError: ``k``, the seed or the share is out of range.

    Example:
        >>> from optbench.tasks.data import load
        >>> [(len(train), len(rows)) for train, rows in folds(load("mnist1d"), k=4, seed=0)]
        [(3000, 1000), (3000, 1000), (3000, 1000), (3000, 1000)]
    """
    # It takes seconds to import, and only cross-validation needs it.
    from sklearn.model_selection import StratifiedKFold

    rest, _ = _test_part(dataset, seed, test)
    rarest = int(np.bincount(dataset.y[rest], minlength=dataset.n_classes).min())
    if not _is_whole(k) or not 2 <= k <= rarest:
        raise UsageError(f"k = {k!r}: the number of folds must be a whole number from 2 to {rarest}, the rarest class")
    # The order is ours: scikit-learn's own shuffling may change with its version.
    rows = rest[order(len(rest), int(seed), "data", "folds", dataset.name)]
    pairs = StratifiedKFold(n_splits=int(k)).split(rows, dataset.y[rows])
    return [(np.sort(rows[train]), np.sort(rows[chosen])) for train, chosen in pairs]


def _test_part(dataset: Dataset, seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows outside of the test part, and those of it."""
    if not _is_whole(seed) or seed < 0:
        raise UsageError(f"seed = {seed!r}: must be a whole number, 0 or more")
    if dataset.n_test:
        return dataset.pool, dataset.official_test
    return _parted(dataset, dataset.pool, share, "test", seed)


def _parted(dataset: Dataset, rows: np.ndarray, share: float, part: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows left over and those of a part, which has its share of each class."""
    if isinstance(share, bool) or not 0.0 < share < 1.0:
        raise UsageError(f"{part} = {share!r}: the share of rows must be above 0 and below 1")
    labels = dataset.y[rows]
    counts = _shares(np.bincount(labels, minlength=dataset.n_classes), share)
    taken = []
    for label, count in enumerate(counts):
        members = rows[labels == label]
        if not 0 < count < len(members):
            raise UsageError(
                f"{part} = {share!r}: takes {count} of the {len(members)} rows of class {label} of data set "
                f"{dataset.name!r}; each class needs a row in every part"
            )
        taken.append(members[order(len(members), int(seed), "data", part, dataset.name, label)[:count]])
    chosen = np.sort(np.concatenate(taken))
    return np.setdiff1d(rows, chosen, assume_unique=True), chosen


def _shares(sizes: np.ndarray, share: float) -> list[int]:
    """Returns how many rows of each class a part has: whole numbers that sum to the share of all (largest remainder).

    Example:
        >>> _shares(np.array([5, 5, 6]), 0.5)
        [3, 2, 3]
    """
    exact = sizes * share
    counts = np.floor(exact).astype(np.int64)
    left = round(share * int(sizes.sum())) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return [int(count) for count in counts]


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
