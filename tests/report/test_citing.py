"""Citations of the software and of runs: what they say, that they can be read back, and that no name breaks them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import optbench
from optbench import store
from optbench.cli import cli
from optbench.errors import DataError, UsageError
from optbench.report import citing, tables
from optbench.report.formats.escaping import bibtex
from optbench.report.rerun import rerun
from tests.report import exported
from tests.report.hostile import HOSTILE

ROOT = Path(__file__).parents[2]
RUNS = sorted(exported.CANONICAL.glob("*"))


def entries(text):
    """Returns the entries of a BibTeX file, by type, key and fields, as BibTeX reads it: braces count."""
    found, place = [], 0
    while match := re.compile(r"@(\w+)\{([^,\s{}]+),\s*").search(text, place):
        kind, key, place = match[1], match[2], match.end()
        fields = {}
        while text[place] != "}":
            name, place = re.compile(r"(\w+)\s*=\s*\{").match(text, place)[1], text.index("{", place) + 1
            start, depth = place, 1
            while depth:
                depth += {"{": 1, "}": -1}.get(text[place], 0)
                place += 1
            fields[name] = text[start : place - 1]
            place = re.compile(r",\s*").match(text, place).end()
        place += 1
        found.append((kind, key, fields))
    assert text[place:].strip() == ""
    return found


def cff():
    """Returns the keys of CITATION.cff at its first level, with their values, and the names of its authors."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    top = dict(re.findall(r'^([a-z-]+):\s*"?(.*?)"?$', text, re.MULTILINE))
    return top, re.findall(r'^  - name: "(.*)"$', text.split("authors:\n")[1].split("\nkeywords")[0], re.MULTILINE)


def test_the_citation_file_has_what_its_format_requires():
    top, authors = cff()
    assert {"cff-version", "message", "title", "authors"} <= top.keys()
    assert (top["cff-version"], top["type"]) == ("1.2.0", "software")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", top["date-released"])
    assert authors


def test_the_software_is_cited_as_the_citation_file_says():
    top, authors = cff()
    ((kind, key, fields),) = entries(citing.render(citing.of_software()))
    assert (kind, key) == ("software", "optbench")
    assert fields["title"] == f"{{{top['title']}}}"
    assert fields["author"] == " and ".join(f"{{{author}}}" for author in authors)
    assert (fields["version"], fields["year"]) == (top["version"], top["date-released"][:4])
    assert fields["version"] == optbench.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert fields["license"] == top["license"] == project["license"]
    # Neither states an address, so none is made up.
    assert not {"url", "repository-code", "urls"} & {*top, *fields, *project}


def test_the_software_in_a_sentence_and_as_json():
    top, authors = cff()
    said = citing.render(citing.of_software(), "text")
    assert said == f"{authors[0]}. {top['title']}. Version {top['version']}, 2026. License: Apache-2.0.\n"
    found = json.loads(citing.render(citing.of_software(), "json"))
    assert (found["type"], found["authors"], found["year"]) == ("software", authors, 2026)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return store.load(exported.of_functions(tmp_path_factory.mktemp("cited") / "run"))


def test_a_run_is_cited_as_a_data_set(run):
    ((kind, key, fields),) = entries(citing.render(citing.of_run(run, ["Lovelace, Ada", "Hopper, Grace"])))
    assert (kind, key) == ("misc", "quick-891f94abd910")
    assert fields == {
        "title": "{How do the seven classic update rules compare on test functions, untuned and tuned alike?}",
        "author": "Lovelace, Ada and Hopper, Grace",
        "year": "2026",
        "version": "2",
        "howpublished": "Data set: 3,072 runs of the suite quick v2, run 891f94abd910, optbench 0.1.0",
        "note": "Part of the suite: 2 of 12 problems, 2 of 7 optimizers. "
        "Run again with: optbench run quick --problems himmelblau,sphere --optimizers adam,sgd",
    }


def test_a_run_of_nobody_sorts_by_its_key(run):
    ((_, key, fields),) = entries(citing.render(citing.of_run(run)))
    assert "author" not in fields
    assert fields["key"] == key


def test_the_sentence_ends_with_the_line_below_tables(run):
    said = citing.render(citing.of_run(run), "text").splitlines()
    assert said[-1] == tables.render(run, "main", "terminal", width=1000).splitlines()[-1]
    assert said[0].startswith("How do the seven classic update rules compare")
    assert "Part of the suite: 2 of 12 problems, 2 of 7 optimizers. Run again with: optbench run quick --p" in said[0]
    assert len(said) == 2


