"""Lookahead: slow weights that follow where a fast rule goes."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, Search, State, zeros_like
from optbench.optimizers import trees
from optbench.optimizers.gradient import sgd
from optbench.optimizers.progress import completes, fixed_cost, joined, steps_done, zero_calls

_HYPER = {
    "sync_period": Hyper(
        5.0,
        "Zhang et al. 2019, section 5 (their k)",
        low=1.0,
        open_low=False,
        search=Search(2.0, 20.0, "Zhang et al. 2019 take 5, 10 and 20"),
    ),
    "slow_step_size": Hyper(
        0.5,
        "Zhang et al. 2019, section 5 (their alpha)",
        high=1.0,
        open_high=False,
        search=Search(0.2, 0.8, "Zhang et al. 2019 take 0.2, 0.5 and 0.8", "linear"),
    ),
}


class LookaheadState(NamedTuple):
    """State of Lookahead.

    Attributes:
        inner: State of the fast rule.
        calls: Gradients seen.
        ahead: Fast weights minus slow weights: a difference, so that what moves the slow weights from
            outside, such as weight decay, moves both.
    """

    inner: State
    calls: Array
    ahead: Params


def slow_weights(inner: Optimizer, *, name: str | None = None) -> Optimizer:
    """Returns Lookahead around a rule.

    Args:
        inner: The fast rule.
        name: Name of the result; ``inner+lookahead`` if ``None``.

    Returns:
        The rule, as costly as ``inner``.

    Raises:
        UsageError: Steps of ``inner`` differ in cost, or it has a hyperparameter of the same name.
    """
    fixed_cost(inner, "lookahead")
    hyper = joined(inner, "lookahead", _HYPER)

    def init(params: Params, hyper: HyperValues) -> LookaheadState:
        return LookaheadState(inner.init(params, hyper), zero_calls(), zeros_like(params))

    def update(
        params: Params, state: LookaheadState, value: Array, grad: Any, hyper: HyperValues
    ) -> tuple[Params, LookaheadState, Params]:
        fast, stepped, wanted = inner.update(trees.plus(params, state.ahead), state.inner, value, grad, hyper)
        period = jnp.asarray(hyper["sync_period"])
        before = steps_done(inner, state.inner, state.calls).astype(period.dtype)
        # Periods are reals: with 2.5 the gaps are 2 and 3 in turn.
        due = jnp.floor((before + 1) / period) > jnp.floor(before / period)
        due = due & completes(inner, state.inner, stepped, state.calls)
        slow = jax.tree.map(lambda s, f: jnp.where(due, s + hyper["slow_step_size"] * (f - s), s), params, fast)
        shift = jax.tree.map(lambda s, f: jnp.where(due, s - f, jnp.zeros_like(f)), slow, fast)
        ahead = jax.tree.map(lambda s, f: jnp.where(due, jnp.zeros_like(f), f - s), slow, fast)
        kept = LookaheadState(stepped, state.calls + 1, ahead)
        # A plain rule wants its gradient at the fast weights themselves, to the last bit.
        plain = trees.where(due, slow, fast)
        return slow, kept, trees.plus(wanted, shift) if inner.looks_ahead else plain

    return Optimizer(
        name=name or f"{inner.name}+lookahead",
        init=init,
        update=update,
        hyper=hyper,
        looks_ahead=True,
        evals_per_step=inner.evals_per_step,
        swept=inner.swept,
        ranked=inner.ranked,
        max_dim=inner.max_dim,
        doc=_DOC,
    )


_DOC = r"""Lookahead: fast weights explore, and every $k$ steps slow weights move part of the way to them.

$$\theta' = \theta - \eta\, g(\theta), \qquad \text{every } k \text{ steps:}\quad
W' = W + \alpha (\theta' - W), \quad \theta' = W'$$

One gradient a step, at the fast weights $\theta$; the state is that of the inner rule, here gradient descent,
and $\theta - W$. The iterate that is judged is $W$, the slow weights, which stand still between
synchronizations. The inner rule's state is kept over a synchronization. $k$ is `sync_period`, $\alpha$
`slow_step_size`. `lookahead` as a modifier puts the same around any rule whose steps cost the same.

Reference: Zhang, Lucas, Hinton and Ba 2019, "Lookahead Optimizer: k steps forward, 1 step back", NeurIPS,
arXiv:1907.08610, algorithm 1."""

lookahead = slow_weights(sgd, name="lookahead")
