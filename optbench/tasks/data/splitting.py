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
from optbench.tasks.data.registry import DataSet, Origin

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


def sizes(found: DataSet, n_train: int | None = None, n_test: int | None = None) -> Sizes:
    """Returns how many examples ``split`` puts into each part, without reading the set.

    Args:
        found: What the registry knows of it.
        n_train: Examples to train on, those that gradients see; as many as there are if ``None``. Validation has
            ``VALIDATION / (1 - VALIDATION)`` times as many, rounded, and at least one of each class.
        n_test: Examples to report; all of the official test part, or the share ``TEST``, if ``None``.

    Returns:
        The sizes.

    Raises:
        UsageError: There are not so many examples, or a class would have none; all problems at once.

    Example:
        >>> from optbench.tasks.data import registry
        >>> sizes(registry.find("mnist1d"))
        Sizes(train=3600, validation=400, test=1000)
        >>> sizes(registry.find("cifar10"), n_train=2000, n_test=1000)
        Sizes(train=2000, validation=222, test=1000)
    """
    problems = _wrong_numbers(found.n_classes, n_train, n_test)
    if problems:
        raise UsageError([f"data set {found.name!r}: {problem}" for problem in problems])
    generated = found.origin is Origin.GENERATED
    test = int(n_test or found.n_test or round(TEST * found.n_train))
    rest = found.n_train if found.n_test else found.n_train - test
    if found.n_test and test > found.n_test and not generated:
        problems.append(f"n_test = {test}: its official test part has {found.n_test} rows")
    if rest < 2 * found.n_classes:
        problems.append(_too_few(test, rest, found.n_train))
    elif n_train is not None and n_train > _most(rest, found.n_classes) and not generated:
        problems.append(_too_many(n_train, rest, found.n_classes))
    if problems:
        raise UsageError([f"data set {found.name!r}: {problem}" for problem in problems])
    if n_train is None:
        validation = round(VALIDATION * rest)
        return Sizes(rest - validation, validation, test)
    return Sizes(int(n_train), _beside(n_train, found.n_classes), test)


def split(
    dataset: Dataset,
    seed: int,
    *,
    validation: float = VALIDATION,
    test: float = TEST,
    n_train: int | None = None,
    n_test: int | None = None,
) -> Parts:
    """Splits the rows of a set, each class in the same proportions.

    Args:
        dataset: The set.
        seed: Seed of the split, 0 or more.
        validation: Share of the rows outside of the test part, above 0 and below 1; of those used if ``n_train`` is
            given.
        test: Share of all rows for the test part, likewise; unused where the set has an official one, or ``n_test`` is
            given.
        n_train: Rows to train on, drawn from the seed; what is then left over is in no part.
        n_test: Rows to report: drawn from the seed where the set has no official test part, else a part of that which
            is the same for every seed.

    Returns:
        The rows of the three parts.

    Raises:
        UsageError: The seed, a share or a number is out of range, or leaves a class without rows in some part.

    Example:
        >>> from optbench.tasks.data import load
        >>> [len(part) for part in split(load("mnist1d"), seed=0)]
        [3600, 400, 1000]
        >>> [len(part) for part in split(load("digits"), seed=0, n_train=500, n_test=300)]
        [500, 56, 300]
    """
    problems = _wrong_numbers(dataset.n_classes, n_train, n_test)
    if problems:
        raise UsageError([f"data set {dataset.name!r}: {problem}" for problem in problems])
    rest, held_out = _test_part(dataset, seed, test, n_test)
    if n_train is None:
        left, chosen = _parted(dataset, rest, validation, "validation", seed)
        return Parts(left, chosen, held_out)
    _check_share(validation, "validation")
    if n_train > _most(len(rest), dataset.n_classes, validation):
        raise UsageError(f"data set {dataset.name!r}: {_too_many(n_train, len(rest), dataset.n_classes, validation)}")
    n_chosen = _beside(n_train, dataset.n_classes, validation)
    left, chosen = _numbered(dataset, rest, n_chosen, "validation", seed)
    return Parts(_some(dataset, left, n_train, "train", seed), chosen, held_out)


