"""The estimate of a plan: which programs it needs, and that more work costs more."""

from __future__ import annotations

import pytest

from optbench.runner.kinds.landscapes.cost import estimate
from optbench.runner.kinds.networks.describing import START_S, seconds
from optbench.suite.landscapes.plan import plan
from optbench.suite.networks.plan import plan as plan_networks
from optbench.suite.parse import load


@pytest.fixture
def small():
    return load("smoke").spec


def test_programs_are_dimensions_times_classes_of_rules(small):
    """Of its three rules one has no slots, one has two, and one looks ahead."""
    cost = estimate(plan(small), "cpu")
    branches = {tuple(key): (len(spec.problems), len(spec.rules)) for key, spec in cost.programs.items()}
    classes = [("HERE", 0, False), ("HERE", 2, False), ("AHEAD", -1, False)]
    assert branches == {(dim, *rules): (count, 1) for dim, count in ((2, 2), (10, 1)) for rules in classes}
    cells = {tuple(key): count for key, count in cost.cells_of.items()}
    assert cells == {(dim, *rules): count for dim, count in ((2, 48), (10, 24)) for rules in classes}
    assert cost.cells == 216
    assert cost.run_steps == 216 * 200


def test_more_cells_cost_more(small):
    part, whole = estimate(plan(small, problems=["rosenbrock"]), "cpu"), estimate(plan(small), "cpu")
    assert part.run_s < whole.run_s
    assert part.compile_s < whole.compile_s
    assert part.memory_bytes < whole.memory_bytes


def test_quick_needs_nine_programs():
    assert len(estimate(plan(load("quick").spec), "cpu").programs) == 9


@pytest.mark.parametrize("suite", ["landscapes", "bbob"])
def test_the_large_suites_fit_into_a_laptop(suite):
    """Their programs are held a few dimensions at a time, and their rows are judged problem by problem."""
    assert estimate(plan(load(suite).spec), "cpu").memory_bytes < 2e9


#: Processor seconds of whole runs and of their parts on two cores: compiling and running use both, the rest one.
MEASURED = [
    # suite, selection, (all, compiling, running) cold, (all, compiling, running) with programs that are kept
    ("smoke", {}, (7.90, 3.11, 0.10), (5.30, 0.48, 0.11)),
    ("quick", {"optimizers": ["sgd", "adam"]}, (16.51, 3.57, 3.58), (13.41, 0.41, 3.58)),
    ("quick", {}, (35.85, 4.72, 12.13), (31.60, 0.52, 12.04)),
    ("basins", {"quick": True}, (55.75, 3.85, 41.38), (54.10, 0.37, 43.18)),
    ("noise", {"quick": True}, (17.26, 4.70, 1.66), None),
    ("theory", {"quick": True}, (33.73, 3.96, 12.41), None),
    ("landscapes", {"quick": True}, (133.28, 43.82, 21.98), None),
]


@pytest.mark.parametrize(("suite", "selection", "cold", "kept"), MEASURED)
def test_whole_runs_take_about_as_long_as_estimated(suite, selection, cold, kept):
    """Measured on a busy machine, which makes processor time longer by a fifth or so."""
    cost = estimate(plan(load(suite).spec, **selection), "cpu")
    for measured, estimated in ((cold, cost.total_s), (kept, cost.total_kept_s)):
        if measured is not None:
            whole, compiling, running = measured
            assert 1 / 1.5 < estimated / (whole - (compiling + running) / 2) < 1.5


def test_showing_is_part_of_the_estimate(small):
    few, all_ = estimate(plan(small, optimizers=["adam"]), "cpu"), estimate(plan(small), "cpu")
    assert 0 < few.show_s < all_.show_s
    assert all_.total_s > all_.compile_s + all_.run_s + all_.show_s
    assert all_.total_kept_s == pytest.approx(all_.total_s - all_.compile_s + all_.load_s)


def test_a_whole_run_of_networks_takes_about_as_long_as_estimated():
    """79 processor seconds, 67 of them on both cores."""
    planned = plan_networks(load("networks").spec, quick=True)
    total = START_S + sum(seconds(planned.groups))
    assert 1 / 1.5 < total / (79.3 - 67 / 2) < 1.5
