"""New problems like these: the studentized bootstrap over families, by hand and in simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from optbench.analysis.statistics import families

#: Values of one family, with their true mean; scores and differences of scores are bounded.
SHAPES: dict[str, tuple[Callable[[np.random.Generator, tuple[int, int]], np.ndarray], float]] = {
    "normal": (lambda rng, s: rng.normal(0.05, 0.1, s), 0.05),
    "exponential": (lambda rng, s: 0.1 * rng.exponential(1, s), 0.1),
    "beta(0.5, 3)": (lambda rng, s: rng.beta(0.5, 3, s), 1 / 7),
    "70 % zeros": (lambda rng, s: (rng.random(s) < 0.3) * rng.random(s), 0.15),
    "85 % zeros": (lambda rng, s: (rng.random(s) < 0.15) * rng.random(s), 0.075),
    "student 3": (lambda rng, s: 0.05 * rng.standard_t(3, s), 0.0),
}


def replicated(sums: np.ndarray, replicates: int) -> np.ndarray:
    return np.broadcast_to(sums, (replicates, *sums.shape))


def test_mean_and_error_of_equal_families_are_the_textbooks() -> None:
    values = np.array([[1.0], [2.0], [4.0], [9.0]])
    mean, error = families.mean_and_error(values, np.ones(4), np.ones(4))
    assert mean[0] == 4.0
    assert error[0] == pytest.approx(values.std(ddof=1) / 2)


def test_families_of_unequal_size_weigh_by_their_problems() -> None:
    """Families of 1 and 3 problems with scores 0 and 0.6: the mean over problems is 0.45."""
    mean, error = families.mean_and_error(np.array([[0.0], [1.8]]), np.array([1.0, 3.0]), np.ones(2))
    assert mean[0] == pytest.approx(0.45)
    # residuals -0.45 and 1.8 - 1.35 = 0.45; sqrt(2 (0.45^2 + 0.45^2)) / 4
    assert error[0] == pytest.approx(0.9 / 4)


def test_left_out_range_by_hand() -> None:
    low, high = families.left_out(np.array([[0.2, 0.0], [1.2, 0.0], [0.4, 0.9]]), np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(low, [0.6 / 2, 0.0])
    np.testing.assert_allclose(high, [1.6 / 3, 0.9 / 2])
    assert np.isnan(families.left_out(np.array([[1.0]]), np.ones(1))[0]).all()


def test_pairs_agree_with_the_interval_of_their_difference() -> None:
    """With two entries max-T is the symmetric studentized interval; the Gram matrix is no other route."""
    rng = np.random.default_rng(2)
    sums = rng.random((15, 2)) * [1.0, 0.8]
    sizes, drawn = rng.integers(1, 4, 15).astype(float), rng.random((400, 15, 2))
    found = families.compare(sums, sizes, drawn)
    assert found is not None
    paired = drawn[:, :, :1] - drawn[:, :, 1:]
    mean, error = families.mean_and_error(sums[:, :1] - sums[:, 1:], sizes, np.ones(15))
    means, errors = families.mean_and_error(paired, sizes, families.draw(15, 400))
    at = np.sort(np.abs((means - mean) / errors)[:, 0])[int(np.ceil(0.95 * 401)) - 1]
    assert found.difference[0, 1] == pytest.approx(mean[0])
    assert found.half[0, 1] == pytest.approx(at * error[0], rel=1e-9)


def test_a_pair_that_hardly_ever_differs_is_not_told_apart_and_spoils_no_other() -> None:
    rng = np.random.default_rng(3)
    base = rng.random((12, 1)) * 0.1
    sums = np.concatenate([base + 0.5 + 0.01 * rng.random((12, 1)), base, base], axis=1)
    sums[:2, 2] += 0.05
    found = families.compare(sums, np.ones(12), replicated(sums, 500))
    assert found is not None
    assert np.isinf(found.half[1, 2])
    assert found.better[0].tolist() == [False, True, True]


def test_too_few_families_have_no_comparison() -> None:
    sums = np.random.default_rng(0).random((11, 3))
    assert families.compare(sums, np.ones(11), replicated(sums, 50)) is None


def test_no_spread_is_not_certainty() -> None:
    """Twelve zeros leave room for a share 1 - 0.05^(1/12) = 0.22 of other families."""
    sums = np.zeros((12, 1))
    low, high = families.interval(sums, np.ones(12), replicated(sums, 99), low=0.0)
    assert low[0] == 0.0
    assert high[0] == pytest.approx(1 - 0.05 ** (1 / 12))


def coverage(shape: str, count: int, n_sims: int, replicates: int, seed: int) -> float:
    """Share of simulated benchmarks whose interval holds the true mean."""
    draw, truth = SHAPES[shape]
    values = draw(np.random.default_rng(seed), (count, n_sims))
    low, high = [], []
    for k in range(0, n_sims, 100):
        part = values[:, k : k + 100]
        ends = families.interval(part, np.ones(count), replicated(part, replicates), seed=k)
        low.append(ends[0])
        high.append(ends[1])
    return float(np.mean((np.concatenate(low) <= truth) & (truth <= np.concatenate(high))))


@pytest.mark.parametrize("shape", SHAPES)
def test_family_intervals_cover_small(shape: str) -> None:
    assert coverage(shape, 20, 300, 300, seed=4) >= 0.94 - 3 * np.sqrt(0.95 * 0.05 / 300)


@pytest.mark.slow
@pytest.mark.parametrize("count", [12, 20, 40])
@pytest.mark.parametrize("shape", SHAPES)
def test_family_intervals_cover(shape: str, count: int) -> None:
    assert coverage(shape, count, 4000, 999, seed=5) >= 0.94


def simultaneous(count: int, n: int, n_sims: int, replicates: int, seed: int) -> tuple[float, float]:
    """Share of simulations in which the true best is in the set, and in which all pairs are covered."""
    rng = np.random.default_rng(seed)
    level = 0.3 + 0.02 * (np.arange(n) % 3)
    best, pairs = [], []
    for k in range(n_sims):
        common = rng.beta(0.8, 3, (count, 1)) - 0.8 / 3.8
        sums = level + common + 0.2 * (rng.exponential(1, (count, n)) - 1)
        found = families.compare(sums, np.ones(count), replicated(sums, replicates), seed=k)
        assert found is not None
        best.append(bool(found.best[level.argmax()]))
        pairs.append(bool((np.abs(found.difference - (level[:, None] - level)) <= found.half + 1e-12).all()))
    return float(np.mean(best)), float(np.mean(pairs))


def test_family_sets_cover_small() -> None:
    assert min(simultaneous(14, 6, 100, 300, seed=6)) >= 0.94 - 3 * np.sqrt(0.95 * 0.05 / 100)


@pytest.mark.slow
@pytest.mark.parametrize("count", [12, 20, 40])
def test_family_sets_cover(count: int) -> None:
    assert min(simultaneous(count, 10, 1000, 500, seed=7)) >= 0.94 - 2 * np.sqrt(0.95 * 0.05 / 1000)
