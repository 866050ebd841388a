"""The metadata of an archive are what RO-Crate 1.1 asks for: https://www.researchobject.org/ro-crate/1.1/."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile

import pytest

from optbench import store
from optbench.report.exporting import export
from tests.report import exported


def read(folder, out, **options):
    archive = zipfile.ZipFile(export(store.load(folder), out, **options).path)
    return archive, json.loads(archive.read("ro-crate-metadata.json"))


@pytest.fixture(scope="module", params=["of_functions", "of_networks", "of_studies"])
def crate(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("crate")
    return read(getattr(exported, request.param)(root / "run"), root / "a.zip")


def entities(found):
    return {entity["@id"]: entity for entity in found["@graph"]}


def references(value):
    """Returns the ids to which a value refers."""
    if isinstance(value, dict):
        return [value["@id"]] if value.keys() == {"@id"} else [i for inner in value.values() for i in references(inner)]
    return [i for inner in value for i in references(inner)] if isinstance(value, list) else []


def test_the_graph_is_flat_and_each_entity_is_there_once(crate):
    _, found = crate
    assert found.keys() == {"@context", "@graph"}
    assert found["@context"] == ["https://w3id.org/ro/crate/1.1/context", {"sha256": "http://schema.org/sha256"}]
    assert len(entities(found)) == len(found["@graph"])
    assert all({"@id", "@type"} <= entity.keys() for entity in found["@graph"])


def test_every_reference_leads_to_an_entity_or_to_the_vocabulary(crate):
    _, found = crate
    known = entities(found)
    outside = [i for entity in found["@graph"] for i in references(entity) if i not in known]
    assert {*outside} == {"https://w3id.org/ro/crate/1.1", "http://schema.org/CompletedActionStatus"}


def test_the_descriptor_leads_to_the_root(crate):
    """By the algorithm of the specification: whose ``conformsTo`` is RO-Crate, its ``about``."""
    _, found = crate
    (descriptor,) = (
        entity
        for entity in found["@graph"]
        if str(entity.get("conformsTo", {}).get("@id")).startswith("https://w3id.org/ro/crate/")
    )
    assert (descriptor["@id"], descriptor["@type"]) == ("ro-crate-metadata.json", "CreativeWork")
    assert entities(found)[descriptor["about"]["@id"]]["@type"] == "Dataset"


def test_the_root_has_what_it_must_have(crate):
    _, found = crate
    root, known = entities(found)["./"], entities(found)
    assert all(root[name] for name in ("name", "description", "identifier", "version"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", root["datePublished"])
    assert known[root["license"]["@id"]]["name"] == "Apache-2.0"
    assert root["license"]["@id"] == "https://spdx.org/licenses/Apache-2.0"
    assert [known[author["@id"]]["name"] for author in root["author"]] == ["Author not named"]


def test_every_file_is_a_part_with_its_size_sum_and_format(crate):
    archive, found = crate
    parts = [part["@id"] for part in entities(found)["./"]["hasPart"]]
    assert parts == sorted({*archive.namelist()} - {"ro-crate-metadata.json"})
    for name in parts:
        entity = entities(found)[name]
        assert entity["@type"] == "File"
        assert entity["name"]
        assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", entity["encodingFormat"])
        if name != "SHA256SUMS":
            data = archive.read(name)
            assert (entity["contentSize"], entity["sha256"]) == (str(len(data)), hashlib.sha256(data).hexdigest())
    assert entities(found)["rows.csv"]["encodingFormat"] == "text/csv"
    assert entities(found)["README.md"]["encodingFormat"] == "text/markdown"


def test_an_action_made_the_rows_of_the_suite_with_this_version(crate):
    archive, found = crate
    manifest, known = json.loads(archive.read("manifest.json")), entities(found)
    (action,) = (entity for entity in found["@graph"] if entity["@type"] == "CreateAction")
    assert {"@id": action["@id"]} in known["./"]["mentions"]
    software = known[action["instrument"]["@id"]]
    assert (software["@type"], software["name"]) == ("SoftwareApplication", "optbench")
    assert software["version"] == manifest["version"]
    assert f"jax {manifest['versions']['jax']}" in software["softwareRequirements"]
    assert known[action["object"]["@id"]]["@id"] == "suite.toml"
    made = {result["@id"] for result in action["result"]}
    assert made == {name for name in archive.namelist() if name.startswith(("shards/", "pictures/", "frames/"))}
    assert action["startTime"] == manifest["created_utc"]
    assert action.get("endTime") == manifest.get("finished_utc")


def test_authors_are_those_that_were_named(tmp_path):
    folder = exported.of_studies(tmp_path / "run")
    _, found = read(folder, tmp_path / "a.zip", authors=["Lovelace, Ada", "Gödel, Kurt"], license="CC-BY-4.0")
    named = [entities(found)[author["@id"]] for author in entities(found)["./"]["author"]]
    assert [(author["@type"], author["name"]) for author in named] == [
        ("Person", "Lovelace, Ada"),
        ("Person", "Gödel, Kurt"),
    ]
    assert entities(found)["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}


def test_its_bytes_are_ascii_whatever_names_say(tmp_path):
    suite = {"name": "made", "version": 1, "question": "\u202e</script>\x1b[31m é", "text": "x"}
    archive, found = read(exported.of_studies(tmp_path / "run", suite=suite), tmp_path / "a.zip")
    assert archive.read("ro-crate-metadata.json").isascii()
    assert entities(found)["./"]["name"] == "\\u202e</script>\\x1b[31m é"
