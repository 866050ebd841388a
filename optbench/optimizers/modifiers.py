"""What can be added to any rule by name: ``adam+warmup+cosine``, ``sgd+clip+decay``, ``momentum+sam``.

Modifiers are applied from left to right, each around all that stands left of it. Schedules are the
exception: wherever they stand, they act last, on the rate of everything in the name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, Search, State
from optbench.errors import UsageError, unknown_name
from optbench.optimizers import trees
from optbench.optimizers.averaging import slow_weights
from optbench.optimizers.progress import completes, joined, zero_calls
from optbench.optimizers.schedules import SCHEDULES, scheduled
from optbench.optimizers.sharpness_aware import sharpness_aware

#: Hyperparameters with a range that an entry may have beside the rate.
MAX_RANGES = 3

_CLIP_NORM = Hyper(
    1.0,
    "the common choice; no paper's",
    search=Search(
        1e-2, 1e1, "Pascanu et al. 2013, section 3.2: from half to ten times the mean length; two decades more"
    ),
)
_CLIP_VALUE = Hyper(
    1.0,
    "the same as clip_norm; no paper's",
    search=Search(1e-2, 1e1, "as for clip_norm"),
)
_WEIGHT_DECAY = Hyper(
    1e-4,
    "optax.adamw",
    open_low=False,
    search=Search(1e-5, 1e-1, "a decade around the defaults of optax.adamw, 1e-4, and torch.optim.AdamW, 1e-2"),
)


class DecayState(NamedTuple):
    """State of a rule with weight decay.

    Attributes:
        inner: State of the rule.
        calls: Gradients seen.
    """

    inner: State
    calls: Array


def _clipping(
    rule: Optimizer, name: str, more: Mapping[str, Hyper], clip: Callable[..., Params], doc: str
) -> Optimizer:
    def update(params: Params, state: State, value: Array, grad: Any, hyper: HyperValues) -> tuple[Params, State, Any]:
        seen = (clip(grad[0], hyper), grad[1]) if rule.curved else clip(grad, hyper)
        return rule.update(params, state, value, seen, hyper)

    hyper = joined(rule, name, dict(more))
    return dataclasses.replace(rule, name=f"{rule.name}+{name}", update=update, hyper=hyper, doc=doc)


def _to_norm(grad: Params, hyper: HyperValues) -> Params:
    unit, length = trees.direction(grad)
    long = length > hyper["clip_norm"]
    return jax.tree.map(lambda g, u: jnp.where(long, hyper["clip_norm"] * u, g), grad, unit)


def _to_value(grad: Params, hyper: HyperValues) -> Params:
    return jax.tree.map(lambda g: jnp.clip(g, -hyper["clip_value"], hyper["clip_value"]), grad)


def _clip(rule: Optimizer) -> Optimizer:
    return _clipping(rule, "clip", {"clip_norm": _CLIP_NORM}, _to_norm, _CLIP_DOC)


def _clip_value(rule: Optimizer) -> Optimizer:
    return _clipping(rule, "clip_value", {"clip_value": _CLIP_VALUE}, _to_value, _CLIP_VALUE_DOC)


def decayed(
    rule: Optimizer, strength: float | None = None, *, only: Callable[[Params], Params] | None = None
) -> Optimizer:
    """Returns a rule with decoupled weight decay: ``W' - lr strength W`` after every completed step.

    Args:
        rule: The rule; one without ``lr`` shrinks by the strength itself.
        strength: The same for all runs; the hyperparameter ``weight_decay`` if ``None``.
        only: Gives for parameters those that decay, and zeros in place of the others; all decay if ``None``.

    Returns:
        The rule.

    Raises:
        UsageError: The strength is a hyperparameter, and the rule has its own of that name.

    References:
        Loshchilov & Hutter, 2019, Decoupled weight decay regularization, arXiv:1711.05101.
    """
    hyper = rule.hyper if strength is not None else joined(rule, "decay", {"weight_decay": _WEIGHT_DECAY})

    def init(params: Params, hyper: HyperValues) -> DecayState:
        return DecayState(rule.init(params, hyper), zero_calls())

    def update(
        params: Params, state: DecayState, value: Array, grad: Any, hyper: HyperValues
    ) -> tuple[Params, DecayState, Any]:
        moved, inner, point = rule.update(params, state.inner, value, grad, hyper)
        share = hyper["weight_decay"] if strength is None else strength
        if "lr" in hyper:
            share = share * (hyper["lr"] if rule.rate is None else rule.rate(state.inner, hyper))
        done = completes(rule, state.inner, inner, state.calls)
        decaying = params if only is None else only(params)
        shift = jax.tree.map(lambda w: jnp.where(done, share * w, jnp.zeros_like(w)), decaying)
        moved = trees.minus(moved, shift)
        if rule.curved:
            point = (trees.minus(point[0], shift), point[1])
        elif rule.looks_ahead:
            point = trees.minus(point, shift)
        else:
            point = moved
        return moved, DecayState(inner, state.calls + 1), point

    counts, rate = rule.counts, rule.rate
    return dataclasses.replace(
        rule,
        name=f"{rule.name}+decay",
        init=init,
        update=update,
        hyper=hyper,
        counts=None if counts is None else lambda state: counts(state.inner),
        rate=None if rate is None else lambda state, hyper: rate(state.inner, hyper),
        doc=_DECAY_DOC,
    )


_CLIP_DOC = r"""**`clip`**: gradients longer than $c$ (`clip_norm`) are shortened to $c$, each one that the rule asks
for; Hessian-vector products are not.

