"""optax's Sophia: a Hessian-vector product in every tenth step, asked for as such and counted.

Inside optax the product is taken by the transformation itself, of a function that it is handed. Here a
rule asks for products through its ``point``, so optax's estimator of the Hessian's diagonal is replaced
by one that reads the product; everything else is optax's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from optax import contrib

from optbench.core.objective import Params
from optbench.core.optimizer import Counts, HyperValues, Optimizer
from optbench.optimizers.from_optax import start_key, usual_promotion
from optbench.optimizers.optax_hypers import constant, decay, epsilon, rate, share, squares

#: Steps from one product to the next.
_INTERVAL = 10
#: A gradient costs 1 and a product 2, so a step with both is three calls, of which the first two only wait.
_IDLE = 2


class SophiaCalls(NamedTuple):
    """State of Sophia.

    Attributes:
        inner: optax's own state.
        waited: Calls waited through in this step.
    """

    inner: Any
    waited: Array


class _Signs(NamedTuple):
    """State of the estimator: the key of its next draw, as numbers."""

    key: Array


def _draw(key: Array, params: Params) -> tuple[Array, Params]:
    """Returns the next key and a vector of random signs, drawn as optax's Hutchinson estimator draws them."""
    key, subkey = jax.random.split(key)
    signs = optax.tree.random_like(subkey, params, jax.random.rademacher, dtype=jnp.float32)
    return key, optax.tree.cast(signs, optax.tree.dtype(params, "lowest"))


def _estimator(key: Array) -> optax.GradientTransformationExtraArgs:
    def init(params: Params) -> _Signs:
        return _Signs(key)

    def update(updates: Any, state: _Signs, params: Any = None, *, product: Any, **extra: Any) -> tuple[Any, _Signs]:
        following, signs = _draw(state.key, params)
        return jax.tree.map(jnp.multiply, product, signs), _Signs(following)

    return optax.GradientTransformationExtraArgs(init, update)


def _build(hyper: HyperValues, key: Array) -> optax.GradientTransformationExtraArgs:
    named = {"learning_rate" if name == "lr" else name: value for name, value in hyper.items()}
    return contrib.sophia(**named, update_interval=_INTERVAL, hessian_diagonal_fn=_estimator(key))


def _init(params: Params, hyper: HyperValues) -> SophiaCalls:
    with usual_promotion():
        inner = _build(hyper, jax.random.key_data(start_key(params, "sophia"))).init(params)
    return SophiaCalls(inner, jnp.zeros((), jnp.int32))


def _update(
    params: Params, state: SophiaCalls, value: Array, grad: tuple[Params, Params], hyper: HyperValues
) -> tuple[Params, SophiaCalls, tuple[Params, Params]]:
    sophia = state.inner[0]
    acts = state.waited == jnp.where(sophia.count % _INTERVAL == 0, _IDLE, 0)
    with usual_promotion():
        _, direction = _draw(sophia.hessian_fn_state.key, params)
        transform = _build(hyper, sophia.hessian_fn_state.key)
        updates, inner = transform.update(grad[0], state.inner, params, product=grad[1])
        moved = optax.apply_updates(params, updates)
        kept = (params, state.inner, state.waited + 1)
        done = (moved, inner, jnp.zeros_like(state.waited))
        params, inner, waited = jax.tree.map(lambda new, old: jnp.where(acts, new, old).astype(old.dtype), done, kept)
    return params, SophiaCalls(inner, waited), (params, direction)


def _counts(state: SophiaCalls) -> Counts:
    steps = state.inner[0].count
    return Counts(steps, (steps + _INTERVAL - 1) // _INTERVAL)


sophia = Optimizer(
    name="sophia",
    init=_init,
    update=_update,
    looks_ahead=True,
    curved=True,
    counts=_counts,
    hyper={
        "lr": rate(4e-4, "Liu et al. 2023, for their smallest model; optax has none"),
        "b1": share(0.965, "Liu et al. 2023, section 3; optax's default, 0.96 in the paper", tuned=True),
        "b2": squares(0.99, "Liu et al. 2023, section 3; optax's default", tuned=True),
        "eps": epsilon(1e-8),
        "gamma": constant(0.01, "Liu et al. 2023, section 3, for Hutchinson's estimator; optax's default", decades=2),
        "clip_threshold": constant(1.0, "Liu et al. 2023, algorithm 3; optax's default", open_low=True),
        "weight_decay": decay("1e-4"),
    },
    doc=r"""Sophia: momentum over a running estimate of the Hessian's diagonal, each coordinate clipped.

$$m' = \beta_1 m + (1-\beta_1) g, \quad W' = W - \eta\, \operatorname{clip}\Bigl(\frac{m'/(1-\beta_1^t)}{\max(\gamma h,
\epsilon)},\, \pm c\Bigr), \quad h' = \beta_2 h + (1-\beta_2)\, u \odot (\nabla^2 f(W)\, u) \text{ every 10 steps}$$

$u$ has random signs, drawn from a key made of the start; $c$ is `clip_threshold`. A step with a Hessian-vector product
costs 3, the others 1. Where curvature is negative or not seen yet the ratio is clipped, so that it is sign descent.
optax takes signs where the paper takes normal draws, corrects the mean, and uses each estimate one step later.

Reference: Liu, Li, Hall, Liang and Ma 2023, "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model
Pre-training", arXiv:2305.14342, algorithm 3.""",
)