def folds(
    dataset: Dataset,
    k: int,
    seed: int,
    *,
    test: float = TEST,
    n_train: int | None = None,
    n_test: int | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns k pairs of training and validation rows for cross-validation, each class in the same proportions.

    The rows of ``split(dataset, seed, test=test).test`` are in none of them; every other row validates once. With
    ``n_train``, the rows are those which ``split`` trains on and validates by.

    Args:
        dataset: The set.
        k: Number of folds, 2 or more, at most the number of rows of the rarest class.
        seed: Seed of the split, 0 or more.
        test: Share of all rows for the test part; unused where the set has an official one, or ``n_test`` is given.
        n_train: As in ``split``.
        n_test: As in ``split``.

    Returns:
        Indices of training rows and of validation rows, fold by fold, in ascending order.

    Raises:
        UsageError: ``k``, the seed, the share or a number is out of range; a class may have fewer rows than there
            shall be folds.

    Example:
        >>> from optbench.tasks.data import load
        >>> [(len(train), len(rows)) for train, rows in folds(load("mnist1d"), k=4, seed=0)]
        [(3000, 1000), (3000, 1000), (3000, 1000), (3000, 1000)]
    """
    # It takes seconds to import, and only cross-validation needs it.
    from sklearn.model_selection import StratifiedKFold

    if n_train is None:
        rest, _ = _test_part(dataset, seed, test, n_test)
    else:
        train, chosen, _ = split(dataset, seed, test=test, n_train=n_train, n_test=n_test)
        rest = np.union1d(train, chosen)
    counts = _sizes_of(dataset, rest)
    rarest = int(counts.min())
    if not _is_whole(k) or not 2 <= k <= rarest:
        raise UsageError(
            f"k = {k!r}: the number of folds must be a whole number from 2 to {rarest}, the rows of class "
            f"{int(counts.argmin())} of data set {dataset.name!r} outside of the test part, the fewest"
        )
    # The order is ours: scikit-learn's own shuffling may change with its version.
    rows = rest[order(len(rest), int(seed), "data", "folds", dataset.name)]
    pairs = StratifiedKFold(n_splits=int(k)).split(rows, dataset.y[rows])
    return [(np.sort(rows[train]), np.sort(rows[chosen])) for train, chosen in pairs]


def check_seed(seed: object) -> None:
    """Checks a seed of data.

    Args:
        seed: What was given.

    Raises:
        UsageError: It is no whole number, or below 0.
    """
    if not _is_whole(seed) or seed < 0:  # type: ignore[operator]  # it is a whole number by then
        raise UsageError(f"seed = {seed!r}: must be a whole number, 0 or more")


def _wrong_numbers(n_classes: int, n_train: int | None, n_test: int | None) -> list[str]:
    """Returns which numbers of examples no set of so many classes can have."""
    return [
        f"{name} = {n!r}: must be a whole number, at least {n_classes}, one example of each class"
        for name, n in (("n_train", n_train), ("n_test", n_test))
        if n is not None and (not _is_whole(n) or n < n_classes)
    ]


def _beside(n_train: int, n_classes: int, share: float = VALIDATION) -> int:
    """Returns how many rows validate beside those to train on."""
    return max(n_classes, round(n_train * share / (1.0 - share)))


def _most(rest: int, n_classes: int, share: float = VALIDATION) -> int:
    """Returns how many rows can be trained on, at most, if others must validate."""
    n = rest - n_classes
    while n > 0 and n + _beside(n, n_classes, share) > rest:
        n -= 1
    return n


def _too_many(n_train: int, rest: int, n_classes: int, share: float = VALIDATION) -> str:
    most = _most(rest, n_classes, share)
    return (
        f"n_train = {n_train}: must be at most {most}: {rest} rows are outside of the test part, and "
        f"{rest - most} of them must be left to choose by"
    )


def _too_few(n_test: int, left: int, n_rows: int) -> str:
    return f"n_test = {n_test}: leaves {max(left, 0)} of {n_rows} rows to train and to choose by"


def _test_part(dataset: Dataset, seed: int, share: float, n_test: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows outside of the test part, and those of it."""
    check_seed(seed)
    if dataset.n_test:
        if n_test is not None and n_test > dataset.n_test:
            raise UsageError(
                f"data set {dataset.name!r}: n_test = {n_test}: its official test part has {dataset.n_test} rows"
            )
        n = dataset.n_test if n_test is None else n_test
        # The seed is not that of the split: runs of all splits are tested on the same examples.
        return dataset.pool, _some(dataset, dataset.official_test, n, "official test", 0)
    if n_test is not None:
        left = len(dataset) - n_test
        if left < 2 * dataset.n_classes:
            raise UsageError(f"data set {dataset.name!r}: {_too_few(n_test, left, len(dataset))}")
        return _numbered(dataset, dataset.pool, n_test, "test", seed)
    return _parted(dataset, dataset.pool, share, "test", seed)


def _some(dataset: Dataset, rows: np.ndarray, n: int, part: str, seed: int) -> np.ndarray:
    """Returns some of the rows, or all of them where they are so many."""
    return rows if n == len(rows) else _numbered(dataset, rows, n, part, seed, spare=False)[1]


def _numbered(
    dataset: Dataset, rows: np.ndarray, n: int, part: str, seed: int, *, spare: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows left over and those of a part: one of each class, the others in the same proportions."""
    others = _sizes_of(dataset, rows) - 1
    counts = [1 + more for more in _shares(others, (n - len(others)) / int(others.sum()))]
    return _drawn(dataset, rows, counts, part, seed, f"{n} rows for {part}", spare=spare)


def _parted(dataset: Dataset, rows: np.ndarray, share: float, part: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows left over and those of a part, which has its share of each class."""
    _check_share(share, part)
    counts = _shares(_sizes_of(dataset, rows), share)
    return _drawn(dataset, rows, counts, part, seed, f"{part} = {share!r}", spare=True)


def _drawn(
    dataset: Dataset, rows: np.ndarray, counts: list[int], part: str, seed: int, said: str, *, spare: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows left over, some of each class if ``spare``, and those of a part that are drawn from a seed."""
    labels = dataset.y[rows]
    taken = []
    for label, count in enumerate(counts):
        members = rows[labels == label]
        if not 0 < count <= len(members) - spare:
            raise UsageError(
                f"{said}: takes {count} of the {len(members)} rows of class {label} of data set "
                f"{dataset.name!r}; each class needs a row in every part"
            )
        taken.append(members[order(len(members), int(seed), "data", part, dataset.name, label)[:count]])
    chosen = np.sort(np.concatenate(taken))
    return np.setdiff1d(rows, chosen, assume_unique=True), chosen


def _sizes_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.bincount(dataset.y[rows], minlength=dataset.n_classes)


def _check_share(share: float, part: str) -> None:
    if isinstance(share, bool) or not 0.0 < share < 1.0:
        raise UsageError(f"{part} = {share!r}: the share of rows must be above 0 and below 1")


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
