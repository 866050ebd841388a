"""optax's optimizers that follow the gradient: SGD and its relatives with momentum, noise or a measured step."""

from __future__ import annotations

from functools import partial
from typing import Any

import optax
from optax import contrib

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import bound, constant, decay, epsilon, rate, share

_RATE = rate(1e-2, "PyTorch's and Keras's common choice for SGD; optax has none")
_BETA = share(0.9, "Sutskever et al. 2013; optax has no momentum by default", tuned=True)
_SIGNED = Search(0.0, 2.0, "from plain descent to twice the correction", "linear")


def _normalized(learning_rate: Any, eps: Any) -> optax.GradientTransformation:
    return optax.chain(optax.normalize_by_update_norm(eps=eps), optax.sgd(learning_rate))


def _on_plateau(learning_rate: Any) -> optax.GradientTransformation:
    return optax.chain(optax.sgd(learning_rate), contrib.reduce_on_plateau())


optax_sgd = from_optax(
    optax.sgd,
    name="optax_sgd",
    hyper={"lr": _RATE},
    doc=r"""Gradient descent, optax's.

$$W' = W - \eta\, g$$

The same path as `sgd`.

Reference: Robbins and Monro 1951, "A Stochastic Approximation Method".""",
)

optax_momentum = from_optax(
    partial(optax.sgd, nesterov=False),
    name="optax_momentum",
    hyper={"lr": _RATE, "momentum": _BETA},
    doc=r"""Gradient descent with momentum, optax's `sgd(momentum=...)`.

$$a' = \mu a + g, \qquad W' = W - \eta\, a'$$

The same path as `momentum` at equal numbers.

Reference: Polyak 1964, "Some methods of speeding up the convergence of iteration methods".""",
)

optax_nesterov = from_optax(
    partial(optax.sgd, nesterov=True),
    name="optax_nesterov",
    hyper={"lr": _RATE, "momentum": _BETA},
    doc=r"""Nesterov momentum, optax's `sgd(nesterov=True)`.

$$a' = \mu a + g, \qquad W' = W - \eta\, (\mu a' + g)$$

Its iterates are the lookahead points of `nag`: optax is judged where the gradient is taken, `nag` is not.

Reference: Sutskever, Martens, Dahl and Hinton 2013, "On the importance of initialization and momentum in deep
learning".""",
)

normalized_sgd = from_optax(
    _normalized,
    name="normalized_sgd",
    hyper={"lr": _RATE, "eps": epsilon(1e-6, "optax's default of normalize_by_update_norm")},
    doc=r"""Normalized gradient descent: steps of one length, optax's `normalize_by_update_norm` before `sgd`.

$$W' = W - \eta\, \frac{g}{\lVert g \rVert_2 + \epsilon}$$

With a constant rate it comes no nearer to a minimum than about $\eta$.

Reference: Nesterov 1984, "Minimization methods for nonsmooth convex and quasiconvex functions"; Hazan, Levy and
Shalev-Shwartz 2015, arXiv:1507.02030.""",
)

noisy_sgd = from_optax(
    optax.noisy_sgd,
    name="noisy_sgd",
    key="key",
    hyper={
        "lr": _RATE,
        "eta": constant(0.01, "Neelakantan et al. 2015, the smallest of their three; optax's default", decades=2),
        "gamma": constant(0.55, "Neelakantan et al. 2015, section 3; optax's default"),
    },
    doc=r"""Gradient descent with annealed Gaussian noise on the gradient.

$$W' = W - \eta\,(g + \xi), \qquad \xi \sim N\bigl(0, \tfrac{s}{t^{\gamma}} I\bigr), \quad t = 1, 2, \dots$$

with $s$ called `eta` by optax. The paper's schedule is $s/(1+t)^\gamma$ with $t$ from 0, the same numbers. The draws
belong to the optimizer: their key is made from the start, so a repeated run repeats them.

Reference: Neelakantan et al. 2015, "Adding Gradient Noise Improves Learning for Very Deep Networks",
arXiv:1511.06807.""",
)

optimistic_gradient_descent = from_optax(
    optax.optimistic_gradient_descent,
    name="optimistic_gradient_descent",
    hyper={
        "lr": _RATE,
        "alpha": constant(1.0, "optax's default: the weight of the gradient"),
        "beta": Hyper(1.0, "optax's default: the weight of the correction", open_low=False, search=_SIGNED),
    },
    doc=r"""Optimistic gradient descent: the last gradient serves as a forecast of the next.

$$W' = W - \eta\,\bigl((\alpha + \beta)\, g_t - \beta\, g_{t-1}\bigr), \qquad g_0 = g_1$$

$\alpha = \beta = 1$ is the method of Popov; it was made for games, where plain descent circles.

Reference: Mokhtari, Ozdaglar and Pattathil 2019, arXiv:1901.08511; Popov 1980.""",
)

