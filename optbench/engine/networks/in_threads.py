"""Runs as threads that call one program: the way of a CPU, which spreads no program over its cores as well."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from optbench.engine.compile import kept_programs
from optbench.engine.networks.along import Along, Walk
from optbench.engine.networks.batches import Batches, joined, placed, span
from optbench.engine.networks.lane import NOWHERE, Curve, Ending, Fit, Kept, Lane, Trained, begin_of, points_of
from optbench.engine.networks.levels import Levels, grid
from optbench.engine.networks.scoring import Scores, compile_evaluator, trained_network
from optbench.engine.networks.training import SEGMENT, Training, TrainingCarry, as_key, compile_trainer
from optbench.engine.outcomes import Point, Stopped
from optbench.environment import visible_cores
from optbench.errors import OptbenchError
from optbench.records import SCORED
from optbench.suite.measure import MeasureSpec
from optbench.tasks.task import Part, Task


class InThreads:
    """One program for one run, called by as many threads as there are cores."""

    name = "in threads"

    def __init__(self, task: Task, training: Training, specs: Sequence[MeasureSpec] = ()) -> None:
        """Compiles.

        Args:
            task: The task.
            training: What trains its network.
            specs: Measures along the path.
        """
        begin = time.perf_counter()
        self.task, self._training = task, training
        self.examples = placed(task)
        # The training program takes longer; the other is done meanwhile.
        with kept_programs(), ThreadPoolExecutor(1) as pool:
            scoring = pool.submit(compile_evaluator, training.network, training.stats, training.n_rows, training.loss)
            self.trainer = compile_trainer(training)
            self.evaluate = scoring.result()
        self.along = Along(task, training.rule, specs)
        self.threads = visible_cores() if jax.default_backend() == "cpu" else 1
        self.devices = 1
        self.compile_s = time.perf_counter() - begin

    def fit(
        self,
        lanes: Sequence[Lane],
        *,
        epochs: int,
        stop_early: bool,
        test: bool,
        measure: bool = True,
        keep: bool = False,
        keep_state: bool = False,
        levels: Sequence[float] = (),
    ) -> list[Fit]:
        """Makes runs, as ``Fitter.fit`` has them; all hyperparameters are given.

        Args:
            lanes: The runs.
            epochs: Passes over the training examples.
            stop_early: Whether validation chooses the point.
            test: Whether the test examples are looked at.
            measure: Whether the measures along the path are taken.
            keep: Whether the network is kept at each point of the curve.
            keep_state: Whether the rule's state is kept at the chosen point.
            levels: Training losses at which the network is kept, descending.

        Returns:
            One record for each.
        """
        stop = threading.Event()

        def work(lane: Lane) -> Fit:
            curve = Curve(stop_early, measure, keep, keep_state, Levels(levels))
            return _Run(self, self._training, lane, curve, stop).fit(epochs, test)

        pool = ThreadPoolExecutor(self.threads)
        try:
            return [job.result() for job in [pool.submit(work, lane) for lane in lanes]]
        finally:
            # Whoever interrupts waits for a segment, not for the runs in flight.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


class _Run:
    """One run on its way."""

    def __init__(self, way: InThreads, training: Training, lane: Lane, curve: Curve, stop: threading.Event) -> None:
        self.way, self.lane, self.curve, self.stop = way, lane, curve, stop
        self.task = lane.task or way.task
        self.examples = way.examples
        self.training = training
        self.batches = Batches(self.task, training.batch_size, training.rule.evals_per_step)
        self.batch_size = training.batch_size
        self.walk = Walk(way.along, self.task, lane, curve, training.network)

    def fit(self, epochs: int, test: bool) -> Fit:
        """Trains, records and chooses; in single precision, whatever the process is set to."""
        begin = time.perf_counter()
        try:
            with jax.enable_x64(False):
                ending = self._trained(epochs, test)
        except (OptbenchError, Stopped):
            raise
        except Exception as error:  # whatever stopped a run becomes the message of its row
            return self.curve.failed(error, time.perf_counter() - begin - self.curve.measured_s)
        return self.curve.fit(ending, time.perf_counter() - begin - self.curve.measured_s)

    def _trained(self, epochs: int, test: bool) -> Ending:
        """Returns what is known of the chosen point."""
        hyper = {name: jnp.float32(value) for name, value in self.lane.hyper.items()}
        if self.task is not self.way.task:
            # They leave the device with the run.
            self.examples = jax.device_put(joined(self.task))
        network, stats = begin_of(self.lane, self.task)
        kept = carry = self.way.trainer.start(ravel_pytree(network)[0], stats, hyper)
        norm: Any = np.nan
        done, n_train, levels = 0, len(self.task.train.y), self.curve.levels
        budget = self.batches.budget(epochs)
        points = grid(n_train, self.batch_size, budget) if levels.asked else points_of(budget)
        scored = n_train if levels.asked else min(n_train, SCORED)
        for point in points:
            while done < point:
                if self.stop.is_set():
                    raise Stopped
                n = min(SEGMENT, point - done)
                carry, norm = self._advanced(carry, done, n, hyper)
                done += n
            train, _ = self._scores(carry, "train", scored)
            validation, _ = self._scores(carry, "validation")
            if self.curve.add(point, train, validation, float(norm)):
                kept = carry
            levels.add(point, train, partial(_weights, carry))
            if self.curve.diverged:
                break
            self.walk.reach(point, carry)
        if self.curve.chosen < 0:
            return NOWHERE
        whole = self._scores(kept, "train")[0] if scored < n_train else None
        scores, right = self._scores(kept, "test") if test else (None, None)
        at = {Point.JUDGED: kept, Point.LAST: carry}
        ends = {point: self._at(*_weights(at[point])) for point in self.curve.points}
        return Ending(ends, whole, scores, right, self._kept(test))

    def _kept(self, test: bool) -> tuple[Kept, ...]:
        """Returns the networks that are kept for levels; one that is kept for several is scored once."""
        found: dict[int, tuple[Scores | None, Trained]] = {}
        for level in self.curve.levels.reached:
            if level.grads not in found:
                params, stats = level.weights
                scores = self._scores(TrainingCarry(params, None, None, stats), "test")[0] if test else None
                found[level.grads] = scores, self._at(params, stats)
        return tuple(
            Kept(level.level, level.grads, level.train, *found[level.grads]) for level in self.curve.levels.reached
        )

    def _at(self, params: np.ndarray, stats: Any) -> Trained:
        """Returns the network of some weights."""
        return Trained(trained_network(params, self.training.network), stats)

    def _scores(self, carry: TrainingCarry, part: Part, most: int | None = None) -> tuple[Scores, np.ndarray]:
        """Returns how well a network does on one of the task's parts, and on which examples of it."""
        begin, n = span(self.task, part, most)
        where = np.int32(begin), np.int32(n)
        found, right = self.way.evaluate(carry.params, carry.stats, *self.examples, *where)
        return Scores(float(found.loss), float(found.accuracy)), np.asarray(right)[begin : begin + n]

    def _first(self, carry: TrainingCarry, done: int) -> int:
        """Returns the trip, or the step of a rule whose steps differ in cost, from which on batches are wanted."""
        return done if self.training.rule.counts is None else int(self.training.step(carry))

    def _advanced(self, carry: TrainingCarry, done: int, n: int, hyper: Mapping[str, Any]) -> tuple[TrainingCarry, Any]:
        """Makes trips, at most ``SEGMENT``."""
        order = np.zeros((SEGMENT, self.batch_size), np.int32)
        order[:n] = self.batches.rows(self.lane.seed, self._first(carry, done), n)
        key = as_key(self.task.key(self.lane.seed))
        begin = np.int32(done), np.int32(n)
        carry, _, norm = self.way.trainer.advance(carry, *self.examples, order, key, *begin, hyper)
        return carry, norm


def _weights(carry: TrainingCarry) -> tuple[np.ndarray, Any]:
    """Returns flat parameters and running statistics on the host."""
    found: tuple[np.ndarray, Any] = jax.device_get((carry.params, carry.stats))
    return found
