"""Rules of a user, for the tests: one that asks for two gradients a step, and some that do not work."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench import catalog
from optbench.core.optimizer import Counts, Hyper, Optimizer


class Phase(NamedTuple):
    """Whether the gradient at hand is the one at the perturbed point, 0 or 1."""

    perturbed: Array


def _zero_phase(params, hyper):
    return Phase(jnp.zeros((), params.dtype))


def _sam(params, state, value, grad, hyper):
    second = state.perturbed > 0.5
    ascent = params + hyper["rho"] * grad / jnp.maximum(jnp.sqrt(jnp.sum(grad * grad)), 1e-300)
    moved = jnp.where(second, params - hyper["lr"] * grad, params)
    return moved, Phase(1.0 - state.perturbed), jnp.where(second, moved, ascent)


#: Sharpness-aware minimization of SGD (Foret et al. 2021): a gradient, a climb of length rho, a gradient there.
sam = Optimizer(
    name="sam",
    init=_zero_phase,
    update=_sam,
    hyper={"lr": Hyper(1e-2, "test"), "rho": Hyper(0.05, "test", open_low=False)},
    looks_ahead=True,
    evals_per_step=2,
)

_SGD = catalog.optimizer("sgd")


def _refuse(params, state, value, grad, hyper):
    raise RuntimeError("this rule refuses to move\nand says so at length")


def _scalar(params, state, value, grad, hyper):
    return jnp.sum(params), state, params


def _pair(params, state, value, grad, hyper):
    return params, state


def _single(params, state, value, grad, hyper):
    params = (params - hyper["lr"] * grad).astype(jnp.float32)
    return params, state, params


def _keeps(params, state, value, grad, hyper):
    return params, state, params


def _grows(params, state, value, grad, hyper):
    return params, (grad,), params


def _key(params, hyper):
    return (jax.random.key(0),)


raising = replace(_SGD, name="raising", update=_refuse)
wrong_shape = replace(_SGD, name="wrong_shape", update=_scalar)
no_point = replace(_SGD, name="no_point", update=_pair)
wrong_type = replace(_SGD, name="wrong_type", update=_single)
grows = replace(_SGD, name="grows", update=_grows)
key_state = replace(_SGD, name="key_state", init=_key, update=_keeps)

#: A user's own rule that bears the name of one of ours: SGD at twice the rate.
sgd = replace(_SGD, update=lambda params, state, value, grad, hyper: _SGD.update(params, state, value, 2 * grad, hyper))

#: Gradients that ``spy`` remembers.
HEARD = 12


class Heard(NamedTuple):
    """What a spy was shown: gradients (HEARD, dim) and values (HEARD,) of its first calls, and how many there were."""

    grads: Array
    values: Array
    calls: Array


def _ears(params, hyper):
    return Heard(jnp.zeros((HEARD, *params.shape)), jnp.zeros(HEARD), jnp.zeros((), jnp.int32))


def _listen(params, state, value, grad, hyper):
    grads, values = state.grads.at[state.calls].set(grad), state.values.at[state.calls].set(value)
    return params, Heard(grads, values, state.calls + 1), params


def _thrice(state):
    return Counts(state.calls // 3, jnp.zeros((), jnp.int32))


#: Rules that stay where they are and remember what they see: one, two and three evaluations a step.
spy = replace(_SGD, name="spy", init=_ears, update=_listen)
spy_of_two = replace(spy, name="spy_of_two", evals_per_step=2)
spy_of_three = replace(spy, name="spy_of_three", counts=_thrice)
