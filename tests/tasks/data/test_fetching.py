"""Downloads from a loopback server: whole, cut, damaged, oversized, redirected, refused."""

from __future__ import annotations

import fcntl
import gzip
import socket

import numpy as np
import pytest

from optbench.errors import BusyError, DataError, StorageError
from optbench.tasks import data
from optbench.tasks.data import downloading
from tests.tasks.data import small
from tests.tasks.data.server import Page

FIRST = "train-images.gz"


@pytest.fixture
def contents():
    return small.of_arrays()


@pytest.fixture
def one(contents, register):
    """Registers a set of which all files but the first are in place; returns the path of the first."""

    def put(root, *mirrors):
        found = small.registered(contents, mirrors)
        register(found)
        folder = root / "small"
        folder.mkdir(parents=True)
        for name, body in contents.items():
            if name != FIRST:
                (folder / name).write_bytes(body)
        return folder / FIRST

    return put


def names(path):
    return sorted(found.name for found in path.parent.iterdir() if found.name not in small.of_arrays())


def test_what_is_fetched_can_be_loaded_and_is_not_fetched_again(server, root, register, contents):
    register(small.registered(contents, (server.serve(contents),)))
    seen = []
    new = data.fetch("small", report=lambda name, done, total: seen.append((name, done, total)))
    assert [path.name for path in new] == list(contents)
    assert seen[-1] == ("t10k-labels.gz", len(contents["t10k-labels.gz"]), len(contents["t10k-labels.gz"]))
    found = data.load("small")
    images, labels, test_images, test_labels = small.arrays()
    expected = np.concatenate([images, test_images])[..., None].astype(np.float64) / 255
    np.testing.assert_allclose(found.x, expected, rtol=1e-7)
    assert found.x.dtype == np.float32
    assert found.y.tolist() == [*labels, *test_labels]
    assert (found.y.dtype, found.n_test, found.shape) == (np.int32, 20, (5, 4, 1))
    asked = len(server.requests)
    assert data.fetch("small") == []
    assert len(server.requests) == asked == 4
    assert sorted(path.name for path in (root / "small").iterdir()) == sorted(contents)


def test_only_what_is_missing_is_fetched(server, root, one, contents):
    path = one(root, server.serve(contents))
    assert data.fetch("small") == [path]
    assert server.requests == [(f"/a/{FIRST}", None)]


def test_the_next_mirror_is_asked_where_one_has_no_file(server, root, one, contents):
    path = one(root, server.url("gone/"), server.serve(contents))
    data.fetch("small")
    assert path.read_bytes() == contents[FIRST]
    assert [asked for asked, _ in server.requests] == [f"/gone/{FIRST}", f"/a/{FIRST}"]


def test_a_cut_download_goes_on_where_it_stopped(server, root, one, contents):
    path = one(root, server.serve(contents))
    server.pages[f"/a/{FIRST}"].cuts = [100, 250]
    data.fetch("small")
    assert path.read_bytes() == contents[FIRST]
    assert [part for _, part in server.requests] == [None, "bytes=100-", "bytes=250-"]
    assert names(path) == []


def test_what_a_failed_command_got_is_kept_for_the_next(server, root, one, contents):
    path = one(root, server.serve(contents))
    page = server.pages[f"/a/{FIRST}"]
    page.cuts = [300, 0]
    size = len(contents[FIRST])
    with pytest.raises(DataError, match=rf"(?s)ended after 300 of {size:,} bytes\n  300 of {size:,} bytes are kept"):
        data.fetch("small")
    assert not path.exists()
    server.requests.clear()
    data.fetch("small")
    assert server.requests == [(f"/a/{FIRST}", "bytes=300-")]
    assert path.read_bytes() == contents[FIRST]


def test_a_server_without_ranges_sends_all_again(server, root, one, contents):
    path = one(root, server.serve(contents))
    server.pages[f"/a/{FIRST}"].ranges = False
    (path.parent / f".{FIRST}.partial").write_bytes(contents[FIRST][:99])
    data.fetch("small")
    assert path.read_bytes() == contents[FIRST]


@pytest.mark.parametrize("partial", [b"x" * 50, b"x" * 10_000, None], ids=["wrong start", "too long", "whole"])
def test_whatever_lies_in_the_partial_file_the_result_is_right(server, root, one, contents, partial):
    path = one(root, server.serve(contents))
    (path.parent / f".{FIRST}.partial").write_bytes(contents[FIRST] if partial is None else partial)
    data.fetch("small")
    assert path.read_bytes() == contents[FIRST]
    assert names(path) == []
    if partial is None:
        assert server.requests == []


def test_bytes_are_kept_as_sent_whatever_the_server_calls_them(server, root, one, contents):
    path = one(root, server.serve(contents))
    server.pages[f"/a/{FIRST}"].headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    data.fetch("small")
    assert path.read_bytes() == contents[FIRST]


