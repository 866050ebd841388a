"""Measures along the path: taken of a run at the points of its curve, while it is trained.

Training knows nothing of them: they read the parameters and the rule's state at a point and leave both as they are, so
a run has the same bits with and without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from optbench.core.keys import order
from optbench.core.objective import Objective
from optbench.core.optimizer import Optimizer
from optbench.engine.measuring import Taken, take
from optbench.engine.networks.lane import Curve, Lane, Trained
from optbench.engine.networks.scoring import trained_network
from optbench.engine.networks.training import TrainingCarry
from optbench.engine.outcomes import EndPoint, Point
from optbench.measures.measure import NotApplicable
from optbench.measures.of_task import loss_text
from optbench.measures.preconditioners import preconditioner
from optbench.measures.subject import Subject
from optbench.suite.measure import MeasureSpec
from optbench.tasks.models.network import Network, Stats
from optbench.tasks.task import Task


class Along:
    """What is measured of all runs of a task by a rule.

    Attributes:
        specs: The measures; none of them costs anything where there are none.
    """

    def __init__(self, task: Task, rule: Optimizer, specs: Sequence[MeasureSpec]) -> None:
        """Compiles what the measures need, by taking them once at a start.

        Args:
            task: The task.
            rule: The update rule.
            specs: The measures, each with the number of examples of which it is taken.
        """
        self.task, self.rule, self.specs = task, rule, tuple(specs)
        self._objectives: dict[tuple[Task, int, str], Objective] = {}
        if self.specs:
            network, stats = jax.device_get(task.start(0))
            walk = Walk(self, task, Lane(rule.defaults(), 0), Curve(stop_early=False), network)
            walk.measure(0, network, stats, jax.tree.map(np.ones_like, network))

    def rows(self, n: int) -> np.ndarray:
        """Returns the training examples of a measure: the same at all points of all runs.

        Args:
            n: How many; 0 for all.

        Returns:
            Rows of the training part, ascending.
        """
        whole = len(self.task.train.y)
        return np.sort(order(whole, self.task.name, "along")[:n]) if 0 < n < whole else np.arange(whole)

    def objective(self, task: Task, network: Network, stats: Stats, n: int, dtype: str) -> Objective:
        """Returns the loss on the examples of a measure; without running statistics it is the same at all points."""
        if jax.tree.leaves(stats):
            return task.objective(network, stats, examples=self.rows(n), dtype=dtype)
        key = task, n, dtype
        if key not in self._objectives:
            self._objectives[key] = task.objective(network, stats, examples=self.rows(n), dtype=dtype)
        return self._objectives[key]


class Walk:
    """The way of one run, point by point."""

    def __init__(self, along: Along, task: Task, lane: Lane, curve: Curve, like: Network) -> None:
        """Begins at the start of a run.

        Args:
            along: What is measured.
            task: The run's task: that of ``along``, or one of its shapes.
            lane: The run, all its hyperparameters given.
            curve: The run's curve, which is given what was measured, and networks where it keeps them.
            like: A network like those of the run; its arrays count by their shapes.
        """
        self._along, self._task, self._lane, self._curve, self._like = along, task, lane, curve, like
        self._start: Network | None = None
        self._memory: dict[str, dict[str, Any]] = {}

    @property
    def looks(self) -> bool:
        """Whether points are measured or kept."""
        return self._measures or self._curve.keep or self._curve.keep_state

    @property
    def _measures(self) -> bool:
        return self._curve.measure and bool(self._along.specs)

    def reach(self, evals: int, carry: TrainingCarry) -> None:
        """Measures a point of the curve and keeps it, where that is asked for and the run has not diverged.

        Args:
            evals: Gradients that have led there.
            carry: The network in training.
        """
        if not self.looks or self._curve.diverged:
            return
        params, state, stats = jax.device_get((carry.params, carry.state, carry.stats))
        network = trained_network(params, self._like)
        if self._curve.keep:
            self._curve.kept[evals] = Trained(network, stats)
        if self._curve.keep_state and self._curve.is_at_chosen:
            self._curve.state = state
        if self._measures:
            self.measure(
                evals,
                network,
                stats,
                preconditioner_of(self._along.rule, state, self._lane.hyper, self._like),
                self._rate(state),
            )

    def measure(
        self, evals: int, network: Network, stats: Stats, preconditioner: Network | None, lr: float | None = None
    ) -> None:
        """Takes all measures of a network.

        Args:
            evals: Gradients that have led there.
            network: Its arrays NumPy's.
            stats: Its running statistics.
            preconditioner: Diagonal of the rule there, if there is one.
            lr: The rule's rate there.
        """
        if self._start is None:
            self._start = jax.device_get(self._task.start(self._lane.seed)[0])
        end = EndPoint("", Point.SNAPSHOT, evals, network, stats)
        for spec in self._along.specs:
            self._curve.taken.append(take(spec, end, self._subject(spec, end, preconditioner, lr)))

    def _subject(self, spec: MeasureSpec, end: EndPoint, preconditioner: Network | None, lr: float | None) -> Subject:
        task, dtype = self._task, spec.dtype
        network, start = (jax.tree.map(lambda leaf: np.asarray(leaf, dtype), net) for net in (end.params, self._start))
        whole = len(task.train.y)
        return Subject(
            self._along.objective(task, network, end.stats, spec.examples, dtype),
            network,
            start=start,
            n_terms=whole,
            terms=lambda rows: task.objective(network, end.stats, examples=rows, dtype=dtype),
            lr=lr,
            preconditioner=preconditioner,
            memory=self._memory.setdefault(spec.title, {}),
            details={"dtype": dtype, "loss": loss_text(task), "examples": min(spec.examples or whole, whole), "lr": lr},
        )

    def _rate(self, state: Any) -> float | None:
        rule, hyper = self._along.rule, self._lane.hyper
        if rule.rate is not None:
            return float(rule.rate(state, hyper))
        return hyper.get("lr")


def preconditioner_of(rule: Optimizer, state: Any, hyper: Mapping[str, float], like: Network) -> Network | None:
    """Returns the diagonal of a rule's preconditioner as a network, ``None`` for a rule without one.

    Args:
        rule: The rule.
        state: Its state at the point.
        hyper: Its hyperparameters.
        like: The network; its arrays count by their shapes.
    """
    try:
        return trained_network(preconditioner(rule, state, hyper), like)
    except NotApplicable:
        return None


def lane_of(carries: TrainingCarry, place: int) -> TrainingCarry:
    """Returns one lane of many side by side, whose arrays are NumPy's."""
    found: TrainingCarry = jax.tree.map(lambda leaf: leaf[place], carries)
    return found


def with_cell(taken: Sequence[Taken], cell_id: str) -> list[Taken]:
    """Returns what was measured along a run, with the id of its cell."""
    return [one._replace(row={**one.row, "cell_id": cell_id}) for one in taken]
