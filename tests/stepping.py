"""Whole steps of a rule on any oracle: the contract of ``update`` spelled out, beside no code of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import HyperValues, Optimizer, State, zeros_like


class Oracle(NamedTuple):
    """Answers with a value, or with a value and what stands for its gradient.

    Attributes:
        value: ``value(params) -> scalar``.
        value_and_grad: ``value_and_grad(params) -> (scalar, gradient)``.
    """

    value: Callable[[Params], Any]
    value_and_grad: Callable[[Params], tuple[Any, Params]]


class StepInfo(NamedTuple):
    """What one step asked of the objective.

    Attributes:
        value: Objective at the iterate the step started from.
        grad_evals: Gradients asked for, each with its value.
        hvps: Hessian-vector products asked for.
        cost: ``grad_evals + 2 hvps``.
    """

    value: Array
    grad_evals: Array | int
    hvps: Array | int
    cost: Array | int


def step(
    optimizer: Optimizer,
    objective: Oracle,
    params: Params,
    state: State,
    hyper: HyperValues,
    *,
    point: Any = None,
) -> tuple[Params, State, Any, StepInfo]:
    """Takes one step: evaluates at ``point`` and updates, until the iterate moves.

    Args:
        optimizer: The rule.
        objective: The oracle, or an ``Objective``.
        params: Current iterate.
        state: State that ``init`` or the last step returned.
        hyper: All numeric hyperparameters.
        point: Where the first gradient is wanted, as the last step returned it; ``params`` at the start.

    Returns:
        ``(params, state, point, info)``.
    """
    first = objective.value(params)
    if point is None:
        point = (params, zeros_like(params)) if optimizer.curved else params

    def call(carry: tuple[Params, State, Any, Any]) -> tuple[Params, State, Any, Any]:
        params, state, point, calls = carry
        if optimizer.curved:
            at, direction = point
            (value, grad), (_, hvp) = jax.jvp(lambda x: objective.value_and_grad(x), (at,), (direction,))
            seen: Any = (grad, hvp)
        else:
            value, seen = objective.value_and_grad(point)
        return *optimizer.update(params, state, value, seen, hyper), calls + 1

    zero = jnp.zeros((), jnp.int32)
    if optimizer.counts is None:
        carry = (params, state, point, zero)
        for _ in range(optimizer.evals_per_step):
            carry = call(carry)
        return *carry[:3], StepInfo(first, optimizer.evals_per_step, 0, optimizer.evals_per_step)
    counts, before = optimizer.counts, optimizer.counts(state)
    start = (params, state, point, zero)
    carry = jax.lax.while_loop(lambda carry: counts(carry[1]).steps == before.steps, call, start)
    hvps = counts(carry[1]).hvps - before.hvps
    return *carry[:3], StepInfo(first, carry[3] - 2 * hvps, hvps, carry[3])
