"""Notes that stand under tables of runs of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optbench.report.evidence import Evidence, optimizers

#: What stands in the place of contrasts: a part of a suite, and its quick size, leave out what they cannot judge.
NO_CONTRASTS = "No contrasts: the suite states none, or none that this run could judge."


def counted(evidence: Evidence) -> str:
    """Returns how many rows there are, of how many, and how they ended; of a quick size it says so."""
    counts = ", ".join(f"{name} {count}" for name, count in evidence.status_counts.items())
    planned = "" if evidence.n_cells is None else f" of {evidence.n_cells} planned"
    small = [evidence.size_note] if evidence.size_note else []
    return " ".join([*small, f"Rows: {evidence.n_rows}{planned}; status: {counts}."])


def absent(evidence: Evidence) -> list[str]:
    """Returns which tasks of the suite are not in the run, and why."""
    found = evidence.manifest.get("absent", {})
    if not found:
        return []
    return ["Not in this run: " + "; ".join(f"{task} ({why})" for task, why in found.items()) + "."]


def seeds(n: int | str, what: str = "seed") -> str:
    """Returns a number of seeds in words.

    Example:
        >>> seeds(1), seeds("2 to 3", "tuning seed")
        ('1 seed', '2 to 3 tuning seeds')
    """
    return f"{n} {what}{'' if str(n) == '1' else 's'}"


def span(values: Iterable[Any]) -> str:
    """Returns a number, or from where to where several numbers go."""
    found = sorted({int(value) for value in values})
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def rates(rows: Sequence[Mapping[str, Any]], units: str = "") -> list[str]:
    """Returns what the swept values are, and which of them stand at an edge.

    Args:
        rows: Rows of a summary frame.
        units: What is to be said of the learning rate's units, from a comma on.
    """
    said = [f"rate: the learning rate lr{units}."]
    others: dict[str, list[str]] = {}
    for row in rows:
        if row["swept"] != "lr":
            others.setdefault(str(row["swept"]), []).append(str(row["optimizer"]))
    for swept, names in sorted(others.items()):
        rules = ", ".join(optimizers(names))
        said.append(f"{rules}: no learning rate is swept; the values shown are its {swept}, marked '{swept}'.")
    if any(row["at_edge"] for row in rows):
        said.append("†: the chosen value stands at the edge of its grid; a better one may lie outside.")
    return said
