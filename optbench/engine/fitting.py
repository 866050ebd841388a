"""Trains a task from start to end: batches from the host, curves at log-spaced points, test data at the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from optbench.core.optimizer import Optimizer
from optbench.engine.training import EVALUATED, SEGMENT, Carry, Scores, Trainer, compile_trainer
from optbench.environment import visible_cores
from optbench.errors import UsageError
from optbench.records import Status, curve_steps
from optbench.tasks.task import Examples, Task

#: Parts of a task in the order in which they stand on the device: batches count from the first example of the first.
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Lane:
    """One run of a task: what tuning varies, and the seed that all rules share.

    Attributes:
        hyper: Hyperparameters of the rule by name.
        seed: Seed of initialization, order and regularization.
    """

    hyper: Mapping[str, float]
    seed: int


@dataclass(frozen=True)
class Fit:
    """What a run recorded.

    Attributes:
        status: ``ok``, or ``diverged`` from the first point whose training loss is not finite.
        grads: Gradients of batches taken at each point, ascending, the last one the budget's.
        train: Scores on the training examples at each point, as tested: no dropout, nothing augmented.
        validation: Scores on the validation examples.
        grad_norm: Norm of the last batch's gradient at each point; not a number before the first.
        chosen: The point that validation chose.
        test: Scores on the test examples there, looked at once.
        params: Flat parameters there.
    """

    status: Status
    grads: np.ndarray
    train: Scores
    validation: Scores
    grad_norm: np.ndarray
    chosen: int
    test: Scores
    params: np.ndarray


def fit(
    task: Task,
    rule: Optimizer,
    lanes: Sequence[Lane],
    *,
    batch_size: int,
    epochs: int,
    stop_early: bool = True,
) -> list[Fit]:
    """Trains a task once for each lane; on a CPU as many at once as there are cores.

    One program serves all lanes. Side by side in threads they train faster than as lanes of one program, which XLA's
    CPU backend does not spread over cores as well (in `benchmarks/speed`).

    Args:
        task: The task.
        rule: The update rule.
        lanes: What to run; order matters only to the result.
        batch_size: Examples of a batch, from 1 to all.
        epochs: Passes over the training examples; those that fill no batch are left out of a pass.
        stop_early: Whether the point of the best validation accuracy is chosen (of equal ones the lowest loss, then
            the first), else the last.

    Returns:
        One record for each lane, in their order.

    Raises:
        UsageError: The batch does not fit the set, or a number is out of range.
    """
    if epochs < 1:
        raise UsageError(f"{task.name}: epochs must be at least 1; got {epochs}")
    resolved = [rule.resolve(lane.hyper) for lane in lanes]
    task.order(0, 0, batch_size)
    examples = _joined(task)
    network, stats = task.start(0)
    trainer = compile_trainer(
        network,
        stats,
        rule,
        task.regularization,
        batch_size=batch_size,
        n_classes=task.n_classes,
        n_rows=len(examples.y),
    )
    threads = visible_cores() if jax.default_backend() == "cpu" else 1
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(_Run(task, rule, trainer, examples, hyper, lane.seed, batch_size, epochs).fit, stop_early)
            for hyper, lane in zip(resolved, lanes, strict=True)
        ]
        return [job.result() for job in jobs]


def _joined(task: Task) -> Examples:
    """Returns all parts one behind the other on the device, and the rows that ``Trainer.evaluate`` wants behind them.

    So one program scores all three, and compiling it takes as long as compiling the one that trains.
    """
    parts: list[Examples] = [getattr(task, name) for name in PARTS]
    x, y = task.train
    behind = Examples(np.zeros((EVALUATED, *x.shape[1:]), x.dtype), np.zeros(EVALUATED, y.dtype))
    joined = Examples(*(np.concatenate(arrays) for arrays in zip(*parts, behind, strict=True)))
    device: Examples = jax.device_put(joined)
    return device


@dataclass(frozen=True)
class _Run:
    """One lane on its way."""

    task: Task
    rule: Optimizer
    trainer: Trainer
    examples: Examples
    hyper: Mapping[str, float]
    seed: int
    batch_size: int
    epochs: int

    def fit(self, stop_early: bool) -> Fit:
        """Trains, records and chooses; in single precision, whatever the process is set to."""
        with jax.enable_x64(False):
            return self._fit(stop_early)

    def _fit(self, stop_early: bool) -> Fit:
        task, trainer = self.task, self.trainer
        hyper = {name: jnp.float32(value) for name, value in self.hyper.items()}
        network, stats = task.start(self.seed)
        carry = trainer.start(ravel_pytree(network)[0], stats, hyper)
        budget = self.epochs * (len(task.train.y) // self.batch_size) * self.rule.evals_per_step
        points = sorted({*curve_steps(budget), budget})
        rows: list[tuple[Scores, Scores, float]] = []
        best: tuple[tuple[float, float], int, Carry] | None = None
        norm: Any = np.nan
        done = 0
        for place, point in enumerate(points):
            carry, norm, done = self._advanced(carry, done, point, hyper, norm)
            rows.append((self._scores(carry, "train"), self._scores(carry, "validation"), float(norm)))
            if not np.isfinite(rows[-1][0].loss):
                break
            rank = (-rows[-1][1].accuracy, rows[-1][1].loss)
            if best is None or not stop_early or rank < best[0]:
                best = rank, place, carry
        # The start is finite for every model, so there is always something to choose.
        assert best is not None
        _, chosen, kept = best
        diverged = not np.isfinite(rows[-1][0].loss)
        return Fit(
            status=Status.DIVERGED if diverged else Status.OK,
            grads=np.array(points[: len(rows)]),
            train=_columns([row[0] for row in rows]),
            validation=_columns([row[1] for row in rows]),
            grad_norm=np.array([row[2] for row in rows]),
            chosen=chosen,
            test=self._scores(kept, "test"),
            params=np.asarray(kept.params),
        )

    def _scores(self, carry: Carry, part: Literal["train", "validation", "test"]) -> Scores:
        """Returns how well a network does on one of the task's parts."""
        sizes = {name: np.int32(len(getattr(self.task, name).y)) for name in PARTS}
        begin = np.int32(sum(sizes[name] for name in PARTS[: PARTS.index(part)]))
        found = self.trainer.evaluate(carry.params, carry.stats, *self.examples, begin, sizes[part])
        return Scores(float(found.loss), float(found.accuracy))

    def _advanced(
        self, carry: Carry, done: int, point: int, hyper: Mapping[str, Any], norm: Any
    ) -> tuple[Carry, Any, int]:
        """Makes trips up to a point."""
        key = jax.random.key(self.seed)
        while done < point:
            n = min(SEGMENT, point - done)
            order = np.zeros((SEGMENT, self.batch_size), np.int32)
            order[:n] = self._batches(done, n)
            carry, _, norm = self.trainer.advance(carry, *self.examples, order, key, np.int32(done), np.int32(n), hyper)
            done += n
        return carry, norm, done

    def _batches(self, first: int, n: int) -> np.ndarray:
        """Returns the examples of some trips: all gradients of one step see the same batch."""
        steps = np.arange(first, first + n) // self.rule.evals_per_step
        per_epoch = len(self.task.train.y) // self.batch_size
        epochs = range(steps[0] // per_epoch, steps[-1] // per_epoch + 1)
        rows = np.concatenate([self.task.order(self.seed, epoch, self.batch_size) for epoch in epochs])
        return rows[steps - epochs.start * per_epoch]


def _columns(rows: Sequence[Scores]) -> Scores:
    return Scores(np.array([row.loss for row in rows]), np.array([row.accuracy for row in rows]))