$$g \to g\, \min(1, c / \lVert g \rVert)$$

Reference: Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks", ICML,
arXiv:1211.5063, algorithm 1."""

_CLIP_VALUE_DOC = r"""**`clip_value`**: each coordinate of a gradient is cut off at $\pm c$ (`clip_value`).

$$g_i \to \max(-c, \min(c, g_i))$$

Reference: Mikolov 2012, "Statistical Language Models Based on Neural Networks"."""

_DECAY_DOC = r"""**`decay`**: decoupled weight decay $\lambda$ (`weight_decay`) at the scheduled rate, on every
completed step; where the rule looks ahead, the point that it looks at moves by the same amount. A rule without
a rate shrinks by $\lambda$ itself. A search along a line that keeps values from its last step keeps those of the
weights before the decay.

$$W' \to W' - \eta_t\, \lambda\, W$$

Reference: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", ICLR, arXiv:1711.05101, with the
decay multiplied by the rate, as libraries do."""

_WRAPPERS: Mapping[str, Callable[[Optimizer], Optimizer]] = {
    "clip": _clip,
    "clip_value": _clip_value,
    "decay": decayed,
    "lookahead": slow_weights,
    "sam": sharpness_aware,
    "asam": lambda rule: sharpness_aware(rule, adaptive=True),
}

#: All modifiers by name.
MODIFIERS: tuple[str, ...] = (*SCHEDULES, "warmup", *_WRAPPERS)


@cache
def modified(rule: Optimizer, names: tuple[str, ...]) -> Optimizer:
    """Returns a rule with modifiers; the same object for the same rule and names.

    Args:
        rule: The rule.
        names: The modifiers, from left to right.

    Returns:
        The rule named ``rule+name+name``, with the hyperparameters of all, and of their ranges the
        modifiers' first, then the rule's own in order, ``MAX_RANGES`` beside the rate's.

    Raises:
        UsageError: A modifier is unknown, is given twice, contradicts another one or cannot be added to
            this rule.

    Example:
        >>> from optbench.optimizers.adaptive import adam
        >>> modified(adam, ("clip", "cosine")).name
        'adam+clip+cosine'
    """
    problems = [unknown_name("modifier", name, MODIFIERS) for name in names if name not in MODIFIERS]
    problems += [f"modifier {name!r} is given twice" for name in sorted({n for n in names if names.count(n) > 1})]
    shapes = [name for name in dict.fromkeys(names) if name in SCHEDULES]
    if len(shapes) > 1:
        problems.append(f"one schedule at a time, beside warmup; got {', '.join(shapes)}")
    if (shapes or "warmup" in names) and "lr" not in rule.hyper:
        first = shapes[0] if shapes else "warmup"
        problems.append(f"{rule.name} has no lr that {first} could act on; its one rate-like constant is {rule.swept}")
    if problems:
        raise UsageError(problems)
    result, docs = _undisturbed(rule), [rule.doc]
    for name in names:
        if name in _WRAPPERS:
            result = _WRAPPERS[name](result)
            docs.append(result.doc)
    if shapes or "warmup" in names:
        result = scheduled(result, shapes[0] if shapes else "constant", warmup="warmup" in names)
        docs.append(result.doc)
    return dataclasses.replace(
        result, name="+".join([rule.name, *names]), hyper=_few_ranges(rule, result.hyper), doc="\n\n".join(docs)
    )


def _undisturbed(rule: Optimizer) -> Optimizer:
    """Returns the rule, shown its own hyperparameters only: it may hand them all to a factory."""

    def own(hyper: HyperValues) -> dict[str, Any]:
        return {name: hyper[name] for name in rule.hyper}

    return dataclasses.replace(
        rule,
        init=lambda params, hyper: rule.init(params, own(hyper)),
        update=lambda params, state, value, grad, hyper: rule.update(params, state, value, grad, own(hyper)),
    )


def _few_ranges(rule: Optimizer, hyper: Mapping[str, Hyper]) -> dict[str, Hyper]:
    added = [name for name in hyper if name not in rule.hyper]
    ranged = [name for name in (*added, *rule.hyper) if hyper[name].search and name != rule.swept]
    drop = set(ranged[MAX_RANGES:])
    return {name: dataclasses.replace(h, search=None) if name in drop else h for name, h in hyper.items()}
