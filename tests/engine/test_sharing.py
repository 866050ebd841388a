"""Which pairs share a program, and what the arrays of its state are."""

from __future__ import annotations

import jax.numpy as jnp
import pytest

from optbench import catalog
from optbench.engine.landscapes.program import weight
from optbench.engine.landscapes.sharing import Pair, held_together, program_key, program_specs
from optbench.engine.landscapes.state import State, layout, n_slots

DIM = 10


@pytest.fixture(scope="module")
def laid_out():
    """Returns the programs of all the catalogue's rules on two functions, one of them rotated as well."""
    problems = [
        catalog.problem("sphere", DIM),
        catalog.problem("ellipsoid", DIM, instance=1),
        catalog.problem("ellipsoid", DIM, instance=1, rotated=True),
    ]
    rules = [catalog.optimizer(entry.name) for entry in catalog.OPTIMIZERS]
    return program_specs([Pair(problem, rule) for problem in problems for rule in rules], "cpu")


def test_at_most_six_programs_a_dimension(laid_out):
    assert 1 < len(laid_out) <= 6


def test_a_rotated_twin_shares_the_branch_of_its_function(laid_out):
    for spec in laid_out.values():
        assert [p.name for p in spec.problems] == ["ellipsoid", "sphere"]
        assert spec.rotated


def test_a_program_without_rotated_problems_turns_nothing():
    (spec,) = program_specs([Pair(catalog.problem("sphere", DIM), catalog.optimizer("adam"))], "cpu").values()
    assert not spec.rotated


def test_rules_of_few_vectors_do_not_copy_the_odd_arrays_of_others(laid_out):
    """Every array is copied in every trip: 43 rules must not pay for the factors of one."""
    spec = next(spec for key, spec in laid_out.items() if (key.access, key.slots) == ("HERE", 2))
    room = spec.state_room()
    assert {shape for shape in room.slots if shape} == {(DIM,), (2,)}  # (2,) is the key of noisy_sgd
    assert {shape for shape in room.shared if shape} == set()


@pytest.mark.parametrize("name", ["mechanize", "adafactor", "muon"])
def test_odd_arrays_count_as_vectors(name):
    rule = catalog.optimizer(name)
    assert n_slots(rule, DIM) > 2
    assert program_key(Pair(catalog.problem("sphere", DIM), rule)).slots == -1


def test_an_array_without_elements_takes_no_place():
    """XLA cannot make one kernel of a program with an argument that nothing can read."""
    rule = catalog.optimizer("galore")
    item = layout(rule, DIM)
    assert (0, 0) in item.shapes
    assert all(0 not in shape for shape in (*item.room.slots, *item.room.shared))
    state = rule.init(jnp.ones(DIM), dict.fromkeys(rule.hyper, 0.1))
    empty = State(
        tuple(jnp.zeros(shape) for shape in item.room.slots), tuple(jnp.zeros(s) for s in item.room.shared), ()
    )
    packed = item.pack(state, jnp.ones(DIM), empty)
    assert str(item.unpack(packed)) == str(state)


def test_programs_of_a_small_plan_are_held_together_and_those_of_a_large_one_in_parts():
    rules = [catalog.optimizer(name) for name in ("sgd", "nag", "adam")]
    pairs = [Pair(catalog.problem("sphere", dim), rule) for dim in (2, 3, 10, 40) for rule in rules]
    programs = program_specs(pairs, "cpu")
    assert held_together(programs) == [[2, 3, 10, 40]]
    assert held_together({}) == []
    each = sum(weight(spec) for key, spec in programs.items() if key.dim == 2)
    for share, parts in ((0.5, [[2], [3], [10], [40]]), (2.1, [[2, 3], [10, 40]]), (3.1, [[2, 3, 10], [40]])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("optbench.engine.landscapes.sharing.HELD_WEIGHT", share * each)
            assert held_together(programs) == parts
