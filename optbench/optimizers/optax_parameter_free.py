"""optax's optimizers that find their own step size: from distances, from wagers, or from a bound on the value."""

from __future__ import annotations

from functools import partial
from typing import Any

import optax
from optax import contrib

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import bound, constant, decay, epsilon, factor, rate, share, squares

_NONE = "none"
_GUESS = Search(1e-8, 1e-3, "protocol, section 3: its one sensitive constant, five decades of first guesses")
_BOUND = "optax's default; a lower bound, not told: suites add a constant to f (protocol, section 4)"


def _prodigy(
    learning_rate: Any, b1: Any, b2: Any, eps: Any, estim_lr0: Any, estim_lr_coef: Any, weight_decay: Any
) -> optax.GradientTransformation:
    return contrib.prodigy(
        learning_rate,
        betas=(b1, b2),
        eps=eps,
        estim_lr0=estim_lr0,
        estim_lr_coef=estim_lr_coef,
        weight_decay=weight_decay,
    )


def _dadapt(
    learning_rate: Any, b1: Any, b2: Any, eps: Any, estim_lr0: Any, weight_decay: Any
) -> optax.GradientTransformation:
    return contrib.dadapt_adamw(learning_rate, betas=(b1, b2), eps=eps, estim_lr0=estim_lr0, weight_decay=weight_decay)


def _dog(learning_rate: Any, reps_rel: Any, eps: Any, weight_decay: Any) -> optax.GradientTransformation:
    return contrib.dog(learning_rate, init_step=("heuristic", reps_rel), eps=eps, weight_decay=weight_decay)


def _mechanize(learning_rate: Any, s_init: Any, eps: Any, weight_decay: Any) -> optax.GradientTransformation:
    return contrib.mechanize(optax.sgd(learning_rate), weight_decay=weight_decay, eps=eps, s_init=s_init, num_betas=6)


prodigy = from_optax(
    _prodigy,
    name="prodigy",
    swept="estim_lr_coef",
    hyper={
        "lr": factor(),
        "b1": share(0.9, "Mishchenko and Defazio 2023, algorithm 4; optax's default", tuned=True),
        "b2": squares(0.999, "Mishchenko and Defazio 2023, algorithm 4; optax's default", tuned=True),
        "eps": epsilon(1e-8),
        "estim_lr0": constant(1e-6, "Mishchenko and Defazio 2023; optax's default", open_low=True),
        "estim_lr_coef": Hyper(
            1.0,
            "optax's default",
            search=Search(1e-3, 1e2, "the authors' code: the constant to change if any; the range of all rates"),
        ),
        "weight_decay": decay("0"),
    },
    doc=r"""Prodigy: Adam whose rate is an estimate of the distance to the solution, made on the way.

$$d' = \max\Bigl(d,\; c\,\frac{r'}{\lVert s' \rVert_1}\Bigr), \quad
r' = \sqrt{\beta_2}\, r + \frac{d\, \gamma}{d_0}\, g^\top (W_0 - W), \quad
s' = \sqrt{\beta_2}\, s + \frac{d\,\gamma}{d_0}\, g$$

$$W' = W - \gamma \frac{m'}{\sqrt{v'} + d'\epsilon}, \qquad m, v \text{ means of } d g,\; d^2 g^2$$

$\gamma$ is `lr` times Adam's bias correction times $d$; $c$ is `estim_lr_coef`, $d_0$ is `estim_lr0`. No rate: suites
sweep $c$, which the authors name as the one to change.

**If the first gradient is zero in all entries** (a start at a minimum, a plateau), optax 0.2.8 divides 0 by 0 and the
iterate is not a number for good, where `dog`, `dowg`, `cocob` and `momo` wait. A row says so in its `message`.

Reference: Mishchenko and Defazio 2023, "Prodigy: An Expeditiously Adaptive Parameter-Free Learner",
arXiv:2306.06101.""",
)

