"""Lookahead against a transcription of its paper and against optax: slow weights, fast weights and state."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.optimizers.averaging import slow_weights
from optbench.optimizers.gradient import momentum, nag
from optbench.optimizers.sharpness_aware import sharpness_aware
from tests.optimizers.walks import FUNCTIONS, Asked, agree, walk

STEPS = 250


def lookahead(grad, W, rounds, *, lr, sync_period, slow_step_size):
    """The paper's two nested loops; yields the slow weights at each gradient of a round."""
    for _ in range(rounds):
        theta = W
        for _ in range(int(sync_period)):
            yield W
            theta = theta - lr * grad(theta)
        W = W + slow_step_size * (theta - W)


def momentum_lookahead(grad, W, rounds, *, lr, beta, sync_period, slow_step_size):
    a = 0.0 * W
    for _ in range(rounds):
        theta = W
        for _ in range(int(sync_period)):
            yield W
            a = beta * a + grad(theta)
            theta = theta - lr * a
        W = W + slow_step_size * (theta - W)


def nag_lookahead(grad, W, rounds, *, lr, beta, sync_period, slow_step_size):
    a = 0.0 * W
    for _ in range(rounds):
        theta = W
        for _ in range(int(sync_period)):
            yield W
            a = beta * a + grad(theta - lr * beta * a)
            theta = theta - lr * a
        W = W + slow_step_size * (theta - W)


def sam_lookahead(grad, W, rounds, *, lr, rho, sync_period, slow_step_size):
    for _ in range(rounds):
        theta = W
        for _ in range(int(sync_period)):
            yield W
            g = grad(theta)
            yield W
            theta = theta - lr * grad(theta + rho * g / np.linalg.norm(g))
        W = W + slow_step_size * (theta - W)


SYNC = [
    {"sync_period": 5.0, "slow_step_size": 0.5},
    {"sync_period": 1.0, "slow_step_size": 0.8},
    {"sync_period": 10.0, "slow_step_size": 1.0},
]
RULES = {
    "lookahead": (catalog.optimizer("lookahead"), lookahead, {}),
    "momentum+lookahead": (slow_weights(momentum), momentum_lookahead, {"beta": 0.8}),
    "nag+lookahead": (slow_weights(nag), nag_lookahead, {"beta": 0.8}),
    "sam+lookahead": (slow_weights(catalog.optimizer("sam")), sam_lookahead, {"rho": 0.05}),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", RULES)
def test_slow_weights_and_points_are_the_papers(name, function):
    rule, transcription, more = RULES[name]
    f, grad, x0, lr = FUNCTIONS[function]
    hypers = [{"lr": 0.3 * lr, **more, **sync} for sync in SYNC]
    calls = STEPS * rule.evals_per_step
    judged, points = walk(rule, f, x0, hypers, calls)
    for lane, hyper in enumerate(hypers):
        asked = Asked(grad)
        rounds = STEPS // int(hyper["sync_period"])
        expected = list(transcription(asked, np.array(x0), rounds, **hyper))
        agree(judged[lane, :-1], expected)
        agree(points[lane], asked.points)


def test_it_is_optax_lookahead():
    f, _, x0, _ = FUNCTIONS["rosenbrock"]
    hyper = {"lr": 4e-4, "beta": 0.9, "sync_period": 6.0, "slow_step_size": 0.4}
    judged, points = walk(slow_weights(momentum), f, x0, [hyper], 300)
    transform = optax.lookahead(optax.sgd(4e-4, momentum=0.9), sync_period=6, slow_step_size=0.4)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):

        @jax.jit
        def run(x):
            def move(carry, _):
                params, state = carry
                updates, state = transform.update(jax.grad(f)(params.fast), state, params)
                return (optax.apply_updates(params, updates), state), params

            params = optax.LookaheadParams.init_synced(x)
            return jax.lax.scan(move, (params, transform.init(params)), length=300)[1]

        expected = run(jnp.array(x0))
    agree(points[0], np.asarray(expected.fast))
    agree(judged[0, :-1], np.asarray(expected.slow))


def test_slow_weights_stand_still_between_synchronizations_for_any_period():
    f, _, x0, lr = FUNCTIONS["quadratic"]
    judged, _ = walk(
        catalog.optimizer("lookahead"),
        f,
        x0,
        [{"lr": lr, "sync_period": k, "slow_step_size": 0.5} for k in (3.0, 2.5, 1.0)],
        60,
    )
    moved = (np.abs(np.diff(judged, axis=1)) > 0).any(axis=-1)
    steps = np.arange(1, 61)
    assert np.array_equal(moved[0], steps % 3 == 0)
    assert np.array_equal(np.flatnonzero(moved[1])[:6] + 1, [3, 5, 8, 10, 13, 15])
    assert moved[2].all()


def test_full_slow_steps_are_the_fast_rule():
    f, _, x0, lr = FUNCTIONS["rosenbrock"]
    fast, _ = walk(momentum, f, x0, [{"lr": lr, "beta": 0.9}], 200)
    sync = {"sync_period": 4.0, "slow_step_size": 1.0}
    judged, points = walk(slow_weights(momentum), f, x0, [{"lr": lr, "beta": 0.9, **sync}], 200)
    agree(judged[0, ::4], fast[0, ::4], 1e-12)
    agree(points[0], fast[0, :-1], 1e-12)


def test_a_gradient_of_a_plain_rule_is_taken_at_the_slow_weights_themselves_after_a_synchronization():
    f, _, x0, lr = FUNCTIONS["rosenbrock"]
    hyper = {"lr": lr, "sync_period": 5.0, "slow_step_size": 0.3}
    judged, points = walk(catalog.optimizer("lookahead"), f, x0, [hyper], 100)
    assert np.array_equal(points[0, ::5], judged[0, :-1:5])


def test_what_it_carries_over_and_what_it_refuses():
    rule = slow_weights(sharpness_aware(momentum))
    assert (rule.looks_ahead, rule.evals_per_step, rule.curved, rule.counts) == (True, 2, False, None)
    with pytest.raises(UsageError, match="lookahead cannot be added to lookahead, which has its own 'sync_period'"):
        slow_weights(catalog.optimizer("lookahead"))
