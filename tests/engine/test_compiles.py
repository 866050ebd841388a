"""How often XLA is called: once a spec and once a width, whatever values, instances and budgets come."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager

import jax
import pytest

from optbench import catalog
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.program import block_lanes, compile_program
from optbench.engine.landscapes.recorder import compile_recorder
from optbench.engine.landscapes.sharing import Pair, program_key, program_specs
from optbench.suite.landscapes.plan import plan
from optbench.suite.parse import load
from tests.engine.conftest import group_of


class _Names(logging.Handler):
    """Counts compiled functions by name, as JAX logs them."""

    def __init__(self):
        super().__init__()
        self.names = Counter()

    def emit(self, record):
        text = record.getMessage()
        if text.startswith("Finished XLA compilation of jit("):
            self.names[text.split("(")[1].split(")")[0]] += 1


@contextmanager
def compilations():
    """Yields a counter of what XLA compiles meanwhile."""
    handler, logger = _Names(), logging.getLogger("jax")
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    # The context manager would see this thread alone, and programs are compiled by others.
    jax.config.update("jax_log_compiles", True)
    try:
        yield handler.names
    finally:
        jax.config.update("jax_log_compiles", False)
        logger.removeHandler(handler)
        logger.propagate = propagates


def pairs_of(groups):
    return [Pair(group.problem.build(), group.optimizer.build()) for group in groups]


@pytest.fixture
def cold():
    """Forgets what this process has compiled."""
    compile_program.cache_clear()
    compile_recorder.cache_clear()
    jax.clear_caches()


def test_smoke_compiles_one_program_a_shelf_and_one_recorder_a_width(cold):
    groups = plan(load("smoke").spec).groups
    pairs = pairs_of(groups)
    engine = Engine(threads=2)
    with compilations() as names:
        engine.prepare(pairs)
    keys = {program_key(pair) for pair in pairs}
    widths = {block_lanes(pair.problem.dim, engine.backend) for pair in pairs}
    assert (
        keys
        == set(engine.programs)
        == {(d, access, k, False) for d in (2, 10) for access, k in (("HERE", 0), ("HERE", 2), ("AHEAD", -1))}
    )
    assert (names["advance"], names["record"]) == (len(keys), len(widths))
    with compilations() as names:
        list(engine.run(groups[:2]))  # the first call of a process may compile transfers
    with compilations() as names:
        rows = [outcome.columns for _, outcome in engine.run(groups)]
        engine.prepare(pairs)
        engine.prepare(pairs[:1])
    assert sum(len(columns["cell_id"]) for columns in rows) == 216
    assert not names


def test_new_values_instances_parameters_and_budgets_are_no_compile(engine):
    groups = [
        group_of("ellipsoid", "adam", [0.1], instance=instance, parameters=parameters, budget=budget, starts=starts)
        for instance, parameters, budget, starts in (
            (0, {}, 40, 2),
            (1, {}, 40, 2),
            (7, {"condition": 10.0}, 40, 2),
            (7, {"condition": 1e6}, 700, 5),
        )
    ]
    groups += [group_of("ellipsoid", "adam", [0.5, 1e-4, 7.0], units="raw", seed=3)]
    # Instances and constants are worked out, and thereby compiled, before.
    assert all(group.problem.build().f_scale > 0 for group in groups)
    list(engine.run(groups[:1]))
    with compilations() as names:
        assert len(list(engine.run(groups))) == 5
    assert not names


def test_counter_counts():
    with compilations() as names:
        jax.jit(lambda x: x * 3.25 + 1)(1.0)
    assert sum(names.values()) >= 1


def test_programs_are_extended_only_by_what_is_new(cold):
    booth, matyas, sphere = (catalog.problem(name) for name in ("booth", "matyas", "sphere"))
    sgd, momentum = catalog.optimizer("sgd"), catalog.optimizer("momentum")
    engine = Engine(threads=2)
    with compilations() as names:
        engine.prepare([Pair(booth, sgd), Pair(booth, momentum)])
        engine.prepare([Pair(booth, sgd)])
        engine.prepare([Pair(catalog.problem("booth", instance=5), momentum)])
    assert (names["advance"], names["record"]) == (2, 1)
    with compilations() as names:
        engine.prepare([Pair(matyas, sgd), Pair(sphere, sgd)])
    assert (names["advance"], names["record"]) == (1, 0)
    # What was prepared before runs on.
    for problem, rule in ((booth, sgd), (booth, momentum), (matyas, sgd), (sphere, sgd)):
        assert engine.task(problem, rule, units="raw", budget=5)


def test_shelves_do_not_depend_on_the_order_of_pairs():
    pairs = pairs_of(plan(load("smoke").spec).groups)
    forward, backward = program_specs(pairs, "cpu"), program_specs(reversed(pairs), "cpu")
    assert list(forward) == list(backward)
    for key in forward:
        assert [p.name for p in forward[key].problems] == [p.name for p in backward[key].problems]
        assert forward[key].rules == backward[key].rules
