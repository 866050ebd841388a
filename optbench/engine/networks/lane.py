"""One run of a network: what it is given, what it records on its way, and which points are kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from optbench.engine.measuring import Taken
from optbench.engine.networks.levels import Levels
from optbench.engine.networks.scoring import Scores
from optbench.engine.outcomes import Point, failure
from optbench.records import Status, curve_steps
from optbench.tasks.models.network import Network, Stats
from optbench.tasks.task import Task

#: Of a run that diverged without a rate being too large.
ZERO_GRADIENT = "not finite though every gradient was zero, of which the rule makes 0/0; the rate is not too large"


@dataclass(frozen=True, slots=True)
class Lane:
    """One run of a task: what tuning varies, and the seed that all rules share.

    Attributes:
        hyper: Hyperparameters of the rule by name.
        seed: Seed of initialization, order and regularization.
        task: Data of the run's own, of the shapes of the fitter's task; the fitter's if ``None``.
        start: Where the run begins; at the start of its seed if ``None``.
    """

    hyper: Mapping[str, float]
    seed: int
    task: Task | None = None
    start: Trained | None = None


class Trained(NamedTuple):
    """A network at a point of a run.

    Attributes:
        params: The network, its arrays NumPy's.
        stats: Its running statistics.
        state: The rule's state there; ``None`` where nobody asked for it.
    """

    params: Network
    stats: Stats
    state: Any = None


def begin_of(lane: Lane, task: Task) -> tuple[Network, Stats]:
    """Returns where a run begins: its own start, or that of its seed.

    Args:
        lane: The run.
        task: Its task.
    """
    return task.start(lane.seed) if lane.start is None else (lane.start.params, lane.start.stats)


class Kept(NamedTuple):
    """The network of a run where its training loss had come down to a level: at the median of three scored losses.

    Attributes:
        level: The level.
        grads: Gradients of batches that had led there.
        train: Scores on all training examples there.
        test: Scores on the test examples there; ``None`` where nobody asked.
        at: The network there.
    """

    level: float
    grads: int
    train: Scores
    test: Scores | None
    at: Trained


@dataclass(frozen=True)
class Fit:
    """What a run recorded.

    Attributes:
        status: ``ok``; ``diverged`` from the first point whose training loss is not finite; ``oom`` or ``error`` where
            the program failed.
        message: What the program said then, else empty.
        grads: Gradients of batches taken at each point, ascending, the last one the budget's unless the run ended
            before.
        train: Scores on the training examples at each point, as tested: no dropout, nothing augmented; on the first
            ``records.SCORED`` of them where there are more, unless the run has levels.
        validation: Scores on the validation examples.
        grad_norm: Norm of the last batch's gradient at each point; not a number before the first.
        chosen: The point that validation chose; -1 for none: the program failed, or not even the start was finite.
        judged: Scores on all training examples there; ``None`` where there is no such point.
        test: Scores on the test examples there, looked at once; ``None`` where there is no such point or nobody asked.
        test_right: Whether each test example is classified right there, (n_test,), or ``None``.
        ends: The network at the point that was chosen, and at the last one unless the run diverged; nothing of a run
            whose program failed.
        run_s: Seconds of wall time from start to end; side by side, those of all lanes together. What was measured on
            the way has seconds of its own.
        along: What was measured at points on the way.
        kept: The network at points on the way, by their gradients; empty unless asked for.
        levels: The network at each level of the training loss that was reached, levels descending.
    """

    status: Status
    message: str
    grads: np.ndarray
    train: Scores
    validation: Scores
    grad_norm: np.ndarray
    chosen: int
    judged: Scores | None
    test: Scores | None
    test_right: np.ndarray | None
    ends: Mapping[Point, Trained]
    run_s: float
    along: Sequence[Taken] = ()
    kept: Mapping[int, Trained] = field(default_factory=dict)
    levels: tuple[Kept, ...] = ()


class Ending(NamedTuple):
    """What is known of the chosen point when a run has ended, and of the last.

    Attributes:
        ends: The network at both, as ``Fit`` has them.
        train: Scores on all training examples; ``None`` where those of the curve are, or there is no such point.
        test: Scores on the test examples, if they are looked at.
        test_right: Which of them are classified right.
        levels: The networks that are kept for levels.
    """

    ends: Mapping[Point, Trained]
    train: Scores | None = None
    test: Scores | None = None
    test_right: np.ndarray | None = None
    levels: tuple[Kept, ...] = ()


#: The ending of a run without a judged point.
NOWHERE = Ending({})


def points_of(budget: int) -> list[int]:
    """Returns after how many gradients a run is scored: at log-spaced points, the start and the end among them.

    Args:
        budget: Gradients of the run.

    Returns:
        Ascending numbers.

    Example:
        >>> points_of(12)
        [0, 1, 2, 3, 4, 5, 6, 8, 10, 12]
    """
    return sorted({*curve_steps(budget), budget})


@dataclass
class Curve:
    """Scores of one run so far.

    Attributes:
        stop_early: Whether the point of the best validation accuracy is chosen (of equal ones the lowest loss, then
            the first), else the last.
        measure: Whether its points are to be measured.
        keep: Whether the network is to be kept at each point.
        keep_state: Whether the rule's state is to be kept at the chosen point.
        levels: Levels of the training loss that it has reached.
        chosen: The point that would be chosen now, -1 for none.
        taken: What was measured at its points.
        kept: The network at its points, by their gradients.
        state: The rule's state at the chosen point; ``None`` where it is not kept.
    """

    stop_early: bool
    measure: bool = True
    keep: bool = False
    keep_state: bool = False
    levels: Levels = field(default_factory=Levels)
    chosen: int = -1
    taken: list[Taken] = field(default_factory=list)
    kept: dict[int, Trained] = field(default_factory=dict)
    state: Any = None
    _rank: tuple[float, float] = (np.inf, np.inf)
    _rows: list[tuple[int, Scores, Scores, float]] = field(default_factory=list)

    @property
    def diverged(self) -> bool:
        """Whether the last training loss is not finite; nothing is to be recorded after it."""
        return bool(self._rows) and not np.isfinite(self._rows[-1][1].loss)

    @property
    def is_at_chosen(self) -> bool:
        """Whether the last point is the one that would be chosen now."""
        return self.chosen == len(self._rows) - 1

    @property
    def measured_s(self) -> float:
        """Seconds that measures on the way took."""
        return sum(taken.seconds for taken in self.taken)

    @property
    def points(self) -> tuple[Point, ...]:
        """The points that the run has led to so far; what it did after it had diverged is none of them."""
        if self.chosen < 0:
            return ()
        return (Point.JUDGED,) if self.diverged else (Point.JUDGED, Point.LAST)

    def add(self, point: int, train: Scores, validation: Scores, norm: float) -> bool:
        """Records a point.

        Args:
            point: Gradients so far.
            train: Scores on the training examples.
            validation: Scores on the validation examples.
            norm: Norm of the last gradient.

        Returns:
            Whether this is the point that would be chosen now: its weights are to be kept.
        """
        self._rows.append((point, train, validation, norm))
        if self.diverged:
            return False
        rank = (-validation.accuracy, validation.loss)
        if self.chosen >= 0 and self.stop_early and not rank < self._rank:
            return False
        self._rank, self.chosen = rank, len(self._rows) - 1
        return True

    def fit(self, ending: Ending, run_s: float) -> Fit:
        """Returns the record of a run that came to its end.

        Args:
            ending: What is known of the chosen point.
            run_s: Seconds of wall time, without those of measures on the way.

        Returns:
            The record.
        """
        status = Status.DIVERGED if self.diverged else Status.OK
        return self._record(status, ZERO_GRADIENT if self._was_never_told else "", self.chosen, ending, run_s)

    @property
    def _was_never_told(self) -> bool:
        """Whether the run diverged though each of its gradients was zero: its points are those of all gradients."""
        norms = [norm for *_, norm in self._rows[1:]]
        return self.diverged and len(norms) > 0 and self._rows[-1][0] == len(norms) and not any(norms)

    def failed(self, error: Exception, run_s: float) -> Fit:
        """Returns the record of a run whose program failed: the curve up to there, and nothing chosen.

        Args:
            error: What the program raised.
            run_s: Seconds of wall time, without those of measures on the way.

        Returns:
            The record.
        """
        return self._record(*failure(error), -1, NOWHERE, run_s)

    def _record(self, status: Status, message: str, chosen: int, ending: Ending, run_s: float) -> Fit:
        points, train, validation, norms = zip(*self._rows, strict=True) if self._rows else ((), (), (), ())
        return Fit(
            status,
            message,
            np.array(points, np.int64),
            _columns(train),
            _columns(validation),
            np.array(norms, np.float64),
            chosen,
            ending.train or (train[chosen] if chosen >= 0 else None),
            ending.test,
            ending.test_right,
            {
                point: found._replace(state=self.state) if point is Point.JUDGED else found
                for point, found in ending.ends.items()
            },
            run_s,
            self.taken,
            self.kept,
            ending.levels,
        )


def _columns(rows: Sequence[Scores]) -> Scores:
    return Scores(
        np.array([row.loss for row in rows], np.float64), np.array([row.accuracy for row in rows], np.float64)
    )


def failed_fit(error: Exception) -> Fit:
    """Returns the record of a run that never began: without any point.

    Args:
        error: What kept it from beginning.
    """
    return Curve(stop_early=False).failed(error, 0.0)
