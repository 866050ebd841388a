"""Contrasts of suites of networks: which tasks they pair, what is refused, and what a part of a suite keeps."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.networks.plan import plan
from optbench.suite.parse import load, parse

SUITE = """
name = "a"
version = 1
question = "q"
{more}
grid = {{ lr = {{ low = 1e-3, high = 1.0, points = 3 }} }}
optimizers = [{{ name = "sgd" }}, {{ name = "adam" }}]
tasks = [
    {{ data = "digits", model = "mlp" }},
    {{ data = "digits", model = "lenet" }},
    {{ data = "digits", model = "mlp", batch_size = 256 }},
    {{ data = "digits", model = "lenet", batch_size = 256 }},
    {{ data = "mnist1d", model = "mlp" }},
]
[[contrasts]]
name = "c"
claim = "It is so."
{claim}
"""


def sgd(left, right):
    """Returns a claim about tasks of SGD."""
    return f'left = {{ optimizer = "sgd", task = "{left}" }}\nright = {{ optimizer = "sgd", task = "{right}" }}'


BATCHES = sgd("digits-mlp digits-lenet", "*-b256")


def suite(claim, more=""):
    return parse(SUITE.format(claim=claim, more=more), source="s.toml")


def pairs(claim):
    found = suite(claim)
    return found.contrasts[0].pairs(found.contents(found.tasks))


def faults(claim, more=""):
    with pytest.raises(UsageError) as caught:
        suite(claim, more)
    return str(caught.value)


def test_optimizers_are_compared_on_each_task():
    claim = 'left = { optimizer = "sgd" }\nright = { optimizer = "adam" }\ntasks = "digits-mlp mnist1d*"'
    assert pairs(claim) == [("digits-mlp", "digits-mlp"), ("mnist1d-mlp", "mnist1d-mlp")]


def test_a_task_is_held_against_the_one_that_is_most_like_it():
    assert pairs(BATCHES) == [("digits-mlp", "digits-mlp-b256"), ("digits-lenet", "digits-lenet-b256")]


def test_a_task_is_its_own_twin_for_two_optimizers_alone():
    own = 'left = {{ optimizer = "sgd", task = "*mlp-b256" }}\nright = {{ optimizer = "{}", task = "*mlp-b256" }}'
    assert pairs(own.format("adam")) == [("digits-mlp-b256", "digits-mlp-b256")]
    alone = own.format("sgd") + '\ntasks = "digits*"'
    assert "contrasts[0].right: must differ from left" in faults(alone)
    wider = sgd("digits-mlp*", "digits-mlp-b256")
    assert "digits-mlp-b256 needs one task on the right" in faults(wider)


def test_pairs_that_differ_in_this_and_in_that_are_refused():
    """Large batches stand on the left as well, where each would be held against the other model's: half of a claim."""
    mixed = 'left = { optimizer = "sgd" }\nright = { optimizer = "sgd", task = "*-b256" }\ntasks = "digits*"'
    said = "contrasts[0].right.task: all pairs of tasks must differ in the same; got "
    pairs_of = "digits-lenet and digits-lenet-b256 in batch_size; digits-lenet-b256 and digits-mlp-b256 in model"
    assert said + pairs_of in faults(mixed)
    both = (
        'left = { optimizer = "sgd", task = "digits-mlp*" }\nright = { optimizer = "adam", task = "digits-mlp-b256" }'
    )
    assert "digits-mlp-b256 and digits-mlp-b256 in nothing" in faults(both)


def test_models_are_compared_too():
    assert pairs(sgd("*lenet*", "*mlp*")) == [("digits-lenet", "digits-mlp"), ("digits-lenet-b256", "digits-mlp-b256")]


def test_what_cannot_be_is_refused_with_its_place():
    wrong = faults('left = { optimizer = "sgdd" }\nright = { optimizer = "adam", task = "cifar*" }')
    assert "contrasts[0].left.optimizer: unknown entry of the suite 'sgdd'; did you mean 'sgd'" in wrong
    assert "contrasts[0].right.task: 'cifar*' matches no task that the contrast is about" in wrong
    assert "contrasts[0].tasks: 'x*' matches no task of the suite" in faults(
        'left = { optimizer = "sgd" }\nright = { optimizer = "adam" }\ntasks = "x*"'
    )
    assert "contrasts[0].right: must differ from left in optimizer, setting or task" in faults(
        'left = { optimizer = "sgd" }\nright = { optimizer = "sgd" }'
    )
    untuned = faults(
        'left = { optimizer = "sgd" }\nright = { optimizer = "adam", setting = "default" }', 'tuning = "default"'
    )
    assert "contrasts[0].left.setting: a suite that tunes nothing has no setting 'tuned'" in untuned


def test_a_task_needs_one_twin():
    needs = "mnist1d-mlp needs one task on the right that it is held against"
    assert f"{needs}; no other is of the same data set" in faults(sgd("mnist1d-mlp", "digits*"))
    several = faults(sgd("digits-mlp", "digits-lenet *mlp-b256"))
    assert "several are as like it: digits-lenet, digits-mlp-b256" in several


def test_it_is_part_of_the_runs_identity_and_suites_without_claims_keep_theirs():
    assert suite(BATCHES).hash() != suite(BATCHES + '\nmeasure = "gap"').hash()
    assert "contrasts" not in load("networks").spec.identity()


def test_a_part_of_a_suite_keeps_the_claims_that_it_can_judge():
    found = suite(BATCHES)
    assert [c.name for c in plan(found, optimizers=["sgd"]).spec.contrasts] == ["c"]
    assert plan(found, tasks=["digits-mlp*"]).spec.contrasts == ()
    assert plan(found, optimizers=["adam"]).spec.contrasts == ()