def refused(page, reason):
    return pytest.param(page, reason, id=reason)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        refused(lambda body: Page(b"?" * len(body)), "sends a file with another SHA-256"),
        refused(lambda body: Page(body + b"?"), "expected"),
        refused(lambda body: Page(body + b"?", length=False), "sends more than the expected"),
        refused(lambda body: Page(body[:-1], length=False), "bytes, expected"),
        refused(lambda body: Page(b"<html>log in</html>"), "sends 19 bytes, expected"),
        refused(lambda body: Page(status=503), "answers 503 Service Unavailable"),
        refused(lambda body: Page(status=302, headers={"Location": "https://127.0.0.1/x"}), "another scheme: https:"),
        refused(lambda body: Page(status=302, headers={"Location": "file:///etc/hosts"}), "another scheme: file:"),
        refused(lambda body: Page(status=301, headers={"Location": FIRST}), "redirects more than 5 times"),
    ],
)
def test_an_answer_that_is_not_the_file_is_refused(server, root, one, contents, invoke, page, reason):
    path = one(root, server.url("a/"))
    server.pages[f"/a/{FIRST}"] = page(contents[FIRST])
    result = invoke("fetch", "small")
    assert result.exit_code == 5
    assert f"cannot download {FIRST} of data set 'small' ({len(contents[FIRST]):,} bytes, SHA-256 " in result.stderr
    assert f"\n  {server.url('a/')}{FIRST}: " in result.stderr
    assert reason in result.stderr
    assert f"put the original files into {path.parent}, then: optbench data verify small" in result.stderr
    assert names(path) == []


def test_a_redirect_within_the_scheme_is_followed(server, root, one, contents):
    path = one(root, server.url("old/"))
    server.serve(contents)
    server.pages[f"/old/{FIRST}"] = Page(status=302, headers={"Location": f"/a/{FIRST}"})
    data.fetch("small")
    assert path.read_bytes() == contents[FIRST]


def test_without_a_network_the_message_says_what_to_put_where(root, one, invoke):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        path = one(root, f"http://127.0.0.1:{closed.getsockname()[1]}/")
        result = invoke("fetch", "small")
    assert result.exit_code == 5
    assert "no connection (Connection refused)" in result.stderr
    assert f"without a network: put the original files into {path.parent}" in result.stderr
    assert names(path) == []


def test_a_damaged_file_is_kept_under_another_name(server, root, one, contents):
    path = one(root, server.serve(contents))
    for number, damaged in enumerate((b"one", b"two"), start=1):
        path.write_bytes(damaged)
        data.fetch("small")
        assert path.read_bytes() == contents[FIRST]
        assert path.with_name(f"{FIRST}.damaged-{number}").read_bytes() == damaged


def test_two_downloads_of_a_file_do_not_mix(server, root, one, contents, invoke):
    path = one(root, server.serve(contents))
    with (path.parent / f".{FIRST}.partial").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another process is downloading"):
            data.fetch("small")
        assert invoke("fetch", "small").exit_code == 6
    data.fetch("small")


def test_a_folder_that_cannot_be_written_is_an_error_of_storage(root, register, contents, invoke):
    root.write_bytes(b"a file")
    register(small.registered(contents))
    with pytest.raises(StorageError, match=r"cannot write to .*small: Not a directory"):
        data.fetch("small")
    assert invoke("fetch", "small").exit_code == 74


def test_nothing_but_fetch_uses_the_network(root, register, contents, invoke, monkeypatch):
    def never(*_):
        raise AssertionError("a download")

    monkeypatch.setattr(downloading.Downloader, "__call__", never)
    register(small.registered(contents, ("http://127.0.0.1:9/",)))
    with pytest.raises(DataError, match="4 of 4 files cannot be used"):
        data.load("small")
    assert invoke("list").exit_code == 0
    assert invoke("verify", "small").exit_code == 5
    assert not root.exists()


def test_an_archive_is_fetched_unpacked_and_removed(server, root, register):
    archive = small.tar(small.of_batches())
    register(small.with_archive(archive, (server.serve({"batches.tar.gz": archive}),)))
    server.pages["/a/batches.tar.gz"].cuts = [200]
    assert [path.name for path in data.fetch("batches")] == list(small.batches())
    assert [part for _, part in server.requests] == [None, "bytes=200-"]
    assert sorted(path.name for path in (root / "batches").iterdir()) == sorted(small.batches())
    found = data.load("batches")
    record = np.frombuffer(small.batches()["data_batch_2.bin"], np.uint8)[19:38]
    assert found.y[21] == record[0]
    # Records are channel first: red of the image's first row, then of its second.
    np.testing.assert_allclose(found.x[21, 1, :, 2], record[1 + 12 + 3 : 1 + 12 + 6] / 255, rtol=1e-7)


def test_an_archive_put_there_by_hand_is_unpacked_without_a_network_and_stays(root, register, invoke):
    archive = small.tar(small.of_batches())
    register(small.with_archive(archive, ("http://127.0.0.1:9/",)))
    (root / "batches").mkdir(parents=True)
    (root / "batches" / "batches.tar.gz").write_bytes(archive)
    with pytest.raises(DataError, match=r"unpack .*batches.tar.gz with: optbench data fetch batches"):
        data.load("batches")
    assert invoke("fetch", "batches").exit_code == 0
    assert (root / "batches" / "batches.tar.gz").read_bytes() == archive
    assert len(data.load("batches")) == 60


def test_gzip_members_of_the_small_sets_are_what_the_tests_think(contents):
    assert gzip.decompress(contents["train-labels.gz"])[:10] == bytes([0, 0, 8, 1, 0, 0, 0, 40, 0, 1])
