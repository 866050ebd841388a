"""The plan: complete, independent of order, stable, and fast for a million cells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from optbench.errors import UsageError
from optbench.suite.landscapes.plan import MAX_CELLS, plan
from optbench.suite.landscapes.suite import LandscapeSuite
from optbench.suite.model import Grid
from optbench.suite.parse import load


def cells(planned):
    """Returns {cell id: (problem, optimizer, config, split, start)}."""
    found = {}
    for group in planned.groups:
        keys = [(c, *start) for c in range(len(group.configs)) for start in group.starts]
        for cell, key in zip(group.cell_ids(), keys, strict=True):
            found[cell] = (group.problem_label, group.optimizer_label, *key)
    return found


def test_every_combination_is_one_cell(small):
    planned = plan(small)
    found = cells(planned)
    assert len(found) == planned.n_cells == 2 * (4 + 4 + 4) * 5
    assert len(set(found.values())) == len(found)
    assert all(len(cell) == 16 for cell in found)


def test_a_selection_keeps_the_ids_of_its_cells(small):
    whole, part = cells(plan(small)), cells(plan(small, optimizers=["sgd"], problems=["rosenbrock"]))
    assert part.items() <= whole.items()
    assert 0 < len(part) < len(whole)


def test_ids_do_not_move_between_versions(small):
    assert plan(small, optimizers=["sgd"], problems=["rosenbrock"]).groups[0].cell_ids()[0] == "27b30266b45d3fbd"


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"budget": 101}, {"units": "raw"}],
)
def test_whatever_changes_a_result_changes_the_id(small, change):
    assert not set(cells(plan(small))) & set(cells(plan(small.model_copy(update=change))))
    assert small.hash() != small.model_copy(update=change).hash()


def test_parameters_that_print_alike_are_different_cells(small):
    close = [f"ellipsoid[dim=2,instance=1,condition={c}]" for c in (1234567.0, 1234568.0)]
    first, second = (set(cells(plan(small, problems=[item]))) for item in close)
    assert not first & second


def test_tuning_and_reported_starts_are_disjoint(small):
    for group in plan(small).groups:
        assert [split for split, _ in group.starts] == ["tune"] * 2 + ["report"] * 3
        assert len(set(group.starts)) == 5


def test_a_default_off_the_grid_becomes_one_more_configuration(small):
    off = small.model_copy(update={"grid": {"lr": Grid(low=2e-3, high=2.0, points=4)}})
    group = next(g for g in plan(off).groups if g.optimizer_label == "sgd")
    assert len(group.configs) == 5
    assert (group.default, group.trials) == (4, 4)
    on = next(g for g in plan(small).groups if g.optimizer_label == "sgd")
    assert len(on.configs) == 4
    assert on.configs[on.default]["lr"] == 1e-2


def test_grid_values_are_exact_powers_of_ten():
    assert Grid(low=1e-3, high=1e2, points=16).values()[::3] == (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)
    assert Grid(low=0.5, high=0.5, points=1).values() == (0.5,)


def big(spec: LandscapeSuite, tune: int) -> LandscapeSuite:
    return LandscapeSuite(**{**dict(spec), "starts": {"tune": tune, "report": 32}})


MILLION = """
import time
from optbench.suite.parse import load
from optbench.suite.landscapes.plan import plan
from optbench.suite.landscapes.suite import LandscapeSuite
spec = load("quick").spec
spec = LandscapeSuite(**{**dict(spec), "starts": {"tune": 732, "report": 32}})
began = time.process_time()
ids = [cell for group in plan(spec).groups for cell in group.cell_ids()]
seconds = time.process_time() - began
# Not resource.getrusage: its maximum outlives exec, and the process that runs the tests may be larger.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(set(ids)), seconds, peak.split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc for the peak memory")
def test_a_million_cells_plan_in_twenty_seconds_and_two_gigabytes():
    words = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True, check=True).stdout.split()
    count, seconds, kilobytes = int(words[0]), float(words[1]), int(words[2])
    assert count > 1_000_000
    assert seconds < 20
    assert kilobytes < 2 * 2**20


def test_a_plan_that_no_machine_holds_is_refused():
    with pytest.raises(UsageError, match=f"at most {MAX_CELLS:,} are possible"):
        plan(big(load("quick").spec, 1_000_000))
