"""optax's later relatives of Adam, with other means: of surprises, of differences, of two memories."""

from __future__ import annotations

from functools import partial

import optax
from optax import contrib

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import OPTAX, constant, decay, epsilon, rate, share, squares

_ROOT = epsilon(0.0)

adabelief = from_optax(
    partial(optax.adabelief, nesterov=False),
    name="adabelief",
    hyper={
        "lr": rate(1e-3, "Zhuang et al. 2020, the authors' code; optax has none"),
        "b1": share(0.9, "Zhuang et al. 2020, algorithm 2; optax's default", tuned=True),
        "b2": squares(0.999, "Zhuang et al. 2020, algorithm 2; optax's default", tuned=True),
        "eps": epsilon(1e-16, "Zhuang et al. 2020, the authors' code; optax's default", tuned=True),
        "eps_root": epsilon(1e-16, "Zhuang et al. 2020, the authors' code; optax's default"),
    },
    doc=r"""AdaBelief: divided by how far gradients stray from their mean, not by how large they are.

$$m' = \beta_1 m + (1-\beta_1) g, \quad s' = \beta_2 s + (1-\beta_2)(g - m')^2 + \epsilon_r, \quad
W' = W - \eta\, \frac{m'/(1-\beta_1^t)}{\sqrt{s'/(1-\beta_2^t)} + \epsilon}$$

$\epsilon_r$ is `eps_root`; it is added in every step and so accumulates, as in the paper's algorithm. Where the
gradient hardly changes, steps become very long.

Reference: Zhuang et al. 2020, "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients",
arXiv:2010.07468.""",
)

acprop = from_optax(
    contrib.acprop,
    name="acprop",
    hyper={
        "lr": rate(1e-3, "Zhuang et al. 2021, the authors' code; optax has none"),
        "b1": share(0.9, "Zhuang et al. 2021; optax's default", tuned=True),
        "b2": squares(0.999, "Zhuang et al. 2021; optax's default", tuned=True),
        "eps": epsilon(1e-16, "Zhuang et al. 2021, the authors' code; optax's default", tuned=True),
        "eps_root": epsilon(1e-16, "Zhuang et al. 2021, the authors' code; optax's default"),
        "weight_decay": decay("0"),
    },
    doc=r"""ACProp: AdaBelief's denominator from the step before, and no momentum.

$$W' = W - \eta\, \frac{g}{\sqrt{s/(1-\beta_2^{t-1})} + \epsilon}, \qquad
s' = \beta_2 s + (1-\beta_2)(g - m)^2 + \epsilon_r, \qquad m' = \beta_1 m + (1-\beta_1) g$$

The first step divides by 1, so it is as long as the gradient. `b1` enters through the denominator alone.

Reference: Zhuang et al. 2021, "Momentum Centering and Asynchronous Update for Adaptive Gradient Methods",
arXiv:2110.05454.""",
)

yogi = from_optax(
    optax.yogi,
    name="yogi",
    hyper={
        "lr": rate(1e-2, "Zaheer et al. 2018, section 5; optax has none"),
        "b1": share(0.9, "Zaheer et al. 2018; optax's default", tuned=True),
        "b2": squares(0.999, "Zaheer et al. 2018; optax's default", tuned=True),
        "eps": epsilon(1e-3, "Zaheer et al. 2018, section 5; optax's default", tuned=True),
    },
    doc=r"""Yogi: the mean of squares changes by amounts that do not grow with it.

$$v' = v - (1-\beta_2)\, \operatorname{sign}(v - g^2)\, g^2, \qquad
W' = W - \eta\, \frac{m'/(1-\beta_1^t)}{\sqrt{v'/(1-\beta_2^t)} + \epsilon}$$

optax starts **both** means at 1e-6 and corrects them as if they had started at 0; the paper starts the squares from
an initial batch and corrects nothing. So it moves by a little even where the gradient is 0.

Reference: Zaheer, Reddi, Sachan, Kale and Kumar 2018, "Adaptive Methods for Nonconvex Optimization", NeurIPS.""",
)

