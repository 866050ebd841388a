"""Replicates of mean scores: tuning starts drawn again, choices made again, reported starts drawn again.

Draws belong to the problem without its noise and the split: all entries and levels of noise, which have the same
starts, share them, and differences are paired.
One fewer start is drawn than there are: the variance of the mean of n - 1 draws is s^2/n without
bias (McCarthy, Snowden 1985, Vital and Health Statistics 2(95)), where n draws give (n-1)/n of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from optbench.analysis.landscapes.field import Field
from optbench.analysis.landscapes.resample import starts_of
from optbench.analysis.landscapes.selection import TIE
from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.analysis.statistics.intervals import REPLICATES, generator

#: Replicates that are held at once: their scores for all configurations of one problem fit the cache.
CHUNK = 250


def reselections(
    field: Field, settings: Sequence[str], *, seed: int = 0, replicates: int = REPLICATES
) -> Iterator[tuple[slice, int, dict[str, Ints]]]:
    """Yields what each replicate chooses.

    The replicates are those of ``resample.Reselection``, in memory that does not grow with the
    number of problems.

    Args:
        field: Entries and problems.
        settings: Which settings.
        seed: Seed of the bootstrap.
        replicates: Number of replicates.

    Yields:
        A chunk of the replicates, the position of a problem, and for each setting the places
        chosen, shape (chunk, n).
    """
    weights = [
        _weights(seed, (starts_of(problem), "tune"), tune.shape[2], tune.shape[2], replicates)
        for problem, tune in zip(field.problems, field.tune, strict=True)
    ]
    for begin in range(0, replicates, CHUNK):
        chunk = slice(begin, min(begin + CHUNK, replicates))
        total = np.zeros(())
        if "one_for_all" in settings:
            # Added one by one: those of all problems together would be gigabytes.
            for at in np.flatnonzero(field.ranked):
                total = total + _means(weights[at][chunk], field.tune[at])
        for family in range(field.n_families):
            members = np.flatnonzero(field.family == family)
            means = {int(p): _means(weights[p][chunk], field.tune[p]) for p in members}
            inside = np.sum([means[p] for p in means if field.ranked[p]], axis=0)
            others = int((field.ranked & (field.family != family)).sum())
            for p, own in means.items():
                rest = (total - inside) / max(others, 1)
                yield chunk, p, {setting: _choose(setting, own, rest) for setting in settings}


def _choose(setting: str, own: Floats, rest: Floats) -> Ints:
    """Returns the places that a setting chooses, shape (replicates, n).

    Args:
        setting: Which setting.
        own: Mean tuning scores on the problem, shape (replicates, n, c).
        rest: Those on the ranked problems of other families.
    """
    if setting == "default":
        return np.full(own.shape[:2], own.shape[2])
    return _first(own if setting == "tuned" else rest)


def _weights(seed: int, names: tuple[str, str], draws: int, n: int, replicates: int) -> Floats:
    """Returns how often each start was drawn, as shares, shape (replicates, n)."""
    if n == 0:
        return np.zeros((replicates, 0))
    counts = generator(seed, "bootstrap", *names).multinomial(draws, np.full(n, 1 / n), replicates)
    return counts / max(draws, 1)


def _means(weights: Floats, scores: Floats) -> Floats:
    """Returns the mean scores in each replicate, shape (replicates, n, c)."""
    n, c, starts = scores.shape
    return np.asarray((weights @ scores.reshape(n * c, starts).T).reshape(len(weights), n, c))


def _first(score: Floats) -> Ints:
    """Returns the first place whose score is best up to rounding, shape (replicates, n)."""
    return np.asarray((score >= score.max(axis=-1, keepdims=True) - TIE).argmax(axis=-1))


def replicate_sums(
    field: Field,
    settings: Sequence[str],
    *,
    among: Bools | None = None,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[str, Floats]:
    """Returns replicates of the mean over starts, summed over the problems of each family.

    Args:
        field: Entries and problems.
        settings: Which settings.
        among: The problems to add up, shape (problems,); ``None`` for all. The others still help to
            choose one configuration for all.
        seed: Seed of the bootstrap.
        replicates: Number of replicates.

    Returns:
        Sums by setting, shape (replicates, families, n); NaN where an entry has no default.
    """
    n = len(field.entries)
    sums = {setting: np.zeros((replicates, field.n_families, n)) for setting in settings}
    weights = [
        _weights(seed, (starts_of(problem), "rank"), max(report.shape[2] - 1, 1), report.shape[2], replicates)
        for problem, report in zip(field.problems, field.report, strict=True)
    ]
    for chunk, p, choices in reselections(field, settings, seed=seed, replicates=replicates):
        if among is not None and not among[p]:
            continue
        means = _means(weights[p][chunk], field.report[p])
        for setting, places in choices.items():
            drawn = np.take_along_axis(means, places[..., None], axis=2)[..., 0]
            sums[setting][chunk, field.family[p]] += drawn
    return sums


def freedom(field: Field) -> int:
    """Returns the degrees of freedom of a spread over starts: those of the problem with the fewest."""
    return min((report.shape[2] for report in field.report), default=0) - 1
