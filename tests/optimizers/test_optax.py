"""The seven rules against optax wherever the formulas coincide; where they do not, the tests say so."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optbench import catalog
from tests.optimizers.notes import error
from tests.optimizers.test_notes import follow

X0 = np.array([-4.0, -6.0])
STEPS = 300


def optax_path(transform, steps=STEPS):
    """Returns optax's iterates on Booth, start included."""
    grad = jax.grad(catalog.problem("booth").f)

    @jax.jit
    def run(x):
        def move(carry, _):
            x, state = carry
            updates, state = transform.update(grad(x), state, x)
            x = optax.apply_updates(x, updates)
            return (x, state), x

        return jax.lax.scan(move, (x, transform.init(x)), length=steps)[1]

    # optax's counters and constants promote silently.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return np.concatenate([X0[None], run(jnp.asarray(X0))])


def ours(name, **hyper):
    rule = catalog.optimizer(name)
    return follow(rule, catalog.problem("booth").objective(), X0, rule.resolve(hyper), STEPS)


@pytest.mark.parametrize(
    ("name", "hyper", "transform"),
    [
        ("sgd", {"lr": 1e-2}, optax.sgd(1e-2)),
        ("momentum", {"lr": 1e-3, "beta": 0.9}, optax.sgd(1e-3, momentum=0.9)),
        # optax.adagrad has epsilon inside the root, too, but scales by 0 where the sum is 0.
        ("adagrad", {"lr": 0.5, "eps": 1e-2}, optax.adagrad(0.5, initial_accumulator_value=0.0, eps=1e-2)),
        # optax's alias has another default (rho = 0.9) and a rate, here 1.
        ("adadelta", {"gamma": 0.95, "eps": 1e-2}, optax.adadelta(1.0, rho=0.95, eps=1e-2)),
        # optax.rmsprop puts epsilon inside the root by default; eps_in_sqrt=False is torch's form.
        (
            "rmsprop",
            {"lr": 1e-2, "gamma": 0.9, "eps": 1e-2},
            optax.rmsprop(1e-2, decay=0.9, eps=1e-2, eps_in_sqrt=True),
        ),
        # optax.adam corrects v inside the root and adds eps outside: equal to the notes' at eps = 0 only.
        ("adam", {"lr": 1e-2, "b1": 0.8, "b2": 0.99, "eps": 0.0}, optax.adam(1e-2, b1=0.8, b2=0.99, eps=0.0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rule_is_optax_s(name, hyper, transform):
    assert error(ours(name, **hyper)[0], optax_path(transform)) < 1e-11


def test_optax_nesterov_is_the_path_of_our_lookahead_points():
    """With ``u = W - lr beta a`` optax's ``u' = u - lr (beta a' + g)`` is the notes' rule seen from the lookahead."""
    params, points = ours("nag", lr=1e-3, beta=0.9)
    theirs = optax_path(optax.sgd(1e-3, momentum=0.9, nesterov=True))
    assert error(points, theirs) < 1e-11
    assert error(params, theirs) > 1e-3


def test_optax_eps_root_is_the_notes_epsilon_only_when_corrected():
    """``sqrt(v + eps)`` over ``sqrt(1 - b2^t)`` is ``sqrt(v_hat + eps/(1 - b2^t))``: optax's eps_root, changing with t.

    At one step the two agree for ``eps_root = eps/(1 - b2^t)``; over many steps with a constant they cannot.
    """
    eps, b2 = 0.5, 0.9
    first = optax_path(optax.adam(1e-1, b1=0.9, b2=b2, eps=0.0, eps_root=eps / (1 - b2)), steps=1)
    mine, _ = ours("adam", lr=1e-1, b1=0.9, b2=b2, eps=eps)
    assert error(mine[:2], first) < 1e-14
    constant = optax_path(optax.adam(1e-1, b1=0.9, b2=b2, eps=0.0, eps_root=eps))
    assert error(mine, constant) > 1e-6


def test_optax_adam_with_epsilon_outside_is_another_rule():
    mine, _ = ours("adam", lr=1e-2, eps=1e-2)
    assert error(mine, optax_path(optax.adam(1e-2, eps=1e-2))) > 1e-5
    assert error(mine, optax_path(optax.adam(1e-2, eps=0.0, eps_root=1e-2))) > 1e-6


def test_optax_rmsprop_with_epsilon_outside_is_another_rule():
    mine, _ = ours("rmsprop", lr=1e-2, gamma=0.9, eps=1e-2)
    assert error(mine, optax_path(optax.rmsprop(1e-2, decay=0.9, eps=1e-2, eps_in_sqrt=False))) > 1e-4
