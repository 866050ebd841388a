"""What a citation says, without a format. That of a run is made of its manifest; nothing else is looked up."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optbench import __version__
from optbench.errors import DataError, UsageError
from optbench.report.evidence import Evidence, StoredRun
from optbench.report.formats.escaping import clean
from optbench.report.part import part
from optbench.report.rerun import rerun
from optbench.store import slug

#: As ``CITATION.cff`` has them, which lies beside the package and is not installed with it.
TITLE = "optbench: honest comparisons of first-order optimizers on loss landscapes"
AUTHORS = ("The optbench authors",)
LICENSE = "Apache-2.0"
RELEASED = "2026-11-23"

#: Of a SHA-256, the digits that are enough to tell two versions of a module apart.
_DIGITS = 12
_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation without a format.

    Attributes:
        of: ``software`` or ``dataset``.
        key: By which a text refers to it: letters, digits, dots and hyphens.
        title: Its title.
        authors: Names, none where nobody is named. A name of several words with a comma is "family, given".
        groups: Those of ``authors`` that are no persons.
        year: Of the release, or of the day on which the run was done.
        version: Of the software, or of the suite.
        published: What it is, in a few words.
        license: SPDX identifier; empty where nothing is said.
        remarks: What a reader must know, a few words each: parts of a suite, code of a user's own, missing rows.
        rerun: The command that computes it again, empty for software.
        footer: The line below every table of the run, empty for software.
        facts: What else a program may want.
    """

    of: str
    key: str
    title: str
    authors: tuple[str, ...]
    groups: frozenset[str]
    year: str
    version: str
    published: str
    license: str = ""
    remarks: tuple[str, ...] = ()
    rerun: str = ""
    footer: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def of_software() -> Citation:
    """Returns how to cite optbench itself.

    Example:
        >>> of_software().key, of_software().authors
        ('optbench', ('The optbench authors',))
    """
    return Citation(
        of="software",
        key="optbench",
        title=TITLE,
        authors=AUTHORS,
        groups=frozenset(AUTHORS),
        year=RELEASED[:4],
        version=__version__,
        published="Computer software",
        license=LICENSE,
    )


def of_run(run: StoredRun | Evidence, authors: Sequence[str] = ()) -> Citation:
    """Returns how to cite the rows of a run, and all that is drawn from them.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.
        authors: Who made it; a manifest names nobody.

    Returns:
        The citation.

    Raises:
        UsageError: A name of an author is empty or is several.
        DataError: The run has no rows yet.
    """
    evidence = Evidence.of(run)
    manifest, suite = evidence.manifest, evidence.manifest.get("suite", {})
    run_id, name = str(manifest.get("run_id", "?")), str(suite.get("name", "?"))
    if not evidence.n_rows:
        words = shlex.join(rerun(manifest))
        raise DataError(
            f"run {clean(run_id)} has no rows yet, so there is nothing to cite or export; go on with: {words}"
        )
    suite_version = str(suite.get("version", "?")).removeprefix("v")
    made = f"optbench {manifest.get('version', '?')}"
    return Citation(
        of="dataset",
        key=slug(f"{slug(name)}-{run_id}", length=96),
        title=clean(suite.get("question") or f"Suite {name}"),
        authors=checked_authors(authors),
        groups=frozenset(),
        year=published_on(manifest)[:4],
        version=clean(suite_version),
        published=clean(
            f"Data set: {evidence.n_rows:,} runs of the suite {name} v{suite_version}, run {run_id}, {made}"
        ),
        remarks=remarks(evidence),
        rerun=clean(shlex.join(rerun(manifest))),
        footer=clean(evidence.footer),
        facts={
            "suite": name,
            "suite_version": suite_version,
            "run_id": run_id,
            "optbench": manifest.get("version"),
            "rows": evidence.n_rows,
            "cells": evidence.n_cells,
            "date": published_on(manifest),
            "part": part(manifest),
            "user_code": dict(manifest.get("sources") or {}),
            "watermark": evidence.watermark,
            "command": rerun(manifest),
        },
    )


def remarks(evidence: Evidence) -> tuple[str, ...]:
    """Returns what a reader must know of a run beside its numbers.

    Args:
        evidence: The run.

    Returns:
        A few words for each: missing rows, the quick size, which part of a suite it is, whose code it ran.
    """
    manifest = evidence.manifest
    said = []
    if evidence.watermark:
        said.append(f"{evidence.watermark}: the run is {manifest.get('state', 'not finished')}")
    if evidence.size_note:
        said.append(evidence.size_note.rstrip("."))
    if found := part(manifest):
        said.append(found)
    own, others = [], []
    for module, found in sorted((manifest.get("sources") or {}).items()):
        if _SUM.fullmatch(str(found)):
            own.append(f"{module} (SHA-256 {str(found)[:_DIGITS]}...)")
        else:
            others.append(str(found))
    if own:
        said.append(f"with code that is no part of optbench: {', '.join(own)}")
    if others:
        said.append(f"with {', '.join(others)}")
    return tuple(map(clean, said))


def published_on(manifest: Mapping[str, Any]) -> str:
    """Returns the day of a run as ``YYYY-MM-DD``: when it was finished, of one that is not when it began.

    Args:
        manifest: Its manifest.

    Raises:
        DataError: The manifest names no day.
    """
    when = str(manifest.get("finished_utc") or manifest.get("created_utc") or "")
    if not re.match(r"\d{4}-\d\d-\d\d", when):
        run_id = clean(manifest.get("run_id", "?"))
        raise DataError(f"run {run_id}: finished_utc or created_utc must be a date such as 2026-11-30; got {when!r}")
    return when[:10]


def checked_authors(authors: Sequence[str]) -> tuple[str, ...]:
    """Returns names of authors, each on one line.

    Args:
        authors: What the user wrote.

    Raises:
        UsageError: A name is empty, or BibTeX would take it for several.
    """
    names = tuple(clean(" ".join(author.split())) for author in authors)
    for name in names:
        if not name or re.search(r"(?i)(^|\s)and(\s|$)|;", name):
            raise UsageError(f"--author must be one name, such as 'Lovelace, Ada'; got {name!r}; give it once for each")
    return names
