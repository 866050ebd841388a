"""What is loaded is what the files say; damaged files are named, explained and left alone."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from optbench.errors import DataError, StorageError, UsageError
from optbench.tasks import data
from optbench.tasks.data import loading
from tests.tasks.data import small

IMAGES, LABELS = "train-images.gz", "train-labels.gz"


def laid(root, contents, folder="small"):
    (root / folder).mkdir(parents=True)
    for name, body in contents.items():
        (root / folder / name).write_bytes(body)
    return root / folder


def tree(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def sha256(body):
    return hashlib.sha256(body).hexdigest()


FAULTS = {
    "truncated": lambda body: body[:-7],
    "oversized": lambda body: body + b"0123",
    "corrupted": lambda body: body[:60] + bytes([body[60] ^ 1]) + body[61:],
    "empty": lambda body: b"",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_file_is_explained_and_left_alone(root, register, invoke, fault):
    contents = small.of_arrays()
    register(small.registered(contents))
    body = FAULTS[fault](contents[IMAGES])
    folder = laid(root, {**contents, IMAGES: body})
    before = tree(root)
    result = invoke("verify", "small")
    with pytest.raises(DataError) as caught:
        data.load("small")
    assert result.stderr == f"error: {caught.value}\n"
    word = "truncated" if fault == "empty" else fault
    actual = "not computed" if fault == "oversized" else sha256(body)
    assert str(caught.value).splitlines() == [
        "data set 'small': 1 of 4 files cannot be used",
        f"  {folder / IMAGES} is {word}: {len(body):,} bytes, expected {len(contents[IMAGES]):,}; "
        f"SHA-256 {actual}, expected {sha256(contents[IMAGES])}",
        "  get them with: optbench data fetch small, which keeps a damaged file under another name",
        f"  without a network: put the original files into {folder}, then: optbench data verify small",
    ]
    assert result.exit_code == caught.value.exit_code == 5
    assert result.stdout == f"small: damaged, 3 of 4 files good, in {folder}\n"
    assert tree(root) == before


def test_all_bad_files_are_named_at_once(root, register, invoke):
    contents = small.of_arrays()
    register(small.registered(contents))
    folder = laid(root, {LABELS: b"", "t10k-labels.gz": contents["t10k-labels.gz"]})
    with pytest.raises(DataError) as caught:
        data.load("small")
    first, *lines = str(caught.value).splitlines()
    assert first == "data set 'small': 3 of 4 files cannot be used"
    size, sum_ = len(contents[IMAGES]), sha256(contents[IMAGES])
    assert lines[0] == f"  {folder / IMAGES} is missing: expected {size:,} bytes, SHA-256 {sum_}"
    assert f"{LABELS} is truncated: 0 bytes" in lines[1]
    assert "t10k-images.gz is missing" in lines[2]


def test_a_set_with_some_files_is_incomplete(root, register, invoke):
    contents = small.of_arrays()
    register(small.registered(contents))
    contents.pop(IMAGES)
    folder = laid(root, contents)
    result = invoke("verify")
    assert result.exit_code == 5
    assert f"small: incomplete, 3 of 4 files good, in {folder}\n" in result.stdout


def of_content(**changes):
    """Files with another array or bytes, under their own right sums."""
    return {**small.of_arrays(), **{key.replace("_", "-") + ".gz": value for key, value in changes.items()}}


def labels(place, value):
    found = small.arrays()[1].copy()
    found[place] = value
    return small.idx(found)


CONTENTS = {
    "transposed": (
        of_content(train_images=small.idx(np.zeros((40, 4, 5)))),
        r"of shape \(40, 4, 5\); expected .*40, 5, 4",
    ),
    "fewer": (of_content(train_images=small.idx(np.zeros((39, 5, 4)))), r"of shape \(39, 5, 4\); expected"),
    "more than it says": (of_content(train_images=small.idx(np.zeros((41, 5, 4)), axes=(40, 5, 4))), "more bytes"),
    "fewer than it says": (of_content(train_images=small.idx(np.zeros((39, 5, 4)), axes=(40, 5, 4))), "unpacks to 796"),
    "floats": (of_content(train_images=small.idx(np.zeros((40, 5, 4)), kind=13)), "IDX header 00000d03 .* expected"),
    "labels for images": (of_content(train_images=labels(0, 0)), r"of shape \(40,\); expected"),
    "text": (of_content(train_images=gzip.compress(b"hello")), "IDX header 68656c 6c6f|IDX header"),
    "nothing": (of_content(train_images=gzip.compress(b"")), "IDX header of no bytes"),
    "no gzip": (of_content(train_images=b"<html>"), "cannot be unpacked: Not a gzipped file"),
    "torn gzip": (of_content(train_images=small.of_arrays()[IMAGES][:-9]), "cannot be unpacked"),
    "bomb": (of_content(train_images=gzip.compress(small.idx(np.zeros((9, 9))) + b"0" * 10**7)), "IDX header"),
    "label out of range": (of_content(train_labels=labels(3, 11)), "row 3 has the label 11; labels are 0 to 9"),
}


@pytest.mark.parametrize(("contents", "reason"), CONTENTS.values(), ids=CONTENTS)
def test_content_that_is_not_what_the_format_says_is_refused(root, register, contents, reason):
    register(small.registered(contents))
    folder = laid(root, contents)
    with pytest.raises(DataError, match=reason) as caught:
        data.load("small")
    assert str(caught.value).startswith(str(folder / (LABELS if "label " in reason else IMAGES)))


@pytest.mark.parametrize(("part", "name"), [("training", LABELS), ("test", "t10k-labels.gz")])
def test_a_class_without_rows_is_refused(root, register, part, name):
    arrays = small.arrays()
    number = 1 if name == LABELS else 3
    arrays[number] = np.where(arrays[number] == 7, 0, arrays[number])
    contents = small.of_arrays(arrays)
    register(small.registered(contents))
    laid(root, contents)
    with pytest.raises(DataError, match=f"data set 'small': class 7 has no row in the {part} part"):
        data.load("small")


@pytest.mark.parametrize("fault", ["length", "label"])
def test_records_that_are_not_those_of_cifar_are_refused(root, register, fault):
    files = small.batches()
    body = files["data_batch_2.bin"]
    files["data_batch_2.bin"] = body[:-1] if fault == "length" else body[:38] + b"\x0a" + body[39:]
    register(small.with_archive(b"", files=files))
    laid(root, files, "batches")
    reason = "379 bytes; expected 20 records of 19 bytes" if fault == "length" else "row 2 has the label 10"
    with pytest.raises(DataError, match=rf"data_batch_2.bin.*{reason}"):
        data.load("batches")


def test_a_folder_in_place_of_a_file_is_an_error_of_storage(root, register):
    contents = small.of_arrays()
    found = small.registered(contents)
    register(found)
    contents.pop(IMAGES)
    folder = laid(root, contents)
    (folder / IMAGES).mkdir()
    with pytest.raises(StorageError, match=r"cannot read .*train-images.gz: it is not a file"):
        data.load("small")


def test_a_root_can_be_given(root, tmp_path, register):
    contents = small.of_arrays()
    register(small.registered(contents))
    laid(tmp_path / "other", contents)
    assert len(data.load("small", tmp_path / "other")) == 60
    with pytest.raises(DataError, match="4 of 4 files"):
        data.load("small")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UsageError, match="unknown data set 'fashion_mnist'; did you mean 'fashion-mnist'"):
        data.load("fashion_mnist")


def test_the_digits_are_those_of_scikit_learn():
    found, expected = data.load(), load_digits()
    np.testing.assert_array_equal(found.x[..., 0], expected.images / 16)
    np.testing.assert_array_equal(found.y, expected.target)


def test_another_copy_of_the_digits_is_refused(monkeypatch):
    monkeypatch.setattr(loading, "DIGITS_SHA256", "0" * 64)
    with pytest.raises(DataError, match="data set 'digits': scikit-learn's copy has the SHA-256 87ff0c9e"):
        data.load("digits")


#: Rows of each digit in MNIST's two parts, and mean and standard deviation of the training pixels, as widely published.
MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_is_mnist(real):
    found = data.load("mnist", real)
    assert (found.x.shape, found.x.dtype, found.y.dtype, found.n_test) == (
        (70_000, 28, 28, 1),
        np.float32,
        np.int32,
        10_000,
    )
    assert np.bincount(found.y[found.pool]).tolist() == MNIST_TRAIN
    assert np.bincount(found.y[found.official_test]).tolist() == MNIST_TEST
    assert found.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert found.y[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    train = found.x[:60_000]
    assert (train.min(), train.max()) == (0, 1)
    assert train.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert train.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)
    # The first image is the 5 whose topmost stroke begins in row 5.
    assert (np.flatnonzero(found.x[0].any(axis=(1, 2)))[0], found.x[0, 5, 12, 0]) == (5, np.float32(3 / 255))
    with pytest.raises(ValueError, match="read-only"):
        found.x[0] = 0


def test_fashion_mnist_is_fashion_mnist(real):
    found = data.load("fashion-mnist", real)
    assert np.bincount(found.y[found.pool]).tolist() == [6000] * 10
    assert np.bincount(found.y[found.official_test]).tolist() == [1000] * 10
    train = found.x[:60_000]
    assert train.mean(dtype=np.float64) == pytest.approx(0.2860, abs=5e-5)
    assert train.std(dtype=np.float64) == pytest.approx(0.3530, abs=5e-5)
    assert found.identity != data.load("mnist", real).identity


@pytest.mark.slow
def test_cifar10_is_cifar10(real, tmp_path):
    import lzma

    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for path in sorted((real / folder.name).glob("*.xz")):
        (folder / path.stem).write_bytes(lzma.decompress(path.read_bytes()))
    found = data.load("cifar10", tmp_path)
    assert (found.x.shape, found.n_test) == ((60_000, 32, 32, 3), 10_000)
    assert np.bincount(found.y[found.pool]).tolist() == [5000] * 10
    assert found.y[:5].tolist() == [6, 9, 9, 4, 1]
    mean = [found.x[:50_000, ..., channel].mean(dtype=np.float64) for channel in range(3)]
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=5e-5)
