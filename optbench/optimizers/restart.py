"""Momentum that is dropped when it leads uphill: the adaptive restarts of O'Donoghue and Candes."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, zeros_like
from optbench.optimizers import trees
from optbench.optimizers.ranges import MOMENTUM, RATE

_LR = Hyper(1e-2, "as for momentum", search=RATE)
_BETA = Hyper(0.9, "Ruder 2016, section 4.1", high=1.0, open_low=False, search=MOMENTUM)


class Accumulator(NamedTuple):
    """State of heavy ball and NAG with the gradient test.

    Attributes:
        a: Accumulated gradient since the last restart, shaped like the parameters.
    """

    a: Params


class ValuedAccumulator(NamedTuple):
    """State of heavy ball with the value test.

    Attributes:
        a: Accumulated gradient since the last restart, shaped like the parameters.
        f_last: Value at the iterate before, infinite at the start.
    """

    a: Params
    f_last: Array


class AcceleratedState(NamedTuple):
    """State of the accelerated gradient with growing momentum.

    Attributes:
        ahead: Extrapolated point minus iterate, shaped like the parameters.
        theta: The paper's theta, 1 after a restart, a scalar.
    """

    ahead: Params
    theta: Array


def _zero(params: Params, hyper: HyperValues) -> Accumulator:
    return Accumulator(zeros_like(params))


def _zero_valued(params: Params, hyper: HyperValues) -> ValuedAccumulator:
    return ValuedAccumulator(zeros_like(params), jnp.full_like(jnp.asarray(hyper["lr"]), jnp.inf))


def _zero_accelerated(params: Params, hyper: HyperValues) -> AcceleratedState:
    return AcceleratedState(zeros_like(params), jnp.ones_like(jnp.asarray(hyper["lr"])))


def _heavy(params: Params, a: Params, grad: Params, uphill: Array, hyper: HyperValues) -> tuple[Params, Params]:
    beta = jnp.where(uphill, jnp.zeros_like(hyper["beta"]), hyper["beta"])
    a = jax.tree.map(lambda a, g: beta * a + g, a, grad)
    return jax.tree.map(lambda w, a: w - hyper["lr"] * a, params, a), a


def _momentum_restart(
    params: Params, state: Accumulator, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, Accumulator, Params]:
    params, a = _heavy(params, state.a, grad, trees.dot(grad, state.a) < 0, hyper)
    return params, Accumulator(a), params


def _momentum_restart_value(
    params: Params, state: ValuedAccumulator, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, ValuedAccumulator, Params]:
    params, a = _heavy(params, state.a, grad, value > state.f_last, hyper)
    return params, ValuedAccumulator(a, value), params


def _nag_restart(
    params: Params, state: Accumulator, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, Accumulator, Params]:
    a = jax.tree.map(lambda a, g: hyper["beta"] * a + g, state.a, grad)
    params = jax.tree.map(lambda w, a: w - hyper["lr"] * a, params, a)
    a = trees.where(trees.dot(grad, a) < 0, zeros_like(a), a)
    point = jax.tree.map(lambda w, a: w - hyper["lr"] * hyper["beta"] * a, params, a)
    return params, Accumulator(a), point


def _fista_restart(
    params: Params, state: AcceleratedState, value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, AcceleratedState, Params]:
    move = jax.tree.map(lambda d, g: d - hyper["lr"] * g, state.ahead, grad)
    params = trees.plus(params, move)
    uphill = trees.dot(grad, move) > 0
    square = state.theta * state.theta
    theta = (jnp.sqrt(square * square + 4 * square) - square) / 2
    beta = jnp.where(uphill, jnp.zeros_like(theta), state.theta * (1 - state.theta) / (square + theta))
    theta = jnp.where(uphill, jnp.ones_like(theta), theta)
    ahead = jax.tree.map(lambda d: beta * d, move)
    return params, AcceleratedState(ahead, theta), trees.plus(params, ahead)


_PAPER = r"""Reference: O'Donoghue and Candes 2015, "Adaptive Restart for Accelerated Gradient Schemes", Foundations of
Computational Mathematics 15, arXiv:1204.3982, """

momentum_restart = Optimizer(
    name="momentum_restart",
    init=_zero,
    update=_momentum_restart,
    hyper={"lr": _LR, "beta": _BETA},
    doc=r"""Heavy ball that drops its momentum when the gradient says that the last move led uphill.

$$a' = \begin{cases} g & g^\top (W - W_\text{last}) > 0 \\ \beta a + g & \text{else} \end{cases}, \qquad
W' = W - \eta\, a'$$

One gradient a step, one accumulator; since $W - W_\text{last} = -\eta a$ the test is $g^\top a < 0$. The paper
states it for accelerated gradients; here heavy ball is put to the same test, before each step.

"""
    + _PAPER
    + "section 3.2, the gradient scheme; Polyak 1964 for heavy ball.",
)

momentum_restart_value = Optimizer(
    name="momentum_restart_value",
    init=_zero_valued,
    update=_momentum_restart_value,
    hyper={"lr": _LR, "beta": _BETA},
    doc=r"""Heavy ball that drops its momentum when the value has risen.

$$a' = \begin{cases} g & f(W) > f(W_\text{last}) \\ \beta a + g & \text{else} \end{cases}, \qquad
W' = W - \eta\, a'$$

One gradient a step with its value, one accumulator and the last value.

"""
    + _PAPER
    + "section 3.2, the function scheme; Polyak 1964 for heavy ball.",
)

nag_restart = Optimizer(
    name="nag_restart",
    init=_zero,
    update=_nag_restart,
    hyper={"lr": _LR, "beta": _BETA},
    looks_ahead=True,
    doc=r"""Nesterov's accelerated gradient that drops its momentum when a step has led uphill.

$$a' = \beta a + g, \quad g = \nabla f(W - \eta \beta a), \qquad W' = W - \eta\, a', \qquad
a' = 0 \ \text{ if } \ g^\top (W' - W) > 0$$

One gradient a step, at the lookahead point, one accumulator. The iterate that is judged is $W$.

"""
    + _PAPER
    + "section 3.2, the gradient scheme, at a constant momentum.",
)

fista_restart = Optimizer(
    name="fista_restart",
    init=_zero_accelerated,
    update=_fista_restart,
    hyper={"lr": _LR},
    looks_ahead=True,
    doc=r"""Accelerated gradient whose momentum grows from zero, and starts over when a step has led uphill.

$$W' = y - \eta\, \nabla f(y), \qquad \theta'^2 = (1 - \theta')\, \theta^2, \qquad
y' = W' + \frac{\theta (1 - \theta)}{\theta^2 + \theta'} (W' - W); \qquad
\theta' = 1,\ y' = W' \ \text{ if } \ \nabla f(y)^\top (W' - W) > 0$$

One gradient a step, at $y$; the state is $y - W$ and $\theta$. The iterate that is judged is $W$. There is no
momentum to tune: that is what the restarts are for.

"""
    + _PAPER
    + "algorithm 1 with q = 0 and the gradient scheme of section 3.2; Beck and Teboulle 2009 for FISTA.",
)
