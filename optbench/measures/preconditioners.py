"""The diagonal preconditioner of an adaptive rule, read from its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from optbench.core.objective import Params
from optbench.core.optimizer import Optimizer, State
from optbench.errors import UsageError
from optbench.measures.measure import NotApplicable
from optbench.optimizers.modifiers import DecayState
from optbench.optimizers.schedules import ScheduledState
from optbench.optimizers.sharpness_aware import SharpnessAwareState

#: States of modifiers that leave the rule's own step as it is: they act on its rate, its gradient or the weights.
_AROUND = (ScheduledState, DecayState, SharpnessAwareState)


def preconditioner(rule: Optimizer, state: State, hyper: Mapping[str, float] | None = None) -> Params:
    """Returns ``P`` of the last step ``-lr P^-1 m`` of an adaptive rule.

    ``m`` is ``b1 m + (1 - b1) g``, as it is before any correction, so ``P`` has all of the corrections:

    - ``adam``: ``(1 - b1^t) sqrt((v + eps) / (1 - b2^t))``;
    - ``optax_adam``, ``adamw``, ``radam``, ``yogi``: ``(1 - b1^t) (sqrt(v / (1 - b2^t) + eps_root) + eps)``, of
      ``radam`` divided by its rectification, and ``1 - b1^t`` before that begins; ``nadam``, ``nadamw``: the same, with
      ``(1 - b1^t)`` times their mean of means as ``m``;
    - ``amsgrad``: the same with the largest ``v / (1 - b2^t)`` so far;
    - ``adabelief``: ``(1 - b1^t) (sqrt(v / (1 - b2^t)) + eps)``;
    - ``adamax``, ``adamaxw``: ``(1 - b1^t) u``;
    - ``adagrad``, ``rmsprop``, ``optax_adagrad``, ``optax_rmsprop``: ``sqrt(G + eps)``, with ``g`` as ``m``;
      ``rmsprop_centered``: ``sqrt(G - m^2 + eps)`` in the step that is added to its momentum.

    Weight decay is no part of the step. Schedules, warm-up, clipping, decay and SAM may stand around the rule.

    Args:
        rule: A rule of the catalogue.
        state: Its state after a step, of one run.
        hyper: Its hyperparameters where they are not the defaults.

    Returns:
        ``P``, positive, a pytree like the point, in float64.

    Raises:
        UsageError: A hyperparameter is unknown or out of range.
        NotApplicable: No diagonal preconditioner is known of the rule, no step was made, or some of it is not positive.

    Example:
        >>> import jax.numpy as jnp
        >>> from optbench.optimizers.adaptive import rmsprop, SquareSum
        >>> preconditioner(rmsprop, SquareSum(jnp.array([4.0, 9.0])), {"eps": 0.0}).tolist()
        [2.0, 3.0]

    References:
        Cohen et al., 2022, Adaptive gradient methods at the edge of stability, arXiv:2207.14484, equation 2 for Adam.
    """
    name, *around = rule.name.split("+")
    formula = _FORMULAS.get(name)
    if formula is None or "lookahead" in around:
        raise NotApplicable(
            f"{rule.name}: no diagonal preconditioner is known of this rule; it is of {', '.join(sorted(_FORMULAS))}"
        )
    values = rule.resolve(hyper)
    while isinstance(state, _AROUND):
        state = state.inner
    found: Params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), formula(state, values))
    smallest = min((float(leaf.min()) for leaf in jax.tree.leaves(found) if leaf.size), default=1.0)
    if not smallest > 0:
        raise NotApplicable(
            f"{rule.name}: its preconditioner has entries that are not positive, the smallest is {smallest:g}: "
            "no step was made, or a gradient was always 0 and eps is 0"
        )
    return found


def _part(state: State, *fields: str) -> list[Any]:
    """Returns fields of the part of a state that has them all, in float64; optax keeps parts in nested tuples."""
    waiting = [state]
    while waiting:
        found = waiting.pop()
        if set(fields) <= set(getattr(found, "_fields", ())):
            return [jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), getattr(found, name)) for name in fields]
        if isinstance(found, tuple):
            waiting.extend(found)
    raise UsageError(f"the state has no {' and '.join(fields)}: it is that of another rule")


def _own_adam(state: State, hyper: Mapping[str, float]) -> Params:
    v, first, second = _part(state, "v", "b1_power", "b2_power")
    # Before the first step both powers are 1, and 0 says so.
    share = (1 - first) / np.sqrt(max(1 - second, np.finfo(np.float64).tiny))
    return jax.tree.map(lambda v: share * np.sqrt(v + hyper["eps"]), v)


def _square_sum(state: State, hyper: Mapping[str, float]) -> Params:
    (total,) = _part(state, "G")
    return jax.tree.map(lambda G: np.sqrt(G + hyper["eps"]), total)


def _corrected(state: State, hyper: Mapping[str, float], field: str = "nu") -> tuple[float, Params]:
    """Returns ``1 - b1^t`` and the corrected mean of squares of an Adam of optax's."""
    count, mean = _part(state, "count", field)
    if count < 1:
        return 0.0, mean
    return 1 - hyper["b1"] ** float(count), jax.tree.map(lambda v: v / (1 - hyper["b2"] ** float(count)), mean)


