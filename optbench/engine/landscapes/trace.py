"""One trajectory in full, from the same program and at the same width as a suite's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair, fault
from optbench.errors import UsageError
from optbench.optimizers.from_optax import own_names
from optbench.problems.landscape import Landscape
from optbench.problems.problem import Problem
from optbench.records import Status
from optbench.suite.tuning import told


@dataclass(frozen=True)
class Trace:
    """A trajectory: ``steps`` updates give ``steps + 1`` scored iterates.

    Attributes:
        x: Iterates, (steps + 1, dim).
        f: Objective at each, (steps + 1,).
        grad_norm: Euclidean norm of the gradient at each, (steps + 1,).
        grad_evals: Gradient evaluations spent on reaching each, (steps + 1,).
        status: ``ok`` or ``diverged``; the rows of a diverged trace are as computed, not finite ones included.
        diverged_at: First bad row, -1 for none.
    """

    x: np.ndarray
    f: np.ndarray
    grad_norm: np.ndarray
    grad_evals: np.ndarray
    status: str
    diverged_at: int


def trace(
    problem: str | Problem | Landscape | Callable[..., Any],
    optimizer: str | Optimizer | Any,
    *,
    hyper: Mapping[str, float] | None = None,
    x0: Sequence[float] | np.ndarray | None = None,
    steps: int = 100,
    dim: int | None = None,
    seed: int = 0,
    bounds: Any = None,
) -> Trace:
    """Runs one optimizer from one start in raw units and keeps every iterate.

    The engine's own program runs at its own width, one trip at a time, so a trace has the bits that a
    suite in raw units has.

    Args:
        problem: Registry name, ``module:attribute``, what ``optbench.problem`` returned, a ``Landscape``, or a
            function of one point in ``jax.numpy``, which needs ``bounds``.
        optimizer: Registry name, ``module:attribute``, an ``Optimizer``, an optax transformation, or a callable that
            returns one, such as ``optax.adam``.
        hyper: Hyperparameters that differ from the defaults; a horizon or a minimum that a rule asks for is
            filled in. Of a user's factory the rate may be called ``lr`` or as the factory does.
        x0: Start, (dim,); by default report start 0 of ``seed``.
        steps: Number of gradient evaluations, at least 1.
        dim: Dimension, if ``problem`` is a name; by default the length of ``x0``.
        seed: Seed of the start, if ``x0`` is not given.
        bounds: Box of a plain function, a low and a high for each coordinate: starts are drawn there, and a run that
            is 1000 widths away has diverged.

    Returns:
        The trajectory.

    Raises:
        UsageError: A name, value, shape or number of steps is not valid.

    Example:
        >>> import optbench as ob
        >>> path = ob.trace("sphere", "sgd", hyper={"lr": 0.25}, x0=[2.0, 4.0], steps=2)
        >>> path.x.tolist(), path.f.tolist(), path.status
        ([[2.0, 4.0], [1.0, 2.0], [0.5, 1.0]], [20.0, 5.0, 1.25], 'ok')
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError(f"steps must be a whole number of at least 1; got {steps!r}")
    try:
        given = None if x0 is None else np.atleast_1d(np.asarray(x0, np.float64))
    except (TypeError, ValueError):
        raise UsageError(f"x0 must be numbers; got {x0!r}") from None
    if not isinstance(problem, Problem):
        problem = catalog.problem(problem, dim=_dimension(dim, given, bounds), bounds=bounds)
    elif bounds is not None:
        raise UsageError(f"{problem.label} has its box; leave out bounds")
    rule = catalog.optimizer(optimizer)
    values = resolved(rule, problem, own_names(optimizer, hyper or {}), steps)
    start = problem.starts(seed, "report", 0)[0] if given is None else given
    if start.shape != (problem.dim,):
        raise UsageError(f"x0 must have shape ({problem.dim},) for {problem.label}; got {start.shape}")
    if not np.isfinite(start).all():
        raise UsageError(f"x0 must be finite; got {start.tolist()}")
    pair = Pair(problem, rule)
    if message := fault(pair):
        raise UsageError(message)

    engine = Engine()
    engine.prepare([pair])
    task = engine.task(problem, rule, units="raw", budget=steps)
    x, f = [start], []
    with jax.enable_x64(True):
        block, lanes = task.start(start[None], np.array([list(values.values())]))
        for step in range(steps + 1):
            block = task.advance(block, lanes, step, 1)
            x.append(np.asarray(block.carry.params[0]))
            f.append(float(block.records.last[0]))
        diverged_at = int(block.records.diverged_at[0])
        at = jax.jit(jax.vmap(problem.value_and_grad))
        points = np.stack(x[:-1])
        values_again, grads = (np.asarray(part) for part in at(points))
    if diverged_at >= 0:
        # Records stop at the first bad value; a trace shows what came after it, too.
        f[diverged_at:] = values_again[diverged_at:].tolist()
    with np.errstate(over="ignore"):  # the squares of a run that diverges
        grad_norm = np.linalg.norm(grads, axis=1)
    return Trace(
        x=points,
        f=np.array(f),
        grad_norm=grad_norm,
        grad_evals=np.arange(steps + 1),
        status=(Status.OK if diverged_at < 0 else Status.DIVERGED).value,
        diverged_at=diverged_at,
    )


def _dimension(dim: int | None, given: np.ndarray | None, bounds: Any) -> int | None:
    """Returns the dimension that was asked for: in words, or by the length of the start where no box says it."""
    return len(given) if dim is None and given is not None and np.ndim(bounds) < 2 else dim


def resolved(rule: Optimizer, problem: Problem, given: Mapping[str, float], steps: int) -> dict[str, float]:
    """Returns all hyperparameters of a rule on a problem in raw units.

    Args:
        rule: The rule.
        problem: The problem; its minimum is looked up only for a rule that asks for it and is not given it.
        given: Values by name.
        steps: Gradient evaluations of a run, for a rule that asks for its horizon.

    Returns:
        Values by name.
    """
    asks = any(hyper.told == "f_star" and name not in given for name, hyper in rule.hyper.items())
    known = told(rule, cost=steps, f_star=problem.f_star if asks else 0.0)
    return rule.resolve({**known, **given})
