"""Sums over coordinates, laid out so that they run over all lanes at once.

XLA's CPU backend merges a sum with what it adds up into a loop over coordinates inside one over lanes, and LLVM then
vectorizes the inner one, whose numbers lie a row apart. Terms with lanes innermost it writes down first, and adds
row to row: four times faster. Functions are written for one point and say ``sum``; where they do is found by tracing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, DebugInfo, Literal, jaxpr_as_fun

#: Up to so many coordinates LLVM unrolls the inner loop and vectorizes over lanes by itself.
FEW = 4
#: Where the equations of a primitive that calls a function stand in its parameters.
_CALLS = {"pjit": "jaxpr", "jit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


def pinned_sums(function: Callable[..., Any], pin: Callable[[Any], Any]) -> Callable[..., Any]:
    """Returns a function of lanes whose sums over coordinates have pinned terms.

    Args:
        function: Takes and returns arrays.
        pin: Fixes the layout of an array of (lanes, dim).

    Returns:
        The same function.
    """

    def run(*arguments: Any) -> Any:
        if jax.default_backend() != "cpu":
            return function(*arguments)
        traced, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluated(traced.jaxpr, traced.consts, jax.tree.leaves(arguments), pin)
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return run


def _evaluated(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any], pin: Callable[[Any], Any]) -> list[Any]:
    """Evaluates equations one by one."""
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for eqn in jaxpr.eqns:
        called = eqn.params.get(_CALLS.get(eqn.primitive.name, ""))
        if called is not None:
            results = _evaluated(called.jaxpr, called.consts, [read(v) for v in eqn.invars], pin)
        elif _is_wide_sum(eqn):
            results = [jnp.sum(pin(read(eqn.invars[0])).T, axis=0)]
        else:
            given = list(dict.fromkeys(v for v in eqn.invars if not isinstance(v, Literal)))
            results = jaxpr_as_fun(ClosedJaxpr(_alone(jaxpr, eqn, given), []))(*map(read, given))
        known.update(zip(eqn.outvars, results, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _alone(jaxpr: Any, eqn: Any, given: Sequence[Any]) -> Any:
    """Returns one equation as a function of its own."""
    names = DebugInfo("sums", eqn.primitive.name, ("",) * len(given), ("",) * len(eqn.outvars))
    return jaxpr.replace(constvars=[], invars=list(given), outvars=eqn.outvars, eqns=[eqn], debug_info=names)


def _is_wide_sum(eqn: Any) -> bool:
    """Returns whether an equation sums lanes over more than a few coordinates."""
    if eqn.primitive.name != "reduce_sum":
        return False
    term = eqn.invars[0].aval
    return term.ndim == 2 and tuple(eqn.params["axes"]) == (1,) and term.shape[1] > FEW and term.dtype == jnp.float64
