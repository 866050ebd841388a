"""The bootstrap chooses again in every replicate, and its intervals cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.landscapes.evidence import Tuning
from optbench.analysis.landscapes.facts import Facts
from optbench.analysis.landscapes.resample import Reselection, reselected_interval
from optbench.analysis.landscapes.scores import median
from optbench.analysis.landscapes.selection import best
from optbench.analysis.landscapes.sweep import Sweep
from optbench.analysis.statistics.intervals import hull, median_interval

FACTS = {p: Facts(p, 2, 0.0, 1.0, 1e-6, None, True) for p in ("p1", "p2", "p3")}


def sweep(n: int) -> Sweep:
    return Sweep("lr", np.arange(n), 10.0 ** np.arange(n), None, *[np.arange(n)] * 3)


def tuning(scores: np.ndarray) -> Tuning:
    return Tuning(sweep(len(scores)), scores)


def test_a_clear_winner_is_chosen_always_and_a_toss_up_half_the_time() -> None:
    clear = np.array([[0.1, 0.2, 0.1, 0.2], [0.8, 0.9, 0.8, 0.9]])
    toss = np.array([[0.1, 0.9, 0.1, 0.9], [0.9, 0.1, 0.9, 0.1]])
    again = Reselection({("p1", "adam"): tuning(clear), ("p2", "adam"): tuning(toss)}, FACTS)
    sure, unsure = again.choices("tuned", ("p1", "adam")), again.choices("tuned", ("p2", "adam"))
    assert sure is not None
    assert unsure is not None
    assert (sure == 1).all()
    # A tie, with probability 3/8, goes to the smaller rate: position 0.
    assert unsure.mean() == pytest.approx((1 - 3 / 8) / 2, abs=0.04)


def test_one_for_all_resamples_the_other_problems() -> None:
    """The choice for p1 varies with p2 and p3, and ignores p1's own scores."""
    rng = np.random.default_rng(0)
    scores = {(p, "adam"): tuning(rng.random((3, 8))) for p in ("p1", "p2", "p3")}
    chosen = Reselection(scores, FACTS, replicates=500).choices("one_for_all", ("p1", "adam"))
    assert chosen is not None
    assert len(np.unique(chosen)) > 1
    poisoned = {**scores, ("p1", "adam"): tuning(rng.random((3, 8)))}
    np.testing.assert_array_equal(
        chosen, Reselection(poisoned, FACTS, replicates=500).choices("one_for_all", ("p1", "adam"))
    )
    alone = {("p1", "adam"): scores["p1", "adam"]}
    assert Reselection(alone, FACTS, replicates=5).choices("one_for_all", ("p1", "adam")) is None


def test_optimizers_share_draws_and_a_seed_repeats_them() -> None:
    scores = np.random.default_rng(0).random((4, 8))
    given = {("p1", "adam"): tuning(scores), ("p1", "sgd"): tuning(scores)}
    again = Reselection(given, FACTS, replicates=100)
    np.testing.assert_array_equal(again.choices("tuned", ("p1", "adam")), again.choices("tuned", ("p1", "sgd")))
    repeated, other = Reselection(given, FACTS, replicates=100), Reselection(given, FACTS, seed=1, replicates=100)
    np.testing.assert_array_equal(again.starts("p1", 8), repeated.starts("p1", 8))
    assert (again.starts("p1", 8) != other.starts("p1", 8)).any()


def test_median_with_infinity() -> None:
    assert median(np.array([1.0, 2.0, 4.0])) == 2.0
    assert median(np.array([1.0, 2.0, 4.0, 8.0])) == 3.0
    assert median(np.array([1.0, 2.0, np.inf, np.inf])) == np.inf


def test_unsure_choice_widens_the_interval() -> None:
    """Two configurations tie in tuning but differ tenfold when reported: both medians must lie inside."""
    toss = np.array([[0.1, 0.9, 0.1, 0.9], [0.9, 0.1, 0.9, 0.1]])
    again = Reselection({("p1", "adam"): tuning(toss)}, FACTS)
    values = np.vstack([np.linspace(1, 2, 32), np.linspace(10, 20, 32)])
    chosen = again.choices("tuned", ("p1", "adam"))
    assert chosen is not None
    low, high = reselected_interval(values, chosen, again.starts("p1", 32), median)
    assert low < 2
    assert high > 10


def test_choices_are_those_of_scores_that_are_all_held() -> None:
    """Every replicate's choice on nine problems of four families, one unranked, one without tuning starts."""
    rng = np.random.default_rng(2)
    labels = [f"p{k}" for k in range(9)]
    facts = {p: replace(FACTS["p1"], family="abcd"[k % 4], ranked=k != 5) for k, p in enumerate(labels)}
    given = {
        (p, o): tuning(rng.integers(0, 4, (5, 0 if p == "p3" else 6)) / 3) for p in labels for o in ("adam", "sgd")
    }
    again = Reselection(given, facts, replicates=600)
    held = {key: again.means(key) for key in given}
    assert held["p3", "adam"] is None
    for (problem, optimizer), t in given.items():
        others = [
            means
            for (p, o), means in held.items()
            if o == optimizer and means is not None and facts[p].ranked and facts[p].family != facts[problem].family
        ]
        expected = best(np.mean(others, axis=0), t.sweep)
        np.testing.assert_array_equal(again.choices("one_for_all", (problem, optimizer)), expected)
        if problem != "p3":
            np.testing.assert_array_equal(
                again.choices("tuned", (problem, optimizer)), best(held[problem, optimizer], t.sweep)
            )


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.3])
def test_intervals_with_selection_cover(spread: float) -> None:
    """16 tuning and 32 reported starts, five configurations whose true scores differ by ``spread``.

    The hull covers the true median at the chosen configuration, and at the truly best one, in at
    least 94 % of 300 simulated benchmarks (less two standard errors).
    """
    rng = np.random.default_rng(5)
    strength = 0.5 + spread * np.array([0.0, 0.3, 1.0, 0.8, 0.2])
    chosen_inside, best_inside = [], []
    for _ in range(300):
        # Score and gap of a run come from one latent quality, as in a benchmark.
        tune = np.clip(strength[:, None] + 0.15 * rng.standard_normal((5, 16)), 0, 1)
        gaps = np.exp(-10 * (strength[:, None] + 0.15 * rng.standard_normal((5, 32))))
        given = {("p1", "adam"): tuning(tune)}
        again = Reselection(given, FACTS, replicates=300)
        at = int(best(tune.mean(axis=1), sweep(5)))
        replicates = again.choices("tuned", ("p1", "adam"))
        assert replicates is not None
        low, high = hull(
            median_interval(gaps[at]), reselected_interval(gaps, replicates, again.starts("p1", 32), median)
        )
        chosen_inside.append(low <= np.exp(-10 * strength[at]) <= high)
        best_inside.append(low <= np.exp(-10 * strength.max()) <= high)
    assert np.mean(chosen_inside) >= 0.94 - 2 * stats.sem(chosen_inside)
    assert np.mean(best_inside) >= 0.94 - 2 * stats.sem(best_inside)