adan = from_optax(
    optax.adan,
    name="adan",
    hyper={
        "lr": rate(1e-3, "Xie et al. 2024, the authors' code; optax has none"),
        "b1": share(0.98, "Xie et al. 2024, the authors' code (1 - 0.02); optax's default", tuned=True),
        "b2": share(0.92, "Xie et al. 2024, the authors' code (1 - 0.08); optax's default", tuned=True),
        "b3": squares(0.99, "Xie et al. 2024, the authors' code (1 - 0.01); optax's default", tuned=True),
        "eps": epsilon(1e-8),
        "eps_root": epsilon(1e-8),
        "weight_decay": decay("0"),
    },
    doc=r"""Adan: Nesterov momentum rewritten with differences of gradients, each mean with its own memory.

$$m' = \beta_1 m + (1-\beta_1) g, \quad v' = \beta_2 v + (1-\beta_2)(g - g_{-}), \quad
n' = \beta_3 n + (1-\beta_3)\bigl(g + (1-\beta_2)(g - g_{-})\bigr)^2$$

$$W' = W - \eta\, \frac{\hat m' + (1-\beta_2)\, \hat v'}{\sqrt{\hat n' + \epsilon_r} + \epsilon}$$

with corrected means and $g_{-}$ the gradient before. **optax differs** from the authors' code, which weighs both
differences by $\beta_2$ (0.92) where optax has $1 - \beta_2$ (0.08); the paper's betas are one minus these.

Reference: Xie, Zhou, Li, Lin and Yan 2024, "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep
Models", arXiv:2208.06677, algorithm 1.""",
)

ademamix = from_optax(
    contrib.ademamix,
    name="ademamix",
    hyper={
        "lr": rate(1e-3, "Adam's; Pagliardini et al. 2024 tune it; optax has none"),
        "b1": share(0.9, "Pagliardini et al. 2024, section 3; optax's default", tuned=True),
        "b2": squares(0.999, "Pagliardini et al. 2024, section 3; optax's default", tuned=True),
        "b3": share(0.9999, "Pagliardini et al. 2024, section 3; optax's default"),
        "alpha": constant(5.0, OPTAX + "; Pagliardini et al. 2024 use 4 to 10", decades=1),
        "eps": epsilon(1e-8),
        "eps_root": _ROOT,
        "weight_decay": decay("0"),
    },
    doc=r"""AdEMAMix: Adam with a second, very slow mean of gradients beside the fast one.

$$W' = W - \eta\, \frac{m_1'/(1-\beta_1^t) + \alpha\, m_2'}{\sqrt{v'/(1-\beta_2^t) + \epsilon_r} + \epsilon}, \qquad
m_2' = \beta_3 m_2 + (1-\beta_3) g$$

The paper lets $\alpha$ and $\beta_3$ rise over the run; here both are constant, so no horizon is needed. The slow mean
forgets over 10,000 steps and carries old gradients past a minimum.

Reference: Pagliardini, Ablin and Grangier 2024, "The AdEMAMix Optimizer: Better, Faster, Older", arXiv:2409.03137.""",
)

simplified_ademamix = from_optax(
    contrib.simplified_ademamix,
    name="simplified_ademamix",
    hyper={
        "lr": rate(1e-5, "Adam's 1e-3 times 1 - b1: the accumulator sums gradients; optax has none"),
        "b1": share(0.99, tuned=True),
        "b2": squares(0.95, tuned=True),
        "alpha": Hyper(
            0.0, OPTAX, open_low=False, search=Search(0.0, 100.0, "Morwani et al. 2025 try 0 to 100", "linear")
        ),
        "eps": epsilon(1e-8),
        "eps_root": _ROOT,
        "weight_decay": decay("0"),
    },
    doc=r"""Simplified AdEMAMix: one accumulator, and the gradient itself with a weight of its own.

$$m' = \beta_1 m + g, \quad v' = \beta_2 v + (1-\beta_2) g^2, \quad
W' = W - \eta\, \frac{m' + \alpha\, g}{\sqrt{v'/(1-\beta_2^t) + \epsilon_r} + \epsilon}$$

The accumulator is a sum, so a step is $1/(1-\beta_1)$ times as long as Adam's.

Reference: Morwani, Vyas, Zhang and Kakade 2025, "Connections between Schedule-Free Optimizers, AdEMAMix, and
Accelerated SGD Variants", arXiv:2502.02431.""",
)

