"""Newton's method as reference curves: with the whole Hessian, and truncated by conjugate gradients.

Both ask for Hessian-vector products, which cost 2. A call that uses one has a partner that uses nothing,
so that as many calls are made as are paid for; the dense method factors a column in each of those.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from optbench.core.objective import Params
from optbench.core.optimizer import Counts, Hyper, HyperValues, Optimizer
from optbench.optimizers.line_search import (
    C1,
    MAX_TRIALS,
    START,
    Backtracking,
    backtrack,
    rescaled,
    seen,
    zero_backtracking,
)
from optbench.optimizers.ranges import RATE
from optbench.optimizers.trees import dot, where

#: Phases: a product is used, its partner passes or factors a column, a trial is judged.
_PRODUCT, _PARTNER, _TRIAL = range(START + 1, START + 4)
_SHRINK = 0.5


class Stage(NamedTuple):
    """What both methods keep of a step.

    Attributes:
        phase: ``START``, ``_PRODUCT``, ``_PARTNER`` or ``_TRIAL``, int32.
        place: Products used in this step, or columns factored, int32.
        line: The Armijo search.
        g: Gradient at the iterate, one vector.
        d: Direction, or what conjugate gradients have of it.
        steps: Steps completed, int32.
        hvps: Hessian-vector products used, int32.
    """

    phase: Array
    place: Array
    line: Backtracking
    g: Array
    d: Array
    steps: Array
    hvps: Array


class TruncatedState(NamedTuple):
    """State of Newton-CG.

    Attributes:
        stage: What both methods keep.
        r: Residual of the Newton equation, one vector.
        p: Inner search direction.
    """

    stage: Stage
    r: Array
    p: Array


class DenseState(NamedTuple):
    """State of Newton's method.

    Attributes:
        stage: What both methods keep.
        columns: Columns of the Hessian as they come in, (dim, dim); one by one, those of the factor without
            its unit diagonal take their places.
        order: Place of each column in the order of elimination, -1 before its turn; int32, (dim,).
        diagonal: Diagonal of what is left to factor, one vector.
        bound: Largest value that ``l^2 pivot`` may have for an entry ``l`` of the factor.
        least: Least pivot.
        pivots: Diagonal of the factorization, one vector.
        forward: Solution of the lower triangular system, as far as it is factored.
    """

    stage: Stage
    columns: Array
    order: Array
    diagonal: Array
    bound: Array
    least: Array
    pivots: Array
    forward: Array


class Judged(NamedTuple):
    """What both methods do with a call before their own part.

    Attributes:
        x: The iterate.
        stage: The stage; where the search goes on, with its next trial.
        arrived: Whether the call brought value and gradient at the iterate.
        failed: Whether a search ended without a step.
    """

    x: Array
    stage: Stage
    arrived: Array
    failed: Array


def _zero_stage(x: Array) -> Stage:
    count, zero = jnp.zeros((), jnp.int32), jnp.zeros_like(x)
    return Stage(count + START, count, zero_backtracking(x), zero, zero, count, count)


def _judge(x: Array, stage: Stage, f: Array, g: Array, c1: Array, after: int) -> Judged:
    """Takes the first value of all, or judges a trial; in other phases it changes nothing.

    Args:
        x: The iterate.
        stage: The stage.
        f: Value in hand.
        g: Gradient in hand.
        c1: Armijo's constant.
        after: Phase in which a step begins.

    Returns:
        Iterate and stage after the verdict.
    """
    trying = stage.phase == _TRIAL
    passed, line = backtrack(stage.line, f, c1, _SHRINK)
    accepted, failed = trying & passed, trying & ~passed & (line.trials >= MAX_TRIALS)
    arrived = (stage.phase == START) | accepted
    line = where(trying, line, stage.line)
    judged = stage._replace(
        phase=jnp.where(arrived, after, stage.phase).astype(jnp.int32),
        place=jnp.where(arrived, 0, stage.place),
        line=line._replace(f=jnp.where(arrived, f, line.f)),
        g=jnp.where(arrived, g, stage.g),
        steps=stage.steps + (accepted | failed).astype(jnp.int32),
    )
    return Judged(jnp.where(accepted, x + stage.line.alpha * stage.d, x), judged, arrived, failed)


def _aim(stage: Stage, aimed: Array, failed: Array, newton: Array, lr: Array) -> Stage:
    """Begins a search along ``newton`` where ``aimed``; along ``-g`` where that does not descend or a search failed."""
    descends = (dot(stage.g, newton) < 0) & ~failed
    d = jnp.where(descends, newton, -stage.g)
    slope = dot(stage.g, d)
    alpha = jnp.where(failed, rescaled(stage.line.alpha, stage.line.slope, slope), lr)
    begun = Backtracking(stage.line.f, slope, alpha, jnp.zeros_like(stage.line.trials))
    chosen: Stage = where(
        aimed | failed, stage._replace(phase=jnp.full_like(stage.phase, _TRIAL), line=begun, d=d), stage
    )
    return chosen


def _point(x: Array, stage: Stage, direction: Array) -> tuple[Array, Array]:
    """Returns where the next value is wanted, and along what the Hessian there."""
    at = jnp.where(stage.phase == _TRIAL, x + stage.line.alpha * stage.d, x)
    return at, jnp.where(stage.phase == _PRODUCT, direction, 0.0)


def _product(hvp: Params) -> Array:
    """Returns a Hessian-vector product as one vector; zero, as a flat function has it, where it is not finite."""
    product, _ = ravel_pytree(hvp)
    return jnp.where(jnp.all(jnp.isfinite(product)), product, 0.0)


def _zero_truncated(params: Params, hyper: HyperValues) -> TruncatedState:
    x, _ = ravel_pytree(params)
    return TruncatedState(_zero_stage(x), jnp.zeros_like(x), jnp.zeros_like(x))


def _newton_cg(
    params: Params, state: TruncatedState, value: Array, grad: tuple[Params, Params], hyper: HyperValues
) -> tuple[Params, TruncatedState, tuple[Params, Params]]:
    x, tree = ravel_pytree(params)
    f, new_g = seen(value, grad[0])
    hp = _product(grad[1])
    used, passing = state.stage.phase == _PRODUCT, state.stage.phase == _PARTNER
    x, stage, arrived, failed = _judge(x, state.stage, f, new_g, hyper["c1"], after=_PARTNER)

    curvature, rr, gg = dot(state.p, hp), dot(state.r, state.r), dot(stage.g, stage.g)
    convex = curvature > 0
    alpha = jnp.where(convex, rr / curvature, 0.0)
    d, r = stage.d + alpha * state.p, state.r + alpha * hp
    place = stage.place + used.astype(jnp.int32)
    new_rr, forcing = dot(r, r), jnp.minimum(0.5, jnp.sqrt(jnp.sqrt(gg)))
    solved = used & (~convex | ~(new_rr > forcing * forcing * gg) | (place >= x.shape[0]))
    # Negative curvature along the very first inner direction, -g, leaves that itself to follow.
    newton = jnp.where(convex | (place > 1), d, state.p)

    stage = stage._replace(
        phase=jnp.where(used, _PARTNER, jnp.where(passing, _PRODUCT, stage.phase)).astype(jnp.int32),
        place=place,
        d=jnp.where(arrived, 0.0, jnp.where(used, d, stage.d)),
        hvps=stage.hvps + used.astype(jnp.int32),
    )
    stage = _aim(stage, solved, failed, newton, hyper["lr"])
    p = jnp.where(arrived, -stage.g, jnp.where(used & convex, new_rr / rr * state.p - r, state.p))
    r = jnp.where(arrived, stage.g, jnp.where(used, r, state.r))
    at, direction = _point(x, stage, p)
    return tree(x), TruncatedState(stage, r, p), (tree(at), tree(direction))


def _zero_dense(params: Params, hyper: HyperValues) -> DenseState:
    x, _ = ravel_pytree(params)
    zero, vector = jnp.zeros((), x.dtype), jnp.zeros_like(x)
    order = jnp.full(x.shape, -1, jnp.int32)
    return DenseState(_zero_stage(x), jnp.outer(vector, vector), order, vector, zero, zero, vector, vector)


def _newton(
    params: Params, state: DenseState, value: Array, grad: tuple[Params, Params], hyper: HyperValues
) -> tuple[Params, DenseState, tuple[Params, Params]]:
    x, tree = ravel_pytree(params)
    f, new_g = seen(value, grad[0])
    used, factoring = state.stage.phase == _PRODUCT, state.stage.phase == _PARTNER
    x, stage, _, failed = _judge(x, state.stage, f, new_g, hyper["c1"], after=_PRODUCT)

    place = stage.place + (used | factoring).astype(jnp.int32)
    full, solved = used & (place == x.size), factoring & (place == x.size)
    state = where(used, _received(state, _product(grad[1])), where(factoring, _factored(state), state))
    stage = stage._replace(
        phase=jnp.where(full, _PARTNER, stage.phase).astype(jnp.int32),
        place=jnp.where(full, 0, place),
        hvps=stage.hvps + used.astype(jnp.int32),
    )
    stage = _aim(stage, solved, failed, _solution(state), hyper["lr"])
    axis = (jnp.arange(x.size, dtype=jnp.int32) == stage.place).astype(x.dtype)
    at, direction = _point(x, stage, axis)
    return tree(x), state._replace(stage=stage), (tree(at), tree(direction))


def _received(state: DenseState, column: Array) -> DenseState:
    """Stores one column of the Hessian; what the factoring starts from is right after the last one."""
    n = column.size
    here = jnp.arange(n, dtype=jnp.int32) == state.stage.place
    hessian = jnp.where(here[None, :], column[:, None], state.columns)
    diagonal = jnp.diagonal(hessian)
    largest = jnp.max(jnp.abs(diagonal))
    other = jnp.max(jnp.where(jnp.eye(n, dtype=bool), 0.0, jnp.abs(hessian)))
    eps = float(np.finfo(hessian.dtype).eps)
    return state._replace(
        columns=hessian,
        order=jnp.full_like(state.order, -1),
        diagonal=diagonal,
        bound=jnp.maximum(jnp.maximum(largest, other / math.sqrt(max(n * n - 1, 1))), eps),
        least=eps * jnp.maximum(largest + other, 1.0),
    )


def _factored(state: DenseState) -> DenseState:
    """Eliminates the column with the largest pivot left, and its unknown from the system with right side ``-g``."""
    done = state.order >= 0
    chosen = jnp.argmax(jnp.where(done, -1.0, jnp.abs(state.diagonal)))
    here = jnp.arange(done.size, dtype=chosen.dtype) == chosen
    below = ~done & ~here

    row, column = state.columns[chosen], state.columns[:, chosen]
    earlier = jnp.where(done[None, :], state.columns * (row * state.pivots)[None, :], 0.0)
    column = column - jnp.sum(earlier, axis=1)
    theta = jnp.max(jnp.where(below, jnp.abs(column), 0.0))
    pivot = jnp.maximum(jnp.maximum(jnp.abs(column[chosen]), theta * theta / state.bound), state.least)
    factor = jnp.where(below, column / pivot, 0.0)
    unknown = -state.stage.g[chosen] - dot(jnp.where(done, row, 0.0), state.forward)
    return state._replace(
        columns=jnp.where(here[None, :], factor[:, None], state.columns),
        order=jnp.where(here, state.stage.place, state.order),
        diagonal=state.diagonal - pivot * factor * factor,
        pivots=jnp.where(here, pivot, state.pivots),
        forward=jnp.where(here, unknown, state.forward),
    )


def _solution(state: DenseState) -> Array:
    """Returns the solution of the factored system; anything before the last column is factored."""
    last = state.order.size - 1
    scaled = state.forward / jnp.where(state.pivots > 0, state.pivots, 1.0)

    def substitute(k: Array, x: Array) -> Array:
        """Takes the unknown that was eliminated ``k``-th from the end out of the equations before it."""
        known = jnp.argmax(state.order == last - k)
        return jnp.where(state.order < last - k, x - state.columns[known] * x[known], x)

    solution: Array = lax.fori_loop(0, last, substitute, scaled)
    return solution


_HYPER = {
    "lr": Hyper(1.0, "Nocedal and Wright 2006, section 3.3: Newton's step is tried first", search=RATE),
    "c1": C1,
}

newton_cg = Optimizer(
    name="newton_cg",
    init=_zero_truncated,
    update=_newton_cg,
    hyper=_HYPER,
    looks_ahead=True,
    curved=True,
    counts=lambda state: Counts(state.stage.steps, state.stage.hvps),
    ranked=False,
    doc=r"""Truncated Newton: the Newton equation solved by conjugate gradients, then Armijo. A reference curve.

