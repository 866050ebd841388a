"""Numbers of examples that are asked for: as told beforehand, in proportion, from their own streams, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.errors import UsageError
from optbench.tasks import data
from optbench.tasks.data import registry
from optbench.tasks.data.splitting import Sizes, sizes


def labeled(y, n_classes, *, n_test=0):
    y = np.asarray(y, np.int32)
    return data.Dataset("rows", np.zeros((len(y), 2, 1), np.float32), y, n_classes, n_test)


def counts(dataset, rows):
    return np.bincount(dataset.y[rows], minlength=dataset.n_classes)


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("digits", {}, (1294, 144, 359)),
        ("digits", {"n_train": 1294}, (1294, 144, 359)),
        # Of 900, a ninth are 100.
        ("digits", {"n_train": 900, "n_test": 500}, (900, 100, 500)),
        ("digits", {"n_test": 797}, (900, 100, 797)),
        ("digits", {"n_train": 20}, (20, 10, 359)),
        ("mnist1d", {"n_train": 4000, "n_test": 10_000}, (4000, 444, 10_000)),
        ("mnist1d", {"n_test": 10}, (3600, 400, 10)),
        ("mnist", {"n_train": 54_000}, (54_000, 6000, 10_000)),
        ("cifar10", {"n_train": 1000, "n_test": 10}, (1000, 111, 10)),
    ],
)
def test_sizes_are_as_asked_for(name, asked, expected):
    assert sizes(registry.find(name), **asked) == Sizes(*expected)


@pytest.mark.parametrize("n_train", [137, 4000])
def test_curves_are_drawn_anew_in_such_numbers(n_train):
    wanted = sizes(registry.find("mnist1d"), n_train, 1003)
    first, again, other = (data.load("mnist1d", seed=seed, n_train=n_train, n_test=1003) for seed in (5, 5, 6))
    assert len(first) == sum(wanted)
    assert (first.x.tobytes(), first.identity) == (again.x.tobytes(), again.identity)
    assert first.identity != other.identity
    assert abs(np.corrcoef(first.x.ravel(), other.x.ravel())[0, 1]) < 0.3
    parts = data.split(first, 9, n_train=n_train, n_test=1003)
    assert tuple(map(len, parts)) == wanted
    assert sorted(np.concatenate(parts)) == list(range(len(first)))
    assert parts.test.tolist() == first.official_test.tolist()
    assert all(np.ptp(counts(first, part)) <= 1 for part in parts)


def test_the_set_of_old_runs_is_that_of_seed_0_without_numbers():
    old = data.load("mnist1d")
    same = data.load("mnist1d", seed=0, n_train=3600, n_test=1000)
    assert (old.identity, old.x.tobytes()) == (same.identity, same.x.tobytes())
    for found in (data.load("mnist1d", seed=1), data.load("mnist1d", n_train=3700, n_test=889)):
        assert found.identity != old.identity
    # Of the same number of rows, but cut elsewhere: another set.
    assert len(data.load("mnist1d", n_train=3690, n_test=900)) == len(old)
    assert data.load("mnist1d", n_train=3690, n_test=900).identity != old.identity


@given(
    per_class=st.lists(st.integers(30, 90), min_size=2, max_size=5),
    seed=st.integers(0, 1000),
    share=st.floats(0.2, 0.8),
    official=st.booleans(),
)
def test_rows_are_drawn_in_the_proportions_of_the_classes(per_class, seed, share, official):
    k = len(per_class)
    y = np.repeat(np.arange(k), per_class)
    y = np.concatenate([y, np.arange(40) % k]) if official else y
    rows = labeled(y, k, n_test=40 if official else 0)
    n_test = 10 if official else 20
    pool = len(rows) - (40 if official else n_test)
    n_train = max(k, int(share * 0.9 * (pool - k)))
    parts = data.split(rows, seed, n_train=n_train, n_test=n_test)
    assert tuple(map(len, parts)) == (n_train, max(k, round(n_train / 9)), n_test)
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    fair = n_train * np.array(per_class) / sum(per_class)
    # Test, validation and training rows are rounded one after the other.
    assert (abs(counts(rows, parts.train) - fair) < 3).all()
    assert counts(rows, parts.validation).min() >= 1
    assert (np.isin(parts.test, rows.official_test).all()) == official


def test_test_rows_of_an_official_part_are_the_same_for_every_seed_and_training_rows_are_not():
    rows = labeled(np.arange(300) % 5, 5, n_test=100)
    first, other = (data.split(rows, seed, n_train=60, n_test=25) for seed in (0, 1))
    np.testing.assert_array_equal(first.test, other.test)
    assert counts(rows, first.test).tolist() == [5] * 5
    # Of 60 of 200 rows, 18 are common by chance.
    assert 5 < len(np.intersect1d(first.train, other.train)) < 35


def test_folds_have_the_rows_that_are_trained_on_and_chosen_by():
    digits = data.load("digits")
    parts = data.split(digits, 3, n_train=180, n_test=300)
    pairs = data.folds(digits, 4, 3, n_train=180, n_test=300)
    assert sorted(np.concatenate([chosen for _, chosen in pairs])) == sorted([*parts.train, *parts.validation])
    assert all(not np.intersect1d(np.concatenate(pair), parts.test).size for pair in pairs)


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("digits", {"n_train": 1295}, "n_train = 1295: must be at most 1294: 1438 rows are outside of the test part"),
        ("digits", {"n_test": 1790}, "n_test = 1790: leaves 7 of 1797 rows to train and to choose by"),
        ("digits", {"n_train": 9}, "n_train = 9: must be a whole number, at least 10, one example of each class"),
        ("mnist1d", {"n_train": True}, "n_train = True: must be a whole number"),
        ("mnist1d", {"n_test": 50.0}, "n_test = 50.0: must be a whole number"),
        ("mnist", {"n_test": 10_001}, "data set 'mnist': n_test = 10001: its official test part has 10000 rows"),
        ("cifar10", {"n_train": 45_001}, "n_train = 45001: must be at most 45000"),
    ],
)
def test_numbers_that_cannot_be_had_are_refused_before_anything_is_read(name, asked, message):
    with pytest.raises(UsageError, match=message):
        sizes(registry.find(name), **asked)
    with pytest.raises(UsageError, match=message):
        data.load(name, "/nowhere", **asked)


def test_all_numbers_that_are_wrong_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        sizes(registry.find("mnist"), 54_001, 20_000)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: data.split(d, 0, n_train=1), "data set 'rows': n_train = 1: must be a whole number, at least 2"),
        (lambda d: data.split(d, 0, n_train=15), "n_train = 15: must be at most 14: 16 rows are outside of the test"),
        (lambda d: data.split(d, 0, n_test=18), "n_test = 18: leaves 2 of 20 rows to train and to choose by"),
        (lambda d: data.folds(d, 6, 0, n_train=8), "k = 6: the number of folds must be a whole number from 2 to 5"),
        (lambda d: data.load("digits", seed=-1), "seed = -1: must be a whole number, 0 or more"),
        (lambda d: data.load("mnist1d", seed=1.5), "seed = 1.5"),
    ],
)
def test_what_cannot_be_drawn_is_said(call, message):
    with pytest.raises(UsageError, match=message):
        call(labeled(np.arange(20) % 2, 2))
