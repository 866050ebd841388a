"""The page that says in plain words what an archive is, to somebody who has never seen optbench."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from optbench.report.citing import Citation, render
from optbench.report.citing.formats import sentence
from optbench.report.exporting.archive import Member
from optbench.report.formats.escaping import clean, markdown
from optbench.report.rerun import rerun

NAME = "README.md"

_READ = """\
    import json, pathlib
    import pandas as pd

    here = pathlib.Path()
    rows = pd.read_csv(here / "rows.csv", dtype={"cell_id": str})     # names and numbers, a line for each run
    columns = pd.read_csv(here / "columns.csv")                       # what each column is, and in which unit
    manifest = json.loads((here / "manifest.json").read_text("utf-8"))
    shards = sorted(here.glob("shards/*.parquet"))                    # every column, lists and curves too
    whole = pd.concat(map(pd.read_parquet, shards), ignore_index=True)"""


def readme(
    manifest: Mapping[str, Any],
    citation: Citation,
    license: str,
    members: Sequence[Member],
    left_out: Sequence[str],
) -> bytes:
    """Returns the page.

    Args:
        manifest: The run's manifest.
        citation: How to cite the run.
        license: SPDX identifier.
        members: The files so far.
        left_out: What could not be made, a sentence each.

    Returns:
        Markdown.
    """
    counts = manifest.get("status_counts") or {}
    ended = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    sources = dict(sorted((manifest.get("sources") or {}).items()))
    lines = [
        f"# {markdown(citation.title)}",
        "",
        f"{markdown(citation.published)}, {citation.year}.",
        "optbench compares optimizers: a suite names problems, optimizers, hyperparameters and seeds, and each planned",
        "run leaves one row, whatever happened to it: failed and diverged runs are here too, by their `status`.",
        *([f"How the runs ended: {markdown(ended)}."] if ended else []),
        "",
        *(line for remark in citation.remarks for line in (f"**{markdown(sentence(remark))}**", "")),
        "## What is here",
        "",
        "| file | what it is |",
        "|---|---|",
        *_listed(members),
        f"| `{NAME}` | this page |",
        "| `ro-crate-metadata.json` | what this is, for programs: RO-Crate 1.1 |",
        "| `SHA256SUMS` | the sum of every file: `sha256sum --check SHA256SUMS` |",
        "",
        *([*(f"- {markdown(said)}" for said in left_out), ""] if left_out else []),
        "## Read it",
        "",
        "Any reader of CSV, JSON and Parquet will do; optbench is not needed. With pandas:",
        "",
        _READ,
        "",
        "Missing numbers are empty, infinity is `inf`. A text that a spreadsheet would run as a formula has an",
        "apostrophe before it in the CSV, and none in the Parquet files. With optbench, this folder is a run:",
        "`optbench table .`",
        "",
        "## Run it again",
        "",
        f"With optbench {markdown(manifest.get('version', '?'))}, in this folder:",
        "",
        f"    {clean(shlex.join(rerun(manifest, 'suite.toml')))}",
        "",
        "`manifest.json` has the versions and the machine. On the same ones rows come out the same to the bit,",
        "elsewhere what is concluded from them agrees within its intervals.",
        *(["", "It ran code that is not here:", ""] if sources else []),
        *(f"- {markdown(name)}: {markdown(found)}" for name, found in sources.items()),
        "",
        "## Cite it",
        "",
        *(f"    {line}" for line in render(citation, "text").splitlines()),
        "",
        "`CITATION.bib` has it for BibTeX, and the software too. Cite a table with the line below it.",
        "",
        "## License",
        "",
        f"{markdown(license)} (https://spdx.org/licenses/{license}), as whoever made this archive says.",
    ]
    return ("\n".join(lines) + "\n").encode()


def _listed(members: Sequence[Member]) -> list[str]:
    """Returns lines of a table: files of the first level each, of a folder how many there are and what they are."""
    single = [f"| `{member.name}` | {markdown(member.about)} |" for member in members if "/" not in member.name]
    folders: dict[str, list[Member]] = {}
    for member in members:
        if "/" in member.name:
            folders.setdefault(member.name.rpartition("/")[0], []).append(member)
    many = [
        f"| `{folder}/` | {len(found):,} files: {markdown('; '.join(dict.fromkeys(m.about for m in found)))} |"
        for folder, found in folders.items()
    ]
    return single + many
