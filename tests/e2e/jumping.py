"""A rule that learns nothing: it jumps at random in the box, whatever the gradient says."""

from __future__ import annotations

import jax.numpy as jnp

from optbench.core.optimizer import Hyper, Optimizer


def _init(params, hyper):
    # The start is the seed: every start has jumps of its own.
    return params, jnp.zeros((), params.dtype)


def _update(params, state, value, grad, hyper):
    seed, step = state
    mixed = jnp.sin(12.9898 * seed + 78.233 * (step + 1.0) + 4.1414 * jnp.arange(seed.size)) * 43758.5453
    # In normalized units every box is 10 wide about 0.
    params = 10.0 * (mixed - jnp.floor(mixed)) - 5.0
    return params + 0.0 * hyper["lr"], (seed, step + 1.0), params


jumper = Optimizer(name="jumper", init=_init, update=_update, hyper={"lr": Hyper(1e-2, "it has no use for one")})
