"""optax's optimizers that use the sign of a gradient and not its size."""

from __future__ import annotations

import optax

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import constant, decay, rate, share

_STEP = rate(1e-3, "optbench: 0.001 a coordinate, the size of Adam's first step; optax has none")

sign_sgd = from_optax(
    optax.sign_sgd,
    name="sign_sgd",
    hyper={"lr": _STEP},
    doc=r"""Sign descent: every coordinate moves by the same amount.

$$W' = W - \eta\, \operatorname{sign}(g)$$

With a constant rate it ends in a cycle of width $\eta$ a coordinate.

Reference: Bernstein, Wang, Azizzadenesheli and Anandkumar 2018, "signSGD: Compressed Optimisation for Non-Convex
Problems", arXiv:1802.04434.""",
)

signum = from_optax(
    optax.signum,
    name="signum",
    hyper={"lr": _STEP, "beta": share(0.9, "Bernstein et al. 2018, section 5; optax's default", tuned=True)},
    doc=r"""Signum: the sign of a running mean of gradients.

$$m' = \beta m + (1-\beta) g, \qquad W' = W - \eta\, \operatorname{sign}(m')$$

Reference: Bernstein, Wang, Azizzadenesheli and Anandkumar 2018, arXiv:1802.04434, algorithm 2.""",
)

lion = from_optax(
    optax.lion,
    name="lion",
    hyper={
        "lr": rate(1e-4, "Chen et al. 2023, the authors' code; optax has none"),
        "b1": share(0.9, "Chen et al. 2023, section 5; optax's default", tuned=True),
        "b2": share(0.99, "Chen et al. 2023, section 5; optax's default", tuned=True),
        "weight_decay": decay("1e-3"),
    },
    doc=r"""Lion: the sign of an interpolation between momentum and gradient, found by a search over programs.

$$W' = W - \eta\,\bigl(\operatorname{sign}(\beta_1 m + (1-\beta_1) g) + \lambda W\bigr), \qquad
m' = \beta_2 m + (1-\beta_2) g$$

Made for weight decay, which landscapes leave at 0.

Reference: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675, program 1.""",
)

optax_rprop = from_optax(
    optax.rprop,
    name="optax_rprop",
    hyper={
        "lr": rate(1e-2, "PyTorch's default; Riedmiller and Braun 1993 start at 0.1; optax has none"),
        "eta_minus": Hyper(
            0.5,
            "Riedmiller and Braun 1993; optax's default",
            high=1.0,
            search=Search(0.2, 0.9, "about the default, within (0, 1)", "linear"),
        ),
        "eta_plus": Hyper(
            1.2,
            "Riedmiller and Braun 1993; optax's default",
            low=1.0,
            search=Search(1.05, 2.0, "about the default, above 1", "linear"),
        ),
        "min_step_size": constant(1e-6, "Riedmiller and Braun 1993; optax's default"),
        "max_step_size": constant(50.0, "Riedmiller and Braun 1993; optax's default"),
    },
    doc=r"""Rprop, optax's: the moves of `rprop`, each one call late.

$$\Delta' = \begin{cases} \min(\eta^+ \Delta, \Delta_{\max}) & g\, p > 0 \\
\max(\eta^- \Delta, \Delta_{\min}) & g\, p < 0
\\ \Delta & g\, p = 0 \end{cases} \qquad
p' = \begin{cases} 0 & g\, p < 0 \\ \Delta' \operatorname{sign}(g) & \text{else} \end{cases} \qquad
W' = W - \begin{cases} 0 & g\, p < 0 \\ p & \text{else} \end{cases}$$

`lr` is $\Delta$ at the start. The paper steps by $p'$, which belongs to the gradient at hand; optax 0.2.8 steps by
$p$, which belongs to the one before. From the derivatives 1, 1, 1, 0, 1, -1 and a first step of 0.1 it moves by 0,
-0.1, -0.12, -0.144, 0, 0; as published, and in torch, that is -0.1, -0.12, -0.144, 0, -0.144, 0. The published rule is
`rprop`.

Reference: Riedmiller and Braun 1993, "A direct adaptive method for faster backpropagation learning: the RPROP
algorithm"; Igel and Husken 2003.""",
)
