"""The cache of programs: found again, never trusted when damaged, never shared where code differs."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from optbench import catalog
from optbench.engine import compile as compiling
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.program import _identity, compile_program
from optbench.engine.landscapes.sharing import Pair, program_specs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(compiling.CACHE_VARIABLE, str(tmp_path))
    compile_program.cache_clear()
    yield tmp_path
    compile_program.cache_clear()


def run_adam():
    pair = Pair(catalog.problem("rosenbrock", 2), catalog.optimizer("adam"))
    engine = Engine(threads=1)
    engine.prepare([pair])
    task = engine.task(pair.problem, pair.rule, units="raw", budget=50)
    (block,) = engine.map(task, np.array([[-1.0, 2.0]]), np.array([[0.1, 0.9, 0.999, 1e-7]]), 51)
    return block


def exported(folder):
    return sorted(folder.rglob("exported/*"))


def test_a_kept_program_is_not_traced_again_and_gives_the_same_bits(folder, monkeypatch):
    cold = run_adam()
    assert len(exported(folder)) >= 1
    assert sorted(folder.rglob("xla/*"))
    compile_program.cache_clear()
    monkeypatch.setattr("optbench.engine.landscapes.program._advance", lambda *_: pytest.fail("traced again"))
    warm = run_adam()
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(cold), jax.tree.leaves(warm), strict=True))


@pytest.mark.parametrize(
    "damage", [lambda body: body[:100], lambda body: body[:50] + bytes([body[50] ^ 1]) + body[51:], lambda _: b""]
)
def test_a_damaged_file_is_made_again(folder, damage):
    cold = run_adam()
    for path in exported(folder):
        path.write_bytes(damage(path.read_bytes()))
    damaged = [path.read_bytes() for path in exported(folder)]
    compile_program.cache_clear()
    again = run_adam()
    assert np.array_equal(cold.carry.params, again.carry.params)
    assert any(path.read_bytes() != was for path, was in zip(exported(folder), damaged, strict=True))


def test_a_cache_that_cannot_be_written_is_only_slower(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv(compiling.CACHE_VARIABLE, str(blocked))
    compile_program.cache_clear()
    assert np.isfinite(run_adam().records.best).all()


def test_off_keeps_nothing(monkeypatch):
    monkeypatch.setenv(compiling.CACHE_VARIABLE, "off")
    assert compiling.cache_folder() is None


def test_identity_tells_programs_apart_and_a_users_object_has_none():
    pairs = [Pair(catalog.problem("rosenbrock", 2), catalog.optimizer(name)) for name in ("adam", "rmsprop")]
    first, second = (next(iter(program_specs([pair], "cpu").values())) for pair in pairs)
    assert _identity(first, 0) != _identity(second, 0)
    assert _identity(first, 0) != _identity(replace(first, lanes=128), 0)
    own = replace(catalog.optimizer("adam"))
    assert _identity(replace(first, rules=(own,)), 0) is None
    landscape = replace(catalog.landscape("rosenbrock"))
    assert _identity(replace(first, problems=(replace(first.problems[0], landscape=landscape),)), 0) is None


def test_the_users_own_settings_are_left_alone(folder):
    before = jax.config.jax_persistent_cache_min_compile_time_secs
    run_adam()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == before
    assert jax.config.jax_compilation_cache_dir is None
