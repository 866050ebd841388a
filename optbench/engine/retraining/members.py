"""Networks of one design, each trained on rows of its own, by as few compiled programs as there are shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optbench.core.optimizer import Optimizer
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.in_threads import InThreads
from optbench.engine.networks.lane import Fit, failed_fit
from optbench.engine.outcomes import Point
from optbench.engine.retraining.predicting import probabilities
from optbench.errors import OptbenchError
from optbench.records import Status
from optbench.tasks.task import Examples, Part, Task

#: Bytes of examples that are held for members that wait for their turn.
HELD_BYTES = 1 << 30
#: Least members that are trained together, so that all cores of a machine have one.
LEAST = 16


@dataclass(frozen=True)
class Member:
    """A network that is to be trained.

    Attributes:
        base: Its parts, of which it is trained on some rows, and its model.
        program: What its programs depend on beside shapes, rule and batch size: model, width and regularization.
        rule: The update rule.
        hyper: All hyperparameters.
        seed: Seed of initialization, order and regularization.
        batch_size: Examples of a batch.
        epochs: Passes over its rows.
        rows: Rows of the training part that it is trained on, (n,), each as often as it stands here; all if ``None``.
        held_out: Rows of the training part that stand in for the validation part; ``None`` for that part itself.
        test: Whether it is tested.
    """

    base: Task
    program: str
    rule: Optimizer
    hyper: Mapping[str, float]
    seed: int
    batch_size: int
    epochs: int
    rows: np.ndarray | None = None
    held_out: np.ndarray | None = None
    test: bool = True

    @property
    def n_train(self) -> int:
        """Number of rows that it is trained on."""
        return len(self.base.train.y) if self.rows is None else len(self.rows)

    @property
    def n_bytes(self) -> int:
        """Bytes of the rows that are its own."""
        own = self.n_train + (0 if self.held_out is None else len(self.held_out))
        return 0 if self.rows is None else own * self.base.train.x[0].nbytes

    @property
    def shape(self) -> tuple[object, ...]:
        """What members share that are trained by the same programs."""
        held = len(self.base.validation.y) if self.held_out is None else len(self.held_out)
        sizes = self.n_train, held, len(self.base.test.y)
        return (self.base.name, self.program, self.rule.name, self.batch_size, *sizes)

    def task(self) -> Task:
        """Returns the task of its rows."""
        if self.rows is None and self.held_out is None:
            return self.base
        return replace(self.base, train=self._some(self.rows), validation=self._some(self.held_out, "validation"))

    def _some(self, rows: np.ndarray | None, otherwise: Part = "train") -> Examples:
        """Returns rows of the training part; a whole part if ``None``."""
        x, y = self.base.train
        found: Examples = getattr(self.base, otherwise)
        return found if rows is None else Examples(x[rows], y[rows])


@dataclass(frozen=True)
class Retrained:
    """A member that was trained.

    Attributes:
        member: What was asked for.
        fit: What its run recorded; it is judged at its last point.
    """

    member: Member
    fit: Fit

    @property
    def is_ok(self) -> bool:
        """Whether there is a network at the end of the run."""
        return self.fit.status == Status.OK

    @property
    def sample_grads(self) -> int:
        """Gradients of single examples that were asked for."""
        return int(self.fit.grads[-1]) * self.member.batch_size if len(self.fit.grads) else 0

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Returns the probability of each class at the end of a run that went well, (n, n_classes), float32.

        Args:
            x: Examples, (n, *shape).
        """
        network, stats, _ = self.fit.ends[Point.LAST]
        return probabilities(network, stats, x)


class Trainer:
    """Trains members; programs of a shape are compiled once.

    Attributes:
        compile_s: Seconds of compiling so far.
        thread_s: Seconds of training so far, those of all threads added up; 0 where there are none.
        facts: How members were last trained, for the manifest.
    """

    def __init__(self, dtype: str = "float32") -> None:
        """Compiles nothing yet.

        Args:
            dtype: Precision of forward and backward passes.
        """
        self._dtype = dtype
        self._fitters: dict[tuple[object, ...], Fitter | Exception] = {}
        self.compile_s = self.thread_s = 0.0
        self.facts: dict[str, Any] = {}

    def train(self, members: Sequence[Member], tell: Callable[[int], None] = lambda done: None) -> list[Retrained]:
        """Trains members, those of one shape and length together.

        Args:
            members: What to train; order matters only to the result.
            tell: Is told how many are trained.

        Returns:
            One record for each, in their order; of one whose program failed as well.

        Raises:
            OptbenchError: A batch does not fit the rows.
        """
        places: dict[tuple[object, ...], list[int]] = {}
        for place, member in enumerate(members):
            places.setdefault((*member.shape, member.epochs, member.test), []).append(place)
        found: dict[int, Retrained] = {}
        for together in places.values():
            most = _block([members[place] for place in together])
            for begin in range(0, len(together), most):
                block = together[begin : begin + most]
                fits = self._fits([members[place] for place in block])
                found |= {place: Retrained(members[place], fit) for place, fit in zip(block, fits, strict=True)}
                tell(len(found))
        return [found[place] for place in range(len(members))]

    def _fits(self, members: Sequence[Member]) -> list[Fit]:
        """Returns the records of members that share programs."""
        first = members[0]
        tasks = [member.task() for member in members]
        fitter = self._fitter(first, tasks[0])
        if not isinstance(fitter, Fitter):
            return [failed_fit(fitter)] * len(members)
        lanes = [Lane(member.hyper, member.seed, task=task) for member, task in zip(members, tasks, strict=True)]
        before_s = float(fitter.facts["compile_s"])
        fits = fitter.fit(lanes, epochs=first.epochs, stop_early=False, test=first.test)
        self.compile_s += float(fitter.facts["compile_s"]) - before_s
        self.facts = {key: value for key, value in fitter.facts.items() if key != "compile_s"}
        if self.facts["lanes"] == InThreads.name:
            self.thread_s += sum(fit.run_s for fit in fits)
        return fits

    def _fitter(self, member: Member, task: Task) -> Fitter | Exception:
        """Returns what trains members of a shape, or what kept it from being compiled."""
        if member.shape not in self._fitters:
            try:
                fitter = Fitter(task, member.rule, batch_size=member.batch_size, dtype=self._dtype)
            except OptbenchError:
                raise
            except Exception as error:  # whatever a rule's program raises becomes the message of its rows
                self._fitters[member.shape] = error
            else:
                self._fitters[member.shape] = fitter
                self.compile_s += float(fitter.facts["compile_s"])
        return self._fitters[member.shape]


def _block(members: Sequence[Member]) -> int:
    """Returns how many members are trained at once: as many as have room."""
    most = max(member.n_bytes for member in members)
    return max(LEAST, HELD_BYTES // max(most, 1))
