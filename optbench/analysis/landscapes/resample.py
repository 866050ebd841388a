"""The bootstrap that selects again: what a tuned number would be with other starts.

In every replicate the tuning starts are drawn again, the configuration is chosen again, and the
reported starts of that configuration are drawn again. Problems stay as they are. Draws depend on
the problem without its noise and the split alone, so all optimizers and levels of noise share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.landscapes.evidence import Tuning
from optbench.analysis.landscapes.facts import Facts, Key
from optbench.analysis.landscapes.selection import best
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.intervals import REPLICATES, Interval, generator, percentile_interval

#: Replicates whose scores on all problems are held at once.
CHUNK = 250


def starts_of(problem: str) -> str:
    """Returns the label of a problem without its noise: all levels of noise share the starts that it keys.

    Example:
        >>> starts_of("sphere-2d-i1~gaussian=1")
        'sphere-2d-i1'
    """
    return problem.partition("~")[0]


class Reselection:
    """Replicates of the choice in each setting, from resampled tuning starts.

    Their scores are worked out when they are asked for: those of all problems and configurations of a large suite are
    two thousand times its tuning rows.

    Example:
        >>> Reselection({}, {}, seed=0, replicates=10).choices("tuned", ("sphere-2d", "sgd")) is None
        True
    """

    def __init__(
        self,
        tuning: Mapping[Key, Tuning],
        facts: Mapping[str, Facts],
        *,
        seed: int = 0,
        replicates: int = REPLICATES,
    ) -> None:
        """Draws nothing yet.

        Args:
            tuning: Scores on tuning starts.
            facts: The problems.
            seed: Seed of the bootstrap.
            replicates: Number of replicates.
        """
        self._tuning, self._facts = tuning, facts
        self._seed, self._replicates = seed, replicates
        self._draws: dict[tuple[str, int], Ints] = {}
        self._tuned_on: dict[str, list[str]] = {}
        for problem, optimizer in sorted(key for key, t in tuning.items() if t.score.shape[1]):
            self._tuned_on.setdefault(optimizer, []).append(problem)
        self._elsewhere: dict[str, dict[str, NDArray[np.uint16]]] = {}

    def _drawn(self, problem: str, n: int) -> Ints:
        """Returns how often each replicate drew each of ``n`` tuning starts, shape (replicates, n)."""
        place = starts_of(problem), n
        if place not in self._draws:
            rng = generator(self._seed, "bootstrap", place[0], "tune")
            self._draws[place] = rng.multinomial(n, np.full(n, 1 / n), self._replicates)
        return self._draws[place]

    def means(self, key: Key) -> Floats | None:
        """Returns the mean tuning scores in each replicate.

        Args:
            key: Problem and optimizer.

        Returns:
            Shape (replicates, c), or ``None`` where nothing was tuned on.
        """
        tuning = self._tuning.get(key)
        return None if tuning is None or not tuning.score.shape[1] else self._means(key, slice(None))

    def _means(self, key: Key, replicates: slice) -> Floats:
        """Returns those of some replicates."""
        score = self._tuning[key].score
        n = score.shape[1]
        return np.asarray(self._drawn(key[0], n)[replicates] @ score.T / n, dtype=np.float64)

    def choices(self, setting: str, key: Key) -> Ints | None:
        """Returns the position chosen in each replicate.

        Args:
            setting: ``"one_for_all"`` or ``"tuned"``.
            key: Problem and optimizer.

        Returns:
            Positions, shape (replicates,), or ``None`` where the setting has no meaning.
        """
        if setting == "tuned":
            own = self.means(key)
            return None if own is None else best(own, self._tuning[key].sweep)
        problem, optimizer = key
        if optimizer not in self._elsewhere:
            self._elsewhere[optimizer] = self._chosen_elsewhere(optimizer)
        chosen = self._elsewhere[optimizer].get(self._facts[problem].family) if problem in self._facts else None
        return None if chosen is None else chosen.astype(np.int64)

    def _chosen_elsewhere(self, optimizer: str) -> dict[str, NDArray[np.uint16]]:
        """Returns by family what one optimizer chooses on the ranked problems of all other families."""
        tried = self._tuned_on.get(optimizer, [])
        ranked: dict[str, list[str]] = {self._facts[p].family: [] for p, o in self._tuning if o == optimizer}
        for problem in tried:
            if self._facts[problem].ranked:
                ranked[self._facts[problem].family].append(problem)
        total = sum(map(len, ranked.values()))
        chosen = {family: np.empty(self._replicates, np.uint16) for family, own in ranked.items() if len(own) < total}
        for begin in range(0, self._replicates if chosen else 0, CHUNK):
            part = slice(begin, begin + CHUNK)
            sums = {
                family: np.sum([self._means((problem, optimizer), part) for problem in own], axis=0)
                for family, own in ranked.items()
            }
            whole = np.sum([inside for family, inside in sums.items() if ranked[family]], axis=0)
            for family, found in chosen.items():
                rest = (whole - sums[family]) / (total - len(ranked[family]))
                found[part] = best(rest, self._tuning[tried[0], optimizer].sweep)
        return chosen

    def starts(self, problem: str, n: int) -> Ints:
        """Returns the reported starts drawn in each replicate.

        Args:
            problem: Label of the problem.
            n: Number of reported starts.

        Returns:
            Indices below ``n``, shape (replicates, n).
        """
        return generator(self._seed, "bootstrap", starts_of(problem), "report", n).integers(
            n, size=(self._replicates, n)
        )


def reselected_interval(values: Floats, choices: Ints, starts: Ints, statistic: Callable[[Floats], Floats]) -> Interval:
    """Returns the percentile interval of a statistic over replicates that choose again.

    Args:
        values: One number per configuration and reported start, shape (c, s), or k of them, shape (c, s, k).
        choices: Position chosen in each replicate, shape (replicates,).
        starts: Starts drawn in each replicate, shape (replicates, s).
        statistic: Makes one number of each replicate's starts, which lie in axis 1.

    Returns:
        The interval.
    """
    return percentile_interval(statistic(values[choices[:, None], starts]))
