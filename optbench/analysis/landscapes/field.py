"""Who is ranked on what: entries, problems and their scores, arranged for resampling.

Configurations stand in the order in which selection prefers them (ties go to the first), the
default in a last place of its own, so that a replicate's choice is one index for all entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optbench.analysis.landscapes.evidence import Arranged, Reported
from optbench.analysis.landscapes.facts import Key
from optbench.analysis.landscapes.selection import Choice
from optbench.analysis.landscapes.sweep import Sweep
from optbench.analysis.statistics.arrays import Bools, Floats, Ints

Choices = Mapping[tuple[str, Key], Choice]

#: Score of a place that holds no configuration: below every score, so that it is never chosen.
NONE = -1.0


@dataclass(frozen=True)
class Field:
    """Entries that ran on the same problems; n entries, c places for configurations.

    Attributes:
        entries: Labels of the optimizers.
        problems: Labels of the problems.
        family: Index of each problem's family, shape (problems,).
        ranked: Problems that may enter a mean, shape (problems,); the others take no part in the
            choice of one configuration for all.
        tune: For each problem the scores on tuning starts, shape (n, c, tuning starts).
        report: For each problem the values on reported starts, shape (n, c + 1, starts); the
            last place is the default.
    """

    entries: tuple[str, ...]
    problems: tuple[str, ...]
    family: Ints
    ranked: Bools
    tune: tuple[Floats, ...]
    report: tuple[Floats, ...]

    @property
    def n_families(self) -> int:
        """Number of families."""
        return int(self.family.max()) + 1

    @property
    def sizes(self) -> Floats:
        """Number of problems in each family, shape (families,)."""
        return np.bincount(self.family, minlength=self.n_families).astype(np.float64)

    def by_family(self, values: Floats) -> Floats:
        """Returns sums over the problems of each family; problems lie in the first axis.

        Args:
            values: One value per problem, shape (problems, ...).

        Returns:
            Sums, shape (families, ...).
        """
        sums = np.zeros((self.n_families, *values.shape[1:]))
        np.add.at(sums, self.family, values)
        return sums


def scores(reported: Reported) -> Floats:
    """Returns the area scores of the starts that count, shape (c, starts)."""
    return reported.score[:, reported.counted.any(axis=1)]


def roster(evidence: Arranged, manifest: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Returns who is compared, who is only shown beside, and on which problems.

    Problems that are not ranked (``UNRANKED_TAGS``) never count. A problem counts if at least half of
    the entries ran on it; an entry counts if it ran on all of those problems, so that all means
    have one denominator.

    Args:
        evidence: The judged rows.
        manifest: The run's manifest; an optimizer with ``ranked`` false is a reference line.

    Returns:
        Labels of the ranked entries, of the reference lines, and of the problems.
    """
    listed = manifest.get("optimizers", {})
    usable = {
        key for key, r in evidence.reported.items() if evidence.facts[key[0]].ranked and r.counted.any(axis=1).any()
    }
    optimizers = sorted({optimizer for _, optimizer in usable})
    ranked = [o for o in optimizers if listed.get(o, {}).get("ranked", True)]
    problems = [
        p
        for p in sorted({problem for problem, _ in usable})
        if 2 * sum((p, o) in usable for o in ranked) >= len(ranked)
    ]
    whole = {o for o in optimizers if all((p, o) in usable for p in problems)}
    references = [o for o in optimizers if o in whole and o not in ranked]
    return [o for o in ranked if o in whole], references, problems


def places(sweep: Sweep, width: int) -> Ints:
    """Returns positions in the sweep by place: candidates in order, filled up with -1, then the default.

    Args:
        sweep: The configurations.
        width: Number of places before the default's.

    Returns:
        Positions, shape (width + 1,); -1 where a place is empty.
    """
    found = np.full(width + 1, -1, dtype=np.int64)
    found[: len(sweep.candidates)] = sweep.candidates
    found[-1] = -1 if sweep.default is None else sweep.default
    return found


def arrange(
    evidence: Arranged,
    entries: Iterable[str],
    problems: Iterable[str],
    measure: Callable[[Reported], Floats] = scores,
) -> Field:
    """Arranges the values of entries on problems that all of them ran on.

    Args:
        evidence: The judged rows.
        entries: Labels of optimizers.
        problems: Labels of problems.
        measure: Reduces the reported runs to one value per configuration and start.

    Returns:
        The field.
    """
    entries, problems = tuple(entries), tuple(problems)
    width = max((len(evidence.reported[p, o].sweep.candidates) for p in problems for o in entries), default=0)
    families = sorted({evidence.facts[p].family for p in problems})
    tune, report = [], []
    for p in problems:
        report.append(
            np.stack([_placed(measure(r := evidence.reported[p, o]), places(r.sweep, width)) for o in entries])
        )
        tunings = [evidence.tuning.get((p, o)) for o in entries]
        starts = max((t.score.shape[1] for t in tunings if t is not None), default=0)
        # What was never tuned has no choice to repeat.
        tune.append(
            np.stack(
                [
                    np.full((width, starts), NONE)
                    if t is None or t.score.shape[1] < starts
                    else _placed(t.score, places(t.sweep, width)[:-1], NONE)
                    for t in tunings
                ]
            )
        )
    return Field(
        entries=entries,
        problems=problems,
        family=np.array([families.index(evidence.facts[p].family) for p in problems], dtype=np.int64),
        ranked=np.array([evidence.facts[p].ranked for p in problems], dtype=np.bool_),
        tune=tuple(tune),
        report=tuple(report),
    )


def _placed(values: Floats, at: Ints, empty: float = np.nan) -> Floats:
    return np.where((at < 0)[:, None], empty, values[at])


def chosen(field: Field, evidence: Arranged, choices: Choices, setting: str) -> Ints:
    """Returns the place of every entry's choice on every problem.

    Args:
        field: Entries and problems.
        evidence: The rows, for the places of their configurations.
        choices: The configuration in each setting.
        setting: Which setting.

    Returns:
        Places, shape (problems, n); -1 where an entry has no choice.
    """
    found = np.full((len(field.problems), len(field.entries)), -1, dtype=np.int64)
    for p, problem in enumerate(field.problems):
        for e, entry in enumerate(field.entries):
            choice = choices.get((setting, (problem, entry)))
            if choice is not None:
                at = places(evidence.reported[problem, entry].sweep, field.report[p].shape[1] - 1)
                # The default stands in the last place, whether or not it is a candidate too.
                found[p, e] = len(at) - 1 if setting == "default" else np.flatnonzero(at == choice.position)[0]
    return found


def means(field: Field, at: Ints) -> Floats:
    """Returns the mean over starts at the given places, shape (problems, n); NaN for place -1."""
    return np.stack(
        [
            np.where(row < 0, np.nan, report[np.arange(len(row)), row].mean(axis=1))
            for report, row in zip(field.report, at, strict=True)
        ]
    )
