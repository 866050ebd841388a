"""Which cells share a program: one for each dimension and slot class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from optbench.core.optimizer import Optimizer
from optbench.engine.program import Shelf, block_lanes, branch_key
from optbench.engine.state import layout, slot_class
from optbench.problems.problem import Problem


@dataclass(frozen=True)
class Pair:
    """A problem and a rule that shall run together."""

    problem: Problem
    rule: Optimizer


ShelfKey = tuple[int, int]


def shelf_key(pair: Pair) -> ShelfKey:
    """Returns dimension and slot class: pairs with equal keys share a program."""
    return pair.problem.dim, slot_class(layout(pair.rule, pair.problem.dim).n_slots)


def shelves(pairs: Iterable[Pair], backend: str) -> dict[ShelfKey, Shelf]:
    """Lays out the programs that a set of pairs needs.

    Args:
        pairs: What shall run, in any order.
        backend: JAX's name of the platform, which decides the width of a block.

    Returns:
        Programs to compile, by dimension and slot class, branches sorted by name.
    """
    grouped: dict[ShelfKey, tuple[dict[tuple[str, str, bool], Problem], dict[str, Optimizer]]] = {}
    for pair in pairs:
        problems, rules = grouped.setdefault(shelf_key(pair), ({}, {}))
        problems.setdefault(branch_key(pair.problem), pair.problem)
        rules.setdefault(pair.rule.name, pair.rule)
    return {
        key: Shelf(
            dim=key[0],
            problems=tuple(problems[k] for k in sorted(problems)),
            rules=tuple(rules[k] for k in sorted(rules)),
            lanes=block_lanes(key[0], backend),
        )
        for key, (problems, rules) in sorted(grouped.items())
    }


def fault(pair: Pair) -> str | None:
    """Returns what keeps a pair from compiling, or ``None``; found from shapes, without computing.

    A user's function that raises, or returns another shape, must not take the problems down with
    which it would share a program.

    Args:
        pair: A problem and a rule.

    Returns:
        One line that names the function, what it gave and what is expected.
    """
    problem, rule = pair.problem, pair.rule
    with jax.enable_x64(True):
        point = jax.ShapeDtypeStruct((problem.dim,), jnp.float64)
        number = jax.ShapeDtypeStruct((), jnp.float64)
        hyper = {name: number for name in rule.hyper}

        def step(x: jax.Array, g: jax.Array, h: dict[str, jax.Array]) -> object:
            return rule.update(x, rule.init(x, h), jnp.sum(x), g, h)

        found = _shape(problem.label, lambda: jax.eval_shape(lambda x: problem.landscape.f(x, *problem.theta), point))
        if isinstance(found, str):
            return found
        if found.shape != () or found.dtype != jnp.float64:
            return f"{problem.label}: f must return a float64 scalar; got {found.dtype} of shape {found.shape}"
        moved = _shape(rule.name, lambda: jax.eval_shape(step, point, point, hyper))
        if isinstance(moved, str):
            return moved
        if not isinstance(moved, tuple) or len(moved) != 3:
            return f"{rule.name}: update must return (params, state, point)"
        for part, value in (("params", moved[0]), ("point", moved[2])):
            if getattr(value, "shape", None) != point.shape:
                return f"{rule.name}: update must return {part} of shape {point.shape}; got {value}"
        return _shape(rule.name, lambda: layout(rule, problem.dim), keep=False)


def _shape(name: str, work: Callable[[], object], *, keep: bool = True) -> object:
    try:
        result = work()
    except Exception as error:  # whatever a user's function raises becomes the message of its rows
        return f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return result if keep else None
