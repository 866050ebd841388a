"""What holds for every rule of the catalogue, whoever wrote it: shapes, promises, ranges, words."""

from __future__ import annotations

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.optimizers.modifiers import MAX_RANGES

RULES = [catalog.optimizer(entry.name) for entry in catalog.OPTIMIZERS]
every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])

DIM, CALLS = 6, 16
#: What the lanes of one compiled run are: two rates from one start, a flat function, a start that is not a number.
SLOW, FAST, FLAT, BROKEN = range(4)
LANES = 4
RATES = np.array([1e-2, 3e-2, 1e-2, 1e-2])
STARTS = np.tile(np.linspace(-2.0, 2.5, DIM), (LANES, 1))
STARTS[BROKEN] = np.nan

#: Rules that do not stay where every gradient is zero, and why.
RESTLESS = {
    "noisy_sgd": "adds noise of its own",
    "yogi": "optax's means start at 1e-6",
    "fromage": "shrinks the weights after each step",
    "prodigy": "optax's divides 0 by 0",
    "dadapt_adamw": "optax's divides 0 by 0",
    "schedule_free_sgd": "averages equal points, to the last digit only",
    "schedule_free_adamw": "averages equal points, to the last digit only",
}
#: Rules whose iterate stays in some steps, and why.
SELDOM = {
    "adopt": "its first gradient only starts the mean of squares",
    "lookahead": "slow weights move every sync_period steps",
    "optax_rprop": "its first gradient is only compared with",
}
#: Rules without a paper.
UNPUBLISHED = {"reduce_on_plateau"}
#: Compiling is all that these tests cost, so XLA is told to be quick about it.
QUICK = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


def loss(x, slope):
    """A convex quadratic whose axes differ, or with a slope of 0 a plain."""
    return 3.0 + slope * jnp.sum(jnp.arange(1.0, DIM + 1) * (x - 1.0) ** 2) / 2


def first_point(rule, x):
    return (x, jnp.zeros_like(x)) if rule.curved else x


def told(rule, point, slope):
    """Returns what a rule is told at its point."""
    if not rule.curved:
        return jax.value_and_grad(loss)(point, slope)
    (value, grad), (_, product) = jax.jvp(lambda x: jax.value_and_grad(loss)(x, slope), (point[0],), (point[1],))
    return value, (grad, product)


@functools.cache
def followed(rule):
    """Runs the lanes with every hyperparameter traced; returns iterates and points of each lane, call by call."""

    def lane(x, hyper, slope):
        def call(carry, _):
            x, state, point = carry
            carry = rule.update(x, state, *told(rule, point, slope), hyper)
            return carry, (carry[0], carry[2])

        return jax.lax.scan(call, (x, rule.init(x, hyper), first_point(rule, x)), length=CALLS)[1]

    hyper = {name: np.full(LANES, value) for name, value in rule.defaults().items()}
    hyper |= {"lr": RATES} if "lr" in hyper else {}
    slope = np.where(np.arange(LANES) == FLAT, 0.0, 1.0)
    compiled = jax.jit(jax.vmap(lane)).lower(STARTS, hyper, slope).compile(compiler_options=QUICK)
    return jax.tree.map(np.asarray, compiled(STARTS, hyper, slope))


@every_rule
def test_state_params_and_point_keep_shapes_and_types(rule):
    """With lanes and every hyperparameter unknown: what a loop and a program for many lanes need."""
    x, number = jax.ShapeDtypeStruct((LANES, DIM), jnp.float64), jax.ShapeDtypeStruct((LANES,), jnp.float64)
    hyper = dict.fromkeys(rule.hyper, number)
    point = (x, x) if rule.curved else x
    state = jax.eval_shape(jax.vmap(rule.init), x, hyper)
    moved = jax.eval_shape(jax.vmap(rule.update), x, state, number, point, hyper)
    for before, after in zip((x, state, point), moved, strict=True):
        assert jax.tree.structure(before) == jax.tree.structure(after)
        shapes = [[(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)] for tree in (before, after)]
        assert shapes[0] == shapes[1]
    if rule.counts is not None:
        counts = jax.eval_shape(jax.vmap(rule.counts), state)
        assert counts.steps.shape == (LANES,)
        assert jnp.issubdtype(counts.steps.dtype, jnp.integer)


