"""Modifiers: clipping and decay against transcriptions and optax, composition, and every rule of the catalogue."""

from __future__ import annotations

import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optbench import catalog
from optbench.core.optimizer import Counts, Hyper, Optimizer
from optbench.errors import UsageError
from optbench.optimizers.modifiers import MAX_RANGES, MODIFIERS, modified
from tests.optimizers.walks import FUNCTIONS, Asked, agree, quadratic, walk

NAMES = [entry.name for entry in catalog.OPTIMIZERS]
STEPS = 250


def shortened(g, c):
    return g * min(1, c / np.linalg.norm(g))


def momentum_clip_decay(grad, W, steps, *, lr, beta, clip_norm, weight_decay):
    a = 0.0 * W
    for _ in range(steps):
        a = beta * a + shortened(grad(W), clip_norm)
        W = W - lr * a - lr * weight_decay * W
        yield W


def nag_decay(grad, W, steps, *, lr, beta, weight_decay):
    """The lookahead stands off the rule's own next iterate by lr beta a, and decay moves both alike."""
    a = 0.0 * W
    for _ in range(steps):
        a = beta * a + grad(W - lr * beta * a)
        W = W - lr * a - lr * weight_decay * W
        yield W


def sam_decay(grad, W, steps, *, lr, rho, weight_decay):
    for _ in range(steps):
        g = grad(W)
        W = W - lr * grad(W + rho * g / np.linalg.norm(g)) - lr * weight_decay * W
        yield W


def sam_clip_value(grad, W, steps, *, lr, rho, clip_value):
    """Both gradients are clipped: the one that perturbs and the one that steps."""
    for _ in range(steps):
        g = np.clip(grad(W), -clip_value, clip_value)
        W = W - lr * np.clip(grad(W + rho * g / np.linalg.norm(g)), -clip_value, clip_value)
        yield W


def clip_value_sam(grad, W, steps, *, lr, rho, clip_value):
    """Clipping inside: the perturbation is along the gradient as it is."""
    for _ in range(steps):
        g = grad(W)
        W = W - lr * np.clip(grad(W + rho * g / np.linalg.norm(g)), -clip_value, clip_value)
        yield W


def lookahead_decay(grad, W, steps, *, lr, sync_period, slow_step_size, weight_decay):
    """Decay acts on the slow weights in each step; the fast ones keep their distance from them."""
    ahead = 0.0 * W
    for t in range(1, steps + 1):
        fast = W + ahead - lr * grad(W + ahead)
        moved = W
        if t % sync_period == 0:
            moved = fast = W + slow_step_size * (fast - W)
        ahead = fast - moved
        W = moved - lr * weight_decay * W
        yield W


def decay_lookahead(grad, W, steps, *, lr, sync_period, slow_step_size, weight_decay):
    """Decay inside: the fast rule decays."""
    theta = W
    for t in range(1, steps + 1):
        theta = theta - lr * grad(theta) - lr * weight_decay * theta
        if t % sync_period == 0:
            W = theta = W + slow_step_size * (theta - W)
        yield W


def adadelta_decay(grad, W, steps, *, gamma, eps, weight_decay):
    G, H = 0.0 * W, 0.0 * W
    for _ in range(steps):
        g = grad(W)
        G = gamma * G + (1 - gamma) * g**2
        dW = -np.sqrt(H + eps) / np.sqrt(G + eps) * g
        W = W + dW - weight_decay * W
        H = gamma * H + (1 - gamma) * dW**2
        yield W