dadapt_adamw = from_optax(
    _dadapt,
    name="dadapt_adamw",
    swept="estim_lr0",
    hyper={
        "lr": factor(),
        "b1": share(0.9, "Defazio and Mishchenko 2023, algorithm 5; optax's default", tuned=True),
        "b2": squares(0.999, "Defazio and Mishchenko 2023, algorithm 5; optax's default", tuned=True),
        "eps": epsilon(1e-8),
        "estim_lr0": Hyper(1e-6, "Defazio and Mishchenko 2023; optax's default", search=_GUESS),
        "weight_decay": decay("0"),
    },
    doc=r"""D-Adaptation for AdamW: a rising lower bound on the distance to the solution is the rate.

$$\gamma = d\,\eta\, \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}, \quad
m' = \beta_1 m + (1-\beta_1)\gamma g, \quad v' = \beta_2 v + (1-\beta_2) g^2, \quad
W' = W - \frac{m'}{\sqrt{v'} + \epsilon}$$

$$d' = \max\Bigl(d, \frac{r'}{(1-\sqrt{\beta_2}) \lVert s' \rVert_1}\Bigr), \quad
s' = \sqrt{\beta_2} s + (1-\sqrt{\beta_2}) \gamma g, \quad
r' = \sqrt{\beta_2} r + (1-\sqrt{\beta_2}) \gamma\, g^\top \frac{s}{\sqrt{v} + \epsilon}$$

No rate: suites sweep `estim_lr0`, the first $d$.

**If the first gradient is zero in all entries** (a start at a minimum, a plateau), optax 0.2.8 divides 0 by 0, and from
the second step on the iterate is not a number, where `dog`, `dowg`, `cocob` and `momo` wait. A row says so in its
`message`.

Reference: Defazio and Mishchenko 2023, "Learning-Rate-Free Learning by D-Adaptation",
arXiv:2301.07733, algorithm 5.""",
)

dog = from_optax(
    _dog,
    name="dog",
    swept="reps_rel",
    hyper={
        "lr": factor("optax's default; Ivgi et al. 2023 have none"),
        "reps_rel": Hyper(1e-6, "Ivgi et al. 2023, section 4; optax's default", search=_GUESS),
        "eps": epsilon(1e-8, "Ivgi et al. 2023; optax's default"),
        "weight_decay": decay(_NONE),
    },
    doc=r"""DoG, distance over gradients: the rate is the farthest distance from the start over the summed gradients.

$$\eta_t = \frac{\max_{k \le t} \max(r_\epsilon, \lVert W_k - W_0 \rVert)}{\sqrt{\sum_{k \le t} \lVert g_k \rVert^2 +
\epsilon}}, \qquad W' = W - \eta_t\, g, \qquad r_\epsilon = \rho\,(1 + \lVert W_0 \rVert)$$

$\rho$ is `reps_rel`, swept in place of a rate. The authors judge a weighted average of the iterates; optax's
documentation recommends it, but optax has the last iterate, which is judged here.

Reference: Ivgi, Hinder and Carmon 2023, "DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule",
arXiv:2302.12022.""",
)

dowg = from_optax(
    contrib.dowg,
    name="dowg",
    swept="init_estim_sq_dist",
    hyper={
        "lr": factor("optax's default; Khaled et al. 2023 have none"),
        "init_estim_sq_dist": Hyper(1e-4, "optax's default, its eps", search=_GUESS),
        "eps": epsilon(1e-4),
        "weight_decay": decay(_NONE),
    },
    doc=r"""DoWG, distance over weighted gradients: DoG with gradients weighted by the distance at which they were seen.

$$\bar r_t^2 = \max(\bar r_{t-1}^2, \lVert W - W_0 \rVert^2), \quad v_t = v_{t-1} + \bar r_t^2 \lVert g \rVert^2, \quad
W' = W - \frac{\bar r_t^2}{\sqrt{v_t} + \epsilon}\, g$$

$\bar r_0^2$ is `init_estim_sq_dist`, swept in place of a rate.

Reference: Khaled, Mishchenko and Jin 2023, "DoWG Unleashed: An Efficient Universal Parameter-Free Gradient Descent
Method", arXiv:2305.16284.""",
)

cocob = from_optax(
    contrib.cocob,
    name="cocob",
    swept="alpha",
    hyper={
        "lr": factor("optax's default: a factor on the gradient"),
        "alpha": Hyper(
            100.0,
            "Orabona and Tommasi 2017, section 5; optax's default",
            search=Search(1.0, 1e5, "protocol, section 3: its one sensitive constant, five decades"),
        ),
        "eps": epsilon(1e-8),
        "weight_decay": decay("0"),
    },
    doc=r"""COCOB: each coordinate bets a fraction of what it has won so far on the sign of its next derivative.

$$L' = \max(L, |g|), \quad G' = G + |g|, \quad R' = \max(R - g\,(W - W_0),\, 0), \quad \theta' = \theta - g$$

$$W' = W_0 + \frac{\theta'}{L' \max(G' + L',\, \alpha L')}\,(L' + R')$$

No rate: suites sweep `alpha`, which holds the first bets small.

Reference: Orabona and Tommasi 2017, "Training Deep Networks without Learning Rates Through Coin Betting",
arXiv:1705.07795, algorithm 2.""",
)

