"""What both engines hand back: points at which an objective gives the value of the row, and one rule for failures."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.block import PreparedPair
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.in_threads import InThreads
from optbench.engine.networks.rows import trained
from optbench.engine.networks.side_by_side import LanesAbreast
from optbench.engine.outcomes import Point, failure, is_out_of_memory
from optbench.measures.wells import drains_to
from optbench.records import FLAT, NEITHER, SHARP, Split
from optbench.runner.kinds.networks.kind import fitter_of
from optbench.runner.kinds.networks.replicates import Tasks
from optbench.suite.networks.plan import plan
from optbench.suite.parse import parse
from optbench.tasks.models.variants import batch_normalized
from tests.engine.conftest import assert_same_columns, group_of
from tests.engine.softmax import digits_task


def outcome_of(engine, group, **given):
    ((_, outcome),) = engine.run([group], **given)
    return outcome


def by_cell(outcome, point):
    return {end.cell_id: end for end in outcome.ends if end.point == point}


@pytest.fixture(scope="module")
def landscapes():
    """An engine for what the tests below run: each of the units, a turned instance, noise, a search, a Newton step."""
    engine = Engine(threads=2)
    groups = [made() for made in CASES.values()]
    engine.prepare(Pair(g.problem.build(), g.optimizer.build(), len(g.starts), g.noise_seeds) for g in groups)
    assert not engine.faults
    return engine


def wells_group():
    noise = {"kind": "batch", "level": 3}
    group = group_of("two_wells_sum_from_both", "sam", [1e-3, 1e4], starts=8, budget=80, units="raw", noise=noise)
    return replace(group, snapshots=(2, 4), trip_cost=group.problem.build().trip_cost)


CASES = {
    "raw": lambda: group_of("rosenbrock", "adam", [0.01, 0.1], units="raw", budget=40),
    "normalized": lambda: group_of("ellipsoid", "nag", [0.01, 0.1], budget=41, instance=1, rotated=True),
    "noisy": lambda: group_of("rosenbrock", "sgd", [1e-3], budget=40, noise={"kind": "gaussian", "level": 0.5}),
    "curved": lambda: group_of("rosenbrock", "newton", [1.0], budget=41),
    "wells": wells_group,
}


@pytest.mark.parametrize("name", CASES)
def test_the_function_at_the_last_iterate_is_the_last_value_of_the_row(landscapes, name):
    group = CASES[name]()
    outcome = outcome_of(landscapes, group, ends=True)
    problem, last = group.problem.build(), by_cell(outcome, Point.LAST)
    columns, objective = outcome.columns, problem.objective()
    ok = [status == "ok" for status in columns["status"]]
    assert set(last) == {cell for cell, fine in zip(columns["cell_id"], ok, strict=True) if fine}
    for cell, f in zip(columns["cell_id"], columns["f_last"], strict=True):
        if cell in last:
            end = last[cell]
            assert (end.evals, end.params.shape, end.stats) == (group.trips, (2,), ())
            # In raw units x is what the engine has, and the function differs by a rounding at most.
            assert objective.value(end.params) == pytest.approx(f, rel=4e-16 if group.units == "raw" else 1e-11)


@pytest.mark.parametrize("name", CASES)
def test_looking_at_end_points_changes_no_bit_of_a_row(landscapes, name):
    group = CASES[name]()
    plain, watched = outcome_of(landscapes, group), outcome_of(landscapes, group, ends=True)
    assert plain.ends == ()
    assert_same_columns(watched.columns, plain.columns)


def test_snapshots_are_the_iterates_whose_wells_the_row_names(landscapes):
    group = wells_group()
    outcome = outcome_of(landscapes, group, ends=True)
    problem, wells = group.problem.build(), dict(zip(outcome.columns["cell_id"], outcome.columns["wells"], strict=True))
    found = [end for end in outcome.ends if end.point == Point.SNAPSHOT]
    trips = sorted({end.evals for end in found})
    assert len(trips) == 2
    assert max(trips) < group.trips
    for end in found:
        assert drains_to(problem, end.params[None])[0] == wells[end.cell_id][1 + trips.index(end.evals)]
    assert {code for codes in wells.values() for code in codes} == {SHARP, FLAT, NEITHER}


def test_a_run_that_has_diverged_has_only_the_points_before(landscapes):
    group = wells_group()
    outcome = outcome_of(landscapes, group, ends=True)
    diverged = {
        cell: at for cell, at in zip(outcome.columns["cell_id"], outcome.columns["diverged_at"], strict=True) if at >= 0
    }
    assert diverged
    assert all(end.evals < diverged[end.cell_id] for end in outcome.ends if end.cell_id in diverged)
    assert not diverged.keys() & by_cell(outcome, Point.LAST).keys()


@pytest.fixture(scope="module", params=[InThreads.name, LanesAbreast.name])
def fits(request):
    """Runs of a network with batch normalization: one that validation ends early, one that diverges, one to the end."""
    with jax.enable_x64(False):
        task = digits_task(batch_normalized(catalog.model("mlp")), n=200)
        fitter = Fitter(task, catalog.optimizer("adam"), batch_size=50, lanes=request.param)
        lanes = [Lane({"lr": 0.03}, 2), Lane({"lr": 1e38}, 0), Lane({"lr": 1e-3}, 1)]
        return task, fitter.fit(lanes, epochs=6)


def test_the_loss_of_a_network_at_its_judged_point_is_that_of_its_row(fits):
    """With the running statistics of that very point; those of the last point are others."""
    task, (early, *_) = fits
    assert 0 < early.chosen < len(early.grads) - 1
    judged, last = early.ends[Point.JUDGED], early.ends[Point.LAST]
    for part, scores in (("train", early.judged), ("test", early.test)):
        found = task.objective(judged.params, judged.stats, part=part).value(judged.params)
        assert found == pytest.approx(scores.loss, rel=3e-7)
        mixed = task.objective(last.params, last.stats, part=part).value(judged.params)
        assert mixed != pytest.approx(scores.loss, rel=1e-3)
    validation = task.objective(last.params, last.stats, part="validation")
    assert validation.value(last.params) == pytest.approx(early.validation.loss[-1], rel=3e-7)


def test_a_network_that_has_diverged_has_its_judged_point_alone(fits):
    task, (_, diverged, sound) = fits
    assert diverged.status == "diverged"
    assert set(diverged.ends) == {Point.JUDGED}
    assert set(sound.ends) == {Point.JUDGED, Point.LAST}
    start = task.start(0)
    (judged,) = diverged.ends.values()
    assert diverged.chosen == 0
    for found, expected in zip(jax.tree.leaves(tuple(judged)), jax.tree.leaves(start), strict=True):
        np.testing.assert_array_equal(found, expected)


FAILURES = [
    (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.\nmore"), "oom", "RuntimeError: RESOURCE_EXH"),
    (RuntimeError("INTERNAL: CUDA_ERROR_OUT_OF_MEMORY: out of memory"), "oom", "RuntimeError: INTERNAL: CUDA_ERR"),
    (MemoryError("Unable to allocate 3.2 GiB"), "oom", "MemoryError: Unable to allocate 3.2 GiB"),
    (MemoryError(), "oom", "MemoryError: "),
    (RuntimeError("INTERNAL: no\nat length"), "error", "RuntimeError: INTERNAL: no"),
]


@pytest.mark.parametrize(("error", "status", "message"), FAILURES, ids=[repr(error) for error, *_ in FAILURES])
def test_both_engines_call_the_same_failures_out_of_memory(landscapes, monkeypatch, error, status, message):
    def fail(*arguments, **named):
        raise error

    assert is_out_of_memory(error) == (status == "oom")
    monkeypatch.setattr(PreparedPair, "run", fail)
    alone = Engine(threads=1, programs=landscapes.programs, recorders=landscapes.recorders)
    outcome = outcome_of(alone, CASES["raw"](), ends=True)
    task = digits_task(n=60)
    for way in (InThreads, LanesAbreast):
        fitter = Fitter(task, catalog.optimizer("sgd"), batch_size=30, lanes=way.name)
        monkeypatch.setattr(fitter._way, "_scores" if way is LanesAbreast else "evaluate", fail)
        found = fitter.fit([Lane({}, 0)], epochs=1)
        assert [(fit.status, fit.ends) for fit in found] == [(status, {})]
        assert outcome.columns["message"][0] == found[0].message == failure(error)[1]
    assert outcome.columns["message"][0].startswith(message)
    assert "\n" not in outcome.columns["message"][0]
    assert (set(outcome.columns["status"]), outcome.ends) == ({status}, ())


SUITE = """
name = "small"
version = 1
question = "Where do runs end?"
tuning = "default"
epochs = 3
batch_size = 200
seeds = { tune = 1, report = 2 }
optimizers = [{ name = ["adam", "sgd"] }]
tasks = [{ data = "digits", model = "mlp", regularization = { batch_norm = true } }]
"""


def test_end_points_of_networks_bear_the_cells_of_the_rows_whose_losses_they_have():
    sound, exploding = plan(parse(SUITE, source="small.toml")).groups
    for group in (sound, replace(exploding, configs=({"lr": 1e38},))):
        task = Tasks().of(group, Split.REPORT, 0, print)
        outcome = trained(group, Split.REPORT, group.reported(None), fitter_of(group, task))
        columns = outcome.columns
        assert outcome.facts.keys() == {"thread_s", "each_s"}
        assert len(outcome.facts["each_s"]) == len(columns["cell_id"])
        assert sum(outcome.facts["each_s"]) == pytest.approx(outcome.facts["thread_s"], abs=1e-5)
        judged, last = by_cell(outcome, Point.JUDGED), by_cell(outcome, Point.LAST)
        ok = [cell for cell, status in zip(columns["cell_id"], columns["status"], strict=True) if status == "ok"]
        assert list(last) == ok
        assert list(judged) == columns["cell_id"]
        for place, end in enumerate(judged.values()):
            assert end.evals == columns["curve_grads"][place][columns["chosen"][place]]
            for part in ("train", "validation", "test"):
                found = task.objective(end.params, end.stats, part=part).value(end.params)
                assert found == pytest.approx(columns[f"{part}_loss"][place], rel=3e-7)
        assert all(end.evals == group.trips for end in last.values())
        assert (len(ok) == 0) == (group.optimizer.name == "sgd")
