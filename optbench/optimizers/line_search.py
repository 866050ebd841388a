"""Line searches as phase machines: one call judges one trial step and names the next one.

Along ``phi(alpha) = f(x + alpha d)`` a search asks for values and slopes until a step will do. A rule
must not wait for that inside a call, since the lanes of a block move in lock step: so the search is a
small state that travels with the lane, and each lane is in a phase of its own. Value and gradient come
together, so an accepted trial brings along what the next step starts from.

Reference: Nocedal and Wright 2006, "Numerical Optimization", second edition, chapter 3.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from optbench.core.objective import Params
from optbench.core.optimizer import Hyper
from optbench.optimizers.trees import dot, where

#: Phases of ``Wolfe``; ``START`` also marks any other search that has not seen its first value.
START, BRACKET, ZOOM, SETTLE = range(4)

#: Trials after which a search ends, whatever it has.
MAX_TRIALS = 20

#: Range of trial steps; both ends exist in single precision.
SMALLEST, LARGEST = 1e-30, 1e30

#: A trial inside a bracket keeps this share of it away from both ends, so the bracket always shrinks.
_MARGIN = 0.1

#: Next trial of a search that still descends, in multiples of its last advance (More and Thuente 1994, section 4).
_ADVANCE = (1.1, 4.0)

C1 = Hyper(1e-4, "Nocedal and Wright 2006, section 3.1", high=1.0)


class Backtracking(NamedTuple):
    """An Armijo search in flight.

    Attributes:
        f: Value at the iterate.
        slope: Slope there along the direction.
        alpha: Trial step whose value comes next.
        trials: Trials judged so far, int32.
    """

    f: Array
    slope: Array
    alpha: Array
    trials: Array


class Probe(NamedTuple):
    """A step along the line with what is known there.

    Attributes:
        alpha: The step.
        f: Value.
        slope: Directional derivative.
    """

    alpha: Array
    f: Array
    slope: Array


class Wolfe(NamedTuple):
    """A strong-Wolfe search in flight.

    Attributes:
        phase: ``START``, ``BRACKET``, ``ZOOM`` or ``SETTLE``, int32.
        trials: Trials judged so far, int32.
        alpha: Trial step whose value comes next.
        f: Value at the iterate.
        slope: Slope there along the direction.
        lo: Lowest step so far that fulfills the Armijo condition, at first the iterate itself.
        hi: Other end of the bracket, which may lie on either side; meaningless in ``BRACKET``.
    """

    phase: Array
    trials: Array
    alpha: Array
    f: Array
    slope: Array
    lo: Probe
    hi: Probe


class Outcome(NamedTuple):
    """What a call did to a search.

    Attributes:
        first: It was the first call of all: value and gradient are those of the start.
        accepted: The trial becomes the iterate.
        failed: The search ends without a step.
    """

    first: Array
    accepted: Array
    failed: Array

    @property
    def arrived(self) -> Array:
        """Whether value and gradient in hand are those of the iterate."""
        return self.first | self.accepted

    @property
    def stepped(self) -> Array:
        """Whether a step is complete: the iterate moved, or the search for it was given up."""
        return self.accepted | self.failed


def seen(value: Array, grad: Params) -> tuple[Array, Array]:
    """Returns value and gradient as one vector; where either is not finite, infinity and zero.

    Infinity fails every test of a trial, and a start without a finite value stays where it is.
    """
    g, _ = ravel_pytree(grad)
    usable = jnp.isfinite(value) & jnp.isfinite(dot(g, g))
    return jnp.where(usable, value, jnp.inf), jnp.where(usable, g, 0.0)


def zero_backtracking(x: Array) -> Backtracking:
    """Returns the search before the first value of ``x``'s type."""
    zero = jnp.zeros((), x.dtype)
    return Backtracking(zero, zero, zero, jnp.zeros((), jnp.int32))


def backtrack(line: Backtracking, f: Array, c1: Array, shrink: Array | float) -> tuple[Array, Backtracking]:
    """Judges a trial by the Armijo condition ``f(x + alpha d) <= f(x) + c1 alpha slope``.

    Args:
        line: The search.
        f: Value at its trial.
        c1: Share of the predicted decrease that is asked for.
        shrink: Factor on a rejected step.

    Returns:
        Whether the trial passes, and the search with a smaller step for one that does not. Its
        ``trials`` at ``MAX_TRIALS`` say that it is over.
    """
    passed = f <= line.f + c1 * line.alpha * line.slope
    smaller = jnp.maximum(line.alpha * shrink, SMALLEST)
    return passed, line._replace(alpha=smaller, trials=line.trials + 1)


def rescaled(alpha: Array, slope: Array, new_slope: Array) -> Array:
    """Returns the first trial that predicts the decrease of the last step (Nocedal and Wright 2006, section 3.5).

    Args:
        alpha: The last step.
        slope: Slope from which it started.
        new_slope: Slope from which the next one starts.

    Returns:
        ``alpha slope/new_slope``, and ``alpha`` where that is no positive number.
    """
    same_decrease = alpha * slope / new_slope
    usable = jnp.isfinite(same_decrease) & (same_decrease > 0)
    return jnp.clip(jnp.where(usable, same_decrease, alpha), SMALLEST, LARGEST)


