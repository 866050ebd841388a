"""``table`` and ``plot``: what they hand over and where they write."""

from __future__ import annotations

import pytest

from optbench.report import figures, tables
from tests.cli.stored import write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "results" / "quick" / "0f3a")


def test_table_goes_to_stdout(invoke, run, monkeypatch):
    monkeypatch.setattr(tables, "render", lambda stored, kind, form, **options: f"{stored.path.name} {kind} {form}\n")
    assert invoke("table", "quick").stdout == "0f3a None terminal\n"
    assert invoke("table", "quick", "--kind", "gaps", "--format", "csv").stdout == "0f3a gaps csv\n"


@pytest.mark.parametrize(("columns", "width"), [(None, 120), ("60", 60), ("200", 200), ("0", 120), ("wide", 120)])
def test_a_table_in_a_pipe_is_as_wide_as_columns_says(invoke, run, monkeypatch, columns, width):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(tables, "render", lambda *asked, **options: str(options["width"]))
    assert invoke("table", "quick").stdout == str(width)


@pytest.mark.parametrize(("command", "names"), [("table", tables.names()), ("plot", figures.names())])
def test_help_names_every_kind(invoke, command, names):
    text = " ".join(invoke(command, "--help").stdout.split())
    for of, kinds in names.items():
        assert f"Of a run of {of}: {', '.join(kinds[:-1])} or {kinds[-1]}." in text


def test_formats_are_those_of_the_report(invoke):
    assert "[terminal|markdown|csv|latex|json]" in invoke("table", "--help").stdout
    assert set(tables.FORMATS) == {"terminal", "markdown", "csv", "latex", "json"}
    assert "[png|svg|pdf]" in invoke("plot", "--help").stdout
    assert set(figures.FORMATS) == {"png", "svg", "pdf"}


def test_unknown_kinds_get_the_nearest(invoke, run):
    result = invoke("table", "quick", "--kind", "gap")
    assert result.exit_code == 2
    assert "did you mean 'gaps'" in result.stderr
    result = invoke("plot", "quick", "--kind", "convergance")
    assert result.exit_code == 2
    assert "did you mean 'convergence'" in result.stderr


def test_plot_prints_where_the_pictures_are(invoke, run, tmp_path, monkeypatch):
    calls = []

    def draw(stored, kinds, form, out_dir, *, score):
        calls.append((kinds, form, str(out_dir)))
        return [out_dir / f"basins.{form}"]

    monkeypatch.setattr(figures, "draw", draw)
    assert invoke("plot", str(run)).stdout == f"{run}/figures/basins.png\n"
    assert invoke("plot", "quick", "--kind", "basins", "--format", "svg", "--out", "o").stdout == "o/basins.svg\n"
    assert calls == [(None, "png", f"{run}/figures"), (["basins"], "svg", "o")]


@pytest.mark.parametrize("command", ["table", "plot", "status"])
def test_unknown_run_ends_with_2(invoke, command):
    result = invoke(command, "quick")
    assert result.exit_code == 2
    assert result.stderr == "error: no run 'quick': results/ holds none yet; start one with: optbench run quick\n"