SYNC = {"sync_period": 4.0, "slow_step_size": 0.5}
RULES = {
    "momentum+clip+decay": (momentum_clip_decay, {"beta": 0.8, "clip_norm": 3.0, "weight_decay": 0.1}),
    "momentum+decay+clip": (momentum_clip_decay, {"beta": 0.8, "clip_norm": 3.0, "weight_decay": 0.1}),
    "nag+decay": (nag_decay, {"beta": 0.8, "weight_decay": 0.1}),
    "sam+decay": (sam_decay, {"rho": 0.01, "weight_decay": 0.1}),
    "sgd+decay+sam": (sam_decay, {"rho": 0.01, "weight_decay": 0.1}),
    "sam+clip_value": (sam_clip_value, {"rho": 0.01, "clip_value": 1.5}),
    "sgd+clip_value+sam": (clip_value_sam, {"rho": 0.01, "clip_value": 1.5}),
    "lookahead+decay": (lookahead_decay, {**SYNC, "weight_decay": 0.3}),
    "sgd+decay+lookahead": (decay_lookahead, {**SYNC, "weight_decay": 0.3}),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", RULES)
def test_modified_rules_are_transcribed(name, function):
    rule = catalog.optimizer(name)
    transcription, more = RULES[name]
    f, grad, x0, lr = FUNCTIONS[function]
    hypers = [{"lr": k * lr, **more} for k in (0.2, 0.1)]
    calls = rule.evals_per_step
    judged, points = walk(rule, f, x0, hypers, STEPS * calls)
    for lane, hyper in enumerate(hypers):
        asked = Asked(grad)
        expected = [np.array(x0), *transcription(asked, np.array(x0), STEPS, **hyper)]
        agree(judged[lane, ::calls], expected)
        if name != "nag+decay":
            agree(points[lane], asked.points)


def test_a_rule_without_a_rate_decays_by_the_weight_decay_itself():
    f, grad, x0, _ = FUNCTIONS["quadratic"]
    hyper = {"gamma": 0.9, "eps": 1e-6, "weight_decay": 0.01}
    judged, _ = walk(catalog.optimizer("adadelta+decay"), f, x0, [hyper], STEPS)
    agree(judged[0], [np.array(x0), *adadelta_decay(grad, np.array(x0), STEPS, **hyper)])


def optax_path(transform, f, x0, steps):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):

        @jax.jit
        def run(x):
            def move(carry, _):
                x, state = carry
                updates, state = transform.update(jax.grad(f)(x), state, x)
                return (optax.apply_updates(x, updates), state), x

            return jax.lax.scan(move, (x, transform.init(x)), length=steps)[1]

        return np.asarray(run(jnp.array(x0)))


def test_adam_with_decay_is_optax_adamw():
    f, _, x0, _ = FUNCTIONS["rosenbrock"]
    hyper = {"lr": 1e-3, "b1": 0.9, "b2": 0.99, "eps": 0.0, "weight_decay": 0.1}
    judged, _ = walk(catalog.optimizer("adam+decay"), f, x0, [hyper], 300)
    expected = optax_path(optax.adamw(1e-3, 0.9, 0.99, eps=0.0, weight_decay=0.1), f, x0, 300)
    agree(judged[0, :-1], expected)


@pytest.mark.parametrize("name", ["adam+decay+warmup+cosine", "adam+cosine+decay+warmup", "adam+warmup+cosine+decay"])
def test_decay_takes_the_scheduled_rate_wherever_the_schedule_stands(name):
    f, _, x0, _ = FUNCTIONS["rosenbrock"]
    adam = {"lr": 1e-3, "b1": 0.9, "b2": 0.99, "eps": 0.0, "weight_decay": 0.1}
    hyper = {**adam, "horizon": 300.0, "warmup_share": 0.1, "final_fraction": 0.2}
    judged, _ = walk(catalog.optimizer(name), f, x0, [hyper], 300)
    rise = optax.linear_schedule(1e-3 / 30, 1e-3, 29)
    schedule = optax.join_schedules([rise, optax.cosine_decay_schedule(1e-3, 270, alpha=0.2)], [30])

    # Of optax's counter, an integer of 32 bits, some schedules would make a float of as many.
    def rate(count):
        return schedule(count.astype(jnp.float64))

    expected = optax_path(optax.adamw(rate, 0.9, 0.99, eps=0.0, weight_decay=0.1), f, x0, 300)
    agree(judged[0, :-1], expected)


@pytest.mark.parametrize(
    ("name", "hyper", "transform"),
    [
        ("clip", {"clip_norm": 3.0}, optax.clip_by_global_norm(3.0)),
        ("clip_value", {"clip_value": 2.0}, optax.clip(2.0)),
    ],
)
def test_clipping_is_optax_clipping(name, hyper, transform):
    f, _, x0, lr = FUNCTIONS["rosenbrock"]
    judged, _ = walk(catalog.optimizer(f"sgd+{name}"), f, x0, [{"lr": lr, **hyper}], 300)
    agree(judged[0, :-1], optax_path(optax.chain(transform, optax.sgd(lr)), f, x0, 300), 1e-12)


