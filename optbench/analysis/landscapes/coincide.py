"""Entries that are the same optimizer under two names: their paths coincide on every problem."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from optbench.analysis.landscapes.evidence import Arranged
from optbench.analysis.statistics.arrays import Ints

#: Between the names of entries that are ranked as one.
JOINT = " = "


def coinciding(
    evidence: Arranged, entries: Sequence[str], problems: Iterable[str], setting: str
) -> list[tuple[str, ...]]:
    """Groups entries whose runs are equal to the last bit in the times of their targets and their gaps.

    Compared are the configurations that a setting can choose: the default alone, or all candidates
    of the sweep, whose values must be equal too. Entries that meet no target on any problem (all
    diverged, say) are equal in nothing but failure, and stay apart.

    Args:
        evidence: The judged rows.
        entries: Labels of optimizers that ran on all problems.
        problems: Labels of the problems.
        setting: Which setting.

    Returns:
        Groups, each sorted, in the order of their first names; most of them hold one entry.

    Note:
        Protocol section 4: on vectors muon equals nadam, adamw without decay equals adam.
    """
    problems = list(problems)
    found: dict[bytes, list[str]] = {}
    for entry in sorted(entries):
        mark = _mark(evidence, entry, problems, setting)
        found.setdefault(entry.encode() if mark is None else mark, []).append(entry)
    return sorted(tuple(group) for group in found.values())


def _mark(evidence: Arranged, entry: str, problems: list[str], setting: str) -> bytes | None:
    """Returns a hash of all that must be equal, or ``None`` for an entry that never met a target."""
    digest = hashlib.blake2b(digest_size=32)
    moved = False
    for problem in problems:
        reported = evidence.reported[problem, entry]
        sweep = reported.sweep
        at: Ints = sweep.candidates
        if setting == "default":
            at = np.array([] if sweep.default is None else [sweep.default], dtype=np.int64)
        else:
            digest.update(sweep.name.encode() + np.ascontiguousarray(sweep.value[at]).tobytes())
        times = reported.times[at]
        for values in (
            times,
            reported.last[at],
            reported.best[at],
            reported.diverged[at],
            reported.failed[at],
        ):
            digest.update(np.ascontiguousarray(values).tobytes())
        if tuning := evidence.tuning.get((problem, entry)):
            digest.update(np.ascontiguousarray(tuning.score[at]).tobytes())
        moved |= bool((np.isfinite(times) & reported.counted).any())
    return digest.digest() if moved else None


def joint_name(group: Sequence[str]) -> str:
    """Returns the name under which a group is ranked.

    Example:
        >>> joint_name(("adam", "adamw"))
        'adam = adamw'
    """
    return JOINT.join(group)
