"""Scores, simultaneous intervals, rank intervals and groups: by hand, by SciPy, and in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.field import arrange as arrange_field
from optbench.analysis.landscapes.field import chosen, means, roster
from optbench.analysis.landscapes.redraw import freedom, replicate_sums, reselections
from optbench.analysis.landscapes.resample import Reselection
from optbench.analysis.landscapes.selection import select
from optbench.analysis.landscapes.summarize import analyze
from optbench.analysis.statistics.groups import critical_groups, holm, letters, pairwise_wilcoxon
from optbench.analysis.statistics.simultaneous import Comparison, compare, critical, score_intervals, widened
from tests.analysis.fields import make_field, noisy
from tests.analysis.synthetic import make_runs

PROBLEMS = {f"p{k}-2d": f"f{k % 3}" for k in range(5)}
RULES = ["adam", "nag", "sgd"]


def test_the_score_is_a_mean_over_starts_then_problems() -> None:
    runs, manifest = make_runs(PROBLEMS, RULES)
    frame = analyze(runs, manifest, replicates=100).ranking
    evidence = arrange(runs, manifest)
    choices = select(evidence.tuning, evidence.facts)
    for setting, rule, score in frame[["setting", "optimizer", "score"]].itertuples(index=False):
        by_problem = [
            np.nanmean(evidence.reported[p, rule].score[choices[setting, (p, rule)].position]) for p in PROBLEMS
        ]
        assert score == pytest.approx(np.mean(by_problem), rel=1e-12)


def test_box_only_problems_do_not_count_and_reference_lines_have_no_rank() -> None:
    runs, manifest = make_runs(PROBLEMS, RULES)
    manifest["problems"]["p4-2d"]["tags"] = ["box_only"]
    manifest["optimizers"] = {rule: {"grid": [0.1, 1.0, 10.0], "ranked": rule != "sgd"} for rule in RULES}
    frame = analyze(runs, manifest, replicates=100).ranking.set_index(["setting", "optimizer"])
    assert (frame["n_problems"] == 4).all()
    assert np.isnan(frame.loc[("tuned", "sgd"), "rank_low"])
    assert not frame.loc[("tuned", "sgd"), "ranked"]
    assert frame["rank_high"].max() <= 2


def test_an_entry_that_lacks_a_problem_is_not_ranked() -> None:
    runs, manifest = make_runs(PROBLEMS, RULES)
    runs = runs[(runs["optimizer"] != "nag") | (runs["problem"] != "p2-2d")]
    entries, references, problems = roster(arrange(runs, manifest), manifest)
    assert (entries, references, problems) == (["adam", "sgd"], [], sorted(PROBLEMS))


def test_the_order_of_rows_changes_nothing() -> None:
    runs, manifest = make_runs(PROBLEMS, RULES)
    shuffled = runs.sample(frac=1, random_state=2)
    assert analyze(runs, manifest, replicates=100).ranking.equals(analyze(shuffled, manifest, replicates=100).ranking)


def test_replicates_choose_as_the_tables_of_single_problems_do() -> None:
    """The same choices as ``resample.Reselection``, replicate by replicate."""
    runs, manifest = make_runs(PROBLEMS, RULES, n_configs=4)
    evidence = arrange(runs, manifest)
    field = arrange_field(evidence, RULES, PROBLEMS)
    again = Reselection(evidence.tuning, evidence.facts, replicates=300)
    for chunk, p, choices in reselections(field, ("one_for_all", "tuned"), replicates=300):
        for e, rule in enumerate(RULES):
            candidates = evidence.tuning[field.problems[p], rule].sweep.candidates
            for setting, places in choices.items():
                expected = again.choices(setting, (field.problems[p], rule))
                assert expected is not None
                np.testing.assert_array_equal(candidates[places[:, e]], expected[chunk])


def test_replicates_of_the_default_have_the_variance_of_the_mean() -> None:
    rng = np.random.default_rng(0)
    field = make_field(rng.random((2, 1, 1, 4)), rng.random((2, 1, 1, 8)))
    sums = replicate_sums(field, ["default"], replicates=20_000)["default"].sum(axis=1)[:, 0]
    expected = sum(report[0, 1].var(ddof=1) / 8 for report in field.report)
    assert sums.var() == pytest.approx(expected, rel=0.03)


def test_max_t_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    mean, draws = rng.random(4), rng.normal(0, [0.1, 0.2, 0.1, 0.3], (500, 4))
    found = compare(mean, mean + draws, 40)
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    errors = {(i, j): np.std(draws[:, i] - draws[:, j], ddof=1) for i, j in pairs}
    largest = [max(abs(d[i] - d[j]) / errors[i, j] for i, j in pairs) for d in draws]
    at = np.sort(largest)[int(np.ceil(0.95 * 501)) - 1] * stats.t.ppf(0.975, 40) / stats.norm.ppf(0.975)
    for i, j in pairs:
        assert found.difference[i, j] == pytest.approx(mean[i] - mean[j])
        assert found.half[i, j] == pytest.approx(at * errors[i, j], rel=1e-5)
    assert (np.diag(found.half) == 0).all()


def test_ranks_by_hand() -> None:
    """A beats C and D, B beats D: ranks 1-2, 1-3, 2-4, 3-4; A and B may be best."""
    difference = np.zeros((4, 4))
    for better, worse in ((0, 2), (0, 3), (1, 3)):
        difference[better, worse], difference[worse, better] = 2.0, -2.0
    found = Comparison(difference, np.ones((4, 4)))
    low, high = found.ranks
    assert (low.tolist(), high.tolist()) == ([1, 1, 2, 3], [2, 3, 4, 4])
    assert found.best.tolist() == [True, True, False, False]
    assert found.detectable == (1.0, 1.0, 1.0)


def test_a_single_start_tells_nothing() -> None:
    found = compare(np.array([0.1, 0.9]), np.tile([0.1, 0.9], (50, 1)), 0)
    assert found.best.all()
    assert [end.tolist() for end in score_intervals(np.array([0.5]), np.full((9, 1), 0.5), 0)] == [[0.0], [1.0]]
    assert widened(0) == np.inf


def test_the_critical_value_is_an_order_statistic() -> None:
    assert critical(np.arange(1.0, 100.0)[::-1]) == 95.0
    assert critical(np.ones(5)) == np.inf


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.02, 0.03, 0.005])), [0.03, 0.04, 0.04, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).size == 0


@pytest.mark.parametrize("problems", [12, 60])
def test_wilcoxon_agrees_with_scipy_pair_by_pair(problems: int) -> None:
    means_ = np.random.default_rng(4).random((problems, 4))
    means_[:, 1:] += [0.1, 0.4, 0.4]
    means_[:3, 0] = means_[:3, 1]
    p = pairwise_wilcoxon(means_)
    for i, j in ((0, 2), (1, 3), (2, 3)):
        assert p[i, j] == p[j, i] == pytest.approx(stats.wilcoxon(means_[:, i], means_[:, j]).pvalue)
    tied = stats.wilcoxon(means_[:, 0] - means_[:, 1], zero_method="zsplit", method="asymptotic")
    assert p[0, 1] == pytest.approx(tied.pvalue)
    assert pairwise_wilcoxon(means_[:, [0, 0]])[0, 1] == 1.0


def test_groups_are_runs_of_entries_not_told_apart() -> None:
    """Levels 0.9, 0.9, 0.5 on 20 problems: the first two share a group, the third stands alone."""
    noise = np.random.default_rng(5).normal(0, 0.01, (20, 3))
    first, last = critical_groups(np.array([0.5, 0.9, 0.9]) + noise)
    assert [letters(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)] == ["b", "a", "a"]


def coverage(n_sims: int, n: int, *, seed: int, setting: str, replicates: int) -> dict[str, float]:
    """Simulates benchmarks of 12 problems x 32 starts; returns how often each statement was true.

    Three configurations of nearly the same quality, so that tuning often chooses another one; the
    truth of ``tuned`` is the mean score of what was chosen.
    """
    rng = np.random.default_rng(seed)
    problems, c = 12, 3
    true = 0.4 + 0.01 * rng.integers(0, 4, (1, n, 1)) + rng.normal(0, 0.1, (problems, 1, 1))
    true = true + 0.02 * rng.normal(size=(problems, n, c))
    said: dict[str, list[bool]] = {"score": [], "pair": [], "all pairs": [], "best": [], "ranks": []}
    for _ in range(n_sims):
        field = make_field(noisy(rng, true, 16), noisy(rng, true, 32))
        at = np.zeros((problems, n), dtype=np.int64)
        if setting == "tuned":
            at = np.stack([tune.mean(axis=2).argmax(axis=1) for tune in field.tune])
        level = np.take_along_axis(true, at[..., None], axis=2)[..., 0].mean(axis=0)
        truth = level[:, None] - level
        sums = replicate_sums(field, [setting], seed=int(rng.integers(2**31)), replicates=replicates)[setting]
        score, drawn = means(field, at).mean(axis=0), sums.sum(axis=1) / problems
        low, high = score_intervals(score, drawn, freedom(field))
        found, pair = compare(score, drawn, freedom(field)), compare(score[:2], drawn[:, :2], freedom(field))
        ranks = found.ranks
        said["score"].append(bool(low[0] <= level[0] <= high[0]))
        said["pair"].append(bool(abs(pair.difference - truth[:2, :2])[0, 1] <= pair.half[0, 1]))
        said["all pairs"].append(bool((np.abs(found.difference - truth) <= found.half + 1e-12).all()))
        said["best"].append(bool(found.best[level.argmax()]))
        true_rank = 1 + (truth > 0).sum(axis=0)
        said["ranks"].append(bool(((ranks[0] <= true_rank) & (true_rank <= ranks[1])).all()))
    return {name: float(np.mean(values)) for name, values in said.items()}


@pytest.mark.parametrize("setting", ["default", "tuned"])
def test_simultaneous_intervals_cover_small(setting: str) -> None:
    """Few simulations: catches a gross error, such as a bootstrap that forgets a square root."""
    for share in coverage(60, 5, seed=1, setting=setting, replicates=300).values():
        assert share >= 0.94 - 3 * np.sqrt(0.95 * 0.05 / 60)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize("setting", ["default", "tuned"])
def test_simultaneous_intervals_cover(setting: str, n: int) -> None:
    found = coverage(1000, n, seed=2, setting=setting, replicates=500)
    for name, share in found.items():
        assert share >= 0.94 - 2 * np.sqrt(0.95 * 0.05 / 1000), (name, found)


def test_no_choice_is_no_score() -> None:
    runs, manifest = make_runs(PROBLEMS, RULES, default=None)
    evidence = arrange(runs, manifest)
    field = arrange_field(evidence, RULES, PROBLEMS)
    assert (chosen(field, evidence, select(evidence.tuning, evidence.facts), "default") == -1).all()
    assert set(analyze(runs, manifest, replicates=50).ranking["setting"]) == {"one_for_all", "tuned"}
