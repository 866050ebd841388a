"""Sharpness-aware minimization: the gradient of the worst point nearby moves the iterate.

A step costs two gradients, one at the iterate and one at the perturbed point. The iterate that is
judged is never perturbed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, Search, State, zeros_like
from optbench.optimizers import trees
from optbench.optimizers.gradient import sgd
from optbench.optimizers.progress import fixed_cost, joined

_RHO = Hyper(
    0.05,
    "Foret et al. 2021, section 3.1",
    open_low=False,
    search=Search(1e-3, 1.0, "a decade and more around the values of Foret et al. 2021, 0.01 to 0.5"),
)
_RHO_ADAPTIVE = Hyper(
    0.5,
    "Kwon et al. 2021, section 5, for CIFAR-10",
    open_low=False,
    search=Search(1e-2, 10.0, "a decade around the values of Kwon et al. 2021, 0.1 to 2"),
)
_ETA = Hyper(0.01, "Kwon et al. 2021, section 5", open_low=False)


class SharpnessAwareState(NamedTuple):
    """State of SAM and ASAM.

    Attributes:
        inner: State of the rule that steps.
        phase: 0 if the gradient at the iterate is wanted next, 1 if the one at the perturbed point is.
        ahead: Where the inner rule wants its gradient, seen from the iterate; ``()`` if it is the iterate.
    """

    inner: State
    phase: Array
    ahead: Any


def sharpness_aware(inner: Optimizer, *, adaptive: bool = False, name: str | None = None) -> Optimizer:
    """Returns SAM or ASAM around a rule.

    Args:
        inner: The rule that steps with the gradient of the perturbed point; it sees that point's value, too.
        adaptive: Whether the perturbation is scaled by the weights (ASAM).
        name: Name of the result; ``inner+sam`` or ``inner+asam`` if ``None``.

    Returns:
        The rule, two gradients a step.

    Raises:
        UsageError: A step of ``inner`` does not cost one gradient, or it has a hyperparameter ``rho``.
    """
    kind = "asam" if adaptive else "sam"
    fixed_cost(inner, kind, evals=1)
    hyper = joined(inner, kind, {"rho": _RHO_ADAPTIVE, "eta": _ETA} if adaptive else {"rho": _RHO})

    def init(params: Params, hyper: HyperValues) -> SharpnessAwareState:
        ahead = zeros_like(params) if inner.looks_ahead else ()
        return SharpnessAwareState(inner.init(params, hyper), jnp.zeros((), jnp.int32), ahead)

    def perturbed(at: Params, grad: Params, hyper: HyperValues) -> Params:
        if not adaptive:
            unit, _ = trees.direction(grad)
            return jax.tree.map(lambda w, u: w + hyper["rho"] * u, at, unit)
        scale = jax.tree.map(lambda w: jnp.abs(w) + hyper["eta"], at)
        unit, _ = trees.direction(jax.tree.map(jnp.multiply, scale, grad))
        return jax.tree.map(lambda w, s, u: w + hyper["rho"] * s * u, at, scale, unit)

    def update(
        params: Params, state: SharpnessAwareState, value: Array, grad: Params, hyper: HyperValues
    ) -> tuple[Params, SharpnessAwareState, Params]:
        first = state.phase == 0
        at = trees.plus(params, state.ahead) if inner.looks_ahead else params
        climbed = perturbed(at, grad, hyper)
        moved, stepped, wanted = inner.update(params, state.inner, value, grad, hyper)
        # Chosen and not blended: the branch that is not taken may have overflowed.
        ahead = trees.where(first, state.ahead, trees.minus(wanted, moved)) if inner.looks_ahead else ()
        kept = SharpnessAwareState(trees.where(first, state.inner, stepped), 1 - state.phase, ahead)
        return trees.where(first, params, moved), kept, trees.where(first, climbed, wanted)

    return Optimizer(
        name=name or f"{inner.name}+{kind}",
        init=init,
        update=update,
        hyper=hyper,
        looks_ahead=True,
        evals_per_step=2,
        swept=inner.swept,
        ranked=inner.ranked,
        max_dim=inner.max_dim,
        doc=_ASAM_DOC if adaptive else _SAM_DOC,
    )


_SAM_DOC = r"""SAM: the step at $W$ is taken with the gradient of the worst point within $\rho$.

$$\hat W = W + \rho\, \frac{g(W)}{\lVert g(W) \rVert}, \qquad W' = W - \eta\, g(\hat W)$$

Two gradients a step; the state is that of the inner rule, here gradient descent, and a phase. The iterate that
is judged is $W$, never $\hat W$. Where the gradient is zero nothing is perturbed. `sam` as a modifier puts the
same around any rule of one gradient a step, which then steps with $g(\hat W)$ in its own way.

Reference: Foret, Kleiner, Mobahi and Neyshabur 2021, "Sharpness-Aware Minimization for Efficiently Improving
Generalization", ICLR, arXiv:2010.01412, algorithm 1."""

_ASAM_DOC = r"""ASAM: SAM with a perturbation that scales with the weights.

$$T = |W| + \eta_T, \qquad \hat W = W + \rho\, \frac{T^2 g(W)}{\lVert T g(W) \rVert}, \qquad W' = W - \eta\, g(\hat W)$$

Two gradients a step; the state is that of the inner rule, here gradient descent, and a phase. The iterate that
is judged is $W$. $\eta_T$ is the hyperparameter `eta`. Unlike SAM's, the neighborhood does not change when
weights of consecutive layers are rescaled against each other.

Reference: Kwon, Kim, Park and Choi 2021, "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant
Learning of Deep Neural Networks", ICML, arXiv:2102.11600, algorithm 1 and equation 8."""

sam = sharpness_aware(sgd, name="sam")

asam = sharpness_aware(sgd, adaptive=True, name="asam")