def test_gradients_too_long_to_square_are_clipped_and_short_ones_left_alone_to_the_bit():
    rule, x = catalog.optimizer("sgd+clip"), np.zeros(2)
    hyper = {"lr": np.float64(1), "clip_norm": np.float64(5)}
    for grad, expected in (([3e200, 4e200], [-3.0, -4.0]), ([0.1, 0.2], [-0.1, -0.2]), ([0.0, 0.0], [0.0, 0.0])):
        moved, _, _ = rule.update(x, (), np.float64(0), jnp.array(grad), hyper)
        np.testing.assert_allclose(moved, expected, rtol=2e-16)


def curvature_rule():
    """Newton along the gradient, two calls a step: the gradient, then the Hessian times it."""

    def init(params, hyper):
        return {"calls": jnp.zeros((), jnp.int32), "g": jnp.zeros_like(params)}

    def update(params, state, value, grad, hyper):
        g, hvp = grad
        last = state["calls"] % 2 == 1
        size = jnp.sum(state["g"] * state["g"]) / jnp.where(last, jnp.sum(state["g"] * hvp), 1.0)
        moved = jnp.where(last, params - hyper["lr"] * size * state["g"], params)
        return moved, {"calls": state["calls"] + 1, "g": g}, (moved, jnp.where(last, jnp.zeros_like(g), g))

    return Optimizer(
        name="newton_line",
        init=init,
        update=update,
        hyper={"lr": Hyper(1.0, "test")},
        looks_ahead=True,
        curved=True,
        counts=lambda state: Counts(state["calls"] // 2, state["calls"] // 2),
        ranked=False,
        max_dim=7,
        doc="d",
    )


def test_a_curved_rule_has_its_gradient_clipped_its_product_not_and_decays_once_a_step():
    f, grad, x0, _ = FUNCTIONS["quadratic"]
    rule = modified(curvature_rule(), ("clip", "decay", "linear"))
    hyper = {"lr": 0.5, "clip_norm": 2.0, "weight_decay": 0.1, "horizon": 50.0, "final_fraction": 0.2}
    judged, points = walk(rule, f, x0, [hyper], 60)
    W, weights, path = np.array(x0), np.array([1.0, 4.0, 9.0]), [np.array(x0)]
    for t in range(30):
        g = shortened(grad(W), 2.0)
        lr = 0.5 * (0.2 + 0.8 * (1 - t / 50))
        W = W - lr * (g @ g) / (g @ (weights * g)) * g - lr * 0.1 * W
        path.append(W)
    agree(judged[0, ::2], path)
    assert np.array_equal(points[0], judged[0, :-1])
    assert (rule.curved, rule.looks_ahead, rule.ranked, rule.max_dim) == (True, True, False, 7)
    with pytest.raises(UsageError, match="lookahead needs a rule whose steps all cost the same; newton_line is none"):
        modified(curvature_rule(), ("lookahead",))
    with pytest.raises(UsageError, match="sam needs a rule whose steps cost one gradient"):
        modified(curvature_rule(), ("sam",))


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_takes_them(name):
    rule = catalog.optimizer(name)
    wanted = ["clip"] if "weight_decay" in rule.hyper else ["clip", "decay"]
    if "lr" in rule.hyper:
        wanted += ["warmup", "cosine"]
    changed = catalog.optimizer("+".join([name, *wanted]))
    assert changed.name == "+".join([name, *wanted])
    assert (changed.looks_ahead, changed.curved, changed.evals_per_step) == (
        rule.looks_ahead,
        rule.curved,
        rule.evals_per_step,
    )
    assert (changed.counts is None) == (rule.counts is None)
    assert (changed.swept, changed.ranked, changed.max_dim) == (rule.swept, rule.ranked, rule.max_dim)
    assert list(changed.hyper)[: len(rule.hyper)] == list(rule.hyper)
    assert sum(h.search is not None and key != changed.swept for key, h in changed.hyper.items()) <= MAX_RANGES
    assert changed.doc.startswith(rule.doc)
    assert len(changed.doc) > len(rule.doc)
    x = jax.ShapeDtypeStruct((3,), jnp.float64)
    scalar = jax.ShapeDtypeStruct((), jnp.float64)
    hyper = dict.fromkeys(changed.hyper, scalar)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        state = jax.eval_shape(changed.init, x, hyper)
        grad = (x, x) if rule.curved else x
        params, after, point = jax.eval_shape(changed.update, x, state, scalar, grad, hyper)
    assert (params.shape, params.dtype) == (x.shape, x.dtype)
    assert [leaf.shape for leaf in jax.tree.leaves(point)] == [(3,)] * (1 + rule.curved)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    for old, new in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype) == (new.shape, new.dtype)


