"""optax's optimizers that divide by sums or running means of squares: the families of Adagrad and RMSprop."""

from __future__ import annotations

from functools import partial

import optax
from optax import contrib

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import OPTAX, constant, decay, epsilon, rate, share, squares

optax_adagrad = from_optax(
    optax.adagrad,
    name="optax_adagrad",
    hyper={
        "lr": rate(1e-2, "Ruder 2016, section 4.3; optax has none"),
        "initial_accumulator_value": constant(0.1, "optax's default; TensorFlow's", decades=1),
        "eps": epsilon(1e-7, tuned=True),
    },
    doc=r"""Adagrad, optax's: the sum starts at a constant above 0.

$$G' = G + g^2, \quad G_0 = G_{\text{init}}, \qquad W' = W - \frac{\eta}{\sqrt{G' + \epsilon}}\, g$$

The paper and `adagrad` start at 0, so that the first step has length $\eta$ a coordinate; with 0.1 small gradients
begin with small steps.

Reference: Duchi, Hazan and Singer 2011, "Adaptive Subgradient Methods", JMLR 12.""",
)

optax_adadelta = from_optax(
    optax.adadelta,
    name="optax_adadelta",
    swept="eps",
    hyper={
        "lr": Hyper(1.0, "Zeiler 2012 has none; optax's default is none"),
        "rho": squares(0.9, OPTAX + "; Zeiler 2012 has 0.95", tuned=True),
        "eps": Hyper(
            1e-6,
            "Zeiler 2012, section 4; optax's default",
            open_low=False,
            search=Search(1e-8, 1e-1, "its one sensitive constant; Zeiler 2012, section 4, has 1e-8 to 1e-2"),
        ),
        "weight_decay": decay("0"),
    },
    doc=r"""Adadelta, optax's: a ratio of running root mean squares, times a rate.

$$G' = \rho G + (1-\rho) g^2, \qquad d = \frac{\sqrt{H + \epsilon}}{\sqrt{G' + \epsilon}}\, g, \qquad
H' = \rho H + (1-\rho)\, d^2, \qquad W' = W - \eta\, d$$

At $\eta = 1$ it is Zeiler's rule and `adadelta`. Suites sweep `eps`, which sets the size of the first steps.

Reference: Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701.""",
)

optax_rmsprop = from_optax(
    partial(optax.rmsprop, eps_in_sqrt=True, centered=False, momentum=None, bias_correction=False),
    name="optax_rmsprop",
    hyper={
        "lr": rate(1e-3, "Hinton 2012, lecture 6e; optax has none"),
        "decay": squares(0.9, "Hinton 2012, lecture 6e; optax's default", tuned=True),
        "eps": epsilon(1e-8, tuned=True),
        "initial_scale": constant(0.0, "optax's default: where the running mean starts"),
    },
    doc=r"""RMSprop, optax's default form.

$$G' = \gamma G + (1-\gamma) g^2, \qquad W' = W - \frac{\eta}{\sqrt{G' + \epsilon}}\, g$$

$\gamma$ is `decay`. The same path as `rmsprop` at equal numbers; PyTorch has epsilon outside the root.

Reference: Tieleman and Hinton 2012, Coursera "Neural Networks for Machine Learning", lecture 6e.""",
)

rmsprop_centered = from_optax(
    partial(optax.rmsprop, eps_in_sqrt=True, centered=True, bias_correction=False),
    name="rmsprop_centered",
    hyper={
        "lr": rate(1e-4, "Graves 2013, section 4.2, who writes it out"),
        "decay": squares(0.95, "Graves 2013, section 4.2", tuned=True),
        "momentum": share(0.9, "Graves 2013, section 4.2", tuned=True),
        "eps": epsilon(1e-4, "Graves 2013, section 4.2", tuned=True),
    },
    doc=r"""RMSprop centered and with momentum: divided by a running standard deviation.

$$G' = \gamma G + (1-\gamma) g^2, \quad m' = \gamma m + (1-\gamma) g, \quad
a' = \mu a - \frac{\eta}{\sqrt{G' - m'^2 + \epsilon}}\, g, \quad W' = W + a'$$

optax's `rmsprop(centered=True, momentum=...)`. Where a gradient hardly changes, the denominator tends to
$\sqrt{\epsilon}$ and the step grows.

Reference: Graves 2013, "Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850, equations 38 to 41.""",
)

