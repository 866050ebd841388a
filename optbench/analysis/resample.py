"""The bootstrap that selects again: what a tuned number would be with other starts.

In every replicate the tuning starts are drawn again, the configuration is chosen again, and the
reported starts of that configuration are drawn again. Problems stay as they are. Draws depend on
the problem without its noise and the split alone, so all optimizers and levels of noise share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from optbench.analysis.evidence import Tuning
from optbench.analysis.facts import Facts, Key
from optbench.analysis.intervals import Interval, generator, percentile_interval
from optbench.analysis.scores import Floats, Ints
from optbench.analysis.selection import best, criterion

REPLICATES = 2000


def starts_of(problem: str) -> str:
    """Returns the label of a problem without its noise: all levels of noise share the starts that it keys.

    Example:
        >>> starts_of("sphere-2d-i1~gaussian=1")
        'sphere-2d-i1'
    """
    return problem.partition("~")[0]


class Reselection:
    """Replicates of the choice in each setting, from resampled tuning starts.

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
        """Draws the tuning starts of all replicates.

        Args:
            tuning: Scores on tuning starts.
            facts: The problems.
            seed: Seed of the bootstrap.
            replicates: Number of replicates.
        """
        self._tuning, self._facts = tuning, facts
        self._seed, self._replicates = seed, replicates
        self._means = {key: self._resampled(key, t) for key, t in tuning.items() if t.score.shape[1]}

    def _resampled(self, key: Key, tuning: Tuning) -> Floats:
        """Returns the mean tuning scores in each replicate, shape (replicates, c)."""
        n = tuning.score.shape[1]
        rng = generator(self._seed, "bootstrap", starts_of(key[0]), "tune")
        draws = rng.multinomial(n, np.full(n, 1 / n), self._replicates)
        return np.asarray(draws @ tuning.score.T / n, dtype=np.float64)

    def means(self, key: Key) -> Floats | None:
        """Returns the mean tuning scores in each replicate.

        Args:
            key: Problem and optimizer.

        Returns:
            Shape (replicates, c), or ``None`` where nothing was tuned on.
        """
        return self._means.get(key)

    def choices(self, setting: str, key: Key) -> Ints | None:
        """Returns the position chosen in each replicate.

        Args:
            setting: ``"one_for_all"`` or ``"tuned"``.
            key: Problem and optimizer.

        Returns:
            Positions, shape (replicates,), or ``None`` where the setting has no meaning.
        """
        score = criterion(setting, key, self._means, self._facts)
        return None if score is None else best(score, self._tuning[key].sweep)

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
