"""What holds for every rule of the catalogue, whoever wrote it: shapes, promises, ranges, words."""

from __future__ import annotations

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

DIM, LANES, CALLS = 6, 4, 24

#: Rules that move where the gradient is zero and has always been, and why.
RESTLESS = {
    "noisy_sgd": "adds noise of its own",
    "rprop": "optax's takes one step of the size it starts with",
    "fromage": "shrinks the weights after each step",
}
#: Rules that read the value, and see a gap above their bound where the gradient is zero.


def curvature(x):
    """A convex quadratic whose minimum lies at 1 and whose axes differ."""
    return jnp.sum(jnp.arange(1.0, x.shape[-1] + 1) * (x - 1.0) ** 2) / 2


def flat(x):
    """A function that is 3 everywhere."""
    return 3.0 + 0.0 * jnp.sum(x)


def asked(rule, x):
    """Returns the point of the first gradient."""
    return (x, jnp.zeros_like(x)) if rule.curved else x


def answer(rule, f, point):
    """Returns what a rule is told at its point."""
    if not rule.curved:
        return jax.value_and_grad(f)(point)
    (value, grad), (_, product) = jax.jvp(jax.value_and_grad(f), (point[0],), (point[1],))
    return value, (grad, product)


def drive(rule, f, starts, hyper):
    """Runs lanes of a rule, every hyperparameter traced; returns judged iterates and points, call by call."""

    def lane(x, hyper):
        def call(carry, _):
            x, state, point = carry
            carry = rule.update(x, state, *answer(rule, f, point), hyper)
            return carry, (carry[0], carry[2][0] if rule.curved else carry[2])

        return jax.lax.scan(call, (x, rule.init(x, hyper), asked(rule, x)), length=CALLS)[1]

    return jax.jit(jax.vmap(lane))(starts, hyper)


def numbers(rule, **changed):
    """Returns hyperparameters of all lanes: the defaults, but rates and told values as given."""
    values = {**rule.defaults(), **{name: value for name, value in changed.items() if name in rule.hyper}}
    return {name: np.broadcast_to(np.asarray(value, np.float64), (LANES,)) for name, value in values.items()}


STARTS = np.linspace(-2.0, 2.5, LANES * DIM).reshape(LANES, DIM)


@every_rule
def test_state_params_and_point_keep_shapes_and_types(rule):
    """Under ``vmap``, with every hyperparameter unknown: what a loop and a program for many lanes need."""
    x, number = jax.ShapeDtypeStruct((LANES, DIM), jnp.float64), jax.ShapeDtypeStruct((LANES,), jnp.float64)
    hyper = dict.fromkeys(rule.hyper, number)
    pair = (x, x) if rule.curved else x
    state = jax.eval_shape(jax.vmap(rule.init), x, hyper)
    for _ in range(2):
        moved = jax.eval_shape(jax.vmap(rule.update), x, state, number, pair, hyper)
        for before, after in zip((x, state, pair), moved, strict=True):
            assert jax.tree.structure(before) == jax.tree.structure(after)
            assert [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(before)] == [
                (leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)
            ]
        state = moved[1]
    if rule.counts is not None:
        counts = jax.eval_shape(jax.vmap(rule.counts), state)
        assert counts.steps.shape == (LANES,)
        assert jnp.issubdtype(counts.steps.dtype, jnp.integer)


@every_rule
def test_rule_works_in_lanes_and_looks_where_it_says(rule):
    """One compiled program: lanes with hyperparameters of their own, a lane of NaN beside them, two rates."""
    starts = STARTS.copy()
    starts[3] = np.nan
    rate = np.array([1e-2, 1e-2, 3e-2, 1e-2])
    starts[2] = starts[1]
    params, points = map(np.asarray, drive(rule, curvature, starts, numbers(rule, lr=rate)))
    assert np.isfinite(params[:3]).all(), "the neighbor's NaN, or a rate of 0.01, must not spoil a lane"
    assert not np.array_equal(params[0, -1], starts[0]), "it never moved"
    if "lr" in rule.hyper and rule.name not in RATELESS_AT_FIRST:
        assert not np.array_equal(params[1], params[2]), "the rate has no effect"
    differs = not np.array_equal(points[:3], params[:3])
    assert differs == rule.looks_ahead
    assert not rule.curved or rule.looks_ahead


#: ``lr`` bounds their step from above, or is no part of it: on this function both rates give one path.
RATELESS_AT_FIRST = set()


@every_rule
def test_a_step_has_as_many_calls_as_it_says(rule):
    if rule.counts is not None:
        assert rule.evals_per_step == 1
        return
    params = np.asarray(drive(rule, curvature, STARTS, numbers(rule, lr=1e-2))[0])
    moves = np.any(np.diff(params, axis=1, prepend=STARTS[:, None]) != 0, axis=(0, 2))
    steps = np.arange(1, CALLS + 1) % rule.evals_per_step == 0
    assert not np.any(moves & ~steps), "the judged iterate moved within a step"
    assert np.any(moves)


@every_rule
def test_a_stationary_point_is_kept(rule):
    params = np.asarray(drive(rule, flat, STARTS, numbers(rule, lr=1e-2))[0])
    still = np.array_equal(params, np.broadcast_to(STARTS[:, None], params.shape))
    assert still == (rule.name not in RESTLESS), RESTLESS.get(rule.name, "the gradient is zero, and it moved")


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


#: Rules without a paper.
UNPUBLISHED = {"reduce_on_plateau"}


@every_rule
def test_largest_dimension_is_only_that_of_reference_lines(rule):
    assert rule.max_dim is None or not rule.ranked
