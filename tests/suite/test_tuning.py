"""Protocols of tuning: what each entry tries, told values, and what is frozen with the suite."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optbench as ob
from optbench import catalog
from optbench.core.optimizer import Search
from optbench.errors import UsageError
from optbench.suite.landscapes.plan import plan
from optbench.suite.parse import load, parse
from optbench.suite.selection import select
from optbench.suite.tuning import design
from tests.suite import rules

HEAD = """
name = "drawn"
version = 1
question = "Is it drawn?"
budget = 101
tuning = "random"
trials = 16
starts = { tune = 2, report = 3 }
[grid]
lr = { low = 1e-3, high = 1e2, points = 16 }
[[problems]]
name = "sphere"
dim = 3
instance = 1
[[problems]]
name = "ellipsoid"
dim = 2
instance = 2
"""


#: Where the rules of these suites stand; part of their names.
RULES = "tests.suite.rules"


def suite(*entries: str, head: str = HEAD, **changes: str):
    for key, value in changes.items():
        head = head.replace(next(line for line in head.splitlines() if line.startswith(key)), f"{key} = {value}")
    return parse(head + "".join(f"[[optimizers]]\n{entry}\n" for entry in entries), source="s.toml")


def entry(name: str, more: str = "") -> str:
    return f'name = "{RULES}:{name}"\n{more}'


def group(spec, optimizer: str, problem: str = "sphere-3d-i1"):
    wanted = (problem, f"{RULES}:{optimizer}")
    return next(g for g in plan(spec).groups if (g.problem_label, g.optimizer_label) == wanted)


def test_a_design_has_one_trial_in_each_stratum_of_each_range():
    """What a scrambled Sobol sequence is for: 16 trials, one in each sixteenth of every range."""
    ranges = {
        "lr": Search(1e-3, 1e2, ""),
        "b": Search(0.5, 0.99, "", "complement"),
        "c": Search(-1.0, 3.0, "", "linear"),
    }
    trials = design(ranges, 16, seed=0, label="x")
    shares = {
        "lr": [(np.log10(t["lr"]) + 3) / 5 for t in trials],
        "b": [(np.log10(0.5) - np.log10(1 - t["b"])) / np.log10(0.5 / 0.01) for t in trials],
        "c": [(t["c"] + 1) / 4 for t in trials],
    }
    for share in shares.values():
        assert sorted(int(16 * s) for s in share) == list(range(16))
    assert trials[0]["lr"] == float(f"{trials[0]['lr']:.12g}")


@given(k=st.integers(1, 63), label=st.text(max_size=5))
def test_the_first_trials_are_a_smaller_design(k, label):
    ranges = {"lr": Search(1e-3, 1e2, ""), "b": Search(0.5, 0.99, "", "complement")}
    assert design(ranges, 64, seed=1, label=label)[:k] == design(ranges, k, seed=1, label=label)


def test_the_scrambling_depends_on_seed_and_label_and_not_on_the_order_of_entries():
    one, other = entry("searched"), entry("searched", "hyper = { fixed = 2.0 }")
    forth, back = suite(one, other), suite(other, one)
    assert plan(forth).groups == plan(back).groups
    assert forth.hash() == back.hash()
    alone = group(suite(one), "searched").configs
    assert alone == group(forth, "searched").configs
    rates = {tuple(c["lr"] for c in g.configs[:16]) for g in plan(forth).groups}
    assert len(rates) == 2
    assert alone[0] != group(suite(one, head=HEAD + "\n", budget="101\nseed = 1"), "searched").configs[0]


def test_every_entry_has_the_same_number_of_trials_and_the_default_is_none_of_them():
    spec = suite('name = "sgd"', entry("searched"), entry("rateless"), entry("polyak"), 'name = "nag"')
    for found in plan(spec).groups:
        assert found.trials == 16
        assert len(found.configs) == 17
        assert found.default == 16
        assert found.configs[16][found.swept] == found.optimizer.build().hyper[found.swept].default


def test_ranges_are_those_of_the_rule_unless_the_suite_says_otherwise():
    spec = suite(
        entry("searched"),
        entry("searched", "hyper = { fixed = 2.0 }\nsearch = { lr = { low = 1e-1, high = 1.0 } }"),
        entry("searched", "hyper = { b = 0.8 }"),
        entry("rateless"),
        entry("unsearched"),
        entry("polyak"),
        'name = "adadelta"\nsweep = { eps = { low = 1e-7, high = 1e-4, points = 3 } }',
    )
    found = {e.label: {n: (s.low, s.high) for n, s in spec.ranges_of(e).items()} for e in spec.optimizers}
    assert found == {
        f"{RULES}:searched": {"lr": (1e-3, 1e2), "b": (0.5, 0.99)},
        f"{RULES}:searched[fixed=2]": {"lr": (0.1, 1.0), "b": (0.5, 0.99)},
        f"{RULES}:searched[b=0.8]": {"lr": (1e-3, 1e2)},
        f"{RULES}:rateless": {"eps": (1e-8, 1e-3)},  # without a rate: its one sensitive constant
        f"{RULES}:unsearched": {"lr": (1e-3, 1e2)},  # the suite's grid
        f"{RULES}:polyak": {"lr": (1e-3, 1e2)},  # what it is told is not drawn
        "adadelta": {"eps": (1e-7, 1e-4)},
    }
    configs = group(spec, "searched[b=0.8]").configs
    assert {c["b"] for c in configs} == {0.8}
    assert {c["fixed"] for c in configs} == {1.0}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("greedy")], "at most 3 hyperparameters are drawn beside lr; got h0, h1, h2, h3; hold some with hyper"),
        ([entry("searched", "search = { bb = { low = 1.0, high = 2.0 } }")], "search.bb: unknown hyperparameter"),
        (
            [entry("searched", "search = { b = { low = 0.5, high = 1.5 } }")],
            "search.b.high: must be a number in (0, 1)",
        ),
        ([entry("searched", "search = { lr = { low = 2.0, high = 1.0 } }")], "must be a number greater than low = 2"),
        ([entry("searched", "search = { lr = { low = 0.0, high = 1.0 } }")], "a logarithmic range must be positive"),
        (
            [entry("searched", "hyper = { b = 0.5 }\nsearch = { b = { low = 0.1, high = 0.5 } }")],
            "search.b: is held at a value by hyper, so it cannot be drawn as well",
        ),
        ([entry("searched", "search = { b = { lo = 0.5, high = 0.9 } }")], "unknown key 'lo'; did you mean 'low'?"),
        (
            [
                'name = "adadelta"\nhyper = { eps = 1e-6 }\nsweep = { gamma = { low = 0.5, high = 0.9, points = 3 } }',
                'name = "sgd"',
            ],
            None,
        ),
    ],
)
def test_ranges_that_cannot_be_are_explained(entries, message):
    if message is None:
        assert suite(*entries)
        return
    with pytest.raises(UsageError) as caught:
        suite(*entries)
    assert message in str(caught.value)


def test_an_entry_without_any_range_is_refused():
    with pytest.raises(UsageError, match=r"unsearched has no range for 'lr'; give search = \{ lr = "):
        suite(entry("unsearched"), head=HEAD.replace("lr = { low", "eps = { low"))


def test_random_tuning_freezes_its_ranges_in_the_hash(monkeypatch):
    spec = suite(entry("searched"))
    hashes = {spec.hash(), suite(entry("searched", "search = { b = { low = 0.5, high = 0.9 } }")).hash()}
    hashes |= {
        suite(entry("searched"), trials="17").hash(),
        suite(entry("searched"), trials="16\nshift_decades = 1.0").hash(),
    }
    hashes |= {suite(entry("searched"), tuning='"default"').hash(), suite(entry("searched"), tuning='"grid"').hash()}
    assert len(hashes) == 6
    wider = dataclasses.replace(rules.RATE, search=Search(1e-4, 1e2, "moved"))
    moved = dataclasses.replace(rules.searched, hyper={**rules.searched.hyper, "lr": wider})
    monkeypatch.setattr(rules, "searched", moved)
    assert spec.hash() not in hashes


def test_a_grid_is_hashed_as_before_random_tuning_came():
    assert load("quick").spec.hash() == "13e7e14a7ce83911"
    plain = suite(entry("searched"), tuning='"grid"')
    assert (
        plain.hash() == suite(entry("searched", "search = { b = { low = 0.5, high = 0.9 } }"), tuning='"grid"').hash()
    )
    assert plain.hash() == suite(entry("searched"), tuning='"grid"', trials="9").hash()


def test_logarithmic_ranges_move_by_decades_and_others_stay():
    spec = suite(entry("searched"), entry("rateless"), trials="16\nshift_decades = -1.0")
    assert {n: (s.low, s.high) for n, s in spec.ranges_of(spec.optimizers[0]).items()} == {
        "lr": (1e-4, 10.0),
        "b": (0.5, 0.99),
    }
    assert spec.ranges_of(spec.optimizers[1])["eps"].low == 1e-9
    grid = suite(entry("searched"), tuning='"grid"', trials="16\nshift_decades = 1.0")
    values = [config["lr"] for config in group(grid, "searched").configs[:16]]
    assert (values[0], values[-1]) == (1e-2, 1e3)


def test_without_tuning_only_the_default_runs_and_no_tuning_start():
    spec = suite(entry("searched"), entry("polyak"), tuning='"default"', starts="{ tune = 0, report = 3 }")
    for found in plan(spec).groups:
        assert (len(found.configs), found.trials, found.default) == (1, 0, 0)
        assert {split for split, _ in found.starts} == {"report"}
    assert plan(spec).n_cells == 2 * 2 * 3


def test_a_suite_can_be_tuned_otherwise(small):
    drawn = select(small, tuning="random", trials=8)
    assert (drawn.tuning, drawn.trials) == ("random", 8)
    assert {g.trials for g in plan(small, tuning="random", trials=8).groups} == {8}
    assert len({small.hash(), drawn.hash(), select(small, tuning="default").hash()}) == 3
    with pytest.raises(UsageError, match="--trials needs --tuning random; this suite's tuning is 'grid'"):
        select(small, trials=8)
    with pytest.raises(UsageError, match="tuning: must be 'grid', 'random' or 'default'; got 'bayes'"):
        select(small, tuning="bayes")


def test_told_values_are_those_of_the_problem_and_the_budget():
    for units in ("normalized", "raw"):
        spec = suite(entry("polyak"), entry("pair"), budget=f'101\nunits = "{units}"')
        for name, dim, instance in (("sphere", 3, 1), ("ellipsoid", 2, 2)):
            problem = catalog.problem(name, dim=dim, instance=instance)
            unit = problem.f_scale if units == "normalized" else 1.0
            told = group(spec, "polyak", problem.label)
            assert {c["f_star"] for c in told.configs} == {problem.f_star / unit}
            assert {c["horizon"] for c in group(spec, "pair", problem.label).configs} == {50.0}
        rates = [[c["lr"] for c in g.configs] for g in plan(spec).groups if g.optimizer_label == f"{RULES}:polyak"]
        assert rates[0] == rates[1]


def test_a_told_value_is_part_of_the_identity_and_gives_way_to_the_users_own():
    longer = suite(entry("linear"), budget="102")
    assert not set(group(suite(entry("linear")), "linear").cell_ids()) & set(group(longer, "linear").cell_ids())
    own = group(suite(entry("linear", "hyper = { horizon = 7.0 }")), "linear[horizon=7]")
    assert {c["horizon"] for c in own.configs} == {7.0}


def test_trace_tells_a_rule_in_raw_units():
    problem = catalog.problem("sphere", dim=3, instance=1)
    path = ob.trace(problem, "tests.suite.rules:polyak", hyper={"lr": 1.0}, steps=8)
    gap = path.f - problem.f_star
    np.testing.assert_allclose(gap, gap[0] * 4.0 ** -np.arange(9), rtol=1e-6)
    line = ob.trace("sphere", "tests.suite.rules:linear", hyper={"lr": 1.0}, x0=[0.0, 0.0], steps=8)
    assert line.x[-1].tolist() == [1.0, 0.0]


def test_a_suite_tells_a_rule_in_its_own_units(tmp_path):
    """The gap of Polyak's step on a shifted, scaled, offset sphere falls by four in every step, as it must."""
    (tmp_path / "s.toml").write_text(
        HEAD + "[[optimizers]]\n" + entry("polyak", "search = { lr = { low = 0.5, high = 2.0 } }")
    )
    # Names may come from whatever yields them once.
    names = (name for name in ["sphere*"])
    run = ob.run(str(tmp_path / "s.toml"), out=tmp_path, problems=names, tuning="random", trials=2)
    rows = run.runs[(run.runs["problem"] == "sphere-3d-i1") & ~run.runs["is_default"]]
    assert len(rows) == 2 * 5
    problem = catalog.problem("sphere", dim=3, instance=1)
    for row in rows.itertuples():
        hyper = json.loads(row.hyper)
        gap = np.asarray(row.curve_f)[:4] - problem.f_star
        np.testing.assert_allclose(gap, gap[0] * (1 - hyper["lr"] / 2) ** (2.0 * np.arange(4)), rtol=1e-6)
    facts = run.manifest["optimizers"][f"{RULES}:polyak"]
    assert (len(facts["grid"]), facts["has_rate"], facts["search"]["lr"]["high"]) == (2, True, 2.0)
    assert run.manifest["tuning"] == "random"
    assert run.manifest["command"][-6:] == ["--problems", "sphere*", "--tuning", "random", "--trials", "2"]
