"""Files of a run that were changed, lost or added are named, with what should be there and what is."""

from __future__ import annotations

import hashlib
import json

import pytest

from optbench.store import Level, Verdict, check_files, parquet
from tests.forged import IMAGES, copied, edit, replace, shard_of, sums_fit


@pytest.fixture
def run(tmp_path):
    return copied(IMAGES, tmp_path)


def faults(folder):
    found = check_files(folder)
    assert found.level is Level.FILES
    assert found.verdict is (Verdict.FAILED if found.faults else Verdict.PASSED)
    return [(fault.file, fault.expected, fault.found) for fault in found.faults]


def test_a_run_as_it_was_written_has_all_its_sums(run):
    assert faults(run) == []
    assert check_files(run).said == "16 files have the SHA-256 of the manifest"
    assert check_files(run).facts["readable"]


def test_a_changed_shard_is_named_once_with_both_sums(run):
    path = run / "shards" / f"{shard_of(run)}.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    expected, found = (hashlib.sha256(each).hexdigest() for each in (data, path.read_bytes()))
    assert faults(run) == [(f"shards/{path.name}", f"sha256 {expected}", found)]
    assert not check_files(run).facts["readable"]


def test_files_that_were_lost_or_added_are_named(run):
    lost = run / "shards" / f"{shard_of(run)}.json"
    lost.unlink()
    (run / "shards" / "another.json").write_text("{}")
    named = {file: (expected.split()[0], found) for file, expected, found in faults(run)}
    sum_of_added = hashlib.sha256(b"{}").hexdigest()
    assert named == {f"shards/{lost.name}": ("sha256", "missing"), "shards/another.json": ("no", sum_of_added)}


def test_a_page_that_is_not_as_it_was_written_is_found_though_all_sums_fit(run):
    path = run / "shards" / f"{shard_of(run)}.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    replace(path, bytes(data))
    assert isinstance(parquet.load(path), str)
    ((file, expected, _),) = faults(run)
    assert (file, expected) == (f"shards/{path.name}", "a shard that its commit record describes")


def test_a_record_that_counts_other_rows_is_found(run):
    record = run / "shards" / f"{shard_of(run)}.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "rows": content["rows"] + 1}))
    sums_fit(run)
    ((file, expected, found),) = faults(run)
    assert file == f"shards/{record.stem}.parquet"
    assert expected.startswith(f"{content['rows'] + 1} rows")
    assert found == str(content["rows"])


def test_what_was_set_aside_is_named_and_is_no_fault(run):
    (run / "quarantine").mkdir()
    (run / "quarantine" / "a.1.parquet").write_bytes(b"torn")
    assert faults(run) == []
    assert check_files(run).said.endswith("set aside earlier: quarantine/a.1.parquet")


def test_a_run_that_is_not_finished_has_the_sums_of_its_records_alone(run):
    edit(run, state="running", files={})
    assert faults(run) == []
    path = run / "shards" / f"{shard_of(run)}.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    ((file, _, found),) = faults(run)
    assert file == f"shards/{path.name}"
    assert found.startswith("sha256 must be")


def test_a_manifest_without_what_is_read_of_it_is_no_traceback(run):
    content = json.loads((run / "manifest.json").read_text())
    del content["shards"]
    (run / "manifest.json").write_text(json.dumps({**content, "suite": "quick"}))
    assert faults(run) == [
        ("manifest.json: suite", "an entry of type dict", "str"),
        ("manifest.json: shards", "an entry of type list", "nothing"),
    ]
    assert not check_files(run).facts.get("readable")
