"""What a user's own rule may count on: integer counters, values in its units, an identity that knows its code."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

import optbench as ob
from optbench import catalog, store
from optbench.core.optimizer import Hyper, Optimizer
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from optbench.errors import UsageError


class Count(NamedTuple):
    """An integer counter, as optax has it."""

    t: object


def _counting(params, state, value, grad, hyper):
    t = state.t + 1
    moved = params - hyper["lr"] / t.astype(grad.dtype) * grad
    return moved, Count(t), moved


def _by_value(params, state, value, grad, hyper):
    moved = params - hyper["lr"] * value * grad
    return moved, state, moved


COUNTING = Optimizer(
    "counting", lambda x, h: Count(jnp.zeros((), jnp.int32)), _counting, {"lr": Hyper(0.1, "this test")}
)
BY_VALUE = Optimizer("by_value", lambda x, h: (), _by_value, {"lr": Hyper(0.1, "this test")})


def run(rule: Optimizer, units: str, z0: np.ndarray, lr: float, steps: int) -> np.ndarray:
    problem, engine = catalog.problem("sphere", 2), Engine(threads=1)
    engine.prepare([Pair(problem, rule)])
    task = engine.task(problem, rule, units=units, budget=steps)
    (block,) = engine.map(task, z0[None], np.array([[lr]]), steps)
    return block.carry.params[0]


def test_a_counter_may_be_an_integer():
    x = np.array([1.0, -2.0])
    for t in range(1, 8):
        x = x - 0.1 / t * 2 * x
    np.testing.assert_allclose(run(COUNTING, "raw", np.array([1.0, -2.0]), 0.1, 7), x, rtol=1e-14)


def test_a_rule_sees_value_and_gradient_in_the_same_units():
    problem, z0 = catalog.problem("sphere", 2), np.array([1.0, -2.0])
    unit = problem.width / 10
    z = z0.copy()
    for _ in range(3):
        x = problem.center + unit * z
        z = z - 0.5 * (x @ x / problem.f_scale) * (2 * x * unit / problem.f_scale)
    np.testing.assert_allclose(run(BY_VALUE, "normalized", z0, 0.5, 3), z, rtol=1e-12)


SUITE = """
name = "mine"
version = 1
question = "Does my rule work?"
budget = 40
starts = { tune = 2, report = 3 }
grid = { lr = { low = 0.01, high = 0.1, points = 2 } }
optimizers = [{ name = "sgd" }, { name = "mylab_rules:mine" }]
problems = [{ name = "sphere", dim = 2 }]
"""
RULE = """
from mylab_helper import named
mine, adam = named("mine"), named("adam")
"""
HELPER = """
from dataclasses import replace
from optbench.optimizers.gradient import sgd

def named(name):
    return replace(sgd, name=name)
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a suite and a rule, the current one."""
    (tmp_path / "mine.toml").write_text(SUITE)
    (tmp_path / "mylab_rules.py").write_text(RULE)
    (tmp_path / "mylab_helper.py").write_text(HELPER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("mylab_rules", "mylab_helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_changed_code_of_a_user_is_another_run(lab, caplog):
    first = ob.run("mine.toml", out="results")
    assert not caplog.records
    assert set(first.manifest["sources"]) == {"mylab_rules", "mylab_helper"}
    (lab / "mylab_helper.py").write_text(HELPER + "# changed\n")
    again = ob.run("mine.toml", out="results")
    said = [record.getMessage() for record in caplog.records]
    assert again.path == first.path
    assert said[0].startswith("mylab_helper was edited after this process imported it: what runs, ")
    when = first.manifest["finished_utc"]
    assert said[1:] == [
        f"mine/{first.path.name} was computed at {when} and is shown again; --fresh (fresh=True) computes it anew"
    ]
    importlib.reload(sys.modules["mylab_helper"])
    importlib.reload(sys.modules["mylab_rules"])
    changed = ob.run("mine.toml", out="results")
    assert changed.path != first.path
    assert {
        name for name, value in changed.manifest["sources"].items() if first.manifest["sources"][name] != value
    } == {"mylab_helper"}


def test_rows_and_programs_have_the_names_that_were_typed(lab):
    run = ob.run("mine.toml", out="results", optimizers=["adam", "mylab_rules:mine", "mylab_rules:adam"])
    names = {"adam", "mylab_rules:mine", "mylab_rules:adam"}
    assert set(run.runs["optimizer"]) == set(run.manifest["optimizers"]) == names
    assert {rule for program in run.manifest["programs"] for rule in program["rules"]} == names
    # One of them calls itself adam and is gradient descent, as the other is.
    last = run.runs.groupby("optimizer")["f_last"].apply(list)
    assert last["mylab_rules:adam"] == last["mylab_rules:mine"] != last["adam"]


def test_a_run_begun_under_another_jax_is_not_finished_under_this_one(lab):
    done = ob.run("mine.toml", out="results")
    store.write_manifest(
        done.path, {**done.manifest, "state": "running", "versions": {**done.manifest["versions"], "jax": "0.0.1"}}
    )
    with pytest.raises(UsageError, match=r"was begun under jax 0\.0\.1, this is .*--fresh"):
        ob.run("mine.toml", out="results")


@pytest.mark.parametrize(("x0", "message"), [("ab", "x0 must be numbers"), ([1.0, 2.0, 3.0], "2 only")])
def test_a_start_that_is_no_point_is_refused(x0, message):
    with pytest.raises(UsageError, match=message):
        ob.trace("himmelblau", "sgd", x0=x0, steps=2)
