"""Runs of two phases: what they cost, what is recorded of them, and what becomes of one that diverges in its first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.rows import seed_of, trained
from optbench.engine.networks.warm_start import sample_grads
from optbench.engine.outcomes import Point
from optbench.records import Split
from optbench.runner.kinds.networks.kind import fitter_of
from optbench.runner.kinds.networks.replicates import Tasks
from optbench.suite.networks.plan import plan
from optbench.suite.parse import parse

SUITE = """
name = "warm"
version = 1
question = "Does a run begin where another one ended?"
tuning = "default"
epochs = 4
batch_size = 100
early_stopping = false
levels = [2.0, 1.0]
seeds = { tune = 0, report = 2 }
optimizers = [{ name = "RULE" }]
tasks = [{ data = "digits", model = "linear", n_train = 300, warm_start = { batch_size = 10, epochs = 2 } }]
"""


def begun(rule, **hyper):
    """Returns the group, its task, and what trains its phases."""
    (group,) = plan(parse(SUITE.replace("RULE", rule), source="warm.toml")).groups
    group = replace(group, configs=tuple({**config, **hyper} for config in group.configs))
    task = Tasks().of(group, Split.REPORT, 0, print)
    return group, task, fitter_of(group, task), fitter_of(replace(group, batch_size=10), task)


def test_costs_count_both_phases():
    group, _, second, first = begun("sgd", lr=0.1)
    outcome = trained(group, Split.REPORT, group.reported(None), second, first=first)
    columns = outcome.columns
    assert columns["grad_evals"] == [60 + 12] * 2
    assert columns["sample_grads"] == [600 + 1200] * 2
    assert columns["cost"] == pytest.approx([6.0] * 2)
    assert [grads[0] for grads in columns["curve_grads"]] == [60, 60]
    assert [sample_grads(group, grads) for grads in (0, 7, 60, 61, 72)] == [0, 70, 600, 700, 1800]
    for end in outcome.ends:
        row = columns["cell_id"].index(end.cell_id)
        assert end.evals in columns["curve_grads"][row]
        if end.point is Point.LEVEL:
            assert end.evals in columns["level_grads"][row]
    assert sum(outcome.facts["each_s"]) == pytest.approx(outcome.facts["thread_s"], abs=1e-5)


def test_a_schedule_spans_each_phase_by_itself():
    """A cosine that were told the length of the second phase would be at its end after a fifth of the first."""
    group, task, second, first = begun("sgd+cosine", lr=0.5)
    outcome = trained(group, Split.REPORT, group.reported(None)[:1], second, first=first)
    rule, seed = catalog.optimizer("sgd+cosine"), seed_of(group.seed, Split.REPORT, 0)
    warm = Lane({**group.configs[0], "horizon": 60.0}, seed)
    (before,) = Fitter(task, rule, batch_size=10).fit([warm], epochs=2, stop_early=False)
    assert outcome.columns["curve_train_loss"][0][0] == np.float32(before.train.loss[-1])


def test_a_run_that_diverges_in_its_first_phase_is_not_judged():
    group, _, second, first = begun("sgd", lr=1e38)
    outcome = trained(group, Split.REPORT, group.reported(None), second, first=first)
    columns = outcome.columns
    assert columns["status"] == ["diverged"] * 2
    assert columns["chosen"] == [-1, -1]
    assert columns["test_loss"] == columns["train_loss"] == [None, None]
    assert columns["level_grads"] == [[-1, -1]] * 2
    assert columns["diverged_at"] == columns["grad_evals"]
    assert columns["sample_grads"] == [10 * grads for grads in columns["grad_evals"]]
    assert outcome.ends == ()


def test_a_first_phase_that_cannot_be_compiled_is_the_message_of_its_rows():
    group, _, second, _ = begun("sgd")
    columns = trained(group, Split.REPORT, group.reported(None), second, first=ValueError("no")).columns
    assert columns["status"] == ["error"] * 2
    assert columns["message"] == ["ValueError: no"] * 2
