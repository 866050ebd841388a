"""The optimizer contract: a pure ``init`` and ``update``, and the hyperparameters that they take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Params
from optbench.errors import UsageError, unknown_name

#: A NamedTuple whose leaves are shaped like ``params`` or are scalars.
State = Any
#: Numeric hyperparameters by name, traced: a new value is never a recompile.
HyperValues = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """The range from which tuning draws a hyperparameter.

    Attributes:
        low: Smallest value drawn.
        high: Largest value drawn.
        source: Where the range comes from.
        scale: ``"log"``: uniform in the logarithm; ``"linear"``: uniform; ``"complement"``: uniform in the
            logarithm of ``1 - value``, for decay rates close to 1.
    """

    low: float
    high: float
    source: str
    scale: Literal["log", "linear", "complement"] = "log"

    def at(self, share: float) -> float:
        """Returns the value at a share of the range, rounded to 12 digits so that machines agree.

        Example:
            >>> Search(1e-3, 1e-1, "", "log").at(0.5), Search(0.9, 0.999, "", "complement").at(0.5)
            (0.01, 0.99)
        """
        if self.scale == "linear":
            value = self.low + (self.high - self.low) * share
        elif self.scale == "log":
            value = 10 ** (math.log10(self.low) * (1 - share) + math.log10(self.high) * share)
        else:
            value = 1 - 10 ** (math.log10(1 - self.low) * (1 - share) + math.log10(1 - self.high) * share)
        return float(f"{value:.12g}")


@dataclass(frozen=True, slots=True)
class Hyper:
    """A numeric hyperparameter: its default, the values it may take, and where the default is from.

    Attributes:
        default: Value when the user names none.
        source: Where the default comes from.
        low: Smallest value allowed.
        high: Largest value allowed.
        open_low: Whether ``low`` itself is excluded.
        open_high: Whether ``high`` itself is excluded.
        search: Range from which tuning draws it; ``None`` for one that stays at its default.
        told: What a suite fills in where the user names no value: ``"horizon"``, the number of steps
            that the budget allows; ``"f_star"``, the minimum. Empty for all others.
    """

    default: float
    source: str
    low: float = 0.0
    high: float = float("inf")
    open_low: bool = True
    open_high: bool = True
    search: Search | None = None
    told: Literal["", "horizon", "f_star"] = ""

    def allows(self, value: float) -> bool:
        """Returns whether ``value`` lies in the range; NaN never does."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def describe(self) -> str:
        """Returns the range in interval notation, such as ``(0, inf)``."""
        left, right = "(["[not self.open_low], ")]"[not self.open_high]
        return f"{left}{self.low:g}, {self.high:g}{right}"


class Counts(NamedTuple):
    """What a rule whose steps differ in cost has done so far.

    Attributes:
        steps: Completed steps: how often the iterate has moved, or a search for it was given up.
        hvps: Hessian-vector products asked for.
    """

    steps: Array
    hvps: Array | int = 0


@dataclass(frozen=True, eq=False)
class Optimizer:
    """An update rule as pure functions of one point; every numeric hyperparameter is traced.

    ``update(params, state, value, grad, hyper)`` receives value and gradient taken at the last
    ``point`` and returns ``(params, state, point)``: ``point`` is where they are wanted next, the new
    ``params`` for most rules, the lookahead point for NAG, a trial point for a line search. ``params``
    is always the iterate that is judged. One call is one gradient evaluation, so a step of several
    evaluations is several calls that keep ``params`` until the last.

    A ``curved`` rule asks for a Hessian-vector product as well: its ``point`` is a pair of a point and
    a direction, its ``grad`` the pair of the gradient and the Hessian there times the direction. A
    product costs 2, so a call that uses one is followed or preceded by a call that does nothing.

    Attributes:
        name: Registry name, snake_case.
        init: ``init(params, hyper) -> state``.
        update: See above.
        hyper: Hyperparameters by name, in the order in which they are shown.
        looks_ahead: Whether ``point`` differs from ``params``. If not, ``update`` returns its
            ``params`` as ``point``.
        curved: Whether it asks for Hessian-vector products; such a rule also looks ahead.
        evals_per_step: Gradients asked for until ``params`` moves, where that number is fixed.
        counts: ``counts(state) -> Counts`` of a rule whose steps differ in cost.
        rate: ``rate(state, hyper)`` of a rule whose rate follows a schedule: what ``lr`` is in the step under way.
        swept: The hyperparameter that a suite's grid varies.
        ranked: Whether it takes part in rankings; a reference line does not.
        max_dim: Largest dimension that it can be run in, ``None`` for no limit.
        doc: Formula, paper and defaults, in Markdown.
    """

    name: str
    init: Callable[[Params, HyperValues], State]
    update: Callable[[Params, State, Array, Any, HyperValues], tuple[Params, State, Any]]
    hyper: Mapping[str, Hyper]
    looks_ahead: bool = False
    curved: bool = False
    evals_per_step: int = 1
    counts: Callable[[State], Counts] | None = None
    rate: Callable[[State, HyperValues], Any] | None = None
    swept: str = "lr"
    ranked: bool = True
    max_dim: int | None = None
    doc: str = ""

    def defaults(self) -> dict[str, float]:
        """Returns the default of each hyperparameter."""
        return {name: h.default for name, h in self.hyper.items()}

    def resolve(self, given: Mapping[str, float] | None = None) -> dict[str, float]:
        """Returns all hyperparameters: the given ones, the others at their defaults.

        Args:
            given: Values by name.

        Returns:
            Every hyperparameter in the order of ``hyper``.

        Raises:
            UsageError: A name is unknown or a value lies outside its range; all problems at once.
        """
        given = dict(given or {})
        problems = []
        for name, value in given.items():
            if name not in self.hyper:
                problems.append(unknown_name(f"hyperparameter of {self.name}", name, self.hyper))
            elif isinstance(value, bool) or not isinstance(value, int | float) or not self.hyper[name].allows(value):
                problems.append(f"{self.name}: {name} must be a number in {self.hyper[name].describe()}; got {value!r}")
        if problems:
            raise UsageError(problems)
        return {name: float(given.get(name, h.default)) for name, h in self.hyper.items()}


def zeros_like(params: Params) -> Params:
    """Returns a tree of zeros shaped like ``params``."""
    return jax.tree.map(jnp.zeros_like, params)
