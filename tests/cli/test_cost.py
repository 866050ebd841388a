"""The estimate of a plan: which programs it needs, and that more work costs more."""

from __future__ import annotations

import pytest

from optbench.cli.cost import estimate
from optbench.suite.parse import load
from optbench.suite.plan import plan


@pytest.fixture
def small():
    return load("smoke").spec


def test_programs_are_dimensions_times_classes_of_rules(small):
    """Of its three rules one has no slots, one has two, and one looks ahead."""
    cost = estimate(plan(small), "cpu")
    branches = {tuple(key): (len(shelf.problems), len(shelf.rules)) for key, shelf in cost.programs.items()}
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