def test_json_has_it_in_pieces(run):
    found = json.loads(citing.render(citing.of_run(run), "json"))
    assert (found["suite"], found["suite_version"], found["run_id"]) == ("quick", "2", "891f94abd910")
    assert (found["rows"], found["cells"], found["watermark"], found["date"]) == (3072, 3072, "", "2026-11-29")
    assert found["command"] == rerun(run.manifest)


@pytest.mark.parametrize("form", list(citing.FORMATS))
def test_code_of_a_user_and_missing_rows_are_said(form, tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    sources = {"lab.rules": "ab" * 32, "cutest": "sif2jax 0.0.8"}
    exported.changed(folder, sources=sources, n_cells=4000, state="running", size="quick")
    said = citing.render(citing.of_run(store.load(folder)), form)
    assert "INCOMPLETE 3072/4000: the run is running" in said
    assert "uick size of the suite, no evidence" in said
    code = "with code that is no part of optbench: lab.rules (SHA-256 abababababab...)"
    assert (code if form == "json" else code.capitalize()[:1] + code[1:]) in said
    assert "ith sif2jax 0.0.8" in said


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_breaks_an_entry(text, tmp_path):
    suite = {"name": text, "version": text, "question": f"{text}}}}}\n@misc{{x,", "text": "x"}
    command = ["optbench", "run", text]
    folder = exported.of_studies(tmp_path / "run", suite=suite, run_id=text, command=command, sources={text: "c" * 64})
    cited = citing.of_run(store.load(folder), [f"{text} {{"])
    ((kind, key, fields),) = entries(citing.render(cited))
    assert kind == "misc"
    assert re.fullmatch(r"[A-Za-z0-9_][\w.-]*", key, re.ASCII)
    for value in fields.values():
        assert value.isprintable()
        assert not re.search(r"(?<!\\)[%#&$_^~]", re.sub(r"\\text[a-z]+\{\}", "", value))
        bare = re.sub(r"\\text[a-z]+\{\}|\\[%#&$_]|\$\\leq\$|\\dots\{\}", "", value)
        assert "\\" not in bare, "a backslash of the name would be a command"
    assert len(citing.render(cited, "text").splitlines()) == 2
    assert citing.render(cited, "json").isascii()


def test_letters_of_all_scripts_stay():
    assert bibtex("Gödel 日本 {x} \\input{y} 50%") == (
        r"Gödel 日本 \textbraceleft{}x\textbraceright{} \textbackslash{}input\textbraceleft{}y\textbraceright{} 50\%"
    )


@pytest.mark.parametrize("names", [["A and B"], ["A AND B"], ["A; B"], [""], [" \n "], ["and"]])
def test_one_author_at_a_time(names, run):
    with pytest.raises(UsageError, match="--author must be one name"):
        citing.of_run(run, names)


@pytest.mark.parametrize("name", ["Anderson, Ann", "Sand, George", "Brandt"])
def test_names_with_and_in_them_are_one(name, run):
    assert citing.of_run(run, [name]).authors == (name,)


def test_a_manifest_without_a_day_is_refused(tmp_path):
    folder = exported.of_studies(tmp_path / "run")
    exported.changed(folder, created_utc=None, finished_utc="yesterday")
    with pytest.raises(DataError, match="must be a date such as 2026-11-30; got 'yesterday'"):
        citing.of_run(store.load(folder))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_the_printed_command_selects_what_was_run(path):
    """Committed runs have a shortened command; what it parses to is what the manifest says was selected."""
    manifest = store.load(path).manifest
    words = rerun(manifest)
    assert words[:3] == ["optbench", "run", manifest["suite"]["name"]]
    parsed = cli.commands["run"].make_context("run", words[2:]).params
    given = {key: value for key, value in parsed.items() if value not in (None, False)}
    selected = {key: value for key, value in manifest["selection"].items() if value is not None}
    stated = {key: ",".join(value) if isinstance(value, list) else value for key, value in selected.items()}
    assert given == {"suite": manifest["suite"]["name"], "out": "results", **stated}


@pytest.mark.parametrize("given", ["/home/ada/x.toml", "../x.toml", "C:\\Users\\ada\\x.toml", "x.toml"])
def test_a_suite_of_one_s_own_is_named_by_its_file(given):
    assert rerun({"command": ["optbench", "run", given, "--out", "/data"]}) == ["optbench", "run", "x.toml"]
