"""The equal work that every contestant does: lanes, rates, starts, and what is kept of the losses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.operands import goal
from optbench.problems.problem import Problem
from optbench.records import curve_steps

RULES = ("sgd", "momentum", "nag", "adagrad", "adadelta", "rmsprop", "adam")
FUNCTIONS = ("sphere", "rosenbrock", "rastrigin")
DIMS = (2, 30)


@dataclass(frozen=True)
class Workload:
    """One rule on one problem from many starts, each lane with hyperparameters of its own.

    Attributes:
        problem: The literature's form, in raw units.
        rule: The rule.
        starts: (lanes, dim).
        hyper: All hyperparameters in the rule's order, (lanes, h).
        steps: Updates of each lane.
    """

    problem: Problem
    rule: Optimizer
    starts: np.ndarray
    hyper: np.ndarray
    steps: int

    def at_one_rate(self) -> Workload:
        """Returns the same work with the first lane's rate and the rule's other defaults in all lanes."""
        values = {**self.rule.defaults(), "lr": self.hyper[0, list(self.rule.hyper).index("lr")]}
        return replace(self, hyper=np.tile(list(values.values()), (len(self.hyper), 1)))

    @property
    def run_steps(self) -> int:
        """Updates of all lanes together."""
        return len(self.starts) * self.steps


def workload(rule: str, function: str, dim: int, *, lanes: int, steps: int) -> Workload:
    """Returns the work for one cell of the table.

    Rates are small enough that no lane diverges: a lane of NaN would be no equal work.
    """
    problem, optimizer = catalog.problem(function, dim=dim), catalog.optimizer(rule)
    rng = np.random.default_rng(0)
    low, high = problem.bounds.T
    values = {name: np.full(lanes, h.default) for name, h in optimizer.hyper.items()}
    if "lr" in values:
        values["lr"] = 10.0 ** rng.uniform(-6, -5, lanes)
    for name in values:
        if name != "lr":
            values[name] = values[name] * rng.uniform(0.99, 1.0, lanes)
    return Workload(
        problem=problem,
        rule=optimizer,
        starts=low + (high - low) * rng.random((lanes, dim)),
        hyper=np.stack(list(values.values()), axis=1),
        steps=steps,
    )


@dataclass(frozen=True)
class Kept:
    """What is kept of a batch of runs, by whichever contestant.

    Attributes:
        best: Lowest value, (lanes,).
        curve: Best so far at each cost of the curve, (points, lanes).
        hits: First step at each of the 51 targets, -1 never; targets descend, (51, lanes).
    """

    best: np.ndarray
    curve: np.ndarray
    hits: np.ndarray


def reduce(losses: np.ndarray, problem: Problem) -> Kept:
    """Reduces the losses of a scan to what the engine keeps, in vectorized NumPy: one pass for each target.

    Args:
        losses: (steps + 1, lanes) in double precision.
        problem: The problem.

    Returns:
        The same best, curve and first hits.
    """
    running = np.minimum.accumulate(losses, axis=0)
    target = goal(problem)
    gaps = running - target.f_star
    hits = np.stack([np.count_nonzero(gaps > threshold, axis=0) for threshold in target.thresholds])
    return _kept(running, hits)


def reduce_by_search(losses: np.ndarray, problem: Problem) -> Kept:
    """Does the same three times faster, by a Python loop over lanes with one binary search for all targets."""
    running = np.minimum.accumulate(losses, axis=0)
    target = goal(problem)
    falling = target.f_star - running
    hits = [np.searchsorted(falling[:, lane], -target.thresholds) for lane in range(losses.shape[1])]
    return _kept(running, np.stack(hits, axis=1))


def _kept(running: np.ndarray, hits: np.ndarray) -> Kept:
    curve = running[list(curve_steps(len(running) - 1))]
    return Kept(running[-1], curve, np.where(hits == len(running), -1, hits).astype(np.int32))
