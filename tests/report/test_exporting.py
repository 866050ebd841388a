"""An archive of a run: what is in it, that it is read without optbench, and that its bytes are always the same."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from optbench import store
from optbench.errors import DataError, UsageError
from optbench.report import tables
from optbench.report.exporting import archive, export
from tests.report import exported

ROOT = Path(__file__).parents[2]


#: Reads an archive in a process where optbench cannot be imported, and prints what it found.
READER = """
import csv, io, json, sys, zipfile
sys.modules["optbench"] = None
import pandas, pyarrow.parquet
archive = zipfile.ZipFile(sys.argv[1])
lines = list(csv.DictReader(io.TextIOWrapper(archive.open("rows.csv"), "utf-8")))
frame = pandas.read_csv(archive.open("rows.csv"), dtype={"cell_id": str})
shards = [name for name in archive.namelist() if name.endswith(".parquet") and name.count("/") == 1]
tables = [pyarrow.parquet.read_table(io.BytesIO(archive.read(name))) for name in shards]
manifest = json.loads(archive.read("manifest.json"))
print(json.dumps({
    "cells": sorted(line["cell_id"] for line in lines),
    "same": sorted(frame["cell_id"]) == sorted(cell for table in tables for cell in table["cell_id"].to_pylist()),
    "n_cells": manifest["n_cells"],
    "crate": json.loads(archive.read("ro-crate-metadata.json"))["@graph"][1]["version"],
}))
"""


def test_it_is_read_where_there_is_no_optbench(each_export, tmp_path):
    command = [sys.executable, "-I", "-c", READER, str(each_export.done.path.resolve())]
    read = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    found = json.loads(read.stdout)
    assert found["same"]
    assert found["cells"] == sorted(each_export.run.runs["cell_id"])
    assert found["n_cells"] == len(each_export.run.runs)
    assert found["crate"] == str(each_export.run.manifest["suite"]["version"])


def test_what_its_page_says_of_reading_it_works(each_export):
    section = each_export.text("README.md").split("## Read it")[1].split("\n## ")[0]
    code = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    (each_export.folder.parent / "read.py").write_text(
        f"import sys\nsys.modules['optbench'] = None\n{code}\n"
        "print(len(rows), len(whole), len(columns.query('table == \"rows\"')), manifest['run_id'])\n"
    )
    command = [sys.executable, "-I", "../read.py"]
    read = subprocess.run(command, capture_output=True, text=True, cwd=each_export.folder)
    n, schema = len(each_export.run.runs), each_export.run.schema
    assert read.stdout == f"{n} {n} {len(schema.columns) + 2} {each_export.run.manifest['run_id']}\n", read.stderr


def test_unpacked_it_is_the_run(each_export):
    again = store.load(each_export.folder)
    assert store.verify(each_export.folder) == []
    assert tables.render(again, "main", "csv") == tables.render(each_export.run, "main", "csv")
    assert each_export.text("tables/main.csv") == tables.render(each_export.run, "main", "csv")
    assert each_export.text("tables/main.md") == tables.render(each_export.run, "main", "markdown")
    assert each_export.text("suite.toml") == each_export.run.manifest["suite"]["text"]


def test_it_has_the_table_that_answers_the_suite_and_the_figures_that_lie_there(exports):
    networks = exports("networks")
    assert {"tables/gap.md", "tables/arms.csv", "tables/sharpness.md", "tables/levels.csv"} <= {*networks.names}
    drawn = sorted(path.name for path in (exported.LARGE_BATCH / "figures").iterdir())
    assert [name for name in networks.names if name.startswith("figures/")] == [f"figures/{name}" for name in drawn]
    assert networks.zip.read(f"figures/{drawn[0]}") == (exported.LARGE_BATCH / "figures" / drawn[0]).read_bytes()


def test_figures_of_other_names_links_and_other_files_stay_out(tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    (folder / "figures").mkdir()
    for name in ("ranks.svg", "my plot.png", "notes.txt"):
        (folder / "figures" / name).write_bytes(b"x")
    (folder / "figures" / "link.png").symlink_to("/etc/passwd")
    done = export(store.load(folder), tmp_path / "a.zip")
    shown = [name for name in zipfile.ZipFile(done.path).namelist() if name.startswith("figures")]
    assert shown == ["figures/ranks.svg"]
    assert [said for said in done.left_out if "figure" in said] == [
        "The figure my plot.png was left out: its name must be of letters, digits, '.', '_' and '-'."
    ]


def test_sums_are_those_of_all_files(each_export):
    sums = dict(reversed(line.split("  ", 1)) for line in each_export.text("SHA256SUMS").splitlines())
    assert sums.keys() == {*each_export.names} - {"SHA256SUMS"}
    assert all(hashlib.sha256(each_export.zip.read(name)).hexdigest() == found for name, found in sums.items())


def test_members_are_plain_files_with_safe_names_and_one_time(each_export):
    assert len(each_export.names) == len({name.lower() for name in each_export.names}) == each_export.done.members
    for info in each_export.zip.infolist():
        assert all(re.fullmatch(r"\w[\w.-]*", part, re.ASCII) for part in info.filename.split("/")), info.filename
        assert (info.date_time, info.create_system, info.external_attr) == ((1980, 1, 1, 0, 0, 0), 3, 0o100644 << 16)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../b", "a//b", "", ".hidden", "a b", "a\\b", "-rf", "é"])
def test_other_names_are_refused(name):
    with pytest.raises(DataError, match="names in an archive"):
        archive.safe_path(name)


def test_a_shard_of_a_hostile_name_is_refused(tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    for path in sorted((folder / "shards").glob("himmelblau-2d-i1--adam-*")):
        path.rename(path.with_name(f"a\x1b b{path.suffix}"))
    exported.changed(folder)
    with pytest.raises(DataError, match=r"names in an archive must be of letters.*got 'shards/a\\x1b b.json'"):
        export(store.load(folder), tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize("form", ["zip", "csv", "parquet"])
def test_the_same_run_gives_the_same_bytes_in_another_folder_process_and_time_zone(form, tmp_path):
    first, second = exported.of_functions(tmp_path / "one" / "run"), exported.of_functions(tmp_path / "b" / "c" / "run")
    for number, path in enumerate(sorted(second.rglob("*"), reverse=True)):
        os.utime(path, (10_000 * number, 10_000 * number))
        if path.is_file():
            path.chmod(0o600)
    export(store.load(first), tmp_path / f"a.{form}")
    code = "import sys; from optbench import store; from optbench.report.exporting import export; "
    code += "print(export(store.load(sys.argv[1]), format=sys.argv[2]).path)"
    environ = {**os.environ, "TZ": "Pacific/Kiritimati", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    (tmp_path / "elsewhere").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", f"import os; os.umask(0o077); {code}", str(second), form],
        capture_output=True, text=True, cwd=tmp_path / "elsewhere", env=environ,
    )  # fmt: skip
    assert ran.stdout == f"quick-891f94abd910.{form}\n", ran.stderr
    assert (tmp_path / "elsewhere" / ran.stdout.strip()).read_bytes() == (tmp_path / f"a.{form}").read_bytes()


def test_no_place_of_who_made_it_is_in_it(exports, tmp_path):
    """The fixture's command has ``--out /data/ada``; what computes the run again is said without it."""
    functions = exports("landscapes")
    assert "/data/ada" in str(functions.run.manifest["command"])
    for name in functions.names:
        assert b"/data/ada" not in functions.zip.read(name), name
        assert str(functions.run.path).encode() not in functions.zip.read(name), name
    again = "    optbench run suite.toml --problems himmelblau,sphere --optimizers adam,sgd\n"
    assert again in functions.text("README.md")


