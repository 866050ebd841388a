"""What stands under tables of studies: what an interval covers, and which models were lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optbench.report.tables.side_by_side import Row

#: What replicates of each kind of test part stand for.
COVERS = {
    "generated": "new data: each replicate is generated anew",
    "official": "new seeds; of test accuracies, gains, gaps and optimism new test examples too, of all else these ones",
    "split": "new splits of the same file and new seeds",
}
#: The kind of interval in tables of studies.
INTERVALS = "95 %, over replicates"


def bracketed(rows: Sequence[Row]) -> list[str]:
    """Returns what the brackets hold, by where the test parts of the studies shown come from.

    Args:
        rows: The rows shown, each with its ``study``, ``origin`` and ``n_replicates``.
    """
    if not rows:
        return []
    if all(row["n_replicates"] < 2 for row in rows):
        return [
            "A single replicate says nothing of others: brackets, where there are any, are over the members and test "
            "examples of this one."
        ]
    by_origin: dict[str, list[str]] = {}
    for name, origin in dict.fromkeys((str(row["study"]), str(row["origin"])) for row in rows):
        by_origin.setdefault(COVERS[origin], []).append(name)
    if len(by_origin) == 1:
        return [f"Brackets: 95 % intervals for {next(iter(by_origin))}."]
    parts = "; ".join(f"{', '.join(names)}: {covers}" for covers, names in by_origin.items())
    return [f"Brackets: 95 % intervals for what replicates stand for. {parts}."]


def lost(rows: Iterable[Row], what: str) -> list[str]:
    """Returns how models that diverged or failed enter; nothing where there are none."""
    found = {str(row["study"]): int(row["failed"]) for row in rows if row["failed"] > 0}
    if not found:
        return []
    said = ", ".join(f"{name} {count}" for name, count in found.items())
    return [f"Models that diverged or failed: {said}. {what}"]