$$|H d + g| \le \min\left(\tfrac12, \sqrt{|g|}\right) |g|, \qquad W' = W + \alpha\, d, \qquad
f(W') \le f(W) + c_1\, \alpha\, g^T d$$

At negative curvature the inner iteration ends with what it has, at once with $-g$; it ends after `dim` products in any
case. `lr` is the first trial of each search, which halves it; after 20 trials the next search goes along $-g$, shorter.

Each product $H p$ costs 2 and each trial 1, with a gradient that an accepted trial hands on: a step costs $2 \cdot
\text{products} + \text{trials}$, the first one 1 more. State: four vectors, the trial point and the inner direction.

Reference: Dembo and Steihaug 1983, "Truncated-Newton algorithms for large-scale unconstrained optimization"; Nocedal
and Wright 2006, "Numerical Optimization", algorithm 7.1.""",
)

newton = Optimizer(
    name="newton",
    init=_zero_dense,
    update=_newton,
    hyper=_HYPER,
    looks_ahead=True,
    curved=True,
    counts=lambda state: Counts(state.stage.steps, state.stage.hvps),
    ranked=False,
    max_dim=100,
    doc=r"""Newton's method with the whole Hessian and Armijo backtracking. A reference curve.

$$(H + E)\, d = -g, \qquad W' = W + \alpha\, d, \qquad f(W') \le f(W) + c_1\, \alpha\, g^T d$$

The Hessian is asked for column by column and factored as $L D L^T$, largest pivot first; the diagonal $E \ge 0$ of
Gill, Murray and Wright is zero where $H$ is safely positive definite and makes $H + E$ so elsewhere. `lr` is the first
trial of each search, which halves it; after 20 trials the next search goes along $-g$, shorter.

A step costs $2 \cdot \text{dim}$ for the Hessian and 1 for each trial, with a gradient that an accepted trial hands
on; the first step costs 1 more. State: dim + 6 vectors, the trial point and its direction. At most 100 dimensions.

Reference: Gill, Murray and Wright 1981, "Practical Optimization", section 4.4.2.2; Nocedal and Wright 2006,
"Numerical Optimization", sections 3.3 and 3.4.""",
)
