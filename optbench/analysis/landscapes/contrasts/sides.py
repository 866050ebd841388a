"""The sides of a contrast as entries: a set of entries whose best is chosen by tuning, or one value of a sweep.

Either becomes one more entry, made of the rows of others, so that all that chooses, and chooses again in every
replicate, treats it like any entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from optbench.analysis.landscapes.evidence import Arranged, Reported, Tuning
from optbench.analysis.landscapes.facts import Key
from optbench.analysis.landscapes.field import Choices
from optbench.analysis.landscapes.selection import select
from optbench.analysis.landscapes.sweep import Sweep


def matching(pattern: str, labels: Sequence[str]) -> list[str]:
    """Returns the label itself if it is one, else the labels that a pattern matches."""
    return [pattern] if pattern in labels else [label for label in labels if fnmatchcase(label, pattern)]


def named(side: Mapping[str, Any]) -> tuple[str, str]:
    """Returns under which label and in which setting a side stands.

    Args:
        side: ``optimizer``, ``setting`` and ``at`` of the suite file.

    Returns:
        Label and setting; one value of a sweep is the only candidate of its entry.

    Example:
        >>> named({"optimizer": "nag", "setting": "tuned", "at": 0.1})
        ('nag at 0.1', 'tuned')
    """
    at = side.get("at")
    return (side["optimizer"], side["setting"]) if at is None else (f"{side['optimizer']} at {at:g}", "tuned")


def with_sides(
    evidence: Arranged, choices: Choices, statements: Sequence[Mapping[str, Any]]
) -> tuple[Arranged, Choices]:
    """Adds the entries that the sides of contrasts are made of.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.
        statements: Contrasts as the manifest has them.

    Returns:
        Rows and choices with one more entry for each set of entries and each single value; a problem on which a
        member did not run, or a value was not tried, lacks it.
    """
    optimizers = sorted({optimizer for _, optimizer in evidence.reported})
    tuning: dict[Key, Tuning] = {}
    reported: dict[Key, Reported] = {}
    for side in (statement[end] for statement in statements for end in ("left", "right")):
        label, members, at = named(side)[0], matching(side["optimizer"], optimizers), side.get("at")
        if at is None and members == [label]:
            continue
        for problem in sorted(evidence.facts):
            keys = [(problem, member) for member in members]
            if keys and all(key in evidence.reported and key in evidence.tuning for key in keys):
                tunings = [evidence.tuning[key] for key in keys]
                sweep = _joined([t.sweep for t in tunings], at)
                if len(sweep.candidates):
                    tuning[problem, label] = Tuning(sweep, np.concatenate([t.score for t in tunings]))
                    reported[problem, label] = _reported([evidence.reported[key] for key in keys], sweep)
    more = {place: choice for place, choice in select(tuning, evidence.facts).items() if place[0] != "default"}
    whole = replace(evidence, tuning={**evidence.tuning, **tuning}, reported={**evidence.reported, **reported})
    return whole, {**choices, **more}


def _joined(sweeps: Sequence[Sweep], at: float | None) -> Sweep:
    """Returns the configurations of all sweeps, one after the other; candidates by value, then by sweep."""
    value = np.concatenate([sweep.value for sweep in sweeps])
    begins = np.cumsum([0, *(len(sweep.value) for sweep in sweeps[:-1])])
    trials, candidates = (
        np.concatenate([part + begin for part, begin in zip(parts, begins, strict=True)])
        for parts in ([sweep.trials for sweep in sweeps], [sweep.candidates for sweep in sweeps])
    )
    if at is not None:
        trials = candidates = trials[np.isclose(value[trials], at, rtol=1e-9, atol=0.0)]
    return Sweep(
        name=sweeps[0].name,
        config=np.arange(len(value)),
        value=value,
        default=None,
        order=np.lexsort((np.arange(len(value)), value)),
        trials=trials[np.lexsort((trials, value[trials]))],
        candidates=candidates[np.lexsort((candidates, value[candidates]))],
        has_rate=all(sweep.has_rate for sweep in sweeps),
    )


def _reported(parts: Sequence[Reported], sweep: Sweep) -> Reported:
    """Returns reported runs side by side, under the sweep that joins them."""
    tails = [part.tail for part in parts if part.tail is not None]
    # Levels of noise belong to the problem, so that all parts have shares or none has.
    shares = [part.share for part in parts if part.share is not None]
    spent = [part.spent for part in parts if part.spent is not None]
    return replace(
        parts[0],
        sweep=sweep,
        last=np.concatenate([part.last for part in parts]),
        best=np.concatenate([part.best for part in parts]),
        times=lambda: np.concatenate([part.times for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        curve=lambda: np.concatenate([part.curve for part in parts]),
        diverged=np.concatenate([part.diverged for part in parts]),
        escaped=np.concatenate([part.escaped for part in parts]),
        failed=np.concatenate([part.failed for part in parts]),
        tail=np.concatenate(tails) if len(tails) == len(parts) else None,
        share=np.concatenate(shares) if len(shares) == len(parts) else None,
        spent=np.concatenate(spent) if len(spent) == len(parts) else None,
    )
