"""Bootstrap and jackknife: how sure any metric of a sample is, by drawing its units anew or leaving each out.

The unit is what was drawn independently: an example of a test part, a replicate, a member. Several samples are paired:
a draw takes the same units of all of them. Nothing is stratified.

Which interval to take. The percentile interval and BCa follow the shape of the metric, and need some dozens of units:
of ten units either covers about 90 % instead of 95 % (tests/analysis/test_bootstrap.py simulates it). Of few units,
such as replicates, take ``jackknife``: Student's interval with the jackknife's error, which for a mean is Student's
own.

Source: Efron 1987, J. Am. Stat. Assoc. 82, 171-185 (BCa); Efron, Stein 1981, Ann. Statist. 9, 586-596 (jackknife).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.intervals import LEVEL, REPLICATES, Interval, generator
from optbench.errors import DataError, UsageError, unknown_name

#: A number made of samples, each with its units along the first axis.
Metric = Callable[..., float]
#: Kinds of interval.
METHODS = ("bca", "percentile")


class Bootstrapped(NamedTuple):
    """A metric with its bootstrap interval.

    Attributes:
        estimate: The metric of the sample.
        low: Lower end of the interval.
        high: Upper end.
        error: Standard error: the standard deviation of the replicates.
    """

    estimate: float
    low: float
    high: float
    error: float


class Jackknifed(NamedTuple):
    """A metric with its jackknife error.

    Attributes:
        estimate: The metric of the sample.
        error: Standard error.
        n: Number of units.
    """

    estimate: float
    error: float
    n: int

    def interval(self, level: float = LEVEL) -> Interval:
        """Returns Student's interval with ``n - 1`` degrees of freedom.

        Args:
            level: Confidence level.

        Returns:
            The ends.
        """
        from scipy import special

        half = float(special.stdtrit(self.n - 1, (1 + level) / 2)) * self.error
        return self.estimate - half, self.estimate + half


def resamples(n: int, replicates: int = REPLICATES, *key: object) -> Ints:
    """Returns which units each bootstrap sample takes: n of n, with replacement.

    Args:
        n: Number of units.
        replicates: Number of bootstrap samples.
        *key: What they are for; the same key gives the same draws.

    Returns:
        Indices, shape (replicates, n).

    Example:
        >>> resamples(3, 2, "example").shape
        (2, 3)
    """
    return generator("bootstrap", "resamples", n, *key).integers(0, n, (replicates, n))


def bootstrap(
    metric: Metric,
    *samples: NDArray[Any],
    draws: Ints | None = None,
    method: str = "bca",
    level: float = LEVEL,
) -> Bootstrapped:
    """Returns a metric with an interval from the units drawn anew.

    ``percentile`` takes the quantiles ``(1 - level)/2`` and ``(1 + level)/2`` of the replicates. ``bca`` shifts both:
    ``Phi(z0 + (z0 + z) / (1 - a (z0 + z)))``, with ``z0`` the normal quantile of the share of replicates below the
    estimate (equal ones count half) and ``a`` the skewness of the jackknife, ``sum u^3 / (6 (sum u^2)^1.5)``.

    Args:
        metric: Makes a number of the samples.
        *samples: Arrays with the same units along their first axes.
        draws: What ``resamples`` returns, to use the same draws for several metrics; its default if left out.
        method: ``bca`` or ``percentile``.
        level: Confidence level.

    Returns:
        The estimate, the interval's ends and the standard error. A metric that no draw changes has an interval without
        width, which is no certainty.

    Raises:
        UsageError: There is no such method.
        DataError: The samples have different numbers of units, or fewer than two.

    Example:
        >>> speeds = np.array([20.2, 23.0, 21.4, 22.8, 24.9, 19.5, 21.1, 26.0])
        >>> found = bootstrap(np.median, speeds, draws=resamples(8, 2000, "example"))
        >>> found.estimate, found.low < 22.1 < found.high
        (22.1, True)
    """
    if method not in METHODS:
        raise UsageError(unknown_name("method", method, METHODS))
    n = _n_units(samples)
    taken = resamples(n) if draws is None else draws
    estimate = float(metric(*samples))
    replicates = np.array([metric(*(sample[rows] for sample in samples)) for rows in taken], dtype=np.float64)
    shares = (1 - level) / 2, (1 + level) / 2
    if method == "bca" and replicates.min() < replicates.max():
        shares = _shifted(shares, estimate, replicates, _left_out(metric, samples, n))
    low, high = (float(end) for end in np.quantile(replicates, shares))
    return Bootstrapped(estimate, low, high, float(replicates.std(ddof=1)))


def jackknife(metric: Metric, *samples: NDArray[Any]) -> Jackknifed:
    """Returns a metric with the standard error that leaving out each unit gives.

    ``error^2 = (n - 1)/n sum_i (m_(-i) - mean m_(-i))^2``. For a mean it is the standard error of the mean. It needs a
    smooth metric: of a median it is wrong.

    Args:
        metric: Makes a number of the samples.
        *samples: Arrays with the same units along their first axes.

    Returns:
        The estimate with its error and Student's interval.

    Raises:
        DataError: The samples have different numbers of units, or fewer than two.

    Example:
        >>> found = jackknife(np.mean, np.array([1.0, 2.0, 6.0]))
        >>> found.estimate, round(found.error, 4)
        (3.0, 1.5275)
    """
    n = _n_units(samples)
    left_out = _left_out(metric, samples, n)
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return Jackknifed(float(metric(*samples)), float(error), n)


def _n_units(samples: tuple[NDArray[Any], ...]) -> int:
    sizes = {len(sample) for sample in samples}
    if len(sizes) != 1 or min(sizes) < 2:
        got = ", ".join(map(str, sorted(sizes))) or "no sample"
        raise DataError(f"samples must have the same number of units, at least 2; got {got}")
    return sizes.pop()


def _left_out(metric: Metric, samples: tuple[NDArray[Any], ...], n: int) -> Floats:
    """Returns the metric without each unit, shape (n,)."""
    kept = (np.delete(np.arange(n), i) for i in range(n))
    return np.array([metric(*(sample[rows] for sample in samples)) for rows in kept], dtype=np.float64)


def _shifted(shares: tuple[float, float], estimate: float, replicates: Floats, left_out: Floats) -> tuple[float, float]:
    """Returns the shares of replicates at which BCa's ends lie."""
    from scipy import special

    below = ((replicates < estimate).mean() + (replicates <= estimate).mean()) / 2
    if not 0 < below < 1:
        # All replicates lie on one side: the shift would be infinite, so that the end is the outermost of them.
        return (0.0, 0.0) if below == 0 else (1.0, 1.0)
    z0 = special.ndtri(below)
    pulls = left_out.mean() - left_out
    squares = (pulls**2).sum()
    skewness = (pulls**3).sum() / (6 * squares**1.5) if squares > 0 else 0.0
    z = z0 + special.ndtri(np.array(shares))
    low, high = special.ndtr(z0 + z / (1 - skewness * z))
    return float(low), float(high)
