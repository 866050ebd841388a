"""What a rule reads: found once by tracing it, so that no rule need declare it.

A counter is the same in all lanes. Kept once instead of lane by lane it makes Adam five times faster,
since ``b ** t`` is then one power a step. And a rule that never looks at the objective's value at its
lookahead point, as NAG never does, spares the engine that value.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optbench.core.optimizer import Optimizer


class Reads(NamedTuple):
    """What tracing a rule tells.

    Attributes:
        state: Shapes and types of its state.
        per_lane: For each leaf of the state whether it depends on the lane.
        reads_value: Whether its update reads the value at its last point.
    """

    state: Any
    per_lane: tuple[bool, ...]
    reads_value: bool


@cache
def trace_rule(rule: Optimizer, dim: int) -> Reads:
    """Traces a rule on shapes.

    Args:
        rule: The rule.
        dim: Dimension of the parameters.

    Returns:
        What it reads and keeps.
    """
    with jax.enable_x64(True):
        point = jax.ShapeDtypeStruct((dim,), jnp.float64)
        number = jax.ShapeDtypeStruct((), jnp.float64)
        hyper = dict.fromkeys(rule.hyper, number)
        begin, state = jax.make_jaxpr(rule.init, return_shape=True)(point, hyper)
        grad = (point, point) if rule.curved else point
        step, moved = jax.make_jaxpr(rule.update, return_shape=True)(point, state, number, grad, hyper)
    n = len(jax.tree.leaves(state))
    like: Any = jax.tree.structure(state)
    if not isinstance(moved, tuple) or len(moved) != 3 or jax.tree.structure(moved[1]) != like:
        # A fault that ``sharing.fault`` puts into words.
        return Reads(state, (True,) * n, reads_value=True)
    per_lane = _tainted(begin.jaxpr, [True] * len(begin.jaxpr.invars))
    while True:
        after = _tainted(step.jaxpr, [True, *per_lane, *[True] * (len(step.jaxpr.invars) - n - 1)])[1 : n + 1]
        joined = [a or b for a, b in zip(per_lane, after, strict=True)]
        if joined == per_lane:
            break
        per_lane = joined
    value = step.jaxpr.invars[n + 1]
    used = [v for eqn in step.jaxpr.eqns for v in eqn.invars] + list(step.jaxpr.outvars)
    return Reads(state, tuple(per_lane), any(v is value for v in used))


def _tainted(jaxpr: Any, inputs: list[bool]) -> list[bool]:
    """Returns which outputs depend on the marked inputs; whatever an equation calls is taken as a whole."""
    marked = {id(v) for v, mark in zip(jaxpr.invars, inputs, strict=True) if mark}
    for eqn in jaxpr.eqns:
        if any(id(v) in marked for v in eqn.invars):
            marked |= {id(v) for v in eqn.outvars}
    return [id(v) in marked for v in jaxpr.outvars]