@every_rule
def test_lanes_move_each_at_its_rate_whatever_their_neighbors_do(rule):
    params = followed(rule)[0]
    assert np.isfinite(params[[SLOW, FAST]]).all(), "a rate of 0.01 or a neighbor that is not a number spoiled a lane"
    assert not np.array_equal(params[SLOW, -1], STARTS[SLOW]), "it never moved"
    if "lr" in rule.hyper:
        assert not np.array_equal(params[SLOW], params[FAST]), "the rate has no effect"


@every_rule
def test_gradients_are_taken_elsewhere_if_and_only_if_it_says_so(rule):
    params, points = followed(rule)
    assert rule.looks_ahead or not rule.curved
    at = points[0] if rule.curved else points
    ahead = not np.array_equal(at[[SLOW, FAST]], params[[SLOW, FAST]])
    # A curved rule names a direction as well, and may ask for it at its iterate.
    assert ahead or rule.looks_ahead == rule.curved
    assert rule.looks_ahead or not ahead


@every_rule
def test_a_step_has_as_many_calls_as_it_says(rule):
    if rule.counts is not None:
        assert rule.evals_per_step == 1
        return
    params = followed(rule)[0][SLOW]
    moves = np.any(np.diff(params, axis=0, prepend=STARTS[:1]) != 0, axis=1)
    steps = np.arange(1, CALLS + 1) % rule.evals_per_step == 0
    assert not np.any(moves & ~steps), "the judged iterate moved within a step"
    assert np.array_equal(moves, steps) == (rule.name not in SELDOM), SELDOM.get(rule.name, "a step that moved nothing")


@every_rule
def test_a_stationary_point_is_kept(rule):
    params = followed(rule)[0][FLAT]
    still = np.array_equal(params, np.broadcast_to(STARTS[FLAT], params.shape))
    assert still == (rule.name not in RESTLESS), RESTLESS.get(rule.name, "every gradient is zero, and it moved")


@every_rule
def test_every_number_has_a_source_and_a_default_in_its_range(rule):
    assert rule.swept in rule.hyper
    for name, h in rule.hyper.items():
        assert h.source.strip(), name
        assert h.allows(h.default), name
        assert not h.allows(math.nan)
        if h.search is not None:
            assert h.search.source.strip(), name
            assert h.search.low < h.search.high, name
            assert h.allows(h.search.low), f"{name}: tuning draws what the rule refuses"
            assert h.allows(h.search.high), f"{name}: tuning draws what the rule refuses"
            assert h.search.scale in ("log", "linear", "complement")
            assert not h.told, f"{name} is told, so it is not tuned"


@every_rule
def test_what_is_tuned_is_within_the_leagues_limits(rule):
    """A rate range of five decades, at most three others (protocol, section 3)."""
    assert rule.hyper[rule.swept].search is not None
    others = [name for name, h in rule.hyper.items() if h.search is not None and name != rule.swept]
    assert len(others) <= MAX_RANGES == 3
    if rule.swept == "lr":
        found = rule.hyper["lr"].search
        assert found.scale == "log"
        assert math.log10(found.high / found.low) == pytest.approx(5)
    assert rule.defaults().get("weight_decay", 0.0) == 0.0
    assert not any(h.told == "f_star" for h in rule.hyper.values()) or not rule.ranked


@every_rule
def test_rule_documents_itself(rule):
    assert "$$" in rule.doc
    if rule.name not in UNPUBLISHED:
        assert re.search(r"Reference: .*\d{4}", rule.doc, re.DOTALL), "no reference with a year"
    assert len(rule.doc) < 3000


@every_rule
def test_largest_dimension_is_only_that_of_reference_lines(rule):
    assert rule.max_dim is None or not rule.ranked