def test_an_incomplete_run_says_so_everywhere(tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    gone, torn = sorted((folder / "shards").glob("sphere*.json"))
    gone.unlink()
    gone.with_suffix(".parquet").unlink()
    torn.unlink()
    exported.changed(folder, state="running", finished_utc=None, files={})
    done = export(store.load(folder), tmp_path / "a.zip")
    assert (done.watermark, done.rows) == ("INCOMPLETE 1536/3072", 1536)
    found = zipfile.ZipFile(done.path)
    shown = [name for name in found.namelist() if name.startswith("shards/")]
    assert len(shown) == 4
    assert all("himmelblau" in name for name in shown), "a shard without its commit record is no evidence"
    lines = list(csv.DictReader(io.TextIOWrapper(found.open("rows.csv"))))
    assert {line["watermark"] for line in lines} == {done.watermark}
    for name in ("README.md", "CITATION.bib", "ro-crate-metadata.json", "tables/main.md", "tables/main.csv"):
        assert done.watermark in found.read(name).decode(), name
    assert "ActiveActionStatus" in found.read("ro-crate-metadata.json").decode()


def test_a_table_that_cannot_be_made_is_left_out_and_named(tmp_path, monkeypatch):
    def fail(evidence, kind):
        if kind.name == "ranking":
            raise DataError("rows are missing\nmany")
        return build(evidence, kind)

    build = tables.build
    monkeypatch.setattr(tables, "build", fail)
    done = export(store.load(exported.of_functions(tmp_path / "run")), tmp_path / "a.zip")
    assert done.left_out[-1] == "The table ranking could not be made: rows are missing"
    found = zipfile.ZipFile(done.path)
    assert "tables/main.md" in found.namelist()
    assert "tables/ranking.md" not in found.namelist()
    assert f"- {done.left_out[-1]}\n" in found.read("README.md").decode()


def test_names_that_would_act_only_show(tmp_path):
    hostile = "=cmd|' /C calc'!A0"
    suite = {"name": "../../x", "question": "<script>alert(1)</script>\n```\n# {", "text": "x", "version": "=1"}
    folder = exported.of_studies(tmp_path / "run", optimizer=hostile, run_id="../../etc", suite=suite)
    done = export(store.load(folder), tmp_path / "a.zip")
    found = zipfile.ZipFile(done.path)
    lines = list(csv.DictReader(io.TextIOWrapper(found.open("rows.csv"))))
    assert {line["optimizer"] for line in lines} == {"", f"'{hostile}"}
    shards = [name for name in found.namelist() if name.startswith("shards/") and name.endswith(".parquet")]
    stored = [pq.read_table(io.BytesIO(found.read(shard)))["optimizer"].to_pylist() for shard in shards]
    assert {name for names in stored for name in names} == {"", hostile}
    page = found.read("README.md").decode()
    assert "<script>" not in page.split("## Cite it")[0]
    assert all(line.startswith("    ") for line in page.splitlines() if "<script>" in line)
    assert not [line for line in page.splitlines() if line.startswith("```")]
    alone = export(store.load(folder), tmp_path / "b" / "c.csv")
    assert alone.path.read_bytes() == found.read("rows.csv")


def test_damaged_files_are_not_given_away_and_an_older_export_stays(tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    (tmp_path / "a.zip").write_bytes(b"older")
    path = next((folder / "shards").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    for form in ("zip", "csv", "parquet"):
        with pytest.raises(DataError, match="sha256 must be"):
            export(store.load(folder), tmp_path / f"a.{form}")
    path.unlink()
    with pytest.raises(DataError, match="missing"):
        export(store.load(folder), tmp_path / "a.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "run"]
    assert (tmp_path / "a.zip").read_bytes() == b"older"


def test_what_no_row_needs_is_checked_too(tmp_path):
    folder = exported.of_networks(tmp_path / "run")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "contours.parquet").write_bytes(b"x")
    with pytest.raises(DataError, match=r"contours.parquet: sha256 must be in the manifest"):
        export(store.load(folder), tmp_path / "a.zip")


def test_authors_and_license_stand_where_a_reader_looks(tmp_path):
    run = store.load(exported.of_studies(tmp_path / "run"))
    done = export(run, tmp_path / "a.zip", authors=["Lovelace, Ada", "Gödel, Kurt"], license="CC-BY-4.0")
    found = {name: zipfile.ZipFile(done.path).read(name).decode() for name in ("README.md", "CITATION.bib")}
    assert "Lovelace, Ada; Gödel, Kurt." in found["README.md"]
    assert "https://spdx.org/licenses/CC-BY-4.0" in found["README.md"]
    assert "{Lovelace, Ada and Gödel, Kurt}" in found["CITATION.bib"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"out": "a.tar"}, r"--out must end in .zip, .csv, .parquet; got 'a.tar'"),
        ({"out": "a.csv", "format": "parquet"}, r"--out must end in .parquet; got 'a.csv'"),
        ({"out": "a"}, r"--out must end in .zip"),
        ({"format": "cvs"}, "unknown format 'cvs'; did you mean 'csv'"),
        ({"license": "a b"}, "--license must be an SPDX identifier such as CC-BY-4.0; got 'a b'"),
        ({"out": "run/a.zip"}, "must lie outside the run's folder"),
        ({"authors": [" "]}, "--author must be one name"),
        ({"authors": ["A and B"]}, "give it once for each"),
    ],
)
def test_what_cannot_be_done_is_said(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = store.load(exported.of_studies(tmp_path / "run"))
    with pytest.raises(UsageError, match=said):
        export(run, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_without_rows_is_refused(tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    for path in (folder / "shards").iterdir():
        path.unlink()
    exported.changed(folder, state="running", files={})
    with pytest.raises(DataError, match=r"has no rows yet.*optbench run quick --problems himmelblau,sphere"):
        export(store.load(folder), tmp_path / "a.zip")
