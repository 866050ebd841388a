"""Kinds of run have kinds of table and figure of their own; what to say of a name that a run has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from optbench.errors import nearest, unknown_name
from optbench.report.evidence import Evidence


def unknown(what: str, asked: Iterable[str], names: Mapping[str, Sequence[str]], evidence: Evidence) -> list[str]:
    """Returns what is wrong with the names that a user asked for.

    Args:
        what: What they should denote, ``"table"`` or ``"figure"``.
        asked: The names.
        names: The names that there are, by kind of run.
        evidence: The run.

    Returns:
        A line for each name that runs of this kind do not have, with the nearest that they have, or all of them; it
        says which other kind of run has it.
    """
    here = names[evidence.kind]
    said = []
    for name in asked:
        if name in here:
            continue
        if others := [kind for kind, there in names.items() if name in there]:
            close = nearest(name, here)
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"it has {', '.join(here)}"
            run_id = evidence.manifest.get("run_id", "?")
            said.append(f"{what} {name!r} is for {' and '.join(others)}; run {run_id} is of {evidence.kind}; {hint}")
        else:
            said.append(unknown_name(what, name, here))
    return said
