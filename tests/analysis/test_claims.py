"""Claims with more than two entries: sets, single values, noise against none, groups, the worst problem, verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optbench.analysis.landscapes.contrasts.claims import Compared, Draws, worst
from optbench.analysis.landscapes.contrasts.judging import JudgedClaim, contrasts
from optbench.analysis.landscapes.contrasts.sides import named, with_sides
from optbench.analysis.landscapes.evidence import Arranged, arrange
from optbench.analysis.landscapes.selection import select
from optbench.analysis.statistics.paired import Estimate
from optbench.analysis.statistics.verdicts import described, verdict
from optbench.records.landscapes import ROWS
from optbench.suite.landscapes.contrast import Contrast
from tests.analysis.synthetic import make_manifest, make_row

DRAWS = Draws(0, 200)
UP, DOWN, FLAT = Estimate(2.0, 1.0, 3.0, 0.01), Estimate(-2.0, -3.0, -1.0, 0.01), Estimate(0.1, -1.0, 1.2, 0.8)

#: Speeds by entry and configuration.
Speeds = dict[str, tuple[float, ...]]


def arranged(speeds: dict[str, Speeds], *, n: int = 12, seed: int = 0) -> tuple[Arranged, dict[str, Any]]:
    """A run whose problems have these speeds; starts belong to the label without its noise, tuning ones come first."""
    rows = []
    for problem, entries in speeds.items():
        rng = np.random.default_rng([seed, *problem.partition("~")[0].encode()])
        for split in ("tune", "report"):
            for start, g0 in enumerate(np.exp(rng.normal(0.5, 0.3, n))):
                luck = np.exp(rng.normal(0, 0.1))
                for entry, values in entries.items():
                    for config, speed in enumerate(values):
                        rows.append(
                            make_row(
                                problem, entry, config, split, start, speed=speed * luck, g0=g0, is_default=not config
                            )
                        )
    manifest = make_manifest({p: p.partition("-")[0] for p in speeds}, n_cells=len(rows))
    return arrange(pd.DataFrame(rows)[list(ROWS.columns)], manifest), manifest


def stated(left: dict[str, Any], right: dict[str, Any], **more: Any) -> dict[str, Any]:
    return Contrast(name="c", claim="So it is.", left=left, right=right, **more).model_dump(mode="json")  # type: ignore[arg-type]


def judged(speeds: dict[str, Speeds], left: str, right: str, **more: Any) -> Any:
    evidence, manifest = arranged(speeds)
    sides = {side: {"optimizer": o} if isinstance(o, str) else o for side, o in (("left", left), ("right", right))}
    claim = stated(sides["left"], sides["right"], **more)
    choices = select(evidence.tuning, evidence.facts)
    return contrasts(evidence, choices, {**manifest, "contrasts": [claim]}, replicates=200).iloc[0]


def mean_score(evidence: Arranged, problem: str, entry: str, config: int) -> float:
    return float(evidence.reported[problem, entry].score[config].mean())


# Sets of entries.
SET = {"f-2d": {"a": (0.05, 0.06), "a[x=1]": (0.04, 0.09), "b": (0.06, 0.07)}}


def test_of_a_set_the_best_on_tuning_starts_stands_for_all():
    evidence, _ = arranged(SET)
    found = judged(SET, "a*", "b")
    expected = mean_score(evidence, "f-2d", "a[x=1]", 1) - mean_score(evidence, "f-2d", "b", 1)
    assert found["difference"] == pytest.approx(expected, abs=1e-12)
    assert found["verdict"] == "holds"
    assert judged(SET, "a", "b")["verdict"] == "fails"


def test_a_set_is_chosen_on_tuning_starts_alone():
    """The entry that is best on reported starts is not the one that tuning prefers."""
    evidence, manifest = arranged(SET)
    tuning = dict(evidence.tuning)
    key = ("f-2d", "a[x=1]")
    tuning[key] = type(tuning[key])(tuning[key].sweep, np.zeros_like(tuning[key].score))
    changed = Arranged(evidence.facts, evidence.budget, evidence.costs, tuning, evidence.reported)
    claim = stated({"optimizer": "a*"}, {"optimizer": "b"})
    choices = select(tuning, evidence.facts)
    found = contrasts(changed, choices, {**manifest, "contrasts": [claim]}, replicates=50).iloc[0]
    expected = mean_score(evidence, "f-2d", "a", 1) - mean_score(evidence, "f-2d", "b", 1)
    assert found["difference"] == pytest.approx(expected, abs=1e-12)


def test_every_replicate_chooses_again_among_all_of_a_set():
    """Two members that are equally good: the interval is wider than with either of them alone."""
    rng = np.random.default_rng(1)
    rows = []
    for split in ("tune", "report"):
        for start in range(12):
            for entry in ("a", "a[x=1]", "b"):
                speed = 0.07 * np.exp(rng.normal(0, 0.5))
                rows.append(make_row("f-2d", entry, 0, split, start, speed=speed, g0=1.5, is_default=True))
    manifest = make_manifest({"f-2d": "f"}, n_cells=len(rows))
    evidence = arrange(pd.DataFrame(rows)[list(ROWS.columns)], manifest)
    statement = stated({"optimizer": "a*"}, {"optimizer": "b"})
    whole, choices = with_sides(evidence, select(evidence.tuning, evidence.facts), [statement])
    compared = Compared.of(statement, whole, choices, ["f-2d"], Draws(0, 2000))
    assert compared is not None
    drawn = compared.redrawn[:, 0, 0]
    scores = {e: evidence.reported["f-2d", e].score[0] for e in ("a", "a[x=1]", "b")}
    report = [scores[e].mean() - scores["b"].mean() for e in ("a", "a[x=1]")]
    # The replicates are a mixture of both members: their mean lies strictly between the two differences.
    assert min(report) + 0.05 * np.ptp(report) < drawn.mean() < max(report) - 0.05 * np.ptp(report)


def test_a_member_that_did_not_run_takes_its_problem_out():
    speeds = {"f-2d": SET["f-2d"], "g-2d": {"a": (0.05, 0.06), "b": (0.06, 0.07)}}
    assert judged(speeds, "a*", "b")["n_problems"] == 1


def test_one_value_of_a_sweep_is_held():
    evidence, _ = arranged(SET)
    # The swept values of the synthetic rows are 0.1, 1, ... by configuration.
    found = judged(SET, {"optimizer": "a[x=1]", "at": 0.1}, {"optimizer": "b", "at": 1.0})
    expected = mean_score(evidence, "f-2d", "a[x=1]", 0) - mean_score(evidence, "f-2d", "b", 1)
    assert found["difference"] == pytest.approx(expected, abs=1e-12)
    assert (found["left"], found["verdict"]) == ("a[x=1], at 0.1", "fails")
    assert judged(SET, {"optimizer": "a", "at": 7.0}, "b")["verdict"] == "not run"


def test_names_of_sides():
    assert named({"optimizer": "a*", "setting": "tuned"}) == ("a*", "tuned")
    assert named({"optimizer": "a", "setting": "default", "at": None}) == ("a", "default")


# Noise against none.
def noise(gain: float, plain: float = 1.2) -> dict[str, Speeds]:
    return {
        "f-2d": {"a": (0.05 * plain,), "b": (0.05,)},
        "f-2d~gaussian=1": {"a": (0.05 * gain,), "b": (0.05,)},
        "g-2d": {"a": (0.05 * plain,), "b": (0.05,)},
        "g-2d~gaussian=1": {"a": (0.05 * gain,), "b": (0.05,)},
    }


@pytest.mark.parametrize(("gain", "expected"), [(2.0, "holds"), (1.05, "fails"), (1.2, "depends")])
def test_a_gain_is_held_against_the_gain_on_the_twin(gain, expected):
    speeds = noise(gain)
    found = judged(speeds, "a", "b", problems="*~gaussian=1", beyond="f-2d g-2d")
    evidence, _ = arranged(speeds)
    gains = {p: mean_score(evidence, p, "a", 0) - mean_score(evidence, p, "b", 0) for p in speeds}
    expected_growth = np.mean([gains[f"{p}~gaussian=1"] - gains[p] for p in ("f-2d", "g-2d")])
    assert found["difference"] == pytest.approx(expected_growth, abs=1e-12)
    assert (found["n_problems"], found["verdict"]) == (2, expected)


def test_growth_is_paired_by_start():
    """The replicates of both levels share their draws, so that what a start does to both of them cancels."""
    evidence, _ = arranged(noise(1.2))
    statement = stated({"optimizer": "a"}, {"optimizer": "b"}, problems="*~*", beyond="f-2d g-2d")
    choices = select(evidence.tuning, evidence.facts)
    growth = Compared.of(statement, evidence, choices, ["f-2d~gaussian=1", "g-2d~gaussian=1"], DRAWS)
    assert growth is not None
    np.testing.assert_allclose(growth.redrawn, 0.0, atol=1e-12)
    assert np.ptp(growth.difference) < 1e-12
    alone = Compared.of({**statement, "beyond": None}, evidence, choices, ["f-2d"], DRAWS)
    assert alone is not None
    assert alone.redrawn.std() > 1e-4


# Groups and verdicts.
def test_verdicts_of_intervals_and_groups():
    assert [verdict(e, {}) for e in (UP, DOWN, FLAT)] == ["holds", "fails", "depends"]
    assert verdict(UP, {"x": UP, "y": FLAT}) == "holds"
    assert verdict(DOWN, {"x": DOWN, "y": FLAT}) == "fails"
    assert verdict(UP, {"x": UP, "y": DOWN}) == "depends"
    assert verdict(DOWN, {"x": DOWN, "y": UP}) == "depends"
    assert described({"x": UP, "y": DOWN}) == "x holds, 2.000 [1.000, 3.000]; y fails, -2.000 [-3.000, -1.000]"


def test_groups_that_disagree_make_a_claim_depend():
    speeds: dict[str, Speeds] = {
        "f-2d": {"a": (0.2,), "b": (0.05,)}, "g-2d": {"a": (0.15,), "b": (0.05,)}, "h-2d": {"a": (0.04,), "b": (0.05,)},
    }  # fmt: skip
    parts = {"fast": "f-* g-*", "slow": "h-*"}
    assert judged(speeds, "a", "b")["verdict"] == "holds"
    found = judged(speeds, "a", "b", groups=parts)
    assert found["verdict"] == "depends"
    assert found["low"] > 0
    assert found["by_group"].startswith("fast holds, ")
    assert "; slow fails, -" in found["by_group"]
    assert judged(speeds, "a", "b", groups={"fast": "f-* g-*"})["verdict"] == "holds"


def test_groups_share_the_error_of_their_contrast():
    """Two groups: each has the interval that one problem alone has at half the error."""
    speeds: dict[str, Speeds] = {p: {"a": (0.2,), "b": (0.05,)} for p in ("f-2d", "g-2d")}
    evidence, _ = arranged(speeds)
    statement = stated({"optimizer": "a"}, {"optimizer": "b"}, groups={"f": "f-*", "g": "g-*"})
    choices = select(evidence.tuning, evidence.facts)
    alone = Compared.of(statement, evidence, choices, ["f-2d"], DRAWS)
    judged_in_parts = JudgedClaim.of(statement, evidence, choices, DRAWS)
    assert alone is not None
    assert judged_in_parts is not None
    assert judged_in_parts.by_group(0.95)["f"] == alone.estimate(0.975)
    assert alone.estimate(0.975).low < alone.estimate(0.95).low - 1e-6


# The worst problem and the margin.
def test_the_worst_problem_and_its_ends():
    rng = np.random.default_rng(3)
    values = [rng.normal(m, 0.2, 10) for m in (0.5, 0.2, 0.4)]
    parts = [
        Compared(v, np.zeros(10, int), 1.0, 0.0, np.ones(1), np.array([[v.mean()]]), redrawn(v), 0) for v in values
    ]
    found = worst(parts)
    each = [stats.ttest_1samp(v, 0) for v in values]
    assert found.estimate == pytest.approx(min(v.mean() for v in values))
    assert found.low == pytest.approx(min(e.confidence_interval(0.95).low for e in each), rel=1e-6)
    assert found.high == pytest.approx(min(e.confidence_interval(1 - 0.05 / 3).high for e in each), rel=1e-6)
    assert found.p == pytest.approx(max(e.pvalue for e in each), rel=1e-5)


def redrawn(values: np.ndarray) -> np.ndarray:
    """Replicates whose standard deviation is exactly the standard error."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return np.array([-1.0, 1.0])[:, None, None] * error / np.sqrt(2)


