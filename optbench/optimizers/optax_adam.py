"""optax's Adam and the rules that differ from it by one thing: decay, Nesterov, a maximum, a correction."""

from __future__ import annotations

from functools import partial

import optax

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import constant, decay, epsilon, rate, share, squares

_KINGMA = "Kingma and Ba 2015, algorithm 1"
_RATE = rate(1e-3, f"{_KINGMA}; optax has none")
_B1 = share(0.9, f"{_KINGMA}; optax's default", tuned=True)
_B2 = squares(0.999, f"{_KINGMA}; optax's default", tuned=True)
_EPS = epsilon(1e-8, f"{_KINGMA}; optax's default", tuned=True)
_ROOT = epsilon(0.0, "optax's default: epsilon inside the root, for differentiation through the optimizer")
_ADAM = {"lr": _RATE, "b1": _B1, "b2": _B2, "eps": _EPS, "eps_root": _ROOT}
_NADAM = {**_ADAM, "lr": rate(2e-3, "PyTorch's default of NAdam; optax has none")}

optax_adam = from_optax(
    partial(optax.adam, nesterov=False),
    name="optax_adam",
    hyper=_ADAM,
    doc=r"""Adam, optax's: both means corrected, epsilon outside the root.

$$m' = \beta_1 m + (1-\beta_1) g, \quad v' = \beta_2 v + (1-\beta_2) g^2, \quad
W' = W - \eta\, \frac{m'/(1-\beta_1^t)}{\sqrt{v'/(1-\beta_2^t)} + \epsilon}$$

The paper's algorithm 1. `adam` has epsilon inside the root, and another default.

Reference: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980.""",
)

adamw = from_optax(
    partial(optax.adamw, nesterov=False),
    name="adamw",
    hyper={**_ADAM, "weight_decay": decay("1e-4")},
    doc=r"""AdamW: Adam with decoupled weight decay.

$$W' = W - \eta \Bigl(\frac{\hat m'}{\sqrt{\hat v'} + \epsilon} + \lambda W\Bigr)$$

with Adam's corrected means. Without decay, as on landscapes, it is `optax_adam` to the last bit. The paper multiplies
$\lambda$ by the schedule alone, optax by the rate too.

Reference: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", arXiv:1711.05101.""",
)

nadam = from_optax(
    partial(optax.nadam, nesterov=True),
    name="nadam",
    hyper=_NADAM,
    doc=r"""Nadam: Adam whose mean looks one step ahead, as Nesterov's momentum does.

$$\bar m = \beta_1 \frac{m'}{1-\beta_1^{t+1}} + (1-\beta_1) \frac{g}{1-\beta_1^t}, \qquad
W' = W - \eta\, \frac{\bar m}{\sqrt{v'/(1-\beta_2^t)} + \epsilon}$$

The paper lets $\beta_1$ follow a schedule, which optax leaves out: where $m'$ and $g$ are weighted, $\mu_t$ takes its
place. Torch has $\mu_t = \beta_1 (1 - 0.5 \cdot 0.96^{0.004 t})$, which is still $0.55\,\beta_1$ after 600 steps, Keras
$\mu_t = \beta_1 (1 - 0.5 \cdot 0.96^t)$, which has risen to $0.99\,\beta_1$ after 100. So rates do not carry over: the
first step is $1.47\,\eta$ here and $1.06\,\eta$ in both of them.

Reference: Dozat 2016, "Incorporating Nesterov Momentum into Adam", ICLR workshop.""",
)

nadamw = from_optax(
    partial(optax.nadamw, nesterov=True),
    name="nadamw",
    hyper={**_NADAM, "weight_decay": decay("1e-4")},
    doc=r"""NadamW: `nadam` with decoupled weight decay.

$$W' = W - \eta \Bigl(\frac{\bar m}{\sqrt{\hat v'} + \epsilon} + \lambda W\Bigr)$$

Without decay, as on landscapes, it is `nadam`.

Reference: Dozat 2016; Loshchilov and Hutter 2019, arXiv:1711.05101.""",
)

_ADAMAX = {
    "lr": rate(2e-3, "Kingma and Ba 2015, algorithm 2; optax has none"),
    "b1": share(0.9, "Kingma and Ba 2015, algorithm 2; optax's default", tuned=True),
    "b2": squares(0.999, "Kingma and Ba 2015, algorithm 2; optax's default", tuned=True),
    "eps": epsilon(1e-8),
}

