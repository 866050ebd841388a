"""A rule that learns, and after some steps makes one that is larger than any number."""

from __future__ import annotations

import jax.numpy as jnp

from optbench.core.optimizer import Hyper, Optimizer


def _init(params, hyper):
    return jnp.zeros((), params.dtype)


def _update(params, steps, value, grad, hyper):
    lr = jnp.where(steps < hyper["steps"], hyper["lr"], jnp.inf)
    params = params - lr * grad
    return params, steps + 1.0, params


burster = Optimizer(
    name="burster",
    init=_init,
    update=_update,
    hyper={"lr": Hyper(0.1, "that of gradient descent"), "steps": Hyper(60.0, "so many end well")},
)
