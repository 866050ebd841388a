"""``export`` and ``cite``: what they print where, and how they end."""

from __future__ import annotations

import json
import zipfile

import pytest

from optbench.cli import exporting as commands
from optbench.report import citing, exporting
from tests.cli.stored import write_run
from tests.report.exported import of_functions


@pytest.fixture
def run(tmp_path):
    return of_functions(tmp_path / "results" / "quick" / "891f94abd910")


def test_export_prints_where_the_archive_is_and_says_the_rest_on_stderr(invoke, run, tmp_path):
    result = invoke("export", "quick")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "quick-891f94abd910.zip\n"
    size = (tmp_path / "quick-891f94abd910.zip").stat().st_size
    n = len(zipfile.ZipFile(tmp_path / "quick-891f94abd910.zip").namelist())
    assert result.stderr.startswith(f"rows:    3,072\nsize:    {size:,} bytes, {n} files\n")
    assert "note:    Of the stored rows, curves were left out: these columns are empty.\n" in result.stderr


def test_the_ending_of_out_names_the_format(invoke, run, tmp_path):
    result = invoke("export", "quick", "--out", "a/rows.csv", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["path"], found["format"], found["files"], found["rows"]) == ("a/rows.csv", "csv", 1, 3072)
    assert found["bytes"] == (tmp_path / "a" / "rows.csv").stat().st_size
    assert (found["watermark"], found["left_out"]) == ("", [])
    assert found["footer"].startswith("optbench 0.1.0 · suite quick v2 · run 891f94abd910")


def test_cite_prints_the_software_or_a_run(invoke, run):
    assert invoke("cite").stdout == citing.render(citing.of_software())
    assert invoke("cite", "--format", "text").stdout == citing.render(citing.of_software(), "text")
    cited = invoke("cite", "quick", "--author", "Lovelace, Ada", "--author", "Hopper, Grace")
    assert cited.exit_code == 0, cited.stderr
    assert cited.stdout.startswith("@misc{quick-891f94abd910,\n")
    assert "{Lovelace, Ada and Hopper, Grace}" in cited.stdout
    assert json.loads(invoke("cite", "quick", "--format", "json").stdout)["run_id"] == "891f94abd910"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("export", "quik"), 2, "did you mean 'quick"),
        (("cite", "quik"), 2, "did you mean 'quick"),
        (("export", "quick", "--format", "tar"), 2, "'tar' is not one of 'zip', 'csv', 'parquet'"),
        (("cite", "--author", "Lovelace, Ada"), 2, "name the run: optbench cite RUN --author NAME"),
        (("export", "empty/0f3a"), 5, "has no rows yet"),
        (("export", "quick", "--out", "file/a.zip"), 74, "cannot"),
    ],
)
def test_what_cannot_be_done_is_said(invoke, run, tmp_path, words, code, said):
    write_run(tmp_path / "results" / "empty" / "0f3a")
    (tmp_path / "file").write_text("")
    result = invoke(*words)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_choices_are_those_of_the_report():
    assert exporting.FORMATS == commands.EXPORTS
    assert tuple(citing.FORMATS) == commands.CITATIONS


@pytest.mark.parametrize("command", ["export", "cite"])
def test_help_has_examples_and_fits_80_columns(invoke, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = invoke(command, "--help").stdout
    assert f"  Examples:\n    optbench {command}" in shown
    assert max(map(len, shown.splitlines())) <= 80