mechanize = from_optax(
    _mechanize,
    name="mechanize",
    swept="s_init",
    hyper={
        "lr": factor("Cutkosky et al. 2023: the inner rate is 1"),
        "s_init": Hyper(1e-6, "optax's default; Cutkosky et al. 2023 have 1e-8", search=_GUESS),
        "eps": epsilon(1e-8),
        "weight_decay": decay("1e-2"),
    },
    doc=r"""Mechanic around gradient descent: six online learners scale the whole displacement from the start.

$$W' = W_0 + \Bigl(\sum_{i=1}^{6} s_i\Bigr) \Delta', \qquad \Delta' = \Delta - \eta\, g$$

Each $s_i$ is set from the wealth of a bettor on $h = g^\top \Delta$ that forgets at the rate $1 - 0.1^i$. optax keeps
$\Delta$ as $(W - W_0)/(\sum s + \epsilon)$. optax's `mechanize` wraps any optimizer; here it is `sgd`, so that nothing
else adapts. Swept is `s_init`, the first scale. optax's default decay is a gradient of $10^{-2}$ relative strength, not
part of the inner optimizer.

Reference: Cutkosky, Defazio and Mehta 2023, "Mechanic: A Learning Rate Tuner", arXiv:2306.00144.""",
)

momo = from_optax(
    partial(contrib.momo, adapt_lower_bound=False),
    name="momo",
    hyper={
        "lr": rate(1.0, "Schaipp et al. 2024, section 4; optax's default"),
        "beta": share(0.9, "Schaipp et al. 2024, section 4; optax's default", tuned=True),
        "lower_bound": bound(_BOUND),
        "weight_decay": decay("0"),
    },
    doc=r"""MoMo: momentum whose step goes as far as a model of the value, cut off at a lower bound, allows.

$$m' = \beta m + (1-\beta) g, \quad
\tau = \min\Bigl(\eta,\; \frac{\bigl(\bar f' - f_{\min} - \gamma' + m'^\top W\bigr)_+}{\lVert m' \rVert^2}\Bigr), \quad
W' = W - \tau\, m'$$

$\bar f$ and $\gamma$ are means of $f$ and $g^\top W$ with the same $\beta$; all start at the first gradient. `lr` is a
bound on the step. It uses the value; `lower_bound` is not told.

Reference: Schaipp, Ohana, Eickenberg, Defazio and Gower 2024, "MoMo: Momentum Models for Adaptive Learning Rates",
arXiv:2305.07583, algorithm 1.""",
)

momo_adam = from_optax(
    partial(contrib.momo_adam, adapt_lower_bound=False),
    name="momo_adam",
    hyper={
        "lr": rate(1e-2, "Schaipp et al. 2024, section 4; optax's default"),
        "b1": share(0.9, "Schaipp et al. 2024, section 4; optax's default", tuned=True),
        "b2": squares(0.999, "Schaipp et al. 2024, section 4; optax's default", tuned=True),
        "eps": epsilon(1e-8, tuned=True),
        "lower_bound": bound(_BOUND),
        "weight_decay": decay("0"),
    },
    doc=r"""MoMo-Adam: Adam's direction, as far as a model of the value allows.

$$\tau = \min\Bigl(\frac{\eta}{1-\beta_1^t},\; \frac{\bigl(\bar f' - (1-\beta_1^t) f_{\min} - \gamma' + m'^\top
W\bigr)_+}{\lVert m' \rVert^2_{D^{-1}}}\Bigr), \quad W' = W - \tau\, D^{-1} m', \quad
D = \epsilon + \sqrt{v'/(1-\beta_2^t)}$$

Where the bound does not act it is Adam. It uses the value; `lower_bound` is not told.

Reference: Schaipp, Ohana, Eickenberg, Defazio and Gower 2024, arXiv:2305.07583, algorithm 2.""",
)
