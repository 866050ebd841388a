"""Rprop as it was published, and as torch has it: optax's, which moves one call late, is in ``optax_sign.py``."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, Search, zeros_like
from optbench.optimizers.ranges import RATE

_PAPER = "Riedmiller and Braun 1993; PyTorch's default"


class RpropState(NamedTuple):
    """State of Rprop.

    Attributes:
        last: Derivatives of the last step, 0 where their sign had just changed, shaped like the parameters.
        step: Step size of each coordinate, shaped like the parameters.
    """

    last: Params
    step: Params


def _begin(params: Params, hyper: HyperValues) -> RpropState:
    return RpropState(zeros_like(params), jax.tree.map(lambda w: jnp.full_like(w, hyper["lr"]), params))


def _rprop(
    params: Params, state: RpropState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, RpropState, Params]:
    def sized(g: Array, last: Array, step: Array) -> Array:
        same = g * last
        factor = jnp.where(same > 0, hyper["etap"], jnp.where(same < 0, hyper["etam"], jnp.ones_like(hyper["etam"])))
        return jnp.clip(step * factor, hyper["step_min"], hyper["step_max"])

    step = jax.tree.map(sized, grad, state.last, state.step)
    # Where the sign has just changed the coordinate rests, and the next step compares with nothing.
    felt = jax.tree.map(lambda g, last: jnp.where(g * last < 0, jnp.zeros_like(g), g), grad, state.last)
    params = jax.tree.map(lambda w, g, size: w - size * jnp.sign(g), params, felt, step)
    return params, RpropState(felt, step), params


rprop = Optimizer(
    name="rprop",
    init=_begin,
    update=_rprop,
    hyper={
        "lr": Hyper(1e-2, "PyTorch's default; Riedmiller and Braun 1993 start at 0.1", search=RATE),
        "etam": Hyper(0.5, _PAPER, high=1.0, search=Search(0.2, 0.9, "about the default, within (0, 1)", "linear")),
        "etap": Hyper(1.2, _PAPER, low=1.0, search=Search(1.05, 2.0, "about the default, above 1", "linear")),
        "step_min": Hyper(1e-6, _PAPER, open_low=False),
        "step_max": Hyper(50.0, _PAPER),
    },
    doc=r"""Rprop: each coordinate has a step size of its own, which grows while the sign of its derivative lasts.

$$\Delta' = \begin{cases} \min(\eta^+ \Delta, \Delta_{\max}) & g\, p > 0 \\
\max(\eta^- \Delta, \Delta_{\min}) & g\, p < 0
\\ \Delta & g\, p = 0 \end{cases} \qquad
p' = \begin{cases} 0 & g\, p < 0 \\ g & \text{else} \end{cases} \qquad
W' = W - \Delta' \operatorname{sign}(p')$$

`lr` is $\Delta$ at the start, `etap` and `etam` are $\eta^\pm$, `step_min` and `step_max` the bounds. After a change of
sign the coordinate rests for one step, and its size is kept in the next: the variant iRprop- of Igel and Husken, which
is `torch.optim.Rprop`. From the derivatives 1, 1, 1, 0, 1, -1 and a first step of 0.1 it moves by -0.1, -0.12, -0.144,
0, -0.144, 0. `optax_rprop` makes the same moves one call late.

Made for full gradients: noise flips signs. Steps are never shorter than `step_min`, so it cannot come closer.

Reference: Riedmiller and Braun 1993, "A direct adaptive method for faster backpropagation learning: the RPROP
algorithm"; Igel and Husken 2003, "Empirical evaluation of the improved Rprop learning
algorithms", Neurocomputing 50.""",
)
