"""Hostile and damaged archives: refused, with nothing written anywhere."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from optbench.errors import DataError
from optbench.tasks.data.unpacking import unpack
from tests.tasks.data import small

GOOD = small.of_batches()


def special(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return (member, b"")


def with_pax(size):
    """A member whose extended header is as long as asked."""
    member = tarfile.TarInfo("batches/data_batch_1.bin")
    member.pax_headers = {"comment": "x" * size}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)
    return buffer.getvalue()


def changed(name, data):
    return [(member, data if member == name else body) for member, body in GOOD]


LINK = "batches/data_batch_1.bin"
HOSTILE = {
    "parent": (small.tar([*GOOD, ("../escaped", b"x")]), "unexpected member '../escaped'"),
    "inner parent": (small.tar([*GOOD, ("batches/../../escaped", b"x")]), "unexpected member"),
    "absolute": (small.tar([*GOOD, ("/tmp/escaped", b"x")]), "unexpected member '/tmp/escaped'"),
    "symbolic link": (small.tar([special(LINK, tarfile.SYMTYPE, "/etc/passwd"), *GOOD]), f"member '{LINK}'"),
    "hard link": (small.tar([special(LINK, tarfile.LNKTYPE, "/etc/passwd"), *GOOD]), f"member '{LINK}'"),
    "device": (small.tar([special(LINK, tarfile.CHRTYPE), *GOOD]), f"member '{LINK}'"),
    "pipe": (small.tar([special(LINK, tarfile.FIFOTYPE), *GOOD]), f"member '{LINK}'"),
    "folder": (small.tar([special("elsewhere", tarfile.DIRTYPE), *GOOD]), "member 'elsewhere'"),
    "folder in place of a file": (small.tar([special(LINK, tarfile.DIRTYPE), *GOOD]), f"member '{LINK}'"),
    "unknown file": (small.tar([*GOOD, ("batches/more.bin", b"x")]), "member 'batches/more.bin'"),
    "twice": (small.tar([*GOOD, GOOD[1]]), "twice"),
    "missing": (small.tar(GOOD[:-3]), "lacks test_batch.bin"),
    "other size": (small.tar(changed(LINK, b"x")), "has 1 bytes, expected 380"),
    "other sum": (small.tar(changed(LINK, b"x" * 380)), "has SHA-256"),
    "long note": (small.tar([*GOOD, ("batches/readme.html", b"0" * 3_000_000)]), "unpacks to more bytes"),
    "long header": (with_pax(3_000_000), "unpacks to more bytes"),
    "bomb": (gzip.compress(b"\0" * 5_000_000), "lacks|unpacks to more bytes"),
    "truncated": (small.tar(GOOD)[:-400], "cannot be unpacked"),
    "no archive": (b"<html>", "cannot be unpacked"),
    "empty": (b"", "cannot be unpacked|lacks"),
    "no tar": (gzip.compress(b"hello" * 400), "cannot be unpacked"),
}


@pytest.mark.parametrize(("archive", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused_before_anything_is_written(tmp_path, archive, reason):
    folder = tmp_path / "data" / "batches"
    folder.mkdir(parents=True)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(archive)
    with pytest.raises(DataError, match=reason) as caught:
        unpack(path, small.with_archive(archive), folder)
    assert str(path) in str(caught.value)
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["a.tar.gz", "batches", "data"]


def test_a_good_archive_gives_its_files_alone(tmp_path):
    archive = small.tar(GOOD)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(archive)
    (tmp_path / "test_batch.bin").write_bytes(b"older")
    unpack(path, small.with_archive(archive), tmp_path)
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"a.tar.gz": archive, **small.batches()}


def test_a_damaged_archive_is_not_opened_but_said_to_be_damaged(root, register, server, invoke):
    archive = small.tar(GOOD)
    register(small.with_archive(archive, (server.serve({"batches.tar.gz": archive}),)))
    (root / "batches").mkdir(parents=True)
    (root / "batches" / "batches.tar.gz").write_bytes(archive[:-1] + b"?")
    assert invoke("fetch", "batches").exit_code == 0
    assert (root / "batches" / "batches.tar.gz.damaged-1").read_bytes() == archive[:-1] + b"?"
    assert not (root / "batches" / "batches.tar.gz").exists()
