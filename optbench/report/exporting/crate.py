"""What an archive says of itself to programs: RO-Crate 1.1, linked data in one JSON file.

https://w3id.org/ro/crate/1.1: a data set with its files, who made it, when, under which license, and the action that
made it, with which software and from which suite.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from optbench.report.citing.citation import TITLE, Citation, published_on
from optbench.report.citing.formats import sentence
from optbench.report.exporting.archive import Member
from optbench.report.formats.escaping import clean
from optbench.report.rerun import rerun

NAME = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
#: The term is of schema.org and entered the context of RO-Crate with 1.2.
_CONTEXT = [f"{_SPECIFICATION}/context", {"sha256": "http://schema.org/sha256"}]
_ROOT, _ACTION, _SOFTWARE = "./", "#run", "#optbench"
_UNNAMED = "Author not named"
#: Folders whose files a run made; all else was made of them.
_EVIDENCE = ("shards/", "pictures/", "frames/", "weights/")


def crate(
    manifest: Mapping[str, Any],
    citation: Citation,
    license: str,
    members: Sequence[Member],
    unsummed: Mapping[str, str],
) -> bytes:
    """Returns the metadata file of an archive.

    Args:
        manifest: The run's manifest.
        citation: How to cite the run.
        license: SPDX identifier.
        members: The files so far.
        unsummed: What else will be in it, each with what it is: files that have the sum of this one.

    Returns:
        JSON-LD, the same bytes for the same content.
    """
    authors = _authors(citation)
    link = f"https://spdx.org/licenses/{license}"
    files = sorted([*(_file(member) for member in members), *(_unsummed(*item) for item in unsummed.items())], key=_id)
    graph = [
        {
            "@id": NAME,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _SPECIFICATION},
            "about": {"@id": _ROOT},
        },
        {
            "@id": _ROOT,
            "@type": "Dataset",
            "name": citation.title,
            "description": " ".join(map(sentence, [citation.published, *citation.remarks])),
            "identifier": citation.key,
            "version": citation.version,
            "datePublished": published_on(manifest),
            "license": {"@id": link},
            "author": [{"@id": _id(author)} for author in authors],
            "keywords": ["optimization", "benchmark", str(citation.facts["suite"])],
            "hasPart": [{"@id": _id(file)} for file in files],
            "mentions": [{"@id": _ACTION}],
        },
        *files,
        _action(manifest, authors, [file for file in files if _id(file).startswith(_EVIDENCE)]),
        _software(manifest),
        {
            "@id": link,
            "@type": "CreativeWork",
            "name": license,
            "description": f"The license {license}, by its identifier in the SPDX list.",
        },
        *authors,
    ]
    # ASCII output keeps control and direction characters of a hostile name escaped.
    return (json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1, allow_nan=False) + "\n").encode()


def _id(entity: Mapping[str, Any]) -> str:
    return str(entity["@id"])


def _file(member: Member) -> dict[str, Any]:
    """Returns the entity of a file."""
    return {
        "@id": member.name,
        "@type": "File",
        "name": member.about,
        "encodingFormat": member.media_type,
        "contentSize": str(member.size),
        "sha256": member.sha256,
    }


def _unsummed(name: str, about: str) -> dict[str, Any]:
    return {"@id": name, "@type": "File", "name": about, "encodingFormat": "text/plain"}


def _authors(citation: Citation) -> list[dict[str, Any]]:
    """Returns who made the run. Their names are given by whoever exports: a manifest names nobody."""
    if not citation.authors:
        return [{"@id": "#author", "@type": "Organization", "name": _UNNAMED}]
    return [
        {"@id": f"#author-{number}", "@type": "Person", "name": name}
        for number, name in enumerate(citation.authors, start=1)
    ]


def _action(
    manifest: Mapping[str, Any], authors: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Returns what made the rows: when, with which software, of which suite."""
    done = manifest.get("state") == "finished"
    times = {"startTime": manifest.get("created_utc"), "endTime": manifest.get("finished_utc")}
    return {
        "@id": _ACTION,
        "@type": "CreateAction",
        "name": "Run of the suite",
        "description": clean(shlex.join(rerun(manifest))),
        "agent": [{"@id": _id(author)} for author in authors],
        "instrument": {"@id": _SOFTWARE},
        "object": {"@id": "suite.toml"},
        "result": [{"@id": _id(file)} for file in results],
        "actionStatus": {"@id": f"http://schema.org/{'Completed' if done else 'Active'}ActionStatus"},
        **{name: clean(when) for name, when in times.items() if when},
    }


def _software(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what computed the rows, with the versions of what it stands on."""
    versions = manifest.get("versions") or {}
    requires = [clean(f"{name} {version}") for name, version in sorted(versions.items())]
    commit = manifest.get("commit")
    return {
        "@id": _SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "optbench",
        "description": TITLE,
        "version": clean(manifest.get("version", "?")),
        "softwareRequirements": ", ".join(requires),
        **({"identifier": clean(f"commit {commit}")} if commit else {}),
    }
