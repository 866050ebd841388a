"""SAM and ASAM against transcriptions of their papers and against optax, iterate by iterate."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax.contrib
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.optimizers.adaptive import adam
from optbench.optimizers.gradient import momentum, nag, sgd
from optbench.optimizers.sharpness_aware import sharpness_aware
from tests.optimizers.walks import FUNCTIONS, Asked, agree, walk

STEPS = 250


def sam_step(grad, at, rho):
    g = grad(at)
    return grad(at + rho * g / np.linalg.norm(g))


def asam_step(grad, at, rho, eta):
    g = grad(at)
    T = np.abs(at) + eta
    return grad(at + rho * T**2 * g / np.linalg.norm(T * g))


def sam(grad, W, steps, *, lr, rho):
    for _ in range(steps):
        W = W - lr * sam_step(grad, W, rho)
        yield W


def asam(grad, W, steps, *, lr, rho, eta):
    for _ in range(steps):
        W = W - lr * asam_step(grad, W, rho, eta)
        yield W


def momentum_sam(grad, W, steps, *, lr, beta, rho):
    a = 0.0 * W
    for _ in range(steps):
        a = beta * a + sam_step(grad, W, rho)
        W = W - lr * a
        yield W


def nag_sam(grad, W, steps, *, lr, beta, rho):
    a = 0.0 * W
    for _ in range(steps):
        a = beta * a + sam_step(grad, W - lr * beta * a, rho)
        W = W - lr * a
        yield W


def adam_asam(grad, W, steps, *, lr, b1, b2, eps, rho, eta):
    m, v = 0.0 * W, 0.0 * W
    for t in range(1, steps + 1):
        g = asam_step(grad, W, rho, eta)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        W = W - lr / np.sqrt(v + eps) * np.sqrt(1 - b2**t) / (1 - b1**t) * m
        yield W


RULES = {
    "sam": (catalog.optimizer("sam"), sam, [{"rho": 0.02}, {"rho": 0.1}, {"rho": 0.0}]),
    "asam": (catalog.optimizer("asam"), asam, [{"rho": 0.05, "eta": 0.01}, {"rho": 0.02, "eta": 0.3}]),
    "momentum+sam": (sharpness_aware(momentum), momentum_sam, [{"beta": 0.8, "rho": 0.01}, {"beta": 0.5, "rho": 0.05}]),
    "nag+sam": (sharpness_aware(nag), nag_sam, [{"beta": 0.8, "rho": 0.01}, {"beta": 0.5, "rho": 0.05}]),
    "adam+asam": (
        sharpness_aware(adam, adaptive=True),
        adam_asam,
        [{"b1": 0.8, "b2": 0.99, "eps": 1e-3, "rho": 0.1, "eta": 0.1}],
    ),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", RULES)
def test_iterates_and_points_are_the_papers(name, function):
    rule, transcription, choices = RULES[name]
    f, grad, x0, lr = FUNCTIONS[function]
    hypers = [{"lr": lr * k, **choice} for choice in choices for k in (0.1, 0.05)]
    judged, points = walk(rule, f, x0, hypers, 2 * STEPS)
    for lane, hyper in enumerate(hypers):
        asked = Asked(grad)
        expected = [np.array(x0), *transcription(asked, np.array(x0), STEPS, **hyper)]
        agree(judged[lane, ::2], expected)
        agree(points[lane], asked.points)
        assert np.array_equal(judged[lane, 1::2], judged[lane, :-1:2]), "perturbed, or moved in the middle of a step"


def test_it_is_optax_sam():
    f, _, x0, _ = FUNCTIONS["rosenbrock"]
    judged, points = walk(catalog.optimizer("sam"), f, x0, [{"lr": 4e-4, "rho": 0.1}], 400)
    adversary = optax.chain(optax.contrib.normalize(), optax.sgd(0.1))
    transform = optax.contrib.sam(optax.sgd(4e-4), adversary, sync_period=2)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):

        @jax.jit
        def run(x):
            def move(carry, _):
                x, state = carry
                updates, state = transform.update(jax.grad(f)(x), state, x)
                return (optax.apply_updates(x, updates), state), x

            return jax.lax.scan(move, (x, transform.init(x)), length=400)[1]

        expected = np.asarray(run(jnp.array(x0)))
    agree(points[0], expected)
    agree(judged[0, :-1:2], expected[::2])


def test_no_radius_is_the_inner_rule():
    f, _, x0, lr = FUNCTIONS["rosenbrock"]
    plain, _ = walk(momentum, f, x0, [{"lr": lr, "beta": 0.9}], 200)
    judged, _ = walk(sharpness_aware(momentum), f, x0, [{"lr": lr, "beta": 0.9, "rho": 0.0}], 400)
    assert np.array_equal(judged[0, ::2], plain[0])


def test_a_zero_gradient_perturbs_nothing_and_a_tiny_one_by_the_whole_radius():
    rule, hyper = catalog.optimizer("sam"), {"lr": np.float64(0.1), "rho": np.float64(0.5)}
    x, aside = np.array([1.0, 2.0]), np.array([1.3, 2.4])
    for grad, expected in (([0.0, 0.0], x), ([3e-200, 4e-200], aside), ([3e200, 4e200], aside)):
        _, _, point = rule.update(x, rule.init(x, hyper), np.float64(0), jnp.array(grad), hyper)
        np.testing.assert_allclose(point, expected, rtol=1e-14)


def test_what_the_first_call_computes_in_vain_never_leaks():
    """The inner rule is also run on the first gradient; when that overflows, the result must be dropped whole."""
    rule, hyper = sharpness_aware(adam), {name: np.float64(v) for name, v in sharpness_aware(adam).defaults().items()}
    x = jnp.array([1.0, 2.0])
    state = rule.init(x, hyper)
    params, state, _ = rule.update(x, state, np.float64(0), jnp.array([1e300, -1e300]), hyper)
    assert np.array_equal(params, x)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))
    params, _, _ = rule.update(params, state, np.float64(0), jnp.array([1.0, 1.0]), hyper)
    expected = adam.update(x, adam.init(x, hyper), np.float64(0), jnp.array([1.0, 1.0]), hyper)[0]
    assert np.array_equal(params, expected)


def test_phase_is_one_integer_for_all_lanes():
    rule, x = catalog.optimizer("sam"), jnp.ones((5, 2))

    def phase(x, lr):
        hyper = {"lr": lr, "rho": lr}
        return rule.update(x, rule.init(x, hyper), jnp.float64(0), x, hyper)[1].phase

    shared = jax.vmap(phase, out_axes=None)(x, jnp.ones(5))
    assert (shared.shape, shared.dtype, int(shared)) == ((), jnp.int32, 1)


def test_a_tree_is_perturbed_as_one_vector():
    rule, hyper = catalog.optimizer("asam"), {"lr": np.float64(0.1), "rho": np.float64(0.5), "eta": np.float64(0.1)}
    flat, g = jnp.array([1.0, -2.0, 3.0]), jnp.array([0.3, 0.4, -0.5])
    tree, gs = {"a": flat[:2], "b": flat[2]}, {"a": g[:2], "b": g[2]}
    whole = rule.update(flat, rule.init(flat, hyper), np.float64(0), g, hyper)[2]
    parts = rule.update(tree, rule.init(tree, hyper), np.float64(0), gs, hyper)[2]
    np.testing.assert_allclose(jnp.concatenate([parts["a"], parts["b"][None]]), whole, rtol=1e-15)


def test_only_rules_of_one_gradient_are_wrapped():
    with pytest.raises(UsageError, match="sam needs a rule whose steps cost one gradient; asam is none"):
        sharpness_aware(catalog.optimizer("asam"))
    assert sharpness_aware(sgd).evals_per_step == 2


def test_on_a_quadratic_it_circles_at_its_stationary_distance():
    """In one dimension W' = W - lr h (W + rho sign W): a cycle at |W| = lr h rho / (2 - lr h)."""
    h, lr, rho = 4.0, 0.1, 0.05
    judged, _ = walk(
        catalog.optimizer("sam"), lambda x: 0.5 * h * jnp.sum(x * x), [3.0], [{"lr": lr, "rho": rho}], 2000
    )
    np.testing.assert_allclose(np.abs(judged[0, -20::2, 0]), lr * h * rho / (2 - lr * h), rtol=1e-10)
