"""Rules that scale each coordinate by the gradients it has seen: Adagrad, Adadelta, RMSprop, Adam.

Epsilon stands **inside** the square root in all four, as the project's notes write them. That
differs from most libraries: ``optax.adam`` and ``torch.optim`` add it outside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, zeros_like
from optbench.optimizers.ranges import EPSILON, MOMENTUM, RATE, SQUARES

_GAMMA = Hyper(
    0.9, "Hinton, Coursera lecture 6e (2012); Ruder 2016, section 4.5", high=1.0, open_low=False, search=SQUARES
)


class SquareSum(NamedTuple):
    """State of Adagrad and RMSprop.

    Attributes:
        G: Sum, or exponential mean, of squared gradients, shaped like the parameters.
    """

    G: Params


class AdadeltaState(NamedTuple):
    """State of Adadelta.

    Attributes:
        G: Exponential mean of squared gradients.
        H: Exponential mean of squared updates.
    """

    G: Params
    H: Params


class AdamState(NamedTuple):
    """State of Adam.

    Attributes:
        m: Exponential mean of gradients.
        v: Exponential mean of squared gradients.
        b1_power: ``b1**t`` after t updates, a scalar.
        b2_power: ``b2**t`` after t updates, a scalar.
    """

    m: Params
    v: Params
    b1_power: Array
    b2_power: Array


def _root(x: Array) -> Array:
    # Without the barrier XLA rewrites a / sqrt(b) as a * rsqrt(b), and the float64 rsqrt is
    # not vectorized on CPU: three times slower, and one rounding away from the formula.
    root: Array = lax.optimization_barrier(jnp.sqrt(x))
    return root


def _decay(rate: Any, mean: Params, new: Params) -> Params:
    return jax.tree.map(lambda old, x: rate * old + (1 - rate) * x * x, mean, new)


def _zero_square_sum(params: Params, hyper: HyperValues) -> SquareSum:
    return SquareSum(G=zeros_like(params))


def _zero_adadelta(params: Params, hyper: HyperValues) -> AdadeltaState:
    return AdadeltaState(G=zeros_like(params), H=zeros_like(params))


def _zero_adam(params: Params, hyper: HyperValues) -> AdamState:
    return AdamState(
        m=zeros_like(params),
        v=zeros_like(params),
        b1_power=jnp.ones_like(hyper["b1"]),
        b2_power=jnp.ones_like(hyper["b2"]),
    )


def _scaled_step(params: Params, G: Params, grad: Params, hyper: HyperValues) -> Params:
    return jax.tree.map(lambda w, G, g: w - hyper["lr"] / _root(G + hyper["eps"]) * g, params, G, grad)


def _adagrad(
    params: Params, state: SquareSum, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, SquareSum, Params]:
    G = jax.tree.map(lambda G, g: G + g * g, state.G, grad)
    params = _scaled_step(params, G, grad, hyper)
    return params, SquareSum(G), params


def _rmsprop(
    params: Params, state: SquareSum, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, SquareSum, Params]:
    G = _decay(hyper["gamma"], state.G, grad)
    params = _scaled_step(params, G, grad, hyper)
    return params, SquareSum(G), params


def _adadelta(
    params: Params, state: AdadeltaState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, AdadeltaState, Params]:
    G = _decay(hyper["gamma"], state.G, grad)
    step = jax.tree.map(lambda H, G, g: -_root(H + hyper["eps"]) / _root(G + hyper["eps"]) * g, state.H, G, grad)
    H = _decay(hyper["gamma"], state.H, step)
    params = jax.tree.map(jnp.add, params, step)
    return params, AdadeltaState(G, H), params


def _adam(
    params: Params, state: AdamState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, AdamState, Params]:
    b1_power, b2_power = state.b1_power * hyper["b1"], state.b2_power * hyper["b2"]
    m = jax.tree.map(lambda m, g: hyper["b1"] * m + (1 - hyper["b1"]) * g, state.m, grad)
    v = _decay(hyper["b2"], state.v, grad)
    # sqrt(s) / (c sqrt(x)) is s / (c sqrt(s x)): so written, a lane has no root and no division of its own.
    c, s = 1 - b1_power, 1 - b2_power
    rate = hyper["lr"] * s
    params = jax.tree.map(lambda w, m, v: w - rate * m / (c * _root(s * (v + hyper["eps"]))), params, m, v)
    return params, AdamState(m, v, b1_power, b2_power), params


adagrad = Optimizer(
    name="adagrad",
    init=_zero_square_sum,
    update=_adagrad,
    hyper={
        "lr": Hyper(1e-2, "Ruder 2016, section 4.3", search=RATE),
        "eps": Hyper(1e-8, "Ruder 2016, section 4.3", open_low=False, search=EPSILON),
    },
    doc=r"""Adagrad: each coordinate's rate falls with the sum of its squared gradients.

