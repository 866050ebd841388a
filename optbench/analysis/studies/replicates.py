"""Intervals over the replicates of a study: what they cover depends on where test examples come from.

``generated``: each replicate has data of its own, so that its mean is one independent number: Student's interval, for
new data.
``official``: all replicates share one test part: replicates and examples are drawn anew jointly, for new examples.
``split``: each replicate splits one file anew. Student's interval is then for new splits of this file. Test parts and
training parts overlap, so it is too narrow for new data: there the squared error ``s^2/R`` becomes
``s^2 (1/R + n_test/n_train)``, which is wide rather than narrow: in a simulation of the gain of bagged trees over ten
splits of 600 rows, Student's interval covered what new data give in 92 % of cases, the wider one in all.

Source: Nadeau, Bengio 2003, "Inference for the Generalization Error", Mach. Learn. 52, 239-281, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.bootstrap import jackknife
from optbench.analysis.statistics.crossed import crossed
from optbench.analysis.statistics.intervals import Interval
from optbench.analysis.studies.study import OFFICIAL, SPLIT, Study


class Over(NamedTuple):
    """A mean over replicates with its interval.

    Attributes:
        estimate: The mean.
        low: Lower end of its interval; NaN for a single replicate, of which nothing is known about others.
        high: Upper end.
    """

    estimate: float
    low: float
    high: float

    def named(self, name: str) -> dict[str, float]:
        """Returns the three as columns ``name``, ``name_low`` and ``name_high``."""
        return {name: self.estimate, f"{name}_low": self.low, f"{name}_high": self.high}


#: What is known where there is nothing.
NOTHING = Over(np.nan, np.nan, np.nan)


class Drawn(NamedTuple):
    """Where the test examples of replicates come from.

    Attributes:
        origin: ``generated``, ``official`` or ``split``.
        ratio: Test examples for each row that is trained on; 0 where that plays no part.
    """

    origin: str
    ratio: float

    def overlap(self, n: int) -> float:
        """Returns by which factor the squared error for new data exceeds that of n independent replicates."""
        return 1.0 + n * self.ratio if self.origin == SPLIT else 1.0


def drawn_of(study: Study) -> Drawn:
    """Returns where the test examples of a study come from, and how many there are for each row that is trained on."""
    if study.origin != SPLIT:
        return Drawn(study.origin, 0.0)
    sizes = [len(labels) for labels in study.rows["test_labels"] if labels is not None]
    trained = study.rows["n_train"].to_numpy(np.float64)
    return Drawn(study.origin, max(sizes, default=0) / max(float(trained.max()), 1.0))


def share_over(tables: Sequence[Floats], drawn: Drawn, ends: Interval, *, new_data: bool = False) -> Over:
    """Returns the mean of numbers that each test example of each replicate has, such as right or wrong.

    As for a mean of a crossed table, one example at either end is added, so that equal numbers claim no certainty.

    Args:
        tables: For each replicate one number an example.
        drawn: Where the examples come from.
        ends: The values that an example could have had at least and at most.
        new_data: Whether the interval of splits of one file shall be for new data, not for new splits.

    Returns:
        The mean with its interval, cut off at ``ends``.
    """
    if not len(tables) or not len(tables[0]):
        return NOTHING
    means = np.array([table.mean() for table in tables])
    # Examples of one part are a sample of their own; those of separate parts are counted with their replicate.
    is_shared = drawn.origin == OFFICIAL
    by_example = np.mean(tables, axis=0) if is_shared else np.full(sum(map(len, tables)), means.mean())
    found = crossed(means, by_example, ends)
    if new_data:
        found = found._replace(seeds=found.seeds * drawn.overlap(len(means)))
    return Over(found.estimate, *found.interval(*ends))


def number_over(values: Floats, low: float = -np.inf, high: float = np.inf) -> Over:
    """Returns the mean of one number a replicate.

    Args:
        values: One for each replicate; replicates without a number are NaN and left out.
        low: Least possible value.
        high: Largest possible value.

    Returns:
        The mean with Student's interval: for new data where they are generated, for new splits of one file, and of an
        official test part for these examples.
    """
    some = values[np.isfinite(values)]
    if len(some) < 2:
        return Over(float(some[0]), np.nan, np.nan) if len(some) else NOTHING
    found = jackknife(np.mean, some)
    ends = np.clip(found.interval(), low, high)
    return Over(found.estimate, float(ends[0]), float(ends[1]))
