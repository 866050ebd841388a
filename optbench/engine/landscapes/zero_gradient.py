"""Runs that end because their first gradient is zero, which a row tells apart from a rate that is too large.

Some rules divide by what they have seen of gradients, and of nothing that is 0/0: optax's Prodigy and D-Adapted AdamW
at a minimum or on a plateau. Other rules wait there. Both facts are looked up, never guessed: the gradient at the
start, and what the rule makes of gradients of zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from optbench.catalog import is_known
from optbench.core.optimizer import Optimizer
from optbench.problems.problem import Problem

#: Calls after which a rule has shown what it makes of gradients of zero.
CALLS = 4


def explained(
    message: Sequence[str],
    diverged_at: np.ndarray,
    moved: np.ndarray,
    problem: Problem,
    rule: Optimizer,
    x0: np.ndarray,
    hyper: np.ndarray,
) -> list[str]:
    """Returns the messages of some runs; of one whose first gradient ended it, a message that says so.

    Args:
        message: The messages so far, (n,).
        diverged_at: Trip of the first bad iterate or -1, (n,).
        moved: Whether the last good value differs from that at the start, (n,).
        problem: The problem.
        rule: The rule.
        x0: Starts in raw units, (n, dim).
        hyper: Hyperparameters in the order of ``rule.hyper``, (n, h).

    Returns:
        The messages.
    """
    told = list(message)
    if problem.noise is not None:
        return told
    for at in np.flatnonzero((diverged_at > 0) & (diverged_at <= CALLS) & ~moved):
        zeros = tuple(name for name, value in zip(rule.hyper, hyper[at], strict=True) if value == 0)
        # A user's rule may be made for one dimension; the catalogue's need not be asked anew for each.
        if divides_by_zero(rule, zeros, 1 if is_known(rule) else problem.dim) and not np.any(
            problem.value_and_grad(x0[at])[1]
        ):
            told[at] += (
                f": the gradient at the start is zero, of which {rule.name} makes 0/0; the rate is not too large"
            )
    return told


@lru_cache(maxsize=512)
def divides_by_zero(rule: Optimizer, zeros: tuple[str, ...] = (), dim: int = 1) -> bool:
    """Returns whether a rule leaves a point for what is not a number while every gradient is zero.

    Args:
        rule: The rule, at its defaults.
        zeros: Hyperparameters that are 0 instead, such as an epsilon.
        dim: Dimension in which it is asked.

    Returns:
        Whether some coordinate is not a number after ``CALLS`` calls.

    Example:
        >>> from optbench import catalog
        >>> divides_by_zero(catalog.optimizer("prodigy")), divides_by_zero(catalog.optimizer("dog"))
        (True, False)
    """
    with jax.enable_x64(True):
        hyper = {name: jnp.float64(0 if name in zeros else h.default) for name, h in rule.hyper.items()}
        params, none = jnp.ones(dim), jnp.zeros(dim)
        state = rule.init(params, hyper)
        for _ in range(CALLS):
            params, state, _ = rule.update(params, state, jnp.ones(()), (none, none) if rule.curved else none, hyper)
        return bool(np.isnan(params).any())
