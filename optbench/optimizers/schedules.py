"""Learning-rate schedules: the rate of any rule as a function of its completed steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, Search, State
from optbench.errors import UsageError
from optbench.optimizers.progress import joined, steps_done, zero_calls

_HORIZON = Hyper(
    1000.0,
    "the number of steps, which suites and traces fill in",
    low=1.0,
    open_low=False,
    told="horizon",
)
_FINAL = Hyper(0.0, "Loshchilov and Hutter 2017, section 4 (eta_min)", high=1.0, open_low=False, open_high=False)
_WARMUP_SHARE = Hyper(
    0.05,
    "Goyal et al. 2017, section 2.2: 5 of 90 epochs",
    high=1.0,
    open_low=False,
    search=Search(0.01, 0.3, "from a tenth of the published 5 % to six times of it"),
)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The shape of a schedule.

    Attributes:
        factor: ``factor(elapsed, span, hyper)``: what the rate is multiplied by ``elapsed`` steps after the
            warm-up, of ``span`` steps in all; 1 at 0.
        hyper: Its hyperparameters, the horizon among them if ``span`` matters.
        doc: Formula and reference, in Markdown.
    """

    factor: Callable[[Array, Array, HyperValues], Array]
    hyper: Mapping[str, Hyper]
    doc: str


class ScheduledState(NamedTuple):
    """State of a rule with a schedule.

    Attributes:
        inner: State of the rule.
        calls: Gradients seen.
    """

    inner: State
    calls: Array


def _constant(elapsed: Array, span: Array, hyper: HyperValues) -> Array:
    return jnp.ones_like(elapsed)


def _cosine(elapsed: Array, span: Array, hyper: HyperValues) -> Array:
    final = hyper["final_fraction"]
    factor: Array = final + (1 - final) * (1 + jnp.cos(jnp.pi * jnp.minimum(elapsed / span, 1.0))) / 2
    return factor


def _linear(elapsed: Array, span: Array, hyper: HyperValues) -> Array:
    final = hyper["final_fraction"]
    factor: Array = final + (1 - final) * (1 - jnp.minimum(elapsed / span, 1.0))
    return factor


def _step(elapsed: Array, span: Array, hyper: HyperValues) -> Array:
    # Multiplied first: the quotient of whole numbers is exact wherever a drop is due.
    drops: Array = jnp.minimum(jnp.floor(elapsed * (hyper["n_drops"] + 1) / span), hyper["n_drops"])
    return jnp.asarray(hyper["drop_factor"]) ** drops


def _inverse_root(elapsed: Array, span: Array, hyper: HyperValues) -> Array:
    return 1 / jnp.sqrt(1 + elapsed / hyper["timescale"])


#: The schedules by name, warm-up excepted, which goes before any of them.
SCHEDULES: Mapping[str, Schedule] = {
    "constant": Schedule(
        _constant,
        {},
        r"""**`constant`**: the rate stays as it is, $\eta_t = \eta$. Something to put after a warm-up, and a schedule
to compare with.""",
    ),
    "cosine": Schedule(
        _cosine,
        {"horizon": _HORIZON, "final_fraction": _FINAL},
        r"""**`cosine`**: half a cosine from the rate down to the fraction $r$ (`final_fraction`) of it at the horizon.

$$\eta_t = \eta \left(r + (1 - r)\, \frac{1 + \cos(\pi t / T)}{2}\right), \qquad t = 0, \dots, T - 1$$

Reference: Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR,
arXiv:1608.03983, equation 5, without restarts.""",
    ),
    "linear": Schedule(
        _linear,
        {"horizon": _HORIZON, "final_fraction": _FINAL},
        r"""**`linear`**: a straight line from the rate down to the fraction $r$ (`final_fraction`) of it at $T$.

$$\eta_t = \eta \left(r + (1 - r)(1 - t / T)\right), \qquad t = 0, \dots, T - 1$$

Reference: Defazio, Cutkosky, Mehta and Mishchenko 2023, "Optimal Linear Decay Learning Rate Schedules and Further
Refinements", arXiv:2310.07831.""",
    ),
    "step": Schedule(
        _step,
        {
            "horizon": _HORIZON,
            "drop_factor": Hyper(
                0.1,
                "He et al. 2016, section 4.1",
                high=1.0,
                open_high=False,
                search=Search(0.03, 0.5, "around 0.1 of He et al. 2016 and 0.2 of Zagoruyko and Komodakis 2016"),
            ),
            "n_drops": Hyper(2.0, "He et al. 2016, section 4.1: at a third and two thirds", open_low=False),
        },
        r"""**`step`**: the rate is multiplied by `drop_factor` $d$ at `n_drops` $n$ times, equally spaced.

$$\eta_t = \eta\, d^{\min(\lfloor t (n + 1) / T \rfloor,\, n)}$$

Reference: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", CVPR.""",
    ),
    "inverse_root": Schedule(
        _inverse_root,
        {
            "timescale": Hyper(
                1.0,
                "Zinkevich 2003, theorem 1: the rate of step t = 1, 2, ... falls as 1/sqrt(t)",
                search=Search(1.0, 1e3, "from Zinkevich's 1 to a rate that a thousand steps halve but little"),
            )
        },
        r"""**`inverse_root`**: the rate falls with the root of time; it needs no horizon. $\tau$ is `timescale`.

$$\eta_t = \frac{\eta}{\sqrt{1 + t / \tau}}, \qquad t = 0, 1, \dots$$

Reference: Zinkevich 2003, "Online Convex Programming and Generalized Infinitesimal Gradient Ascent", ICML, with
$\tau = 1$; Zhai et al. 2022, "Scaling Vision Transformers", for $\tau$ and the warm-up before it.""",
    ),
}

