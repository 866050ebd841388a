"""How rules that wrap other rules count completed steps, whatever a step of the inner rule costs.

A wrapper is called once for each gradient. It acts on steps: a schedule must not run twice as fast
around a rule of two gradients, and slow weights must not move in the middle of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from optbench.core.optimizer import Hyper, Optimizer, State
from optbench.errors import UsageError


def zero_calls() -> Array:
    """Returns a counter of calls at zero; it is no lane's own, so all lanes share it."""
    return jnp.zeros((), jnp.int32)


def steps_done(rule: Optimizer, state: State, calls: Array) -> Array:
    """Returns how many steps ``rule`` has completed.

    Args:
        rule: The rule.
        state: Its state.
        calls: How often it has been called.

    Returns:
        A whole number, a scalar.
    """
    if rule.counts is not None:
        return rule.counts(state).steps
    return calls if rule.evals_per_step == 1 else calls // rule.evals_per_step


def completes(rule: Optimizer, before: State, after: State, calls: Array) -> Any:
    """Returns whether the call that led from one state to the other completed a step.

    Args:
        rule: The rule.
        before: Its state before the call.
        after: Its state after it.
        calls: How often it had been called before.

    Returns:
        A truth value, a scalar; ``True`` itself where every call is a step.
    """
    if rule.counts is not None:
        return rule.counts(after).steps != rule.counts(before).steps
    return rule.evals_per_step == 1 or (calls + 1) % rule.evals_per_step == 0


def fixed_cost(rule: Optimizer, wrapper: str, *, evals: int | None = None) -> None:
    """Refuses rules around which a wrapper has no meaning.

    Args:
        rule: The rule to be wrapped.
        wrapper: The wrapper's name.
        evals: Gradients that a step of it must cost; ``None`` for any fixed number.

    Raises:
        UsageError: Steps of the rule differ in cost, use the Hessian, or cost another number of gradients.
    """
    need = "a rule whose steps cost one gradient" if evals == 1 else "a rule whose steps all cost the same"
    if rule.counts is not None or rule.curved or (evals is not None and rule.evals_per_step != evals):
        raise UsageError(f"{wrapper} needs {need}; {rule.name} is none")


def joined(rule: Optimizer, modifier: str, more: Mapping[str, Hyper]) -> dict[str, Hyper]:
    """Returns the hyperparameters of a rule and of its wrapper, which share one namespace.

    Args:
        rule: The rule to be wrapped.
        modifier: The wrapper's name.
        more: The wrapper's hyperparameters.

    Returns:
        All of them, the rule's first.

    Raises:
        UsageError: The rule has another hyperparameter of the same name.
    """
    taken = [name for name in more if name in rule.hyper]
    if taken:
        names = ", ".join(map(repr, taken))
        raise UsageError(f"{modifier} cannot be added to {rule.name}, which has its own {names}: set that instead")
    return {**rule.hyper, **more}
