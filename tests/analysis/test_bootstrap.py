"""Bootstrap and jackknife: against SciPy on the same draws, by hand, and how often intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics import bootstrap as module
from optbench.analysis.statistics.bootstrap import bootstrap, jackknife, resamples
from optbench.errors import DataError, UsageError


def ratio(x, y):
    return x.mean() / y.mean()


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize(
    ("metric", "n_samples"),
    [(np.mean, 1), (np.var, 1), (lambda x: stats.skew(x), 1), (ratio, 2)],
    ids=["mean", "variance", "skewness", "ratio of paired samples"],
)
def test_intervals_are_those_of_scipy_on_the_same_draws(method, metric, n_samples):
    """SciPy draws with ``integers`` of the generator that it is given, for all paired samples at once."""
    rng = np.random.default_rng(3)
    samples = [rng.exponential(size=25) + 0.1 for _ in range(n_samples)]
    draws = np.random.default_rng(7).integers(0, 25, (999, 25))
    expected = stats.bootstrap(
        samples, metric, n_resamples=999, vectorized=False, paired=True, method=method, rng=np.random.default_rng(7)
    )
    found = bootstrap(metric, *samples, draws=draws, method=method)
    assert found.estimate == metric(*samples)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval), rel=1e-9)
    assert found.error == pytest.approx(expected.standard_error, rel=1e-9)


def test_bca_moves_towards_the_long_tail():
    """Of a skewed sample the interval of the mean reaches further up than the percentile one."""
    skewed = np.random.default_rng(0).lognormal(size=40)
    plain, shifted = (bootstrap(np.mean, skewed, method=method) for method in ("percentile", "bca"))
    assert shifted.low > plain.low
    assert shifted.high > plain.high


def test_a_metric_that_no_draw_changes_has_no_width():
    assert bootstrap(np.mean, np.ones(5))[1:] == (1.0, 1.0, 0.0)


def test_an_estimate_beyond_all_replicates_gets_an_end_of_them():
    """The number of different units is largest in the sample itself, so all replicates lie below."""
    found = bootstrap(lambda x: len(np.unique(x)), np.arange(50.0))
    assert found.low == found.high < found.estimate == 50


def test_draws_hang_on_their_key_alone():
    assert (resamples(10, 5, "a", 1) == resamples(10, 5, "a", 1)).all()
    assert (resamples(10, 5, "a", 1) != resamples(10, 5, "a", 2)).any()
    assert resamples(10, 400, "a").min() == 0
    assert resamples(10, 400, "a").max() == 9


def test_the_jackknife_of_a_mean_is_student_s():
    values = np.random.default_rng(1).normal(size=12)
    found = jackknife(np.mean, values)
    assert found.error == pytest.approx(stats.sem(values))
    expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert found.interval() == pytest.approx(expected)


def test_the_jackknife_of_a_ratio_is_near_its_linearization():
    """Cochran's formula for the error of a ratio of means, which the jackknife agrees with up to 1/n."""
    rng = np.random.default_rng(2)
    x = rng.uniform(1, 2, 400)
    y = 2 * x + rng.normal(size=400) * 0.2
    residual = x - ratio(x, y) * y
    expected = residual.std(ddof=1) / np.sqrt(400) / y.mean()
    assert jackknife(ratio, x, y).error == pytest.approx(expected, rel=0.02)


def test_bad_samples_and_methods_say_what_is_allowed():
    with pytest.raises(DataError, match=r"samples must have the same number of units, at least 2; got 3, 4$"):
        bootstrap(ratio, np.ones(3), np.ones(4))
    with pytest.raises(DataError, match=r"at least 2; got 1$"):
        jackknife(np.mean, np.ones(1))
    with pytest.raises(UsageError, match="unknown method 'bcb'; did you mean 'bca'"):
        bootstrap(np.mean, np.ones(3), method="bcb")


def coverage(interval, n, times, draw, truth):
    rng = np.random.Generator(np.random.Philox(n))
    found = [interval(draw(rng, n)) for _ in range(times)]
    return float(np.mean([low <= truth <= high for low, high in found]))


@pytest.mark.parametrize("n", [3, 5, 10, 12, 20])
def test_the_jackknife_covers_for_few_replicates(n):
    """Normal values, and differences of accuracies on 360 examples, as replicates give them."""
    times, ratios = 4000, {}
    for name, draw, truth in (
        ("normal", lambda rng, n: rng.normal(0.3, 1.0, n), 0.3),
        ("accuracies", lambda rng, n: (rng.binomial(360, 0.97, n) - rng.binomial(360, 0.95, n)) / 360, 0.02),
    ):
        ratios[name] = coverage(lambda x: jackknife(np.mean, x).interval(), n, times, draw, truth)
    least = 0.94 - 2 * np.sqrt(0.94 * 0.06 / times)
    assert all(ratio >= least for ratio in ratios.values()), ratios


@pytest.mark.slow
def test_why_few_replicates_do_not_get_percentiles_or_bca():
    """What the page on generalization says: both fall short at ten units, and hold for the examples of a test part."""
    draws = {n: resamples(n, 999, "coverage") for n in (10, 360)}
    found = {
        (method, n): coverage(
            lambda x, method=method: bootstrap(np.mean, x, draws=draws[len(x)], method=method)[1:3],
            n, 1500 if n == 10 else 600, lambda rng, n: rng.normal(size=n), 0.0,
        )
        for method in module.METHODS for n in draws
    }  # fmt: skip
    assert all(found[method, 10] < 0.925 for method in module.METHODS), found
    assert all(found[method, 360] >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / 600) for method in module.METHODS), found
