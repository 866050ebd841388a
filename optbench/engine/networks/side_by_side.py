"""Runs as lanes of one program on all devices: the way of an accelerator, which one small network leaves idle.

Everything of a run has a leading axis of lanes; examples are shared. Each device maps over its own lanes and talks to
no other. Between two points of a curve nothing is waited for: the host draws the next order meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding

from optbench.engine.compile import kept_programs
from optbench.engine.networks.along import Along, Walk, lane_of
from optbench.engine.networks.batches import Batches, placed, span
from optbench.engine.networks.lane import NOWHERE, Curve, Ending, Fit, Lane, Trained, points_of
from optbench.engine.networks.lane_programs import OWN, SHARED, LanePrograms, compile_lanes
from optbench.engine.networks.scoring import Scores, trained_network
from optbench.engine.networks.training import SEGMENT, Training, TrainingCarry
from optbench.engine.outcomes import Point, is_out_of_memory
from optbench.errors import OptbenchError
from optbench.records.networks import SCORED
from optbench.suite.measure import MeasureSpec
from optbench.tasks.task import Part, Task

#: Most lanes of one device; more are run one block after another, and fewer if its memory says so.
MOST = 64

#: Fewest lanes of one accelerator: idle ones cost less than a program for each number.
LEAST = 8


class LanesAbreast:
    """Programs for blocks of lanes, compiled at the first block of each width.

    A width is a power of two for each device, so that a fitter compiles for few; what is left over repeats a lane.
    """

    name = "side by side"
    threads = 1

    def __init__(self, task: Task, training: Training, specs: Sequence[MeasureSpec] = ()) -> None:
        """Places the examples on all devices.

        Args:
            task: The task.
            training: What trains its network.
            specs: Measures along the path, which are taken of one lane after the other.
        """
        self._task, self._training = task, training
        self._mesh = Mesh(np.array(jax.local_devices()), ("lanes",))
        self._split = NamedSharding(self._mesh, OWN)
        self.examples = placed(task, NamedSharding(self._mesh, SHARED))
        self._programs: dict[int, LanePrograms] = {}
        self.devices = self._mesh.size
        self._most = MOST
        begin = time.perf_counter()
        self._along = Along(task, training.rule, specs)
        self.compile_s = time.perf_counter() - begin if specs else 0.0

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

        Returns:
            One record for each.
        """
        found: list[Fit] = []
        while len(found) < len(lanes):
            each = self._each(len(lanes))
            block = lanes[len(found) : len(found) + each * self.devices]
            found += self._block(
                block, each, epochs, [Curve(stop_early, measure, keep, keep_state) for _ in block], test
            )
        return found

    def _block(self, lanes: Sequence[Lane], each: int, epochs: int, curves: Sequence[Curve], test: bool) -> list[Fit]:
        """Makes the runs of one block, or none if it takes more memory than there is: the next is half as wide."""
        begin = time.perf_counter()
        try:
            with jax.enable_x64(False):
                found = self._trained(lanes, each, curves, epochs, test)
        except OptbenchError:
            raise
        except Exception as error:  # whatever stopped a block becomes the message of its rows
            if is_out_of_memory(error) and each > 1:
                self._most = each // 2
                return []
            return [curve.failed(error, _unmeasured_s(begin, curves)) for curve in curves]
        run_s = _unmeasured_s(begin, curves)
        return [curve.fit(ending, run_s) for curve, ending in zip(curves, found, strict=True)]

    def _trained(
        self, lanes: Sequence[Lane], each: int, curves: Sequence[Curve], epochs: int, test: bool
    ) -> list[Ending]:
        """Returns of each lane what is known of the chosen point."""
        programs = self._compiled(each)
        padded = [*lanes, *[lanes[-1]] * (programs.width - len(lanes))]
        batches = Batches(self._task, self._training.batch_size, self._training.rule.evals_per_step)
        hyper = self._placed([{name: np.float32(v) for name, v in lane.hyper.items()} for lane in padded])
        keys = self._placed([self._task.key(lane.seed) for lane in padded])
        starts = {lane.seed: self._task.start(lane.seed) for lane in padded}
        at_start = {seed: (np.asarray(ravel_pytree(network)[0]), stats) for seed, (network, stats) in starts.items()}
        carry = programs.start(*self._placed([at_start[lane.seed] for lane in padded]), hyper)
        kept = carry.params, carry.stats
        network = self._training.network
        walks = [Walk(self._along, lane, curve, network) for lane, curve in zip(lanes, curves, strict=True)]
        norms: Any = np.full(programs.width, np.nan)
        done = 0
        for point in points_of(batches.budget(epochs)):
            while done < point:
                n = min(SEGMENT, point - done)
                order = self._order(batches, padded, self._first(carry, len(padded), done), n)
                carry, _, norms = programs.advance(
                    carry, *self.examples, order, keys, np.int32(done), np.int32(n), hyper
                )
                done += n
            now = carry.params, carry.stats
            asked = [self._scores(programs, now, *part)[0] for part in (("train", SCORED), ("validation", None))]
            train, validation, norms = jax.device_get((*asked, norms))
            better = np.zeros(programs.width, np.bool_)
            for place, curve in enumerate(curves):
                if not curve.diverged:
                    better[place] = curve.add(point, _of(train, place), _of(validation, place), float(norms[place]))
            if better.any():
                kept = programs.keep(jax.device_put(better, self._split), now, kept)
            if all(curve.diverged for curve in curves):
                break
            if any(walk.looks for walk in walks):
                read = jax.device_get(carry)
                for place, walk in enumerate(walks):
                    walk.reach(point, lane_of(read, place))
        return self._chosen(programs, kept, (carry.params, carry.stats), curves, test)

    def _chosen(
        self,
        programs: LanePrograms,
        kept: tuple[Array, Any],
        last: tuple[Array, Any],
        curves: Sequence[Curve],
        test: bool,
    ) -> list[Ending]:
        at = {Point.JUDGED: jax.device_get(kept), Point.LAST: jax.device_get(last)}
        whole, scores, right = None, None, None
        if len(self._task.train.y) > SCORED:
            whole = jax.device_get(self._scores(programs, kept, "train")[0])
        if test:
            scores, right = jax.device_get(self._scores(programs, kept, "test"))
        begin, n = span(self._task, "test")
        return [
            Ending(
                {point: self._at(at[point], place) for point in curve.points},
                None if whole is None else _of(whole, place),
                None if scores is None else _of(scores, place),
                None if right is None else right[place, begin : begin + n],
            )
            if curve.chosen >= 0
            else NOWHERE
            for place, curve in enumerate(curves)
        ]

    def _at(self, lanes: tuple[np.ndarray, Any], place: int) -> Trained:
        """Returns the network of one lane."""
        params, stats = lanes
        return Trained(
            trained_network(params[place], self._training.network), jax.tree.map(lambda leaf: leaf[place], stats)
        )

    def _scores(
        self, programs: LanePrograms, kept: tuple[Array, Any], part: Part, most: int | None = None
    ) -> tuple[Scores, Array]:
        begin, n = span(self._task, part, most)
        found: tuple[Scores, Array] = programs.evaluate(*kept, *self.examples, np.int32(begin), np.int32(n))
        return found

    def _first(self, carry: TrainingCarry, width: int, done: int) -> list[int]:
        """Returns of each lane the trip, or the step where steps differ in cost, from which on batches are wanted."""
        if self._training.rule.counts is None:
            return [done] * width
        steps: list[int] = np.asarray(jax.vmap(self._training.step)(carry)).tolist()
        return steps

    def _order(self, batches: Batches, lanes: Sequence[Lane], first: Sequence[int], n: int) -> Array:
        order = np.zeros((len(lanes), SEGMENT, self._training.batch_size), np.int32)
        wanted = [(lane.seed, begin) for lane, begin in zip(lanes, first, strict=True)]
        rows = {(seed, begin): batches.rows(seed, begin, n) for seed, begin in set(wanted)}
        for place, key in enumerate(wanted):
            order[place, :n] = rows[key]
        placed: Array = jax.device_put(order, self._split)
        return placed

    def _placed(self, trees: Sequence[Any]) -> Any:
        """Returns one tree for each lane as one tree with lanes in front, on their devices."""
        return jax.device_put(jax.tree.map(lambda *leaves: np.stack(leaves), *trees), self._split)

    def _each(self, n: int) -> int:
        """Returns how many lanes each device has in all blocks of ``n`` lanes: a power of two."""
        least = 1 if jax.default_backend() == "cpu" else LEAST
        return min(self._most, max(least, 1 << (-(-n // self.devices) - 1).bit_length()))

    def _compiled(self, each: int) -> LanePrograms:
        """Returns the programs for so many lanes of each device."""
        width = each * self.devices
        if width not in self._programs:
            begin = time.perf_counter()
            with kept_programs():
                self._programs[width] = compile_lanes(self._training, self._mesh, width)
            self.compile_s += time.perf_counter() - begin
        return self._programs[width]


def _unmeasured_s(begin: float, curves: Sequence[Curve]) -> float:
    """Returns the seconds since a time, without those in which all lanes waited for measures of one after the other."""
    return time.perf_counter() - begin - sum(curve.measured_s for curve in curves)


def _of(scores: Scores, place: int) -> Scores:
    """Returns the scores of one lane."""
    return Scores(float(scores.loss[place]), float(scores.accuracy[place]))
