"""Gradient descent that computes its own step size: from the gap to a bound, or from the last move."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, Search, zeros_like
from optbench.optimizers import trees
from optbench.optimizers.ranges import RATE


class SecantState(NamedTuple):
    """State of the rules of Barzilai and Borwein.

    Attributes:
        x: Iterate before the last move.
        g: Gradient there.
        t: Steps taken.
    """

    x: Params
    g: Params
    t: Array


def _no_state(params: Params, hyper: HyperValues) -> tuple[()]:
    return ()


def _gap_over_slope(value: Array, grad: Params, hyper: HyperValues) -> Array:
    square = trees.dot(grad, grad)
    gap = jnp.maximum(value - hyper["lower_bound"], jnp.zeros_like(value))
    flat = square == 0
    return jnp.where(flat, jnp.zeros_like(gap), gap / jnp.where(flat, jnp.ones_like(square), square))


def _polyak(
    params: Params, state: tuple[()], value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, tuple[()], Params]:
    size = hyper["lr"] * jnp.minimum(_gap_over_slope(value, grad, hyper), hyper["lr_max"])
    params = jax.tree.map(lambda w, g: w - size * g, params, grad)
    return params, state, params


def _polyak_told(
    params: Params, state: tuple[()], value: Array, grad: Params, hyper: HyperValues
) -> tuple[Params, tuple[()], Params]:
    size = hyper["lr"] * _gap_over_slope(value, grad, hyper)
    params = jax.tree.map(lambda w, g: w - size * g, params, grad)
    return params, state, params


def _before_the_start(params: Params, hyper: HyperValues) -> SecantState:
    return SecantState(zeros_like(params), zeros_like(params), jnp.zeros((), jnp.int32))


def _secant(long: Callable[[Array], Array]) -> Callable[..., tuple[Params, SecantState, Params]]:
    """Builds the update; ``long(t)`` says whether step ``t`` takes the long step size."""

    def update(
        params: Params, state: SecantState, value: Array, grad: Params, hyper: HyperValues
    ) -> tuple[Params, SecantState, Params]:
        s, y = trees.minus(params, state.x), trees.minus(grad, state.g)
        ss, sy, yy = trees.dot(s, s), trees.dot(s, y), trees.dot(y, y)
        above, below = jnp.where(long(state.t), ss, sy), jnp.where(long(state.t), sy, yy)
        # Where the curvature along the move is not positive, the geometric mean of both in absolute value.
        above, below = jnp.where(sy > 0, above, jnp.sqrt(ss)), jnp.where(sy > 0, below, jnp.sqrt(yy))
        usable = (below > 0) & (above > 0)
        size = jnp.clip(above / jnp.where(usable, below, jnp.ones_like(below)), hyper["lr_min"], hyper["lr_max"])
        size = jnp.where(usable & (state.t > 0), size, hyper["lr"])
        moved = jax.tree.map(lambda w, g: w - size * g, params, grad)
        return moved, SecantState(params, grad, state.t + 1), moved

    return update


_MULTIPLIER = Hyper(1.0, "the step as Polyak has it; 2 is where it ceases to converge", search=RATE)

polyak = Optimizer(
    name="polyak",
    init=_no_state,
    update=_polyak,
    hyper={
        "lr": _MULTIPLIER,
        "lr_max": Hyper(
            1.0,
            "optax.polyak_sgd's max_learning_rate",
            search=Search(1e-2, 1e2, "two decades around the default, up to the largest rate of the common grid"),
        ),
        "lower_bound": Hyper(0.0, "losses that cannot be negative", low=-float("inf")),
    },
    doc=r"""Polyak's step with a lower bound in the place of the minimum, and a largest step.

$$W' = W - \eta \min\left(\frac{\max(f(W) - \ell,\, 0)}{\lVert g \rVert^2},\ \eta_{\max}\right) g$$

One gradient a step with its value, no state. $\eta$ multiplies the step, $\ell$ is `lower_bound`, $\eta_{\max}$
is `lr_max`. At a gradient of zero it stands still. In ranked suites values carry an offset that the rule does
not know.