sm3 = from_optax(
    optax.sm3,
    name="sm3",
    hyper={
        "lr": rate(0.1, "Anil et al. 2019, section 5, language models; optax has none"),
        "momentum": share(0.9, "Anil et al. 2019, section 5; optax's default", tuned=True),
    },
    doc=r"""SM3: Adagrad with accumulators shared along rows and columns, and momentum.

$$\nu' = g^2 + \mu, \qquad a' = \beta a + (1-\beta) \frac{g}{\sqrt{\nu' + \epsilon}}, \qquad W' = W - \eta\, a',
\qquad \mu' = \nu'$$

For vectors each coordinate is a row of its own, so nothing is shared: it is Adagrad with a running mean of steps.

Reference: Anil, Gupta, Koren and Singer 2019, "Memory-Efficient Adaptive Optimization", arXiv:1901.11150.""",
)

adafactor = from_optax(
    optax.adafactor,
    name="adafactor",
    hyper={
        "lr": rate(1e-2, "Shazeer and Stern 2018, section 9: at most 0.01 relative; optax has none"),
        "decay_rate": Hyper(
            0.8,
            "Shazeer and Stern 2018, section 9; optax's default",
            search=Search(0.5, 1.0, "Shazeer and Stern 2018, table 2, try 0.5 to 1", "linear"),
        ),
        "clipping_threshold": constant(1.0, "Shazeer and Stern 2018, section 9; optax's default", decades=1),
        "eps": epsilon(1e-30, "Shazeer and Stern 2018, section 9; optax's default"),
    },
    doc=r"""Adafactor: RMSprop with a decay that tends to 1, clipped, with steps relative to the weights.

$$\hat\beta_t = 1 - t^{-c}, \qquad v' = \hat\beta_t v + (1-\hat\beta_t)(g^2 + \epsilon), \qquad u = g/\sqrt{v'}, \qquad
W' = W - \eta\, \max\bigl(10^{-3}, \operatorname{rms}(W)\bigr) \frac{u}{\max(1, \operatorname{rms}(u)/d)}$$

$c$ is `decay_rate`, $d$ is `clipping_threshold`. For vectors nothing is factored. The step is relative to the
distance from the origin, so where the origin lies matters.

Reference: Shazeer and Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost",
arXiv:1804.04235.""",
)

madgrad = from_optax(
    contrib.madgrad,
    name="madgrad",
    hyper={
        "lr": rate(1e-2, "Defazio and Jelassi 2021, the authors' code; optax has none"),
        "momentum": share(0.9, "Defazio and Jelassi 2021; optax's default", tuned=True),
        "eps": epsilon(1e-6, "Defazio and Jelassi 2021; optax's default", tuned=True),
        "weight_decay": decay("0"),
    },
    doc=r"""MADGRAD: dual averaging from the start, divided by a cube root, with momentum as averaging.

$$\lambda_t = (\eta + \epsilon)\sqrt{t}, \quad s' = s + \lambda_t g, \quad \nu' = \nu + \lambda_t g^2, \quad
z = W_0 - \frac{s'}{\sqrt[3]{\nu'} + \epsilon}, \quad W' = \mu W + (1-\mu) z, \quad t = 1, 2, \dots$$

optax adds $\epsilon$ to the rate, as the authors' code does and the paper does not.

Reference: Defazio and Jelassi 2021, "Adaptivity without Compromise", arXiv:2101.11075, algorithm 1.""",
)
