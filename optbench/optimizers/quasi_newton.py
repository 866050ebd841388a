"""L-BFGS: optax's two-loop direction along our strong-Wolfe search."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.flatten_util import ravel_pytree

from optbench.core.objective import Params
from optbench.core.optimizer import Counts, Hyper, HyperValues, Optimizer, Search
from optbench.optimizers.line_search import (
    C1,
    Wolfe,
    begin,
    rescaled,
    seen,
    strong_wolfe,
    zero_wolfe,
)
from optbench.optimizers.ranges import RATE
from optbench.optimizers.trees import dot, where

_DIRECTION = optax.scale_by_lbfgs(memory_size=10)


class LbfgsState(NamedTuple):
    """State of L-BFGS.

    Attributes:
        line: The search.
        d: Direction, one vector.
        memory: optax's state: iterate, gradient, and the last ten differences of each, (10, dim).
        steps: Steps completed, int32.
    """

    line: Wolfe
    d: Array
    memory: Any
    steps: Array


def _zero(params: Params, hyper: HyperValues) -> LbfgsState:
    x, _ = ravel_pytree(params)
    memory = _DIRECTION.init(x)
    memory = memory._replace(weights_memory=memory.weights_memory.astype(x.dtype))
    return LbfgsState(zero_wolfe(x), jnp.zeros_like(x), memory, jnp.zeros((), jnp.int32))


def _forget(flag: Array, memory: Any) -> Any:
    # A pair of weight zero has no part in the two loops.
    return memory._replace(weights_memory=jnp.where(flag, 0.0, memory.weights_memory))


def _lbfgs(
    params: Params, state: LbfgsState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, LbfgsState, Params]:
    x, tree = ravel_pytree(params)
    f, new_g = seen(value, grad)
    new_slope = dot(new_g, state.d)
    line, outcome = strong_wolfe(state.line, f, new_slope, hyper["c1"], hyper["c2"])
    x = jnp.where(outcome.accepted, x + line.alpha * state.d, x)
    g = jnp.where(outcome.arrived, new_g, state.memory.updates)

    # A step without the second Wolfe condition may have no positive curvature, which a pair must have.
    unfit = outcome.failed | (outcome.accepted & (new_slope <= line.slope))
    with jax.numpy_dtype_promotion("standard"):
        scaled, memory = _DIRECTION.update(g, _forget(unfit, state.memory), x)
    memory = jax.tree.map(lambda new, old: new.astype(old.dtype), memory, state.memory)
    descends = dot(g, scaled) > 0
    over = outcome.first | outcome.stepped
    d = jnp.where(over, jnp.where(descends, -scaled, -g), state.d)
    memory = where(over, _forget(unfit | ~descends, memory), state.memory)

    slope = dot(g, d)
    again = jnp.where(outcome.failed, rescaled(line.alpha, line.slope, slope), 1.0)
    line = begin(line, outcome, f, slope, jnp.where(outcome.first, hyper["lr"], again))
    steps = state.steps + outcome.stepped.astype(jnp.int32)
    return tree(x), LbfgsState(line, d, memory, steps), tree(x + line.alpha * d)


lbfgs = Optimizer(
    name="lbfgs",
    init=_zero,
    update=_lbfgs,
    hyper={
        "lr": Hyper(1.0, "optax 0.2.8, scale_by_lbfgs: first direction of length at most 1", search=RATE),
        "c1": C1,
        "c2": Hyper(
            0.9,
            "Nocedal and Wright 2006, section 3.1; Liu and Nocedal 1989, section 3",
            high=1.0,
            search=Search(0.1, 0.95, "Nocedal and Wright 2006, section 3.1: from near-exact to loose", "linear"),
        ),
    },
    looks_ahead=True,
    counts=lambda state: Counts(state.steps),
    doc=r"""L-BFGS with ten pairs and a strong-Wolfe line search.

$$d = -H_k\, g, \qquad W' = W + \alpha\, d, \qquad s = W' - W,\; y = g' - g$$

$H_k$ is the inverse BFGS matrix that the last ten pairs $(s, y)$ make of $\gamma I$ with $\gamma = s^T y / y^T y$ of
the newest; `optax.scale_by_lbfgs` computes $H_k g$ in two loops, only at accepted points. Every search first tries 1,
the very first one `lr` along $-g \min(1, 1/|g|)$. After 20 trials the lowest step with the Armijo condition is taken;
without one, or where curvature or descent is lost, the pairs are forgotten and the next direction is $-g$.

Each trial costs one gradient, which an accepted trial hands on. State: 23 vectors, the trial point and 23 numbers.

Reference: Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization"; Nocedal and Wright
2006, "Numerical Optimization", algorithms 7.4 and 7.5.""",
)