def zero_wolfe(x: Array) -> Wolfe:
    """Returns the search before the first value of ``x``'s type."""
    zero, count = jnp.zeros((), x.dtype), jnp.zeros((), jnp.int32)
    probe = Probe(zero, zero, zero)
    return Wolfe(count + START, count, zero, zero, zero, probe, probe)


def begin(line: Wolfe, outcome: Outcome, f: Array, slope: Array, alpha: Array) -> Wolfe:
    """Begins the next search where the last one ended, and leaves it alone where it goes on.

    Args:
        line: The search.
        outcome: What the call did to it.
        f: Value at the iterate, used where the call arrived there.
        slope: Slope of the new direction.
        alpha: First trial.

    Returns:
        The search.
    """
    zero, count = jnp.zeros_like(line.alpha), jnp.zeros_like(line.trials)
    f = jnp.where(outcome.arrived, f, line.f)
    iterate = Probe(zero, f, slope)
    fresh = Wolfe(count + BRACKET, count, alpha, f, slope, iterate, iterate)
    over: Wolfe = where(outcome.first | outcome.stepped, fresh, line)
    return over


def strong_wolfe(line: Wolfe, f: Array, slope: Array, c1: Array, c2: Array) -> tuple[Wolfe, Outcome]:
    """Judges a trial by the strong Wolfe conditions and names the next one.

    The conditions are ``f(x + alpha d) <= f(x) + c1 alpha s`` and ``|s(alpha)| <= -c2 s`` with ``s`` the
    slope at the iterate. ``BRACKET`` lengthens the step until a bracket is found, ``ZOOM`` shrinks that
    around the minimizer of the cubic through its ends. After ``MAX_TRIALS`` the lowest step with the
    Armijo condition is taken; where it is not the trial in hand, ``SETTLE`` asks for it once more, as
    its gradient is not kept. Without one the search has failed.

    Args:
        line: The search.
        f: Value at its trial, infinity where it is not finite.
        slope: Directional derivative there.
        c1: Constant of the first condition.
        c2: Constant of the second, above ``c1``.

    Returns:
        The search, whose ``alpha`` is the accepted step or the next trial, and what happened.
        Reference: Nocedal and Wright 2006, algorithms 3.5 and 3.6; a tie in value counts as lower.
    """
    first, bracketing, settling = line.phase == START, line.phase == BRACKET, line.phase == SETTLE
    here, trials = Probe(line.alpha, f, slope), line.trials + 1
    higher = (f > line.f + c1 * line.alpha * line.slope) | (f > line.lo.f)
    flat = jnp.abs(slope) <= -c2 * line.slope
    turned = jnp.where(bracketing, slope >= 0, slope * (line.hi.alpha - line.lo.alpha) >= 0)

    bracketed = ~bracketing | higher | turned
    hi = where(higher, here, where(turned, line.lo, line.hi))
    lo = where(higher, line.lo, here)
    ahead = _interior(lo, hi, bracketed, before=line.lo)

    exhausted = trials >= MAX_TRIALS
    accepted = ~first & (settling | (~higher & (flat | exhausted)))
    settle = exhausted & ~accepted & (lo.alpha > 0)
    failed = ~first & exhausted & ~accepted & ~settle
    alpha = jnp.where(accepted, line.alpha, jnp.where(settle, lo.alpha, ahead))
    phase = jnp.where(settle, SETTLE, jnp.where(bracketed, ZOOM, BRACKET)).astype(line.phase.dtype)
    return Wolfe(phase, trials, alpha, line.f, line.slope, lo, hi), Outcome(first, accepted, failed)


def _interior(lo: Probe, hi: Probe, bracketed: Array, before: Probe) -> Array:
    """Returns the next trial: inside the bracket, or ahead of ``lo`` where there is none yet."""
    cubic = minimizer(where(bracketed, lo, before), where(bracketed, hi, lo))
    width, advance = hi.alpha - lo.alpha, lo.alpha - before.alpha
    edges = lo.alpha + _MARGIN * width, hi.alpha - _MARGIN * width
    inside = jnp.clip(cubic, jnp.minimum(*edges), jnp.maximum(*edges))
    inside = jnp.where(jnp.isfinite(cubic), inside, lo.alpha + 0.5 * width)
    nearest, farthest = lo.alpha + _ADVANCE[0] * advance, lo.alpha + _ADVANCE[1] * advance
    beyond = jnp.where(cubic > lo.alpha, jnp.clip(cubic, nearest, farthest), farthest)
    return jnp.clip(jnp.where(bracketed, inside, beyond), SMALLEST, LARGEST)


def minimizer(a: Probe, b: Probe) -> Array:
    """Returns the minimizer of the cubic through two probes and their slopes.

    Args:
        a: One probe.
        b: The other one, on either side.

    Returns:
        The step; NaN where the cubic has no minimizer. Reference: Nocedal and Wright 2006, equation 3.59.

    Example:
        >>> values = lambda x: Probe(jnp.array(x), jnp.array((x - 3.0) ** 2), jnp.array(2 * (x - 3.0)))
        >>> float(minimizer(values(1.0), values(0.0)))
        3.0
    """
    width = b.alpha - a.alpha
    d1 = a.slope + b.slope - 3 * (b.f - a.f) / width
    d2 = jnp.sign(width) * jnp.sqrt(d1 * d1 - a.slope * b.slope)
    return b.alpha - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
