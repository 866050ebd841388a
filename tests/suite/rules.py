"""Rules of a user's own, with ranges to search and with things to be told."""

from __future__ import annotations

import jax.numpy as jnp

from optbench.core.optimizer import Hyper, Optimizer, Search

RATE = Hyper(0.1, "here", search=Search(1e-3, 1e2, "here"))
DECAY = Hyper(0.9, "here", high=1.0, search=Search(0.5, 0.99, "here", "complement"))


def _init(params, hyper):
    return ()


def _descend(params, state, value, grad, hyper):
    params = params - hyper["lr"] * grad
    return params, state, params


def _polyak(params, state, value, grad, hyper):
    # On |x|^2 this halves x, whatever the offset, provided that f_star is the minimum in the rule's own units.
    params = params - hyper["lr"] * (value - hyper["f_star"]) / jnp.maximum(jnp.sum(grad * grad), 1e-300) * grad
    return params, state, params


def _linear(params, state, value, grad, hyper):
    # The whole horizon's steps add up to lr along the first axis.
    params = params.at[0].add(hyper["lr"] / hyper["horizon"])
    return params, state, params


def rule(name, hyper, update=_descend, **facts):
    return Optimizer(name=name, init=_init, update=update, hyper=hyper, **facts)


searched = rule("searched", {"b": DECAY, "lr": RATE, "fixed": Hyper(1.0, "here")})
unsearched = rule("unsearched", {"lr": Hyper(0.1, "here")})
greedy = rule("greedy", {"lr": RATE, **{f"h{k}": DECAY for k in range(4)}})
rateless = rule("rateless", {"eps": Hyper(1e-6, "here", search=Search(1e-8, 1e-3, "here")), "b": DECAY}, swept="eps")
polyak = rule("polyak", {"lr": RATE, "f_star": Hyper(0.0, "here", low=float("-inf"), told="f_star")}, _polyak)
linear = rule("linear", {"lr": RATE, "horizon": Hyper(1.0, "here", told="horizon")}, _linear)
pair = rule("pair", {"lr": RATE, "horizon": Hyper(1.0, "here", told="horizon")}, _linear, evals_per_step=2)
