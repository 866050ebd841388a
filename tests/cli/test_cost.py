"""The estimate of a plan: which programs it needs, and that more work costs more."""

from __future__ import annotations

import pytest

from optbench.cli.cost import estimate
from optbench.suite.parse import load
from optbench.suite.plan import plan


@pytest.fixture
def small():
    return load("smoke").spec


def test_programs_are_dimensions_times_slot_groups(small):
    cost = estimate(plan(small), "cpu")
    branches = {key: (len(shelf.problems), len(shelf.rules)) for key, shelf in cost.programs.items()}
    assert branches == {(2, 0): (2, 1), (2, 2): (2, 2), (10, 0): (1, 1), (10, 2): (1, 2)}
    assert dict(cost.cells_of) == {(2, 0): 48, (2, 2): 96, (10, 0): 24, (10, 2): 48}
    assert cost.cells == 216
    assert cost.run_steps == 216 * 200


def test_more_cells_cost_more(small):
    part, whole = estimate(plan(small, problems=["rosenbrock"]), "cpu"), estimate(plan(small), "cpu")
    assert part.run_s < whole.run_s
    assert part.compile_s < whole.compile_s
    assert part.memory_bytes < whole.memory_bytes


def test_quick_needs_nine_programs():
    assert len(estimate(plan(load("quick").spec), "cpu").programs) == 9
