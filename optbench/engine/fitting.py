"""Trains a task from start to end: batches from the host, curves at log-spaced points, test data at the last."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from optbench.core.optimizer import Optimizer
from optbench.engine.compile import kept_programs
from optbench.engine.curve import Curve, Fit, points_of
from optbench.engine.scoring import EVALUATED, Evaluate, Scores, compile_evaluator
from optbench.engine.shelves import first_line
from optbench.engine.training import SEGMENT, Carry, Trainer, compile_trainer
from optbench.environment import visible_cores
from optbench.errors import OptbenchError, UsageError, unknown_name
from optbench.records import Status
from optbench.tasks.task import Examples, Task, trips_of

__all__ = ["DTYPES", "Fit", "Fitter", "Lane", "fit"]

#: Parts of a task in the order in which they stand on the device: batches count from the first example of the first.
PARTS = ("train", "validation", "test")

#: Precisions of the forward and the backward pass.
DTYPES = ("float32",)

#: How XLA's error begins when the device has no memory left.
OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"

#: Examples of tasks on the device, as long as the tasks live.
_PLACED: WeakKeyDictionary[Task, Examples] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Lane:
    """One run of a task: what tuning varies, and the seed that all rules share.

    Attributes:
        hyper: Hyperparameters of the rule by name.
        seed: Seed of initialization, order and regularization.
    """

    hyper: Mapping[str, float]
    seed: int


class Fitter:
    """A task and a rule, compiled once, for any number of runs of any length.

    The program that scores does not depend on the rule: fitters of one network share it, and fitters of one task share
    its examples on the device.
    """

    def __init__(self, task: Task, rule: Optimizer, *, batch_size: int, dtype: str = "float32") -> None:
        """Compiles.

        Args:
            task: The task.
            rule: The update rule.
            batch_size: Examples of a batch, from 1 to all.
            dtype: Precision of the forward and the backward pass, of ``DTYPES``; parameters, the rule's state and
                scores are float32.

        Raises:
            UsageError: The batch does not fit the set or the regularization, or there is no such precision.
        """
        if dtype not in DTYPES:
            raise UsageError(unknown_name("dtype", dtype, DTYPES))
        task.order(0, 0, batch_size)
        begin = time.perf_counter()
        self.task, self.rule, self.batch_size, self.dtype = task, rule, batch_size, dtype
        self._examples = _placed(task)
        network, stats = task.start(0)
        task.regularization.fits(task.name, batch_size, normalizes=bool(jax.tree.leaves(stats)))
        n_rows = len(self._examples.y)
        # The training program takes longer; the other is done meanwhile.
        with kept_programs(), ThreadPoolExecutor(1) as pool:
            scoring = pool.submit(compile_evaluator, network, stats, n_rows)
            self._trainer = compile_trainer(
                network,
                stats,
                rule,
                task.regularization,
                batch_size=batch_size,
                n_classes=task.n_classes,
                n_rows=n_rows,
            )
            self._evaluate = scoring.result()
        self._convolution = network.convolution
        self._threads = visible_cores() if jax.default_backend() == "cpu" else 1
        self._compile_s = time.perf_counter() - begin

    @property
    def facts(self) -> dict[str, Any]:
        """How lanes are run, for the manifest; ready for JSON."""
        return {
            "lanes": "in threads",
            "threads": self._threads,
            "devices": 1,
            "device_kind": jax.local_devices()[0].device_kind,
            "convolution": self._convolution,
            "part": self._trainer.part,
            "dtype": self.dtype,
            "compile_s": round(self._compile_s, 6),
        }

    def fit(self, lanes: Sequence[Lane], *, epochs: int, stop_early: bool = True, test: bool = True) -> list[Fit]:
        """Trains the task once for each lane.

        Args:
            lanes: What to run; order matters only to the result.
            epochs: Passes over the training examples; those that fill no batch are left out of a pass. A rule of two
                gradients a step makes half of the steps.
            stop_early: Whether the point of the best validation accuracy is chosen (of equal ones the lowest loss, then
                the first), else the last.
            test: Whether the test examples are looked at; tuning does not.

        Returns:
            One record for each lane, in their order; of one whose program failed as well, and the others go on.

        Raises:
            UsageError: A number is out of range.
        """
        if epochs < 1:
            raise UsageError(f"{self.task.name}: epochs must be at least 1; got {epochs}")
        resolved = [self.rule.resolve(lane.hyper) for lane in lanes]
        runs = [
            _Run(
                self.task,
                self.rule,
                self._trainer,
                self._evaluate,
                self._examples,
                hyper,
                lane.seed,
                self.batch_size,
                epochs,
                Curve(stop_early),
                test,
            )
            for hyper, lane in zip(resolved, lanes, strict=True)
        ]
        stop = threading.Event()
        pool = ThreadPoolExecutor(self._threads)
        try:
            return [job.result() for job in [pool.submit(run.fit, stop) for run in runs]]
        finally:
            # Whoever interrupts does not wait for what is in flight.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def fit(
    task: Task,
    rule: Optimizer,
    lanes: Sequence[Lane],
    *,
    batch_size: int,
    epochs: int,
    stop_early: bool = True,
) -> list[Fit]:
    """Trains a task once for each lane, by a ``Fitter`` of its own.

    Args:
        task: The task.
        rule: The update rule.
        lanes: What to run.
        batch_size: Examples of a batch, from 1 to all.
        epochs: Passes over the training examples.
        stop_early: Whether validation chooses the point, else it is the last.

    Returns:
        One record for each lane, in their order.

    Raises:
        UsageError: The batch does not fit the set, or a number is out of range.
    """
    if epochs < 1:
        raise UsageError(f"{task.name}: epochs must be at least 1; got {epochs}")
    return Fitter(task, rule, batch_size=batch_size).fit(lanes, epochs=epochs, stop_early=stop_early)


def _placed(task: Task) -> Examples:
    """Returns all parts one behind the other on the device, and the rows that scoring wants behind them.

    So one program scores all three.
    """
    if task not in _PLACED:
        parts: list[Examples] = [getattr(task, name) for name in PARTS]
        x, y = task.train
        behind = Examples(np.zeros((EVALUATED, *x.shape[1:]), x.dtype), np.zeros(EVALUATED, y.dtype))
        _PLACED[task] = jax.device_put(
            Examples(*(np.concatenate(arrays) for arrays in zip(*parts, behind, strict=True)))
        )
    return _PLACED[task]


class _Stopped(Exception):
    """A run was abandoned."""


@dataclass(frozen=True)
class _Run:
    """One lane on its way."""

    task: Task
    rule: Optimizer
    trainer: Trainer
    evaluate: Evaluate
    examples: Examples
    hyper: Mapping[str, float]
    seed: int
    batch_size: int
    epochs: int
    curve: Curve
    test: bool

    def fit(self, stop: threading.Event) -> Fit:
        """Trains, records and chooses; in single precision, whatever the process is set to."""
        begin = time.perf_counter()
        try:
            with jax.enable_x64(False):
                return self._fit(stop, begin)
        except (OptbenchError, _Stopped):
            raise
        except Exception as error:  # whatever stopped a run becomes the message of its row
            status = Status.OOM if OUT_OF_MEMORY in str(error) else Status.ERROR
            return self.curve.failed(status, first_line(error), time.perf_counter() - begin)

    def _fit(self, stop: threading.Event, begin: float) -> Fit:
        hyper = {name: jnp.float32(value) for name, value in self.hyper.items()}
        network, stats = self.task.start(self.seed)
        kept = carry = self.trainer.start(ravel_pytree(network)[0], stats, hyper)
        budget = trips_of(len(self.task.train.y), self.batch_size, self.epochs, self.rule.evals_per_step)
        norm: Any = np.nan
        done = 0
        for point in points_of(budget):
            while done < point:
                if stop.is_set():
                    raise _Stopped
                n = min(SEGMENT, point - done)
                carry, norm = self._advanced(carry, done, n, hyper)
                done += n
            (train, _), (validation, _) = self._scores(carry, "train"), self._scores(carry, "validation")
            if self.curve.add(point, train, validation, float(norm)):
                kept = carry
            if self.curve.diverged:
                break
        test, right = None, None
        if self.test and self.curve.chosen >= 0:
            test, right = self._scores(kept, "test")
        params = np.asarray(kept.params) if self.curve.chosen >= 0 else np.empty(0, np.float32)
        return self.curve.fit(params, test, right, time.perf_counter() - begin)

    def _scores(self, carry: Carry, part: Literal["train", "validation", "test"]) -> tuple[Scores, np.ndarray]:
        """Returns how well a network does on one of the task's parts, and on which examples of it."""
        sizes = {name: len(getattr(self.task, name).y) for name in PARTS}
        begin, n = sum(sizes[name] for name in PARTS[: PARTS.index(part)]), sizes[part]
        found, right = self.evaluate(carry.params, carry.stats, *self.examples, np.int32(begin), np.int32(n))
        return Scores(float(found.loss), float(found.accuracy)), np.asarray(right)[begin : begin + n]

    def _advanced(self, carry: Carry, done: int, n: int, hyper: Mapping[str, Any]) -> tuple[Carry, Any]:
        """Makes trips, at most ``SEGMENT``."""
        order = np.zeros((SEGMENT, self.batch_size), np.int32)
        order[:n] = self._batches(done, n)
        key = jax.random.key(self.seed)
        carry, _, norm = self.trainer.advance(carry, *self.examples, order, key, np.int32(done), np.int32(n), hyper)
        return carry, norm

    def _batches(self, first: int, n: int) -> np.ndarray:
        """Returns the examples of some trips: all gradients of one step see the same batch."""
        steps = np.arange(first, first + n) // self.rule.evals_per_step
        per_epoch = len(self.task.train.y) // self.batch_size
        epochs = range(steps[0] // per_epoch, steps[-1] // per_epoch + 1)
        rows = np.concatenate([self.task.order(self.seed, epoch, self.batch_size) for epoch in epochs])
        return rows[steps - epochs.start * per_epoch]