def test_the_same_name_is_the_same_object():
    assert catalog.optimizer("adam+warmup+cosine") is catalog.optimizer("adam+warmup+cosine")
    assert catalog.optimizer("adam+cosine") is not catalog.optimizer("adam+linear")


def test_modifiers_apply_to_a_rule_of_the_users(monkeypatch):
    module = types.ModuleType("mine")
    module.rule = curvature_rule()
    monkeypatch.setitem(sys.modules, "mine", module)
    found = catalog.optimizer("mine:rule+clip")
    assert found.name == "mine:rule+clip"
    assert found is catalog.optimizer("mine:rule+clip")


def test_a_rule_sees_its_own_hyperparameters_only():
    def update(params, state, value, grad, hyper):
        assert list(hyper) == ["lr"]
        return params, state, params

    rule = Optimizer("strict", lambda params, hyper: [*hyper], update, {"lr": Hyper(1.0, "test")})
    changed = modified(rule, ("clip", "decay", "lookahead"))
    hyper = {name: np.float64(value) for name, value in changed.defaults().items()}
    state = changed.init(np.ones(2), hyper)
    assert state.inner.inner == ["lr"]
    changed.update(np.ones(2), state, np.float64(0), jnp.ones(2), hyper)


def test_a_modifiers_ranges_go_before_the_rules_own():
    hyper = catalog.optimizer("adam+decay+clip").hyper
    assert [key for key, h in hyper.items() if h.search] == ["lr", "b1", "weight_decay", "clip_norm"]
    assert [key for key, h in catalog.optimizer("adam").hyper.items() if h.search] == ["lr", "b1", "b2", "eps"]
    for name in NAMES:
        rule = catalog.optimizer(name)
        for key, h in rule.hyper.items():
            assert h.search is None or (h.allows(h.search.low) and h.allows(h.search.high)), (name, key)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adam+cosin", "unknown modifier 'cosin'; did you mean 'cosine'?"),
        ("adam+clip+clip", "modifier 'clip' is given twice"),
        ("adam+cosine+linear", "one schedule at a time, beside warmup; got cosine, linear"),
        ("sam+asam", "asam needs a rule whose steps cost one gradient; sam is none"),
        ("adm+cosine", "unknown optimizer 'adm'; did you mean 'adam'"),
        ("adadelta+warmup", "adadelta has no lr that warmup could act on; its one rate-like constant is eps"),
        ("adam+", f"unknown modifier ''; known: {', '.join(sorted(MODIFIERS))}"),
        (
            "adam+clp+cosne",
            "unknown modifier 'clp'; did you mean 'clip'?\nunknown modifier 'cosne'; did you mean 'cosine'?",
        ),
    ],
)
def test_what_cannot_be_is_explained(name, message):
    with pytest.raises(UsageError) as caught:
        catalog.optimizer(name)
    assert str(caught.value).startswith(message)


def test_hyperparameters_share_one_namespace():
    taken = Optimizer(
        "mine", curvature_rule().init, curvature_rule().update, {"lr": Hyper(1, "t"), "horizon": Hyper(1, "t")}
    )
    message = "cosine cannot be added to mine, which has its own 'horizon': set that instead"
    with pytest.raises(UsageError, match=message):
        modified(taken, ("cosine",))


def test_the_functions_by_hand_are_the_ones_that_are_followed():
    for f, grad, x0, _ in FUNCTIONS.values():
        np.testing.assert_allclose(jax.grad(f)(jnp.array(x0)), grad(np.array(x0)), rtol=1e-14)
    assert quadratic(np.array([1.0, -2.0, 0.5])) == 0
