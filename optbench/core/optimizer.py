"""The optimizer contract: a pure ``init`` and ``update``, and the ``step`` derived from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from optbench.core.objective import Key, Objective, Params
from optbench.errors import UsageError, unknown_name

#: A NamedTuple whose leaves are shaped like ``params`` or are scalars.
State = Any
#: Numeric hyperparameters by name, traced: a new value is never a recompile.
HyperValues = Mapping[str, Any]


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
    """

    default: float
    source: str
    low: float = 0.0
    high: float = float("inf")
    open_low: bool = True
    open_high: bool = True

    def allows(self, value: float) -> bool:
        """Returns whether ``value`` lies in the range; NaN never does."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def describe(self) -> str:
        """Returns the range in interval notation, such as ``(0, inf)``."""
        left, right = "(["[not self.open_low], ")]"[not self.open_high]
        return f"{left}{self.low:g}, {self.high:g}{right}"


class StepInfo(NamedTuple):
    """What one step asked of the objective.

    Attributes:
        value: Objective at the iterate the step started from.
        grad_evals: Gradients asked for, each with its value.
    """

    value: Array
    grad_evals: int


@dataclass(frozen=True, eq=False)
class Optimizer:
    """An update rule as pure functions of one point; every numeric hyperparameter is traced.

    ``update(params, state, value, grad, hyper)`` receives the gradient taken at the last
    ``point`` and the value at ``params``, and returns ``(params, state, point)``: ``point`` is
    where the next gradient is wanted, the new ``params`` for most rules, the lookahead point for
    NAG. ``params`` is always the iterate that is judged.

    Attributes:
        name: Registry name, snake_case.
        init: ``init(params, hyper) -> state``.
        update: See above.
        hyper: Hyperparameters by name, in the order in which they are shown.
        looks_ahead: Whether ``point`` differs from ``params``. If not, ``update`` returns its
            ``params`` as ``point``.
        evals_per_step: Gradients asked for until ``params`` moves.
        swept: The hyperparameter that a suite's grid varies.
        doc: Formula, paper and defaults, in Markdown.
    """

    name: str
    init: Callable[[Params, HyperValues], State]
    update: Callable[[Params, State, Array, Params, HyperValues], tuple[Params, State, Params]]
    hyper: Mapping[str, Hyper]
    looks_ahead: bool = False
    evals_per_step: int = 1
    swept: str = "lr"
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


def step(
    optimizer: Optimizer,
    objective: Objective,
    params: Params,
    state: State,
    hyper: HyperValues,
    key: Key | None = None,
    *,
    point: Params | None = None,
) -> tuple[Params, State, Params, StepInfo]:
    """Takes one step: evaluates at ``point`` and updates, until the iterate moves.

    Args:
        optimizer: The rule.
        objective: The oracle.
        params: Current iterate.
        state: State that ``init`` or the last step returned.
        hyper: All numeric hyperparameters.
        key: Random key of this step; every evaluation inside the step sees the same draw.
        point: Where the first gradient is wanted, as the last step returned it; ``params`` at the start.

    Returns:
        ``(params, state, point, info)``.
    """
    point = params if point is None else point
    info = StepInfo(objective.value(params, key), optimizer.evals_per_step)
    for _ in range(optimizer.evals_per_step):
        _, grad = objective.value_and_grad(point, key)
        params, state, point = optimizer.update(params, state, info.value, grad, hyper)
    return params, state, point, info


def zeros_like(params: Params) -> Params:
    """Returns a tree of zeros shaped like ``params``."""
    return jax.tree.map(jnp.zeros_like, params)
