"""One writer for a run; a killed one holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optbench.errors import BusyError, OptbenchError
from optbench.store import files, run_folder, writing

HOLD = """
import sys, time
from pathlib import Path
from optbench.store import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_and_a_killed_one_forgotten(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(BusyError, match=rf"written by another process \(pid {holder.pid}\)") as caught,
            writing(folder),
        ):
            pass
        assert caught.value.exit_code == 6
        holder.kill()
        holder.wait()
    with writing(folder):
        pass


def test_the_lock_ends_with_an_error_inside(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    with pytest.raises(OptbenchError, match="inside"), writing(folder):
        raise OptbenchError("inside")
    with writing(folder):
        pass


def test_leftovers_of_a_killed_writer_are_swept(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    (folder / "shards" / f"{files.TEMPORARY}99-a.parquet").write_text("half")
    (folder / f"{files.TEMPORARY}99-manifest.json").write_text("half")
    with writing(folder):
        assert not list(folder.rglob(f"{files.TEMPORARY}*"))
