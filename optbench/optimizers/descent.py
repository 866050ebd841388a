"""Gradient descent that chooses its step anew each time: Armijo backtracking, and the strong Wolfe conditions."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from optbench.core.objective import Params
from optbench.core.optimizer import Counts, Hyper, HyperValues, Optimizer, Search
from optbench.optimizers.line_search import (
    C1,
    LARGEST,
    MAX_TRIALS,
    START,
    Backtracking,
    Wolfe,
    backtrack,
    begin,
    rescaled,
    seen,
    strong_wolfe,
    zero_backtracking,
    zero_wolfe,
)
from optbench.optimizers.ranges import RATE
from optbench.optimizers.trees import dot

_TRIAL = START + 1
_LR = Hyper(1.0, "this package: first trial step, which the search corrects", search=RATE)


class ArmijoState(NamedTuple):
    """State of gradient descent with backtracking.

    Attributes:
        phase: ``START`` before the first call, int32.
        line: The search.
        d: Negative gradient at the iterate, one vector.
        steps: Steps completed, int32.
    """

    phase: Array
    line: Backtracking
    d: Array
    steps: Array


class WolfeState(NamedTuple):
    """State of gradient descent with a strong-Wolfe search.

    Attributes:
        line: The search.
        d: Negative gradient at the iterate, one vector.
        steps: Steps completed, int32.
    """

    line: Wolfe
    d: Array
    steps: Array


def _zero_armijo(params: Params, hyper: HyperValues) -> ArmijoState:
    x, _ = ravel_pytree(params)
    count = jnp.zeros((), jnp.int32)
    return ArmijoState(count + START, zero_backtracking(x), jnp.zeros_like(x), count)


def _gd_armijo(
    params: Params, state: ArmijoState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, ArmijoState, Params]:
    x, tree = ravel_pytree(params)
    f, g = seen(value, grad)
    first = state.phase == START
    passed, line = backtrack(state.line, f, hyper["c1"], hyper["shrink"])
    accepted = ~first & passed
    failed = ~first & ~passed & (line.trials >= MAX_TRIALS)
    arrived, over = first | accepted, first | accepted | failed

    taken = state.line.alpha
    x = jnp.where(accepted, x + taken * state.d, x)
    d = jnp.where(arrived, -g, state.d)
    grown = jnp.minimum(taken * hyper["growth"], LARGEST)
    line = Backtracking(
        f=jnp.where(arrived, f, line.f),
        slope=-dot(d, d),
        alpha=jnp.where(first, hyper["lr"], jnp.where(accepted, grown, line.alpha)),
        trials=jnp.where(over, 0, line.trials),
    )
    steps = state.steps + (accepted | failed).astype(jnp.int32)
    moved = ArmijoState(jnp.full_like(state.phase, _TRIAL), line, d, steps)
    return tree(x), moved, tree(x + line.alpha * d)


def _zero_wolfe(params: Params, hyper: HyperValues) -> WolfeState:
    x, _ = ravel_pytree(params)
    return WolfeState(zero_wolfe(x), jnp.zeros_like(x), jnp.zeros((), jnp.int32))


def _gd_wolfe(
    params: Params, state: WolfeState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, WolfeState, Params]:
    x, tree = ravel_pytree(params)
    f, g = seen(value, grad)
    line, outcome = strong_wolfe(state.line, f, dot(g, state.d), hyper["c1"], hyper["c2"])
    x = jnp.where(outcome.accepted, x + line.alpha * state.d, x)
    d = jnp.where(outcome.arrived, -g, state.d)
    slope = -dot(d, d)
    alpha = jnp.where(outcome.first, hyper["lr"], rescaled(line.alpha, line.slope, slope))
    line = begin(line, outcome, f, slope, alpha)
    steps = state.steps + outcome.stepped.astype(jnp.int32)
    return tree(x), WolfeState(line, d, steps), tree(x + line.alpha * d)


gd_armijo = Optimizer(
    name="gd_armijo",
    init=_zero_armijo,
    update=_gd_armijo,
    hyper={
        "lr": _LR,
        "c1": C1,
        "shrink": Hyper(
            0.5,
            "Boyd and Vandenberghe 2004, section 9.2 (their beta)",
            high=1.0,
            search=Search(0.1, 0.8, "Boyd and Vandenberghe 2004, section 9.2", "linear"),
        ),
        "growth": Hyper(
            2.0,
            "Nocedal and Wright 2006, section 3.5: a first trial beyond the last step",
            low=1.0,
            open_low=False,
            search=Search(1.0, 4.0, "this package: none to two halvings regained", "linear"),
        ),
    },
    looks_ahead=True,
    counts=lambda state: Counts(state.steps),
    doc=r"""Gradient descent with Armijo backtracking.

$$W' = W - \alpha\, g, \qquad f(W - \alpha g) \le f(W) - c_1\, \alpha\, |g|^2$$

The trial step shrinks by `shrink` until the condition holds; the next step's first trial is `growth` times the
step taken, and the very first is `lr`. After 20 trials the search is given up and the next goes on from its
last trial. A trial whose value or gradient is not finite is rejected.

Each trial costs one gradient, which an accepted trial hands on: a step whose first trial passes costs 1, and the first
step one more. State: one vector, and the trial point.

Reference: Armijo 1966, "Minimization of functions having Lipschitz continuous first partial derivatives"; Nocedal and
Wright 2006, "Numerical Optimization", algorithm 3.1.""",
)

gd_wolfe = Optimizer(
    name="gd_wolfe",
    init=_zero_wolfe,
    update=_gd_wolfe,
    hyper={
        "lr": _LR,
        "c1": C1,
        "c2": Hyper(
            0.9,
            "Nocedal and Wright 2006, section 3.1",
            high=1.0,
            search=Search(0.1, 0.9, "Nocedal and Wright 2006, section 3.1: from near-exact to loose", "linear"),
        ),
    },
    looks_ahead=True,
    counts=lambda state: Counts(state.steps),
    doc=r"""Gradient descent (steepest descent) with a strong-Wolfe line search.

$$W' = W - \alpha\, g, \qquad f(W') \le f(W) - c_1\, \alpha\, |g|^2, \qquad |g'^T g| \le c_2\, |g|^2$$

The search brackets a step and zooms in by safeguarded cubic interpolation. Its first trial is the step that predicts
the last step's decrease, $\alpha\, |g_{-1}|^2 / |g|^2$; the very first is `lr`. After 20 trials the lowest step with
the first condition is taken; without one the search is given up and the next is shorter.

Each trial costs one gradient, which an accepted trial hands on. State: one vector, the trial point and twelve numbers.

Reference: Nocedal and Wright 2006, "Numerical Optimization", algorithms 3.5 and 3.6 and section 3.5; Wolfe 1969,
"Convergence conditions for ascent methods".""",
)