adamax = from_optax(
    optax.adamax,
    name="adamax",
    hyper=_ADAMAX,
    doc=r"""AdaMax: Adam with a maximum in place of the mean of squares.

$$u' = \max(\beta_2 u,\; |g| + \epsilon), \qquad W' = W - \frac{\eta}{1-\beta_1^t}\, \frac{m'}{u'}$$

The paper has no epsilon.

Reference: Kingma and Ba 2015, arXiv:1412.6980, algorithm 2.""",
)

adamaxw = from_optax(
    optax.adamaxw,
    name="adamaxw",
    hyper={**_ADAMAX, "weight_decay": decay("1e-4")},
    doc=r"""AdaMaxW: `adamax` with decoupled weight decay.

$$W' = W - \eta \Bigl(\frac{m'}{(1-\beta_1^t)\, u'} + \lambda W\Bigr)$$

Without decay, as on landscapes, it is `adamax`.

Reference: Kingma and Ba 2015, algorithm 2; Loshchilov and Hutter 2019, arXiv:1711.05101.""",
)

amsgrad = from_optax(
    optax.amsgrad,
    name="amsgrad",
    hyper={**_ADAM, "lr": rate(1e-3, "Adam's; Reddi et al. 2018 tune it; optax has none")},
    doc=r"""AMSGrad: Adam whose denominator never falls.

$$\bar v' = \max\Bigl(\bar v,\; \frac{v'}{1-\beta_2^t}\Bigr), \qquad
W' = W - \eta\, \frac{m'/(1-\beta_1^t)}{\sqrt{\bar v'} + \epsilon}$$

The paper corrects neither mean and lets the rate fall as $1/\sqrt{t}$.

Reference: Reddi, Kale and Kumar 2018, "On the Convergence of Adam and Beyond", arXiv:1904.09237, algorithm 2.""",
)

radam = from_optax(
    partial(optax.radam, nesterov=False),
    name="radam",
    hyper={
        **_ADAM,
        "lr": rate(1e-3, "PyTorch's default of RAdam; optax has none"),
        "threshold": constant(5.0, "optax's default; the authors' code; Liu et al. 2020 have 4"),
    },
    doc=r"""RAdam: Adam that waits until its mean of squares can be trusted.

$$\rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1-\beta_2^t}, \quad \rho_\infty = \frac{2}{1-\beta_2} - 1, \quad
r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2)\rho_t}}$$

$$W' = W - \eta\, r_t \frac{\hat m'}{\sqrt{\hat v'} + \epsilon} \;\text{ if } \rho_t \ge 5, \qquad
W' = W - \eta\, \hat m' \;\text{ else}$$

For the first steps it is gradient descent with momentum, whose length follows the gradient. For `b2` below about 2/3
$\rho_t$ never reaches the threshold and it stays so.

Reference: Liu et al. 2020, "On the Variance of the Adaptive Learning Rate and Beyond", arXiv:1908.03265.""",
)

optimistic_adam_v2 = from_optax(
    partial(optax.optimistic_adam_v2, nesterov=True),
    name="optimistic_adam_v2",
    hyper={
        **_ADAM,
        "eps": epsilon(1e-8, f"{_KINGMA}; optax's default"),
        "alpha": constant(1.0, "optax's default: the weight of Adam's step"),
        "beta": Hyper(
            1.0,
            "optax's default: the weight of the correction",
            open_low=False,
            search=Search(0.0, 2.0, "from plain Adam to twice the correction", "linear"),
        ),
    },
    doc=r"""Optimistic Adam: Nadam's step, corrected by its difference from the last one.

$$W' = W - \eta\,\bigl((\alpha + \beta)\, u_t - \beta\, u_{t-1}\bigr), \qquad u_0 = u_1$$

with $u_t$ the direction of `nadam` (optax's default). Made for games. It replaces the deprecated `optimistic_adam`,
which is the same with `alpha` 1 and `beta` the ratio of two rates.

Reference: Daskalakis, Ilyas, Syrgkanis and Zeng 2018, "Training GANs with Optimism", arXiv:1711.00141.""",
)