$$G' = G + g^2, \qquad W' = W - \frac{\eta}{\sqrt{G' + \epsilon}}\, g$$

One gradient a step, one accumulator.

The notes claim that it stalls in long training, because $G$ only grows.

Reference: Duchi, Hazan and Singer 2011, "Adaptive Subgradient Methods", JMLR 12; Ruder 2016, section 4.3.""",
)

adadelta = Optimizer(
    name="adadelta",
    init=_zero_adadelta,
    update=_adadelta,
    hyper={
        "gamma": Hyper(0.95, "Zeiler 2012, section 4 (his rho)", high=1.0, open_low=False, search=SQUARES),
        "eps": Hyper(1e-6, "Zeiler 2012, section 4", search=EPSILON),
    },
    swept="eps",
    doc=r"""Adadelta: the ratio of two running root mean squares takes the place of a learning rate.

$$G' = \gamma G + (1-\gamma) g^2, \qquad
\Delta W = -\frac{\sqrt{H + \epsilon}}{\sqrt{G' + \epsilon}}\, g, \qquad
W' = W + \Delta W, \qquad H' = \gamma H + (1-\gamma)\, \Delta W^2$$

One gradient a step, two accumulators, **no learning rate**: its one sensitive constant is `eps`, which sets
the size of the first steps; suites sweep that.

The notes claim that it has little to tune and is little used.

Reference: Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, algorithm 1.""",
)

rmsprop = Optimizer(
    name="rmsprop",
    init=_zero_square_sum,
    update=_rmsprop,
    hyper={
        "lr": Hyper(1e-3, "Hinton 2012, lecture 6e; Ruder 2016, section 4.5", search=RATE),
        "gamma": _GAMMA,
        "eps": Hyper(1e-8, "Ruder 2016, section 4.3", open_low=False, search=EPSILON),
    },
    doc=r"""RMSprop: Adagrad with a running mean in place of the sum.

$$G' = \gamma G + (1-\gamma) g^2, \qquad W' = W - \frac{\eta}{\sqrt{G' + \epsilon}}\, g$$

One gradient a step, one accumulator.

Reference: Tieleman and Hinton 2012, Coursera "Neural Networks for Machine Learning", lecture 6e; Ruder 2016,
section 4.5.""",
)

adam = Optimizer(
    name="adam",
    init=_zero_adam,
    update=_adam,
    hyper={
        "lr": Hyper(1e-3, "Kingma and Ba 2015, algorithm 1", search=RATE),
        "b1": Hyper(0.9, "Kingma and Ba 2015, algorithm 1", high=1.0, open_low=False, search=MOMENTUM),
        "b2": Hyper(0.999, "Kingma and Ba 2015, algorithm 1", high=1.0, open_low=False, search=SQUARES),
        "eps": Hyper(1e-7, "the project's notes; Keras's default", open_low=False, search=EPSILON),
    },
    doc=r"""Adam: momentum over an RMSprop-like scale, both corrected for their start at zero.

$$m' = \beta_1 m + (1-\beta_1) g, \qquad v' = \beta_2 v + (1-\beta_2) g^2, \qquad
W' = W - \frac{\eta}{\sqrt{v' + \epsilon}} \cdot \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}\, m', \quad t = 1, 2, \dots$$

One gradient a step, two accumulators and the running powers $\beta_1^t$, $\beta_2^t$ (as products: at $t = 2000$
they differ from the powers by about 1e-13 relative).

The notes call it the safe default, and the tuning of `eps` important.

Reference: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980, the form at the end
of section 2 with epsilon inside the root.""",
)
