"""Contrasts against SciPy's tests and by hand; Holm's steps; the measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.landscapes.contrasts.judging import MEASURES, contrast, contrasts, holm
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.selection import select
from optbench.analysis.landscapes.summarize import analyze
from optbench.suite.landscapes.contrast import Contrast
from tests.analysis.synthetic import make_row, make_runs

PROBLEMS = {f"p{k}-2d": f"f{k}" for k in range(3)}


def test_one_stratum_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.random(20) + 0.1, rng.random(20)
    found, expected = contrast(left, right, range(20)), stats.ttest_rel(left, right)
    ends = expected.confidence_interval(0.95)
    np.testing.assert_allclose(found, ((left - right).mean(), ends.low, ends.high, expected.pvalue), rtol=1e-12)


def test_pairs_of_one_cluster_count_once() -> None:
    """Eight noise seeds on each of 12 starts: the test is that of the 12 means."""
    rng = np.random.default_rng(1)
    start = np.repeat(np.arange(12), 8)
    left = rng.normal(0, 1, 12)[start] + 0.1 * rng.random(96)
    found = contrast(left, np.zeros(96), start)
    expected = stats.ttest_1samp(left.reshape(12, 8).mean(axis=1), 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.p > 10 * stats.ttest_1samp(left, 0).pvalue


def test_two_strata_have_welchs_error_and_freedom() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0.3, 1, 9), rng.normal(0.3, 3, 14)
    stratum = ["a"] * 9 + ["b"] * 14
    found = contrast([*a, *b], np.zeros(23), range(23), stratum)
    # The mean of two means is half the difference of a and -b.
    expected = stats.ttest_ind(a, -b, equal_var=False)
    assert found.estimate == pytest.approx((a.mean() + b.mean()) / 2)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.low == pytest.approx(expected.confidence_interval(0.95).low / 2)


def test_a_single_cluster_tells_nothing_and_no_difference_is_none() -> None:
    assert contrast([1.0, 1.0], [0.0, 0.0], [0, 0])[1:] == (-np.inf, np.inf, 1.0)
    assert contrast([1.0, 2.0], [1.0, 2.0], [0, 1]) == (0.0, 0.0, 0.0, 1.0)


def stated(name: str, left: str, right: str, **more: Any) -> dict[str, Any]:
    sides = [dict(zip(("optimizer", "setting"), side.split(), strict=True)) for side in (left, right)]
    spec = Contrast(name=name, claim=f"{name} is so.", left=sides[0], right=sides[1], **more)  # type: ignore[arg-type]
    return spec.model_dump(mode="json")


def judged(*claims: dict[str, Any], fast: float = 3.0) -> Any:
    """Contrasts of a run in which nag is ``fast`` times as fast as sgd, and adam as fast as sgd."""
    rng = np.random.default_rng(0)
    runs, manifest = make_runs(PROBLEMS, ["adam", "nag", "sgd"])
    rows = []
    for problem in PROBLEMS:
        for split, n in (("tune", 4), ("report", 8)):
            for start, g0 in enumerate(np.exp(rng.normal(0.5, 0.3, n))):
                for rule, factor in (("adam", 1.0), ("nag", fast), ("sgd", 1.0)):
                    for config in range(3):
                        speed = 0.05 * factor * (1 + (config == 1)) * np.exp(rng.normal(0, 0.1))
                        rows.append(
                            make_row(problem, rule, config, split, start, speed=speed, g0=g0, is_default=config == 0)
                        )
    runs = type(runs)(rows)
    return analyze(runs, {**manifest, "n_cells": len(runs), "contrasts": list(claims)}, replicates=300).contrasts


def test_verdicts() -> None:
    frame = judged(
        stated("faster", "nag tuned", "sgd tuned"),
        stated("slower", "sgd tuned", "nag tuned"),
        stated("same", "adam tuned", "sgd tuned"),
        stated("untuned", "nag default", "nag tuned"),
        stated("absent", "lion tuned", "nag tuned"),
    ).set_index("contrast")
    assert frame["verdict"].to_dict() == {
        "faster": "holds", "slower": "fails", "same": "depends", "untuned": "fails", "absent": "not run",
    }  # fmt: skip
    assert frame.loc["faster", "difference"] == pytest.approx(-frame.loc["slower", "difference"])
    assert frame.loc["absent", "n_problems"] == 0
    run = frame.drop(index="absent")
    np.testing.assert_allclose(run["p_holm"], holm(run["p"].to_numpy()))
    assert (run["new_kind"] == "range").all()


def test_an_interval_excludes_zero_exactly_where_holm_rejects() -> None:
    """Twelve claims about noise and a few about a small gain: some lie between 5 % and Holm's level."""
    claims = [stated(f"a{k}", f"nag {s}", f"sgd {t}", problems=f"p{k}-2d") for k in range(3)
              for s, t in (("tuned", "tuned"), ("default", "default"))]  # fmt: skip
    frame = judged(*({**c, "name": f"{c['name']}-{i}"} for i, c in enumerate(claims)), fast=1.06)
    excludes = (frame["low"] > 0) | (frame["high"] < 0)
    assert (excludes == (frame["p_holm"] <= 0.05)).all()
    assert ((frame["verdict"] == "depends") == ~excludes).all()
    assert frame["level"].max() < 1 - 0.05 / 6 + 1e-12 or excludes.any()


def test_the_problems_of_a_claim_are_its_pattern() -> None:
    frame = judged(stated("one", "nag tuned", "sgd tuned", problems="p1-*"))
    assert frame["n_problems"].tolist() == [1]
    assert judged(stated("none", "nag tuned", "sgd tuned", problems="q*"))["verdict"].tolist() == ["not run"]


def test_the_estimate_is_the_mean_of_paired_differences() -> None:
    runs, manifest = make_runs(PROBLEMS, ["nag", "sgd"])
    evidence = arrange(runs, manifest)
    choices = select(evidence.tuning, evidence.facts)
    claims = [stated(m, "nag tuned", "sgd one_for_all", measure=m) for m in MEASURES]
    frame = contrasts(evidence, choices, {**manifest, "contrasts": claims}, replicates=50).set_index("contrast")
    for name, measure in MEASURES.items():
        sides = (("nag", "tuned"), ("sgd", "one_for_all"))
        means = [
            [measure.values(evidence.reported[p, o])[choices[s, (p, o)].position].mean() for p in PROBLEMS]
            for o, s in sides
        ]
        assert frame.loc[name, "difference"] == pytest.approx(np.subtract(*means).mean(), abs=1e-12)


def test_suite_files_know_the_same_measures() -> None:
    assert set(Contrast.model_json_schema()["properties"]["measure"]["enum"]) == set(MEASURES)


def simulate(n_sims: int, seed: int) -> float:
    """Coverage of the stratified interval: 12 problems x 32 starts, skewed differences of unequal spread."""
    rng = np.random.default_rng(seed)
    problem = np.repeat(np.arange(12), 32)
    inside = []
    for _ in range(n_sims):
        difference = 0.1 + np.linspace(0.02, 0.4, 12)[problem] * (rng.exponential(1, 384) - 1)
        found = contrast(difference, np.zeros(384), np.arange(384), problem)
        inside.append(found.low <= 0.1 <= found.high)
    return float(np.mean(inside))


def test_the_interval_covers_small() -> None:
    assert simulate(150, 1) >= 0.94 - 3 * np.sqrt(0.95 * 0.05 / 150)


@pytest.mark.slow
def test_the_interval_covers() -> None:
    assert simulate(4000, 2) >= 0.94
