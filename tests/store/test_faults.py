"""Every file operation fails once, at every place; acknowledged shards survive, half ones never show."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optbench.errors import StorageError
from optbench.records.landscapes import ROWS
from optbench.store import committed, files, read_runs, run_folder, shard_name, write_manifest, write_shard, writing

from .rows import make_columns

OPERATIONS = ("open_new", "write", "sync", "rename", "unlink", "sync_folder", "make_folder")
GROUPS = [("sphere-2d", "adam"), ("sphere-2d", "sgd"), ("rosenbrock-2d", "adam")]
PACKAGE = Path(__file__).parents[2]


def run_suite(out: Path, acknowledge: Callable[[str], Any]) -> Path:
    """Three shards, resumed where they are committed, then the manifest."""
    folder = run_folder(out, "quick", "ab12")
    with writing(folder):
        for problem, optimizer in GROUPS:
            name = shard_name(problem, optimizer)
            if name not in committed(folder):
                write_shard(folder, name, make_columns(problem, optimizer), schema=ROWS)
                acknowledge(name)
        write_manifest(folder, {"state": "finished"})
    return folder


def fail_at(monkeypatch: pytest.MonkeyPatch, nth: int, action: Callable[[str], None]) -> list[int]:
    """Lets the nth file operation do ``action`` instead; returns the counter."""
    count = [0]

    def wrap(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any) -> Any:
            count[0] += 1
            if count[0] == nth:
                action(name)
            return original(*arguments)

        return operation

    for name in OPERATIONS:
        monkeypatch.setattr(files, name, wrap(name, getattr(files, name)))
    return count


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_any_failing_operation_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(name: str) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        operations = fail_at(patch, 0, refuse)
        expected = read_runs(run_suite(tmp_path / "whole", lambda name: None), schema=ROWS)
    assert operations[0] > 30
    for nth in range(1, operations[0] + 1):
        out, acknowledged = tmp_path / str(nth), []
        with monkeypatch.context() as patch:
            fail_at(patch, nth, refuse)
            message = ""
            try:
                run_suite(out, acknowledged.append)
            except StorageError as error:
                message = str(error)
            # A failed removal of a temporary file that is gone anyway harms nobody.
            assert os.strerror(code) in message or not message
            assert "\n" not in message
        folder = out / "quick" / "ab12"
        if folder.is_dir():
            assert set(acknowledged) <= set(committed(folder))
            assert len(read_runs(folder, schema=ROWS)) == 6 * len(committed(folder))
        run_suite(out, acknowledged.append)
        assert read_runs(folder, schema=ROWS).equals(expected) or read_runs(folder, schema=ROWS).astype(str).equals(
            expected.astype(str)
        )
        assert not list(folder.rglob(f"{files.TEMPORARY}*"))


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL at every file operation in turn, in a child; then the same command again."""
    script = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import pytest
from tests.store import test_faults as t
patch = pytest.MonkeyPatch()
for nth in map(int, sys.argv[2].split(",")):
    out = Path(sys.argv[1]) / str(nth)
    out.mkdir(parents=True)
    pid = os.fork()
    if pid == 0:
        t.fail_at(patch, nth, lambda name: os.kill(os.getpid(), signal.SIGKILL))
        with open(out / "acknowledged", "a", buffering=1) as file:
            t.run_suite(out, lambda name: file.write(name + "\\n"))
        os._exit(0)
    os.waitpid(pid, 0)
"""
    nths = [*range(1, 48)]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), ",".join(map(str, nths)), str(PACKAGE)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = read_runs(run_suite(tmp_path / "whole", lambda name: None), schema=ROWS).astype(str)
    for nth in nths:
        out = tmp_path / str(nth)
        folder = out / "quick" / "ab12"
        if folder.is_dir():
            assert set((out / "acknowledged").read_text().split()) <= set(committed(folder))
            assert len(read_runs(folder, schema=ROWS)) == 6 * len(committed(folder))
        run_suite(out, lambda name: None)
        assert read_runs(folder, schema=ROWS).astype(str).equals(expected)
        assert not list(folder.rglob(f"{files.TEMPORARY}*"))


def test_a_full_disk_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(
        StorageError, match=r"cannot write .*x\.bin: No space left on device; needs 10 bytes, [\d,]+ bytes free"
    ):
        files.write_atomic(tmp_path / "x.bin", b"0123456789")
    assert list(tmp_path.iterdir()) == []


def test_a_real_size_limit_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StorageError, match="File too large; needs 5,000 bytes"):
            files.write_atomic(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.bin"]


def stream(path: Path) -> None:
    with files.streamed_atomic(path) as file:
        for _ in range(3):
            file.write(b"x" * 100_000)


def test_a_stream_that_fails_anywhere_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path, refused, nth = tmp_path / "x.zip", 0, 1
    path.write_bytes(b"old")
    while path.read_bytes() == b"old":
        with monkeypatch.context() as patch:
            count = fail_at(patch, nth, refuse)
            try:
                stream(path)
            except StorageError:
                refused += 1
        # What is left when the very removal of it fails is swept by the next writer of the folder.
        assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(files.TEMPORARY)] == ["x.zip"]
        assert count[0] >= nth
        nth += 1
    assert refused >= 3
    assert path.read_bytes() == b"x" * 300_000


def test_a_stream_whose_block_fails_or_that_grows_too_large_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), files.streamed_atomic(path) as file:
        file.writelines([b"new", "no bytes"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"cannot write .*x\.zip: File too large"):
            stream(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_folder_is_told_before_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(path: Path) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "open_new", refuse)
    with pytest.raises(
        StorageError, match=rf"cannot write to .*ab12: {os.strerror(code)}; choose another folder with --out"
    ) as caught:
        run_folder(tmp_path, "quick", "ab12")
    assert caught.value.exit_code == 74


def test_a_file_in_the_place_of_the_results_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("not a folder")
    with pytest.raises(StorageError, match=r"Not a directory|File exists"):
        run_folder(tmp_path / "results", "quick", "ab12")


def test_writing_never_follows_a_symbolic_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("keep")
    link = tmp_path / f"{files.TEMPORARY}{os.getpid()}-x.json"
    link.symlink_to(target)
    with pytest.raises(StorageError):
        files.write_atomic(tmp_path / "x.json", b"new")
    assert target.read_text() == "keep"
