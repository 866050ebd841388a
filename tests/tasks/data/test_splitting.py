"""Splits and folds: whole, disjoint, in proportion, fixed by name and seed, never a test row in cross-validation."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from optbench.errors import UsageError
from optbench.tasks import data


def labeled(y, n_classes, *, n_test=0, name="rows"):
    y = np.asarray(y, np.int32)
    return data.Dataset(name, np.zeros((len(y), 2, 1), np.float32), y, n_classes, n_test)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def shares(dataset, rows):
    return np.bincount(dataset.y[rows], minlength=dataset.n_classes)


@given(
    sizes=st.lists(st.integers(30, 80), min_size=2, max_size=6),
    seed=st.integers(0, 2**40),
    validation=st.floats(0.1, 0.5),
    test=st.floats(0.1, 0.5),
)
def test_parts_are_whole_disjoint_and_in_proportion(sizes, seed, validation, test):
    rows = labeled(np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    parts = data.split(rows, seed, validation=validation, test=test)
    assert sorted(np.concatenate(parts)) == list(range(len(rows)))
    assert all((np.diff(part) > 0).all() for part in parts)
    assert len(parts.test) == round(test * len(rows))
    assert len(parts.validation) == round(validation * (len(rows) - len(parts.test)))
    # Largest remainders round each class up or down.
    assert (abs(shares(rows, parts.test) - test * np.array(sizes)) < 1).all()
    rest = np.array(sizes) - shares(rows, parts.test)
    assert (abs(shares(rows, parts.validation) - validation * rest) < 1).all()


def test_a_seed_gives_these_rows_for_ever(digits):
    found = data.split(digits, 0)
    assert [len(part) for part in found] == [1294, 144, 359]
    together = np.concatenate(found).astype("<i4").tobytes()
    assert hashlib.sha256(together).hexdigest() == "dc6d0df39c2d439e0eb418cdfea67d358c6ce1fdc155b9ceb647acde9c4e6eba"
    again = data.split(data.load("digits"), 0)
    assert all((a == b).all() for a, b in zip(found, again, strict=True))


def test_seeds_and_names_give_other_rows(digits):
    renamed = data.Dataset("other", digits.x, digits.y, 10)
    first, second, other = data.split(digits, 0), data.split(digits, 1), data.split(renamed, 0)
    for a, b in ((first, second), (first, other)):
        # Of 359 of 1797 rows, 72 are common by chance.
        assert 40 < len(np.intersect1d(a.test, b.test)) < 110


def test_the_test_part_depends_neither_on_the_validation_part_nor_on_global_seeds(digits):
    np.random.seed(5)  # noqa: NPY002  (that it changes nothing is the test)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    expected = data.split(digits, 3).test
    for validation in (0.05, 0.3):
        np.testing.assert_array_equal(data.split(digits, 3, validation=validation).test, expected)
    pairs = data.folds(digits, 5, 3)
    assert not any(np.intersect1d(np.concatenate(pair), expected).size for pair in pairs)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_an_official_test_part_is_the_test_part():
    rows = labeled(np.arange(100) % 5, 5, n_test=20)
    for seed in (0, 1):
        found = data.split(rows, seed, test=0.4)
        assert found.test.tolist() == list(range(80, 100))
        assert shares(rows, found.validation).tolist() == [2, 2, 2, 1, 1]
        pairs = data.folds(rows, 4, seed)
        assert max(max(train.max(), chosen.max()) for train, chosen in pairs) == 79


@given(sizes=st.lists(st.integers(12, 40), min_size=2, max_size=5), k=st.integers(2, 6), seed=st.integers(0, 1000))
def test_each_row_validates_once_and_classes_are_in_proportion(sizes, k, seed):
    rows = labeled(np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    held_out = data.split(rows, seed).test
    pairs = data.folds(rows, k, seed)
    assert len(pairs) == k
    assert sorted(np.concatenate([chosen for _, chosen in pairs])) == sorted(set(range(len(rows))) - set(held_out))
    for train, chosen in pairs:
        assert not np.intersect1d(train, chosen).size
        assert len(train) + len(chosen) + len(held_out) == len(rows)
    counts = np.array([shares(rows, chosen) for _, chosen in pairs])
    assert (np.ptp(counts, axis=0) <= 1).all()
    sizes_of_folds = [len(chosen) for _, chosen in pairs]
    assert max(sizes_of_folds) - min(sizes_of_folds) <= 1


def test_folds_have_the_counts_of_scikit_learn(digits):
    rest = np.setdiff1d(np.arange(len(digits)), data.split(digits, 0).test)
    expected = [np.bincount(digits.y[rest][chosen]) for _, chosen in StratifiedKFold(5).split(rest, digits.y[rest])]
    found = [shares(digits, chosen) for _, chosen in data.folds(digits, 5, 0)]
    assert sorted(map(sum, found)) == sorted(map(sum, expected))
    assert np.sum(found, axis=0).tolist() == np.sum(expected, axis=0).tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: data.split(d, -1), "seed = -1: must be a whole number, 0 or more"),
        (lambda d: data.split(d, 0.5), "seed = 0.5"),
        (lambda d: data.split(d, True), "seed = True"),
        (lambda d: data.split(d, 0, validation=0.0), "validation = 0.0: the share of rows must be above 0 and below 1"),
        (lambda d: data.split(d, 0, validation=1), "validation = 1:"),
        (lambda d: data.split(d, 0, test=float("nan")), "test = nan"),
        (lambda d: data.split(d, 0, test=-0.1), "test = -0.1"),
        (lambda d: data.split(d, 0, validation=0.01), "validation = 0.01: takes 0 of the 8 rows of class 0"),
        (lambda d: data.split(d, 0, test=0.99), "test = 0.99: takes 10 of the 10 rows of class 0"),
        (lambda d: data.folds(d, 1, 0), "k = 1: the number of folds must be a whole number from 2 to 8"),
        (lambda d: data.folds(d, 9, 0), "k = 9"),
        (lambda d: data.folds(d, 2.0, 0), "k = 2.0"),
    ],
)
def test_what_cannot_be_split_is_said(call, message):
    with pytest.raises(UsageError, match=message):
        call(labeled(np.arange(20) % 2, 2))
