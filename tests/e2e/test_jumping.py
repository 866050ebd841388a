"""Touched targets make a rule look good that jumps at random in the box; settled ones do not."""

from __future__ import annotations

import numpy as np
import pytest

import optbench as ob
from optbench.analysis import analyze, select
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.scores import REACH
from optbench.records import Scoring

SUITE = """
name = "jumping"
version = 1
question = "Does a rule that learns nothing score?"
units = "normalized"
budget = 2000
starts = { tune = 8, report = 16 }

[grid]
lr = { low = 1e-3, high = 1e2, points = 16 }

[[optimizers]]
name = "sgd"

[[optimizers]]
name = "tests.e2e.jumping:jumper"

[[problems]]
name = "sphere"
dim = 2
instance = 1

[[problems]]
name = "himmelblau"
dim = 2
instance = 1
"""
JUMPER = "tests.e2e.jumping:jumper"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jumping")
    (folder / "jumping.toml").write_text(SUITE)
    return ob.run(str(folder / "jumping.toml"), out=str(folder / "results"))


def scores(run, scoring, optimizer):
    """Mean tuned score and share of the starts that reach a gap of 1e-3, over both functions."""
    evidence = arrange(run.runs, run.manifest, scoring)
    chosen = select(evidence.tuning, evidence.facts)
    score, reached = [], []
    for problem in evidence.facts:
        reported, at = evidence.reported[problem, optimizer], chosen["tuned", (problem, optimizer)].position
        score.append(reported.score[at].mean())
        reached.append(reported.reached[at, :, REACH].mean())
    return float(np.mean(score)), float(np.mean(reached))


def test_touched_targets_praise_a_rule_that_learns_nothing_and_settled_ones_do_not(run):
    touched, reached = scores(run, Scoring.TOUCHED, JUMPER)
    assert touched > 0.1
    assert reached > 0.5
    settled, reached = scores(run, Scoring.SETTLED, JUMPER)
    assert settled < 0.005
    assert reached < 0.05
    # Of a rule that descends the two say nearly the same.
    sgd = {scoring: scores(run, scoring, "sgd") for scoring in Scoring}
    assert sgd[Scoring.SETTLED][0] == pytest.approx(sgd[Scoring.TOUCHED][0], abs=0.05)
    assert sgd[Scoring.SETTLED][1] == sgd[Scoring.TOUCHED][1] == 1.0


def test_its_last_gap_is_that_of_a_random_point_and_its_best_one_is_not(run):
    summary = analyze(run.runs, run.manifest, replicates=20).summary
    lines = summary[(summary["optimizer"] == JUMPER) & (summary["setting"] == "tuned")]
    assert (lines["gap_median"] > 0.1).all()
    assert (lines["best_median"] < 1e-2).all()
