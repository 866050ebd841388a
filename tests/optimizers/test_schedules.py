"""Schedules against closed forms, optax's schedules and transcriptions, for rules of any cost per step."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optbench import catalog
from optbench.core.optimizer import Counts, Hyper, Optimizer
from optbench.errors import UsageError
from optbench.optimizers.schedules import SCHEDULES, scheduled
from tests.optimizers.walks import FUNCTIONS, Asked, agree, walk

T = 40


def rates(name, steps=T, **hyper):
    """Returns the rates of a scheduled gradient descent, read off a slope of one."""
    rule = catalog.optimizer(name)
    judged, _ = walk(rule, lambda x: jnp.sum(x), [0.0], [{**rule.defaults(), "lr": 2.0, **hyper}], steps)
    return -np.diff(judged[0, :, 0])


def against(found, schedule):
    np.testing.assert_allclose(found, [2.0 * float(schedule(t)) for t in range(len(found))], rtol=1e-12, atol=1e-12)


def test_first_middle_and_last_rate():
    cosine = rates("sgd+cosine", T + 5, horizon=T, final_fraction=0.1)
    np.testing.assert_allclose(cosine[[0, T // 2, T, T + 4]], [2.0, 2 * 0.55, 0.2, 0.2], rtol=1e-12)
    linear = rates("sgd+linear", T + 5, horizon=T, final_fraction=0.0)
    np.testing.assert_allclose(linear[[0, T // 2, T - 1, T, T + 4]], [2.0, 1.0, 2 / T, 0, 0], rtol=1e-11, atol=1e-14)
    root = rates("sgd+inverse_root", 100, timescale=3.0)
    np.testing.assert_allclose(root[[0, 9, 72]], [2.0, 1.0, 0.4], rtol=1e-12)
    np.testing.assert_allclose(rates("sgd+constant"), 2.0, rtol=1e-13)


@pytest.mark.parametrize("final", [0.0, 0.25])
@pytest.mark.parametrize("horizon", [40, 41])
def test_a_constant_gradient_is_followed_as_far_as_the_sum_says(horizon, final):
    """The cosines of t pi/T, t = 0 ... T - 1, cancel in pairs but for the first, so they sum to 1."""
    cosine = rates("sgd+cosine", horizon, horizon=horizon, final_fraction=final)
    assert cosine.sum() == pytest.approx(2 * (final * horizon + (1 - final) * (horizon + 1) / 2), rel=1e-12)
    linear = rates("sgd+linear", horizon, horizon=horizon, final_fraction=final)
    assert linear.sum() == pytest.approx(2 * (final * horizon + (1 - final) * (horizon + 1) / 2), rel=1e-12)


def test_schedules_are_optax_schedules():
    against(rates("sgd+cosine", 60, horizon=T, final_fraction=0.1), optax.cosine_decay_schedule(1.0, T, alpha=0.1))
    against(rates("sgd+linear", 60, horizon=T, final_fraction=0.1), optax.linear_schedule(1.0, 0.1, T))
    found = rates("sgd+step", 90, horizon=90, drop_factor=0.2, n_drops=2)
    np.testing.assert_allclose(found[[29, 30, 59, 60, 89]], [2.0, 0.4, 0.4, 0.08, 0.08], rtol=1e-12)
    # optax drops after a boundary has been passed, not at it: one step later.
    against(found[1:], optax.piecewise_constant_schedule(1.0, {29: 0.2, 59: 0.2}))


@pytest.mark.parametrize("horizon", [30, 49, 77, 1000])
@pytest.mark.parametrize("n_drops", [1, 2, 5])
def test_drops_come_where_the_horizon_divides_evenly(horizon, n_drops):
    found = rates("sgd+step", horizon + 3, horizon=horizon, drop_factor=0.5, n_drops=n_drops)
    drops = np.array([min(t * (n_drops + 1) // horizon, n_drops) for t in range(horizon + 3)])
    np.testing.assert_allclose(found, 2 * 0.5**drops, rtol=1e-9)


@pytest.mark.parametrize("order", ["warmup+cosine", "cosine+warmup"])
def test_warmup_rises_to_the_rate_and_the_schedule_takes_the_rest(order):
    found = rates(f"sgd+{order}", T, horizon=T, warmup_share=0.2, final_fraction=0.1)
    np.testing.assert_allclose(found[:8], 2 * np.arange(1, 9) / 8, rtol=1e-11)
    rise = optax.linear_schedule(1 / 8, 1.0, 7)
    against(found, optax.join_schedules([rise, optax.cosine_decay_schedule(1.0, T - 8, alpha=0.1)], [8]))
    # optax's own pair starts at any rate: from 1/8 and with a first step less it is the same.
    own = optax.warmup_cosine_decay_schedule(1 / 8, 1.0, 7, T - 1, end_value=0.1)
    np.testing.assert_allclose(found[:8], [2 * float(own(t)) for t in range(8)], rtol=1e-6)
    np.testing.assert_allclose(found[8:], [2 * float(own(t)) for t in range(7, T - 1)], rtol=1e-6)


def test_warmup_alone_and_before_each():
    alone = rates("sgd+warmup", T, horizon=T, warmup_share=0.25)
    np.testing.assert_allclose(alone, 2 * np.minimum(1, np.arange(1, T + 1) / 10), rtol=1e-12)
    root = rates("sgd+warmup+inverse_root", T, horizon=T, warmup_share=0.25, timescale=5.0)
    np.testing.assert_allclose(root[10:], 2 / np.sqrt(1 + np.arange(T - 10) / 5), rtol=1e-11)
    none = rates("sgd+warmup+linear", T, horizon=T, warmup_share=0.0)
    np.testing.assert_allclose(none, rates("sgd+linear", T, horizon=T), rtol=1e-13)


def adam_cosine(grad, W, steps, *, lr, b1, b2, eps, horizon, final_fraction):
    m, v = 0.0 * W, 0.0 * W
    for t in range(1, steps + 1):
        g = grad(W)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        rate = lr * (final_fraction + (1 - final_fraction) * np.cos(np.pi * min((t - 1) / horizon, 1) / 2) ** 2)
        W = W - rate / np.sqrt(v + eps) * np.sqrt(1 - b2**t) / (1 - b1**t) * m
        yield W


def nag_linear(grad, W, steps, *, lr, beta, horizon, final_fraction):
    """Nesterov asks for its next gradient at the rate of the step that it has just made."""
    a, ahead = 0.0 * W, 0.0 * W
    for t in range(steps):
        rate = lr * (final_fraction + (1 - final_fraction) * max(1 - t / horizon, 0))
        a = beta * a + grad(W - ahead)
        W = W - rate * a
        ahead = rate * beta * a
        yield W


def sam_cosine(grad, W, steps, *, lr, rho, horizon, final_fraction):
    for t in range(steps):
        g = grad(W)
        rate = lr * (final_fraction + (1 - final_fraction) * np.cos(np.pi * min(t / horizon, 1) / 2) ** 2)
        W = W - rate * grad(W + rho * g / np.linalg.norm(g))
        yield W


RULES = {
    "adam+cosine": (adam_cosine, {"b1": 0.8, "b2": 0.99, "eps": 1e-3}),
    "nag+linear": (nag_linear, {"beta": 0.8}),
    "sam+cosine": (sam_cosine, {"rho": 0.02}),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", RULES)
def test_scheduled_rules_are_transcribed(name, function):
    rule = catalog.optimizer(name)
    transcription, more = RULES[name]
    f, grad, x0, lr = FUNCTIONS[function]
    ends = [(150.0, 0.1), (300.0, 0.0), (77.0, 0.5)]
    hypers = [{"lr": 0.2 * lr, **more, "horizon": h, "final_fraction": r} for h, r in ends]
    calls = rule.evals_per_step
    judged, points = walk(rule, f, x0, hypers, 220 * calls)
    for lane, hyper in enumerate(hypers):
        asked = Asked(grad)
        agree(judged[lane, ::calls], [np.array(x0), *transcription(asked, np.array(x0), 220, **hyper)])
        agree(points[lane], asked.points)


def test_steps_of_unequal_cost_are_counted_by_the_rule_itself():
    """A rule that moves every third call: the rate changes with its steps, not with its calls."""

    def update(params, calls, value, grad, hyper):
        last = calls % 3 == 2
        moved = jnp.where(last, params - hyper["lr"] * grad, params)
        return moved, calls + 1, moved

    third = Optimizer(
        name="third",
        init=lambda params, hyper: jnp.zeros((), jnp.int32),
        update=update,
        hyper={"lr": Hyper(1.0, "test")},
        looks_ahead=True,
        counts=lambda calls: Counts(calls // 3),
    )
    rule = scheduled(third, "linear")
    hyper = {"lr": 1.0, "horizon": 10.0, "final_fraction": 0.0}
    judged, _ = walk(rule, lambda x: jnp.sum(x), [0.0], [hyper], 30)
    np.testing.assert_allclose(-np.diff(judged[0, ::3, 0]), 1 - np.arange(10) / 10, rtol=1e-12, atol=1e-14)
    assert int(rule.counts(rule.init(jnp.zeros(1), {k: jnp.float64(v) for k, v in hyper.items()})).steps) == 0


def test_the_horizon_is_told_and_the_rate_is_needed():
    for name in SCHEDULES:
        hyper = catalog.optimizer(f"adam+{name}").hyper
        assert ("horizon" in hyper) == (name not in ("constant", "inverse_root"))
        if "horizon" in hyper:
            assert (hyper["horizon"].told, hyper["horizon"].search) == ("horizon", None)
    with pytest.raises(UsageError, match="adadelta has no lr that cosine could act on"):
        catalog.optimizer("adadelta+cosine")
    with pytest.raises(UsageError, match="adadelta has no lr that a schedule could act on"):
        scheduled(catalog.optimizer("adadelta"), "cosine")