polyak_sgd = from_optax(
    optax.polyak_sgd,
    name="polyak_sgd",
    rate="max_learning_rate",
    hyper={
        "lr": rate(1.0, "Loizou et al. 2021 bound the step; 1 is optax's default of max_learning_rate"),
        "f_min": bound("optax's default; a lower bound, not told: suites add a constant to f (protocol, section 4)"),
        "scaling": constant(1.0, "optax's default; Loizou et al. 2021 call it 1/c", decades=1),
        "eps": epsilon(0.0),
    },
    doc=r"""The Polyak step, bounded: the distance that the value promises, at most `lr`.

$$\tau = \min\Bigl(\eta,\; \frac{f(W) - f_{\min}}{c^2 \lVert g \rVert^2 + \epsilon}\Bigr), \qquad W' = W - c\,\tau\, g$$

`lr` is optax's `max_learning_rate`, $c$ is `scaling`. It uses the value. With a bound below the minimum its steps are
too long near the end and are held by `lr` alone; with one above it they turn around. optax scales the gradient before
it takes the norm, so a larger `scaling` shortens the step wherever `lr` does not act.

Reference: Polyak 1969; Loizou, Vaswani, Laradji and Lacoste-Julien 2021, "Stochastic Polyak Step-size for SGD",
arXiv:2002.10542.""",
)

reduce_on_plateau = from_optax(
    _on_plateau,
    name="reduce_on_plateau",
    hyper={"lr": _RATE},
    doc=r"""Gradient descent whose rate falls tenfold whenever the value has not improved for ten steps.

$$W' = W - \eta\, s_t\, g, \qquad s' = 0.1\, s \;\text{ after 10 steps without } f < (1 - 10^{-4}) f_{\text{best}}$$

optax's `reduce_on_plateau` after `sgd`, its constants at optax's defaults (factor 0.1, patience 10, rtol 1e-4). It
uses the value. The threshold is relative to the value, so a constant added to f changes it; where the best value is
negative any value below $0.9999 f_{\text{best}}$ counts as an improvement, a slightly worse one included.

Reference: Keras's and PyTorch's `ReduceLROnPlateau`.""",
)

lars = from_optax(
    optax.lars,
    name="lars",
    hyper={
        "lr": rate(1.0, "optbench: with trust_coefficient 0.001 a step of 0.1 % of the weights' norm; optax has none"),
        "momentum": share(0.9, "You et al. 2017, section 5; optax's default", tuned=True),
        "trust_coefficient": constant(0.001, "You et al. 2017, section 5; optax's default", decades=1),
        "eps": epsilon(0.0),
        "weight_decay": decay("0"),
    },
    doc=r"""LARS: steps of a length proportional to the weights' own.

$$a' = \mu a - \eta\, \gamma \frac{\lVert W \rVert}{\lVert g \rVert + \epsilon}\, g, \qquad W' = W + a'$$

$\gamma$ is `trust_coefficient`. A landscape's whole point is one layer. Nothing is invariant to where the origin
lies: near $W = 0$ steps vanish (at exactly 0 the ratio is 1).

Reference: You, Gitman and Ginsburg 2017, "Large Batch Training of Convolutional Networks", arXiv:1708.03888.""",
)

fromage = from_optax(
    optax.fromage,
    name="fromage",
    hyper={
        "lr": rate(0.01, "Bernstein et al. 2020, section 5: 0.01 throughout"),
        "min_norm": epsilon(1e-6),
    },
    doc=r"""Fromage: relative steps, then a shrink that keeps them from growing the weights.

$$W' = \frac{1}{\sqrt{1 + \eta^2}} \Bigl(W - \eta\, \frac{\max(\lVert W \rVert, \epsilon)}
{\max(\lVert g \rVert, \epsilon)}\, g\Bigr)$$

$\epsilon$ is `min_norm`. The shrink pulls towards the origin, so a minimizer elsewhere is no fixed point: on
landscapes it stops at a distance of order $\eta$.

Reference: Bernstein, Vahdat, Yue and Liu 2020, "On the distance between two neural networks and the stability of
learning", arXiv:2002.03432.""",
)

optax_lbfgs = from_optax(
    partial(optax.lbfgs, memory_size=10, linesearch=None),
    name="optax_lbfgs",
    hyper={"lr": rate(1.0, "Nocedal and Wright 2006, section 7.2: the natural step is 1")},
    doc=r"""L-BFGS with a fixed step: ten pairs of differences stand for the inverse Hessian.

$$W' = W - \eta\, P_t\, g$$

$P_t$ from the two-loop recursion over the last 10 pairs, scaled by $\gamma_t = s^\top y / y^\top y$; the first step is
scaled to length at most $\eta$. No line search, so no curvature condition: where $s^\top y < 0$ optax keeps the pair,
and the direction may point uphill. optax's own default adds a zoom line search, which evaluates f several times
inside one update and cannot be counted from outside.

Reference: Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization".""",
)
