"""Nonlinear conjugate gradients: each direction keeps a share of the last one."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from optbench.core.objective import Params
from optbench.core.optimizer import Counts, Hyper, HyperValues, Optimizer, Search
from optbench.optimizers.line_search import C1, Wolfe, begin, rescaled, seen, strong_wolfe, zero_wolfe
from optbench.optimizers.ranges import RATE
from optbench.optimizers.trees import dot


class ConjugateState(NamedTuple):
    """State of nonlinear conjugate gradients.

    Attributes:
        line: The search.
        g: Gradient at the iterate, one vector.
        d: Direction.
        steps: Steps completed, int32.
    """

    line: Wolfe
    g: Array
    d: Array
    steps: Array


def _zero(params: Params, hyper: HyperValues) -> ConjugateState:
    x, _ = ravel_pytree(params)
    return ConjugateState(zero_wolfe(x), jnp.zeros_like(x), jnp.zeros_like(x), jnp.zeros((), jnp.int32))


def _nonlinear_cg(
    params: Params, state: ConjugateState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, ConjugateState, Params]:
    x, tree = ravel_pytree(params)
    f, new_g = seen(value, grad)
    line, outcome = strong_wolfe(state.line, f, dot(new_g, state.d), hyper["c1"], hyper["c2"])
    x = jnp.where(outcome.accepted, x + line.alpha * state.d, x)
    g = jnp.where(outcome.arrived, new_g, state.g)

    ratio = dot(new_g, new_g - state.g) / dot(state.g, state.g)
    beta = jnp.where(outcome.accepted & (ratio > 0), ratio, 0.0)
    conjugate = beta * state.d - g
    descends = dot(g, conjugate) < 0
    over = outcome.first | outcome.stepped
    d = jnp.where(over, jnp.where(descends, conjugate, -g), state.d)

    slope = dot(g, d)
    alpha = jnp.where(outcome.first, hyper["lr"], rescaled(line.alpha, line.slope, slope))
    line = begin(line, outcome, f, slope, alpha)
    steps = state.steps + outcome.stepped.astype(jnp.int32)
    return tree(x), ConjugateState(line, g, d, steps), tree(x + line.alpha * d)


nonlinear_cg = Optimizer(
    name="nonlinear_cg",
    init=_zero,
    update=_nonlinear_cg,
    hyper={
        "lr": Hyper(1.0, "this package: first trial step, which the search corrects", search=RATE),
        "c1": C1,
        "c2": Hyper(
            0.1,
            "Nocedal and Wright 2006, section 3.1",
            high=0.5,
            search=Search(1e-3, 0.4, "Nocedal and Wright 2006, section 5.2: below 1/2"),
        ),
    },
    looks_ahead=True,
    counts=lambda state: Counts(state.steps),
    doc=r"""Nonlinear conjugate gradients after Polak and Ribiere, with a strong-Wolfe line search.

$$d' = -g' + \beta\, d, \qquad \beta = \max\left(0, \frac{g'^T (g' - g)}{|g|^2}\right), \qquad W' = W + \alpha\, d$$

It restarts along $-g'$ wherever $\beta$ is zero, the direction does not descend, or a search was given up. The first
trial of a search predicts the last step's decrease; the very first is `lr` along $-g$.

Each trial costs one gradient, which an accepted trial hands on. State: two vectors, the trial point and twelve numbers.

Reference: Polak and Ribiere 1969, "Note sur la convergence de methodes de directions conjuguees"; Gilbert and Nocedal
1992, "Global convergence properties of conjugate gradient methods for optimization" (PR+); Nocedal and Wright 2006,
"Numerical Optimization", section 5.2.""",
)
