"""A part of a suite says so, with its numbers, under every table and figure; a whole one says nothing."""

from __future__ import annotations

import pytest

from optbench.report import tables
from optbench.report.evidence import Evidence
from optbench.report.part import part
from optbench.runner.part import part_of
from optbench.suite.parse import load
from optbench.suite.selection import quick_size, select
from tests.report.test_figures import changed, texts

SAID = "part of the suite: 2 of 7 optimizers and 1 more, 1 of 12 problems"
PART = {"optimizers": {"kept": 2, "of": 7, "added": 1}, "problems": {"kept": 1, "of": 12, "added": 0}}


@pytest.mark.parametrize("form", tables.FORMATS)
def test_every_format_says_what_part_it_is(evidence, form):
    for kind in ("main", "gaps"):
        shown = tables.render(changed(evidence, part=PART), kind, form, width=400)
        assert SAID in shown
        assert "the suite:" not in tables.render(changed(evidence, part={}), kind, form, width=400)


@pytest.mark.parametrize("kind", ["convergence", "trajectories", "sensitivity"])
def test_figures_say_what_part_they_are(evidence, kind):
    assert SAID in texts(changed(evidence, part=PART), kind).replace("\n", " ")
    assert "the suite:" not in texts(changed(evidence, part={}), kind)


SPEC, NETWORKS = load("quick").spec, load("networks").spec


@pytest.mark.parametrize(
    ("whole", "run", "said"),
    [
        (SPEC, SPEC, ""),
        (SPEC, select(SPEC, optimizers=["*"], problems=["*"], tuning="grid"), ""),
        (SPEC, select(SPEC, optimizers=["sgd", "adam"]), "part of the suite: 2 of 7 optimizers"),
        (
            SPEC,
            select(SPEC, optimizers=["sgd", "lion", "lamb"], problems=["sphere", "levy[dim=3]"]),
            "part of the suite: 1 of 7 optimizers and 2 more, 1 of 12 problems and 1 more",
        ),
        (SPEC, select(SPEC, optimizers=["*", "lion"]), "other than the suite: all 7 optimizers and 1 more"),
        (SPEC, select(SPEC, tuning="random", trials=8), "other than the suite: tuning random, trials 8"),
        (SPEC, select(SPEC, tuning="default"), "other than the suite: tuning default"),
        (NETWORKS, select(NETWORKS, tasks=["digits*"]), "part of the suite: {tasks}"),
        (NETWORKS, select(NETWORKS, dtype="bfloat16"), "other than the suite: dtype bfloat16"),
    ],
)
def test_what_was_selected_is_said_in_numbers(whole, run, said):
    kept = len(getattr(run, "tasks", ()))
    said = said.format(tasks=f"{kept} of {len(getattr(whole, 'tasks', ()))} tasks")
    assert part({"part": part_of(whole, run), "size": "full"}) == said


def test_the_quick_size_is_a_part(evidence):
    whole = load("noise").spec
    small = quick_size(whole)
    words = part({"part": part_of(whole, small), "size": "quick"})
    assert words.startswith("part of the suite: quick size")
    assert f"{len(small.problems)} of {len(whole.problems)} problems" in words
    small = quick_size(NETWORKS)
    assert part({"part": part_of(NETWORKS, small), "size": "quick"}).startswith("part of the suite: quick size")


def test_a_task_whose_data_are_absent_was_not_left_out():
    run = NETWORKS.model_copy(update={"tasks": NETWORKS.tasks[1:]})
    assert part_of(NETWORKS, run, absent=[NETWORKS.tasks[0].label]) == {}


def test_a_run_of_before_says_what_was_selected(evidence):
    chosen = {"optimizers": ["adam", "sgd"], "problems": None}
    assert "part of the suite: optimizers adam,sgd" in Evidence(changed(evidence, selection=chosen).run).footer
    assert "the suite:" not in changed(evidence, selection={"optimizers": None}).footer
    many = part({"selection": {"problems": [f"a-long-label-{n}" for n in range(20)], "trials": 8}})
    assert many == "part of the suite: problems a-long-label-0,a-long-label-1,a-long-label-2,a-…, trials 8"