Reference: Polyak 1969, "Minimization of unsmooth functionals"; Loizou, Vaswani, Laradji and Lacoste-Julien 2021,
"Stochastic Polyak Step-size for SGD", AISTATS, arXiv:2002.10542, equation 2 (with c = 1).""",
)

polyak_told = Optimizer(
    name="polyak_told",
    init=_no_state,
    update=_polyak_told,
    hyper={
        "lr": _MULTIPLIER,
        "lower_bound": Hyper(0.0, "the minimum, which suites fill in", low=-float("inf"), told="f_star"),
    },
    ranked=False,
    doc=r"""Polyak's step, told the minimum: a reference line, not ranked.

$$W' = W - \eta\, \frac{\max(f(W) - f^\star,\, 0)}{\lVert g \rVert^2}\, g$$

One gradient a step with its value, no state, no largest step. $f^\star$ is `lower_bound`; $\eta$ multiplies the
step. On convex functions with $\eta = 1$ the distance to every minimizer falls in each step.

Reference: Polyak 1969, "Minimization of unsmooth functionals"; Hazan and Kakade 2019, "Revisiting the Polyak step
size", arXiv:1905.00313.""",
)

_SECANT_HYPER = {
    "lr": Hyper(1e-2, "as for gradient descent: it takes the first step only", search=RATE),
    "lr_min": Hyper(1e-10, "Raydan 1997 (his eps)"),
    "lr_max": Hyper(
        1e10,
        "Raydan 1997 (his 1/eps)",
        search=Search(1e-1, 1e4, "two decades beyond the largest rate of the common grid, one within"),
    ),
}
_SAFEGUARDS = r"""
One gradient a step; the state is the last iterate and its gradient. The first step has the size `lr`. Where
$s^\top y \le 0$ the size is $\lVert s \rVert / \lVert y \rVert$, the geometric mean of the long and the short one
in absolute value; where that is not defined either, `lr`. Sizes are clipped to `lr_min` ... `lr_max`. There is no
line search, so the value may rise for many steps, and off convex functions nothing is guaranteed.

Reference: Barzilai and Borwein 1988, "Two-Point Step Size Gradient Methods", IMA Journal of Numerical Analysis 8;
Raydan 1997, "The Barzilai and Borwein gradient method for the large scale unconstrained minimization problem",
SIAM Journal on Optimization 7; Dai, Al-Baali and Yang 2015, "A positive Barzilai-Borwein-like stepsize and an
extension for symmetric linear systems", for the mean."""

barzilai_borwein = Optimizer(
    name="barzilai_borwein",
    init=_before_the_start,
    update=_secant(lambda t: jnp.ones_like(t) > 0),
    hyper=_SECANT_HYPER,
    doc=r"""Barzilai and Borwein's long step: gradient descent at the inverse curvature along the last move.

$$s = W - W_\text{last}, \quad y = g - g_\text{last}, \qquad W' = W - \frac{s^\top s}{s^\top y}\, g$$
"""
    + _SAFEGUARDS,
)

barzilai_borwein_short = Optimizer(
    name="barzilai_borwein_short",
    init=_before_the_start,
    update=_secant(lambda t: jnp.ones_like(t) < 0),
    hyper=_SECANT_HYPER,
    doc=r"""Barzilai and Borwein's short step.

$$s = W - W_\text{last}, \quad y = g - g_\text{last}, \qquad W' = W - \frac{s^\top y}{y^\top y}\, g$$
"""
    + _SAFEGUARDS,
)

barzilai_borwein_alternating = Optimizer(
    name="barzilai_borwein_alternating",
    init=_before_the_start,
    update=_secant(lambda t: t % 2 == 1),
    hyper=_SECANT_HYPER,
    doc=r"""Barzilai and Borwein's long and short steps in turn, the long one first.

$$s = W - W_\text{last}, \quad y = g - g_\text{last}, \qquad
W' = W - \eta_t\, g, \quad \eta_t = \frac{s^\top s}{s^\top y}\ (t \text{ odd}),\
\frac{s^\top y}{y^\top y}\ (t \text{ even}), \quad t = 1, 2, \dots \text{ after the first step}$$
"""
    + _SAFEGUARDS
    + ' Dai and Fletcher 2005, "Projected Barzilai-Borwein methods", Numerische Mathematik 100, for the turns.',
)
