"""optax's optimizers whose judged iterate is another point than the one where gradients are taken."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from optax import contrib

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import View, from_optax
from optbench.optimizers.optax_hypers import constant, decay, epsilon, rate, squares

_SYNC = 5


def _lookahead(learning_rate: Any, slow_step_size: Any) -> optax.GradientTransformation:
    return optax.lookahead(optax.sgd(learning_rate), sync_period=_SYNC, slow_step_size=slow_step_size)


def _sam(learning_rate: Any, rho: Any, eps: Any) -> optax.GradientTransformation:
    ascent = optax.chain(optax.normalize_by_update_norm(eps=eps), optax.sgd(rho))
    sharp = contrib.sam(optax.sgd(learning_rate), ascent, sync_period=2)
    # It says that it takes extra arguments, such as the value, and then refuses them.
    return optax.GradientTransformation(sharp.init, sharp.update)


def _before_ascent(params: Params, state: Any) -> Params:
    """Returns the parameters from which the perturbation starts; between steps those are the parameters."""
    between = state.steps_since_sync == 0
    return jax.tree.map(lambda w, cached: jnp.where(between, w, cached), params, state.cache)


def _averaged(params: Params, state: Any) -> Params:
    average: Params = contrib.schedule_free_eval_params(state, params)
    return average


_AVERAGED = View(lift=lambda judged, point: point, point=lambda params: params, judged=_averaged)
_SLOW = View(
    lift=lambda judged, point: optax.LookaheadParams(fast=point, slow=judged),
    point=lambda params: params.fast,
    judged=lambda params, state: params.slow,
    evals_per_step=_SYNC,
)
_OUTER = View(lift=lambda judged, point: point, point=lambda params: params, judged=_before_ascent, evals_per_step=2)
_INTERPOLATION = Hyper(
    0.9,
    "Defazio et al. 2024, section 2; optax's default",
    high=1.0,
    search=Search(0.5, 0.99, "Defazio et al. 2024 recommend 0.9 to 0.98", "complement"),
)
_POWER = constant(2.0, "Defazio et al. 2024, the authors' code; optax's default")

schedule_free_sgd = from_optax(
    partial(contrib.schedule_free_sgd, warmup_steps=None),
    name="schedule_free_sgd",
    view=_AVERAGED,
    hyper={
        "lr": rate(1.0, "optax's default; the authors' code"),
        "b1": _INTERPOLATION,
        "weight_decay": decay("none"),
        "weight_lr_power": _POWER,
    },
    doc=r"""Schedule-Free SGD: gradients between the average and the base iterate; the average is judged.

$$y = (1-\beta) z + \beta x, \qquad z' = z - \eta\, \nabla f(y), \qquad x' = (1 - c)\, x + c\, z', \qquad
c = \frac{w_t}{\sum_{k \le t} w_k}, \quad w_t = \eta_{\max}^{p}$$

$\beta$ is `b1`, $p$ is `weight_lr_power`; at a constant rate $c = 1/t$. The judged iterate is the average $x$, as
optax's `schedule_free_eval_params` gives it; the gradient is taken at $y$. No warm-up here.

Reference: Defazio, Yang, Mehta, Mishchenko, Khaled and Cutkosky 2024, "The Road Less Scheduled", arXiv:2405.15682.""",
)

schedule_free_adamw = from_optax(
    partial(contrib.schedule_free_adamw, warmup_steps=None),
    name="schedule_free_adamw",
    view=_AVERAGED,
    hyper={
        "lr": rate(2.5e-3, "optax's default; the authors' code"),
        "b1": _INTERPOLATION,
        "b2": squares(0.999, "Defazio et al. 2024; optax's default", tuned=True),
        "eps": epsilon(1e-8, tuned=True),
        "weight_decay": decay("0"),
        "weight_lr_power": _POWER,
    },
    doc=r"""Schedule-Free AdamW: the base iterate moves along a gradient divided by Adam's denominator.

$$y = (1-\beta_1) z + \beta_1 x, \quad v' = \beta_2 v + (1-\beta_2)\nabla f(y)^2, \quad
z' = z - \eta\, \frac{\nabla f(y)}{\sqrt{v'/(1-\beta_2^t)} + \epsilon}, \quad x' = (1-c)\, x + c\, z'$$

with $c$ as in `schedule_free_sgd`. The judged iterate is the average $x$; the gradient is taken at $y$. The paper puts
the bias correction into the rate, which changes the weights of the average; no warm-up here.

Reference: Defazio et al. 2024, "The Road Less Scheduled", arXiv:2405.15682, algorithm 1.""",
)

optax_lookahead = from_optax(
    _lookahead,
    name="optax_lookahead",
    view=_SLOW,
    hyper={
        "lr": rate(1e-2, "PyTorch's and Keras's common choice for SGD"),
        "slow_step_size": Hyper(
            0.5,
            "Zhang et al. 2019, section 5",
            high=1.0,
            open_high=False,
            search=Search(0.2, 1.0, "Zhang et al. 2019 try 0.2 to 0.8; 1 is none", "linear"),
        ),
    },
    doc=r"""Lookahead around gradient descent, optax's: after five fast steps the slow weights go half of the way.

$$w' = w - \eta\, \nabla f(w) \quad (5 \text{ times}), \qquad \phi' = \phi + \alpha\,(w - \phi), \qquad w = \phi'$$

$\alpha$ is `slow_step_size`. The judged iterate is the slow $\phi$, which moves once in five gradients: one
step here is five gradients.

Reference: Zhang, Lucas, Hinton and Ba 2019, "Lookahead Optimizer: k steps forward, 1 step back", arXiv:1907.08610.""",
)

optax_sam = from_optax(
    _sam,
    name="optax_sam",
    view=_OUTER,
    hyper={
        "lr": rate(1e-2, "PyTorch's and Keras's common choice for SGD"),
        "rho": constant(0.05, "Foret et al. 2021, section 3.1", decades=1, open_low=True),
        "eps": epsilon(1e-6, "optax's default of normalize_by_update_norm"),
    },
    doc=r"""Sharpness-aware minimization of gradient descent, optax's.

$$\hat W = W + \rho\, \frac{\nabla f(W)}{\lVert \nabla f(W) \rVert + \epsilon}, \qquad
W' = W - \eta\, \nabla f(\hat W)$$

Two gradients a step. The judged iterate is $W$, never the perturbed $\hat W$; optax's `sam` shows both as parameters,
one after the other.

Reference: Foret, Kleiner, Mobahi and Neyshabur 2021, "Sharpness-Aware Minimization for Efficiently Improving
Generalization", arXiv:2010.01412.""",
)
