"""The rank correlations of sharpness with the gap, in words: over all arms, and within each."""

from __future__ import annotations

from collections.abc import Sequence

from optbench.analysis.batch_sizes.arms import labels_of, ordered
from optbench.analysis.batch_sizes.quantities import settings_of
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.tables.batch_sizes import notes
from optbench.report.tables.side_by_side import Row, interval, rows_of

#: The measures that are told of every arm.
TITLES = {"keskar": "Keskar's metric", "top": "top eigenvalue"}


def noted(evidence: Evidence) -> list[str]:
    """Returns the notes of a run of several arms: what was correlated, then a line for each place.

    Args:
        evidence: The run.
    """
    lines = [
        f"rho, {notes.place(level)}: {'; '.join(f'{title}: {said}' for title, said in found)}."
        for level in notes.judged_at(evidence)
        if len(found := by_arm(evidence, level)) > 1
    ]
    if not lines:
        return []
    return [
        "rho: Spearman's rank correlation with the gap over the networks of all arms together, and of each arm at all "
        "its batch sizes, with its interval for new replicates (jackknife on Fisher's scale over replicates). Arms "
        "differ in more than sharpness, so that the one of all may be that of none. None shows a cause.",
        *lines,
    ]


def by_arm(evidence: Evidence, level: float) -> list[tuple[str, str]]:
    """Returns the title of each arm with its correlations in words, that of all arms first.

    Args:
        evidence: The run.
        level: The level, NaN for the end of runs.

    Returns:
        Those that have any; of a run of one arm nothing but that of all.
    """
    names = {label: TITLES[name] for name, label in labels_of(settings_of(evidence.measures)).items() if name in TITLES}
    rows = [row for row in rows_of(evidence, "arm_correlations") if notes.place(row["level"]) == notes.place(level)]
    told = {str(arm["name"]): str(arm.get("title") or arm["name"]) for arm in ordered(evidence.manifest)}
    found = []
    for arm, title in {"": "all arms", **told}.items():
        by_measure = {row["measure"]: row for row in rows if row["arm"] == arm}
        mine = [(words, by_measure[label]) for label, words in names.items() if label in by_measure]
        if mine:
            found.append((title, _told(mine)))
    return found


def _told(mine: Sequence[tuple[str, Row]]) -> str:
    """Returns the correlations of some measures, and over how many networks they are."""
    counts = " and ".join(dict.fromkeys(str(row["n_runs"]) for _, row in mine))
    return f"{', '.join(f'{words} {rho(row)}' for words, row in mine)} ({counts} networks)"


def rho(row: Row) -> str:
    """Returns a rank correlation with its interval.

    Args:
        row: A row of the frame ``arm_correlations``.

    Example:
        >>> rho({"rho": 0.5, "low": -0.1, "high": 0.8}), rho(dict.fromkeys(("rho", "low", "high"), float("nan")))
        ('+0.50 [-0.10, +0.80]', 'n/a')
    """
    return f"{formatting.signed(row['rho'])} {interval(row, 'low', 'high', formatting.signed)}".rstrip()