adopt = from_optax(
    partial(contrib.adopt, nesterov=False, use_clipping=True),
    name="adopt",
    hyper={
        "lr": rate(1e-3, "Taniguchi et al. 2024, the authors' code; optax has none"),
        "b1": share(0.9, "Taniguchi et al. 2024, algorithm 2; optax's default", tuned=True),
        "b2": squares(0.9999, "Taniguchi et al. 2024, algorithm 2; optax's default", tuned=True),
        "eps": epsilon(1e-6, "Taniguchi et al. 2024, algorithm 2; optax's default", tuned=True),
    },
    doc=r"""ADOPT: Adam that divides each gradient by the mean of the squares before it, and then averages.

$$u = \operatorname{clip}\Bigl(\frac{g}{\max(\sqrt{v}, \epsilon)},\, \pm (t-1)^{1/4}\Bigr), \quad
m' = \beta_1 m + (1-\beta_1) u, \quad W' = W - \eta\, m', \quad v' = \beta_2 v + (1-\beta_2) g^2$$

with $t = 1, 2, \dots$ The first call stores $v = g^2$ and does not move.

Reference: Taniguchi et al. 2024, "ADOPT: Modified Adam Can Converge with Any beta2 with the Optimal Rate",
arXiv:2411.02853.""",
)

novograd = from_optax(
    optax.novograd,
    name="novograd",
    hyper={
        "lr": rate(1e-2, "Ginsburg et al. 2019, section 5; optax has none"),
        "b1": share(0.9, "optax's default; Ginsburg et al. 2019 have 0.95", tuned=True),
        "b2": squares(0.25, "optax's default; Ginsburg et al. 2019 have 0.98", tuned=True),
        "eps": epsilon(1e-6, tuned=True),
        "eps_root": _ROOT,
        "weight_decay": decay("0"),
    },
    doc=r"""NovoGrad: gradients divided by a running norm of the whole layer, then accumulated.

$$v' = \beta_2 v + (1-\beta_2) \lVert g \rVert^2 \;(v_1 = \lVert g_1 \rVert^2), \quad
m' = \beta_1 m + \frac{g}{\sqrt{v' + \epsilon_r} + \epsilon} + \lambda W, \quad W' = W - \eta\, m'$$

One scalar stands for a whole point, so it is normalized descent with momentum; the accumulator is a sum.

Reference: Ginsburg et al. 2019, "Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep
Networks", arXiv:1905.11286.""",
)

lamb = from_optax(
    optax.lamb,
    name="lamb",
    hyper={
        "lr": rate(1e-2, "optbench: 1 % of the weights' norm a step; optax has none"),
        "b1": share(0.9, "You et al. 2020; optax's default", tuned=True),
        "b2": squares(0.999, "You et al. 2020; optax's default", tuned=True),
        "eps": epsilon(1e-6, "You et al. 2020; optax's default", tuned=True),
        "eps_root": _ROOT,
        "weight_decay": decay("0"),
    },
    doc=r"""LAMB: Adam's direction at a length proportional to the weights' own.

$$u = \frac{\hat m'}{\sqrt{\hat v' + \epsilon_r} + \epsilon} + \lambda W, \qquad
W' = W - \eta\, \frac{\lVert W \rVert}{\lVert u \rVert}\, u$$

A landscape's whole point is one layer. Steps have the length $\eta \lVert W \rVert$ whatever the gradient, so with a
constant rate it circles its minimum, and where the origin lies matters.

Reference: You et al. 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
arXiv:1904.00962, algorithm 2.""",
)