def test_the_ends_of_the_worst_problem_agree_with_its_p_value():
    rng = np.random.default_rng(4)
    for shift in np.linspace(-0.3, 0.5, 17):
        values = [rng.normal(shift + m, 0.2, 8) for m in (0.1, 0.0)]
        parts = [
            Compared(v, np.zeros(8, int), 1.0, 0.0, np.ones(1), np.array([[v.mean()]]), redrawn(v), 0) for v in values
        ]
        found = worst(parts)
        assert (found.p <= 0.05) == (found.low > 0 or found.high < 0)


def test_the_worst_problem_covers():
    """Three problems of which two are equally bad: the interval of the minimum holds it in at least 94 % of runs."""
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(400):
        values = [rng.normal(m, 0.3, 12) for m in (0.1, 0.1, 0.3)]
        parts = [
            Compared(v, np.zeros(12, int), 1.0, 0.0, np.ones(1), np.array([[v.mean()]]), redrawn(v), 0) for v in values
        ]
        found = worst(parts)
        inside.append(found.low <= 0.1 <= found.high)
    assert np.mean(inside) >= 0.94


def test_a_claim_about_the_worst_problem_is_not_one_about_the_mean():
    speeds: dict[str, Speeds] = {
        "f-2d": {"a": (0.2,), "b": (0.05,)}, "g-2d": {"a": (0.15,), "b": (0.05,)}, "h-2d": {"a": (0.04,), "b": (0.05,)},
    }  # fmt: skip
    assert judged(speeds, "a", "b")["verdict"] == "holds"
    found = judged(speeds, "a", "b", over="worst")
    evidence, _ = arranged(speeds)
    expected = mean_score(evidence, "h-2d", "a", 0) - mean_score(evidence, "h-2d", "b", 0)
    assert (found["verdict"], found["over"]) == ("fails", "worst")
    assert found["difference"] == pytest.approx(expected, abs=1e-12)
    allowed = judged(speeds, "a", "b", over="worst", margin=0.2)
    assert allowed["verdict"] == "holds"
    assert allowed["difference"] == pytest.approx(expected + 0.2, abs=1e-12)


def test_a_margin_moves_every_end():
    speeds: dict[str, Speeds] = {p: {"a": (0.06,), "b": (0.05,)} for p in ("f-2d", "g-2d")}
    plain, moved = (judged(speeds, "a", "b", margin=m) for m in (0.0, 0.125))
    for column in ("difference", "low", "high", "new_low", "new_high"):
        assert moved[column] - plain[column] == pytest.approx(0.125)