_WARMUP_DOC = r"""**`warmup`**: the rate rises linearly over the first $w = sT$ steps ($s$ is `warmup_share`, $T$ the
horizon), and a schedule beside it runs over the $T - w$ steps that are left, its $t$ counted from there.

$$\eta_t \to \min\left(1, \frac{t + 1}{w}\right) \eta_t$$

Reference: Goyal et al. 2017, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", arXiv:1706.02677,
section 2.2."""


def scheduled(rule: Optimizer, name: str, *, warmup: bool = False) -> Optimizer:
    """Returns a rule whose rate follows a schedule.

    Args:
        rule: The rule; ``lr`` is what the schedule multiplies.
        name: One of ``SCHEDULES``.
        warmup: Whether the rate rises linearly before.

    Returns:
        The rule; ``t`` counts its completed steps from 0, whatever a step costs.

    Raises:
        UsageError: The rule has no ``lr``, or hyperparameters of the same names.
    """
    if "lr" not in rule.hyper:
        raise UsageError(f"{rule.name} has no lr that a schedule could act on")
    schedule = SCHEDULES[name]
    more = {**({"horizon": _HORIZON, "warmup_share": _WARMUP_SHARE} if warmup else {}), **schedule.hyper}
    hyper = joined(rule, name, more)

    def at(t: Array, hyper: HyperValues) -> dict[str, Any]:
        lr = jnp.asarray(hyper["lr"])
        t = t.astype(lr.dtype)
        horizon = jnp.asarray(hyper["horizon"]) if "horizon" in more else jnp.ones_like(lr)
        rise = hyper["warmup_share"] * horizon if warmup else jnp.zeros_like(lr)
        elapsed = jnp.maximum(t - rise, 0.0)
        factor = schedule.factor(elapsed, jnp.maximum(horizon - rise, 1.0), hyper)
        if warmup:
            factor = factor * jnp.minimum((t + 1) / jnp.maximum(rise, 1.0), 1.0)
        return {**hyper, "lr": lr * factor}

    def now(state: ScheduledState, hyper: HyperValues) -> dict[str, Any]:
        return at(steps_done(rule, state.inner, state.calls), hyper)

    def init(params: Params, hyper: HyperValues) -> ScheduledState:
        calls = zero_calls()
        return ScheduledState(rule.init(params, at(calls, hyper)), calls)

    def update(
        params: Params, state: ScheduledState, value: Array, grad: Any, hyper: HyperValues
    ) -> tuple[Params, ScheduledState, Any]:
        params, inner, point = rule.update(params, state.inner, value, grad, now(state, hyper))
        return params, ScheduledState(inner, state.calls + 1), point

    counts = rule.counts
    return dataclasses.replace(
        rule,
        name=f"{rule.name}+{'warmup+' if warmup else ''}{name}",
        init=init,
        update=update,
        hyper=hyper,
        counts=None if counts is None else lambda state: counts(state.inner),
        rate=lambda state, hyper: now(state, hyper)["lr"],
        doc="\n\n".join([_WARMUP_DOC, schedule.doc] if warmup else [schedule.doc]),
    )
