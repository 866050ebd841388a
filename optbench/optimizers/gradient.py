"""Rules that follow the gradient itself: SGD, momentum and Nesterov's accelerated gradient.

Each is written as Ruder, "An overview of gradient descent optimization algorithms",
arXiv:1609.04747, and the project's notes have it, with ``lr`` outside the accumulator.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, zeros_like
from optbench.optimizers.ranges import MOMENTUM, RATE

_LR = Hyper(1e-2, "PyTorch's and Keras's common choice for SGD", search=RATE)
_BETA = Hyper(0.9, "Ruder 2016, section 4.1", low=0.0, high=1.0, open_low=False, search=MOMENTUM)


class Accumulator(NamedTuple):
    """State of momentum and NAG.

    Attributes:
        a: Accumulated gradient, shaped like the parameters.
    """

    a: Params


def _no_state(params: Params, hyper: HyperValues) -> tuple[()]:
    return ()


def _zero_accumulator(params: Params, hyper: HyperValues) -> Accumulator:
    return Accumulator(a=zeros_like(params))


def _sgd(
    params: Params, state: tuple[()], value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, tuple[()], Params]:
    params = jax.tree.map(lambda w, g: w - hyper["lr"] * g, params, grad)
    return params, state, params


def _momentum(
    params: Params, state: Accumulator, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, Accumulator, Params]:
    a = jax.tree.map(lambda a, g: hyper["beta"] * a + g, state.a, grad)
    params = jax.tree.map(lambda w, a: w - hyper["lr"] * a, params, a)
    return params, Accumulator(a), params


def _nag(
    params: Params, state: Accumulator, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, Accumulator, Params]:
    a = jax.tree.map(lambda a, g: hyper["beta"] * a + g, state.a, grad)
    params = jax.tree.map(lambda w, a: w - hyper["lr"] * a, params, a)
    point = jax.tree.map(lambda w, a: w - hyper["lr"] * hyper["beta"] * a, params, a)
    return params, Accumulator(a), point


sgd = Optimizer(
    name="sgd",
    init=_no_state,
    update=_sgd,
    hyper={"lr": _LR},
    doc=r"""Gradient descent.

$$W' = W - \eta\, g$$

One gradient a step, no state. Called stochastic, mini-batch or batch gradient descent by the data behind `g`.

The notes claim that its learning rate is hard to choose.

Reference: Robbins and Monro 1951, "A Stochastic Approximation Method"; Ruder 2016, section 2.""",
)

momentum = Optimizer(
    name="momentum",
    init=_zero_accumulator,
    update=_momentum,
    hyper={"lr": _LR, "beta": _BETA},
    doc=r"""Gradient descent with (heavy-ball) momentum.

$$a' = \beta a + g, \qquad W' = W - \eta\, a'$$

One gradient a step, one accumulator. The rate stands outside the accumulator, so a constant gradient is
followed at the effective rate $\eta / (1 - \beta)$.

The notes claim that momentum keeps a direction and so helps with noisy gradients.

Reference: Polyak 1964, "Some methods of speeding up the convergence of iteration methods"; Ruder 2016, section 4.1.""",
)

nag = Optimizer(
    name="nag",
    init=_zero_accumulator,
    update=_nag,
    hyper={"lr": _LR, "beta": _BETA},
    looks_ahead=True,
    doc=r"""Nesterov's accelerated gradient: the gradient is taken at the lookahead point.

$$a' = \beta a + \nabla f(W - \eta \beta a), \qquad W' = W - \eta\, a'$$

One gradient a step, one accumulator. The iterate that is judged is $W$, not the lookahead point.

The notes claim that it converges faster than momentum, with a better provable rate.

Reference: Nesterov 1983, "A method for solving the convex programming problem with convergence rate O(1/k^2)";
Ruder 2016, section 4.2.""",
)
