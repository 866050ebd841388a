"""Are the tables and figures beside a run what its rows give?"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from optbench import store
from optbench.errors import OptbenchError
from optbench.report import shown, tables
from optbench.report.evidence import Evidence
from optbench.store import Check, Fault, Level, Verdict, files

#: Where a published run has its tables, each named by its kind and with the ending of its format.
TABLES = "tables"
#: Formats by ending.
ENDINGS = {".md": "markdown", ".csv": "csv", ".tex": "latex", ".json": "json", ".txt": "terminal"}
#: Columns of published tables, as ``.ci/run`` renders them.
WIDTH = 120


def check_rendering(run: store.Run) -> Check:
    """Renders the tables of a run again and compares their bytes; figures are compared with their sums, where kept.

    Args:
        run: A run whose files and rows were found whole.

    Returns:
        What was found. What other code or libraries showed may differ, and is not judged.
    """
    evidence = Evidence.of(run)
    published = sorted(path for path in (run.path / TABLES).glob("*") if not path.name.startswith("."))
    faults = [fault for path in published if (fault := _published(evidence, path)) is not None]
    kept = shown.kept(run)
    n_tables, n_figures = len(published), 0
    notes = []
    if kept is not None and not kept.is_current:
        notes.append(f"what {shown.NAME} keeps was made by other code or libraries")
    elif kept is not None:
        n_tables, n_figures = n_tables + len(kept.tables), len(kept.figures)
        faults += [fault for asked, text in kept.tables.items() if (fault := _shown(evidence, asked, text)) is not None]
        faults += _figure_faults(run.path, kept.figures)
    elif any((run.path / shown.FIGURES).glob("*")):
        notes.append("figures have no sums, and were not drawn again")
    looked = [f"{_counted(n_tables, 'table')} rendered again to the same bytes"] if n_tables else []
    looked += [f"{_counted(n_figures, 'figure')} as drawn, by SHA-256"] if n_figures else []
    if not looked:
        why = "; ".join(notes) or "nothing was rendered beside the rows"
        return Check(Level.RENDERING, Verdict.NOT_APPLICABLE, why)
    said = f"{_counted(n_tables, 'table')}, {_counted(n_figures, 'figure')}" if faults else "; ".join([*looked, *notes])
    return Check.of(Level.RENDERING, said, faults, {"tables": n_tables, "figures": n_figures})


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _published(evidence: Evidence, path: Path) -> Fault | None:
    """Returns what is wrong with a table that was published beside the rows."""
    name = f"{TABLES}/{path.name}"
    if path.suffix not in ENDINGS or path.is_symlink() or not path.is_file():
        return Fault(name, f"a table, with an ending among {', '.join(ENDINGS)}", "another file")
    try:
        again = tables.render(evidence, path.stem, ENDINGS[path.suffix], width=WIDTH)
    except OptbenchError as error:
        return Fault(name, "a table that the rows give", str(error))
    return _difference(name, again, files.read(path).decode("utf-8", "replace"))


def _shown(evidence: Evidence, asked: str, text: str) -> Fault | None:
    """Returns what is wrong with a table that ``run`` printed last."""
    try:
        kind, form, score, width, ascii_only = json.loads(asked)
        again = tables.render(Evidence(evidence.run, scoring=score), kind, form, width=width, ascii_only=ascii_only)
    except (OptbenchError, ValueError, TypeError, KeyError) as error:
        return Fault(shown.NAME, "a table that the rows give", str(error))
    return _difference(f"{shown.NAME}: table", again, text)


def _difference(name: str, again: str, found: str) -> Fault | None:
    """Returns the first lines in which a stored table differs from the one that the rows give."""
    if again == found:
        return None
    for number, (one, other) in enumerate(zip(again.split("\n"), found.split("\n"), strict=False), start=1):
        if one != other:
            one, other = _around(one, other)
            return Fault(f"{name}, line {number}", f"'{one}'", f"'{other}'")
    return Fault(name, f"{again.count(chr(10)):,} lines", f"{found.count(chr(10)):,}")


def _around(one: str, other: str, most: int = 48) -> tuple[str, str]:
    """Returns two long lines cut to where they begin to differ.

    Example:
        >>> _around("a" * 90 + "b", "a" * 90 + "c", most=8)
        ('...aab', '...aac')
    """
    if max(len(one), len(other)) <= most:
        return one, other
    first = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    begin = max(0, first - most // 4)
    lead = "..." if begin else ""
    return lead + one[begin : begin + most], lead + other[begin : begin + most]


def _figure_faults(folder: Path, figures: dict[str, str]) -> list[Fault]:
    """Returns the figures that are not the files that were drawn; one that was removed can be drawn anew."""
    faults = []
    for name, expected in sorted(figures.items()):
        path = folder / shown.FIGURES / name
        if path.is_file() and (found := hashlib.sha256(files.read(path)).hexdigest()) != expected:
            faults.append(Fault(f"{shown.FIGURES}/{name}", f"sha256 {expected}", found))
    return faults
