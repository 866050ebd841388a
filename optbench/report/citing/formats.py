"""A citation as BibTeX, as a sentence, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from optbench.report.citing.citation import Citation
from optbench.report.formats.escaping import bibtex

#: Entry types: ``@software`` is biblatex's, and styles of BibTeX print it as ``@misc``, which a data set is in both.
_ENTRIES = {"software": "software", "dataset": "misc"}


def render(citation: Citation, format: str = "bibtex") -> str:
    """Returns a citation as text.

    Args:
        citation: What is cited.
        format: A name among ``FORMATS``.

    Returns:
        The text, ending in a line break.
    """
    return FORMATS[format](citation)


def sentence(remark: str) -> str:
    """Returns a few words as a sentence.

    Example:
        >>> sentence("part of the suite: 2 of 7 optimizers")
        'Part of the suite: 2 of 7 optimizers.'
    """
    return f"{remark[:1].upper()}{remark[1:]}{'' if remark.endswith('.') else '.'}"


def _bibtex(citation: Citation) -> str:
    """Returns an entry. Titles keep their capitals, and no name in it can end the entry or run a command."""
    note = [*map(sentence, citation.remarks), *([f"Run again with: {citation.rerun}"] if citation.rerun else [])]
    fields = {
        "title": f"{{{bibtex(citation.title)}}}",
        "author": " and ".join(
            f"{{{bibtex(name)}}}" if name in citation.groups else bibtex(name) for name in citation.authors
        ),
        # What styles sort and label by where nobody is named.
        "key": "" if citation.authors else bibtex(citation.key),
        "year": citation.year,
        "version": bibtex(citation.version),
        "howpublished": bibtex(citation.published),
        "license": bibtex(citation.license),
        "note": " ".join(map(bibtex, note)),
    }
    shown = {name: value for name, value in fields.items() if value}
    width = max(map(len, shown))
    lines = [f"  {name:<{width}} = {{{value}}}," for name, value in shown.items()]
    return "\n".join([f"@{_ENTRIES[citation.of]}{{{citation.key},", *lines, "}"]) + "\n"


def _text(citation: Citation) -> str:
    """Returns a sentence or two; those of a run end with the line below its tables."""
    authors = "; ".join(citation.authors)
    head = f"{authors}{'' if authors.endswith('.') else '.'} " if authors else ""
    title = citation.title if citation.title.endswith(("?", "!", ".")) else f"{citation.title}."
    if citation.of == "software":
        return f"{head}{title} Version {citation.version}, {citation.year}. License: {citation.license}.\n"
    said = [f"{head}{title} {citation.published}, {citation.year}."]
    said += map(sentence, citation.remarks)
    said.append(f"Run again with: {citation.rerun}")
    return f"{' '.join(said)}\n{citation.footer}\n"


def _json(citation: Citation) -> str:
    content = {
        "type": citation.of,
        "key": citation.key,
        "title": citation.title,
        "authors": list(citation.authors),
        "year": int(citation.year),
        "version": citation.version,
        **({"license": citation.license} if citation.license else {}),
        **({"remarks": list(citation.remarks), "footer": citation.footer} if citation.footer else {}),
        **citation.facts,
    }
    # ASCII output keeps control and direction characters of a hostile name escaped.
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=True) + "\n"


#: Formats by name.
FORMATS: dict[str, Callable[[Citation], str]] = {"bibtex": _bibtex, "text": _text, "json": _json}
