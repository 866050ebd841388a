"""Sums over coordinates, laid out so that they run over all lanes at once.

XLA's CPU backend merges a sum with what it adds up into a loop over coordinates inside one over lanes, and LLVM then
vectorizes the inner one, whose numbers lie a row apart. Terms with lanes innermost it writes down first, and adds
row to row: two to four times faster. The terms of both halves are added on the way: half as many are written down and
read again. Functions are written for one point and say ``sum``; where they do is found by tracing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, DebugInfo, Literal, jaxpr_as_fun

#: Up to so many coordinates LLVM unrolls the inner loop of most functions and vectorizes over lanes by itself, and
#: pinned terms would take longer to compile.
FEW = 16
#: Where the equations of a primitive that calls a function stand in its parameters.
_CALLS = {"pjit": "jaxpr", "jit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


def pinned_sums(function: Callable[..., Any], pin: Callable[[Any], Any]) -> Callable[..., Any]:
    """Returns a function of lanes whose sums over coordinates have pinned terms.

    Args:
        function: Takes and returns arrays; the first that it takes is (lanes, dim).
        pin: Fixes the layout of an array of (lanes, dim).

    Returns:
        The same function.
    """

    def run(*arguments: Any) -> Any:
        # Tracing is a third of what a program takes to compile, and few coordinates have no wide sum.
        if jax.default_backend() != "cpu" or arguments[0].shape[1] <= FEW:
            return function(*arguments)
        traced, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluated(traced.jaxpr, traced.consts, jax.tree.leaves(arguments), pin)
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return run


def _evaluated(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any], pin: Callable[[Any], Any]) -> list[Any]:
    """Evaluates equations: those between two sums together, and those of what is called where it has a sum."""
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for eqns in _parts(jaxpr.eqns):
        results: Sequence[Any]
        first = eqns[0]
        if _is_wide_sum(first):
            results = [_summed(read(first.invars[0]), pin)]
        elif (called := _called(first)) is not None and _has_sum(called.jaxpr):
            results = _evaluated(called.jaxpr, called.consts, [read(v) for v in first.invars], pin)
        else:
            made = {v for eqn in eqns for v in eqn.outvars}
            read_first = (v for eqn in eqns for v in eqn.invars if not isinstance(v, Literal))
            given = list(dict.fromkeys(v for v in read_first if v not in made))
            results = jaxpr_as_fun(ClosedJaxpr(_part(jaxpr, eqns, given), []))(*map(read, given))
        known.update(zip((v for eqn in eqns for v in eqn.outvars), results, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _parts(eqns: Sequence[Any]) -> Iterator[list[Any]]:
    """Yields equations in their order: one with a sum alone, all between two such together."""
    together: list[Any] = []
    for eqn in eqns:
        if not _sums(eqn):
            together.append(eqn)
            continue
        if together:
            yield together
        yield [eqn]
        together = []
    if together:
        yield together


def _summed(terms: Any, pin: Callable[[Any], Any]) -> Any:
    """Returns the sum over coordinates, (lanes,); ``terms`` is (lanes, dim)."""
    half = terms.shape[1] // 2
    total = jnp.sum(pin(terms[:, :half] + terms[:, half : 2 * half]).T, axis=0)
    return total if terms.shape[1] == 2 * half else total + terms[:, -1]


def _part(jaxpr: Any, eqns: Sequence[Any], given: Sequence[Any]) -> Any:
    """Returns some equations as a function of their own, of what they are given to all that they make."""
    made = [v for eqn in eqns for v in eqn.outvars]
    names = DebugInfo("sums", "part", ("",) * len(given), ("",) * len(made))
    return jaxpr.replace(constvars=[], invars=list(given), outvars=made, eqns=list(eqns), debug_info=names)


def _called(eqn: Any) -> Any:
    """Returns the function that an equation calls, ``None`` if it calls none."""
    return eqn.params.get(_CALLS.get(eqn.primitive.name, ""))


def _has_sum(jaxpr: Any) -> bool:
    return any(map(_sums, jaxpr.eqns))


def _sums(eqn: Any) -> bool:
    """Returns whether an equation is a sum over coordinates or calls a function with one."""
    called = _called(eqn)
    return _is_wide_sum(eqn) if called is None else _has_sum(called.jaxpr)


def _is_wide_sum(eqn: Any) -> bool:
    """Returns whether an equation sums lanes over more than a few coordinates."""
    if eqn.primitive.name != "reduce_sum":
        return False
    term = eqn.invars[0].aval
    return term.ndim == 2 and tuple(eqn.params["axes"]) == (1,) and term.shape[1] > FEW and term.dtype == jnp.float64