def _optax_adam(state: State, hyper: Mapping[str, float]) -> Params:
    share, mean = _corrected(state, hyper)
    root = hyper.get("eps_root", 0.0)
    return jax.tree.map(lambda v: share * (np.sqrt(v + root) + hyper["eps"]), mean)


def _adabelief(state: State, hyper: Mapping[str, float]) -> Params:
    # Its eps_root is in the mean already.
    return _optax_adam(state, {**hyper, "eps_root": 0.0})


def _amsgrad(state: State, hyper: Mapping[str, float]) -> Params:
    share, _ = _corrected(state, hyper)
    (largest,) = _part(state, "nu_max")
    return jax.tree.map(lambda v: share * (np.sqrt(v + hyper["eps_root"]) + hyper["eps"]), largest)


def _adamax(state: State, hyper: Mapping[str, float]) -> Params:
    share, _ = _corrected(state, hyper)
    (largest,) = _part(state, "nu")
    return jax.tree.map(lambda u: share * u, largest)


def _radam(state: State, hyper: Mapping[str, float]) -> Params:
    share, mean = _corrected(state, hyper)
    (count,) = _part(state, "count")
    power = hyper["b2"] ** float(count)
    limit = 2 / (1 - hyper["b2"]) - 1
    length = limit - 2 * float(count) * power / (1 - power) if count >= 1 else 0.0
    if length < hyper["threshold"]:
        return jax.tree.map(lambda v: np.full_like(v, share), mean)
    rectified = np.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
    return jax.tree.map(lambda P: P / rectified, _optax_adam(state, hyper))


def _optax_adagrad(state: State, hyper: Mapping[str, float]) -> Params:
    (total,) = _part(state, "sum_of_squares")
    return jax.tree.map(lambda G: np.sqrt(G + hyper["eps"]), total)


def _optax_rmsprop(state: State, hyper: Mapping[str, float]) -> Params:
    (mean,) = _part(state, "nu")
    return jax.tree.map(lambda G: np.sqrt(G + hyper["eps"]), mean)


def _rmsprop_centered(state: State, hyper: Mapping[str, float]) -> Params:
    mean, squares = _part(state, "mu", "nu")
    return jax.tree.map(lambda m, G: np.sqrt(G - m * m + hyper["eps"]), mean, squares)


#: From the state and the hyperparameters of a rule to its preconditioner.
_FORMULAS: Mapping[str, Callable[[State, Mapping[str, float]], Params]] = {
    "adam": _own_adam,
    "adagrad": _square_sum,
    "rmsprop": _square_sum,
    "optax_adam": _optax_adam,
    "adamw": _optax_adam,
    "nadam": _optax_adam,
    "nadamw": _optax_adam,
    "yogi": _optax_adam,
    "adabelief": _adabelief,
    "amsgrad": _amsgrad,
    "adamax": _adamax,
    "adamaxw": _adamax,
    "radam": _radam,
    "optax_adagrad": _optax_adagrad,
    "optax_rmsprop": _optax_rmsprop,
    "rmsprop_centered": _rmsprop_centered,
}
