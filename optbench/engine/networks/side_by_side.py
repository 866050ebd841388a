"""Runs as lanes of one program on all devices: the way of an accelerator, which one small network leaves idle.

Everything of a run has a leading axis of lanes; examples are shared, unless runs have data of their own. Each device
maps over its own lanes and talks to no other. Between two points of a curve nothing is waited for: the host draws the
next order meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding

from optbench.engine.compile import kept_programs
from optbench.engine.networks.along import Along, Walk, lane_of
from optbench.engine.networks.batches import Batches, joined, placed, span
from optbench.engine.networks.lane import NOWHERE, Curve, Ending, Fit, Kept, Lane, Trained, begin_of, points_of
from optbench.engine.networks.lane_programs import OWN, SHARED, LanePrograms, compile_lanes
from optbench.engine.networks.levels import Levels, grid
from optbench.engine.networks.scoring import Scores, trained_network
from optbench.engine.networks.training import SEGMENT, Training, TrainingCarry
from optbench.engine.outcomes import Point, is_out_of_memory
from optbench.errors import OptbenchError
from optbench.records import SCORED
from optbench.suite.measure import MeasureSpec
from optbench.tasks.task import Examples, Part, Task

#: Most lanes of one device; more are run one block after another, and fewer if its memory says so.
MOST = 64

#: Fewest lanes of one accelerator: idle ones cost less than a program for each number.
LEAST = 8


class Abreast(NamedTuple):
    """Lanes of one block.

    Attributes:
        lanes: The lanes; the last one is repeated up to the width of the programs.
        programs: What they are trained and scored by.
        examples: Those that all lanes see, or those of each, with lanes in front.
    """

    lanes: Sequence[Lane]
    programs: LanePrograms
    examples: Examples


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
        self._programs_of_own_data: dict[int, LanePrograms] = {}
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
        found: list[Fit] = []
        while len(found) < len(lanes):
            each = self._each(len(lanes))
            block = lanes[len(found) : len(found) + each * self.devices]
            curves = [Curve(stop_early, measure, keep, keep_state, Levels(levels)) for _ in block]
            found += self._block(block, each, epochs, curves, test)
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
        block = self._abreast(lanes, each)
        lanes, programs, width = block.lanes, block.programs, block.programs.width
        batches = {task: self._batches(task) for task in {self._task_of(lane) for lane in lanes}}
        hyper = self._placed([{name: np.float32(v) for name, v in lane.hyper.items()} for lane in lanes])
        keys = self._placed([self._task_of(lane).key(lane.seed) for lane in lanes])
        carry = programs.start(*self._placed(self._starts(lanes)), hyper)
        kept = carry.params, carry.stats
        network = self._training.network
        walks = [
            Walk(self._along, self._task_of(lane), lane, curve, network)
            for lane, curve in zip(lanes, curves, strict=False)
        ]
        norms: Any = np.full(width, np.nan)
        done, n_train, budget = 0, len(self._task.train.y), self._batches(self._task).budget(epochs)
        asked = curves[0].levels.asked
        scored = n_train if asked else min(n_train, SCORED)
        for point in grid(n_train, self._training.batch_size, budget) if asked else points_of(budget):
            while done < point:
                n = min(SEGMENT, point - done)
                order = self._order(batches, lanes, self._first(carry, width, done), n)
                carry, _, norms = programs.advance(
                    carry, *block.examples, order, keys, np.int32(done), np.int32(n), hyper
                )
                done += n
            now = carry.params, carry.stats
            found = [self._scores(block, now, *part)[0] for part in (("train", scored), ("validation", None))]
            train, validation, norms = jax.device_get((*found, norms))
            better = np.zeros(width, np.bool_)
            for place, curve in enumerate(curves):
                if not curve.diverged:
                    scores = _of(train, place)
                    better[place] = curve.add(point, scores, _of(validation, place), float(norms[place]))
                    curve.levels.add(point, scores, partial(_weights, now, place))
            if better.any():
                kept = programs.keep(jax.device_put(better, self._split), now, kept)
            if all(curve.diverged for curve in curves):
                break
            if any(walk.looks for walk in walks):
                read = jax.device_get(carry)
                for place, walk in enumerate(walks):
                    walk.reach(point, lane_of(read, place))
        whole = jax.device_get(self._scores(block, kept, "train")[0]) if scored < n_train else None
        return self._chosen(block, kept, (carry.params, carry.stats), curves, whole, test)

    def _abreast(self, lanes: Sequence[Lane], each: int) -> Abreast:
        """Returns a block, its lanes filled up, with the examples that they see."""
        own_data = any(self._task_of(lane) is not self._task for lane in lanes)
        programs = self._compiled(each, own_data=own_data)
        filled = [*lanes, *[lanes[-1]] * (programs.width - len(lanes))]
        if not own_data:
            return Abreast(filled, programs, self.examples)
        host = {task: joined(task) for task in {self._task_of(lane) for lane in filled}}
        return Abreast(filled, programs, self._placed([host[self._task_of(lane)] for lane in filled]))

    def _task_of(self, lane: Lane) -> Task:
        return lane.task or self._task

    def _batches(self, task: Task) -> Batches:
        return Batches(task, self._training.batch_size, self._training.rule.evals_per_step)

    def _starts(self, lanes: Sequence[Lane]) -> list[tuple[np.ndarray, Any]]:
        """Returns flat parameters and running statistics of each lane; lanes of one seed share theirs."""
        found: dict[Any, tuple[np.ndarray, Any]] = {}
        keys = [(self._task_of(lane), lane.seed, id(lane.start)) for lane in lanes]
        for key, lane in zip(keys, lanes, strict=True):
            if key not in found:
                network, stats = begin_of(lane, self._task_of(lane))
                found[key] = np.asarray(ravel_pytree(network)[0]), stats
        return [found[key] for key in keys]

    def _chosen(
        self,
        block: Abreast,
        kept: tuple[Array, Any],
        last: tuple[Array, Any],
        curves: Sequence[Curve],
        whole: Scores | None,
        test: bool,
    ) -> list[Ending]:
        """Returns what is known of the lanes' points that stay."""
        scores, right = jax.device_get(self._scores(block, kept, "test")) if test else (None, None)
        levels = self._kept(block, last, curves, test)
        at = {Point.JUDGED: jax.device_get(kept), Point.LAST: jax.device_get(last)}
        begin, n = span(self._task, "test")
        return [
            Ending(
                {point: self._at(*_weights(at[point], place)) for point in curve.points},
                None if whole is None else _of(whole, place),
                None if scores is None else _of(scores, place),
                None if right is None else right[place, begin : begin + n],
                levels[place],
            )
            if curve.chosen >= 0
            else NOWHERE
            for place, curve in enumerate(curves)
        ]

    def _kept(
        self, block: Abreast, last: tuple[Array, Any], curves: Sequence[Curve], test: bool
    ) -> list[tuple[Kept, ...]]:
        """Returns the networks that each lane keeps for levels, those of one level scored together."""
        kept: list[list[Kept]] = [[] for _ in curves]
        reached = [{one.level: one for one in curve.levels.reached} for curve in curves]
        networks: dict[tuple[int, int], Trained] = {}
        # A lane that has not reached a level stands by with what it ended at, as those do that fill the block.
        host = jax.device_get(last) if any(reached) else None
        ended = [] if host is None else [_weights(host, place) for place in range(block.programs.width)]
        for level in sorted({level for each in reached for level in each}, reverse=True):
            weights = [each[level].weights if level in each else end for each, end in zip(reached, ended, strict=False)]
            weights += ended[len(reached) :]
            scores = jax.device_get(self._scores(block, self._placed(weights), "test")[0]) if test else None
            for place, each in enumerate(reached):
                if level in each:
                    one = each[level]
                    at = networks.setdefault((place, one.grads), self._at(*one.weights))
                    test_scores = None if scores is None else _of(scores, place)
                    kept[place].append(Kept(level, one.grads, one.train, test_scores, at))
        return [tuple(each) for each in kept]

    def _at(self, params: np.ndarray, stats: Any) -> Trained:
        """Returns the network of some weights."""
        return Trained(trained_network(params, self._training.network), stats)

    def _scores(
        self, block: Abreast, weights: tuple[Array, Any], part: Part, most: int | None = None
    ) -> tuple[Scores, Array]:
        begin, n = span(self._task, part, most)
        found: tuple[Scores, Array] = block.programs.evaluate(*weights, *block.examples, np.int32(begin), np.int32(n))
        return found

    def _first(self, carry: TrainingCarry, width: int, done: int) -> list[int]:
        """Returns of each lane the trip, or the step where steps differ in cost, from which on batches are wanted."""
        if self._training.rule.counts is None:
            return [done] * width
        steps: list[int] = np.asarray(jax.vmap(self._training.step)(carry)).tolist()
        return steps

    def _order(self, batches: Mapping[Task, Batches], lanes: Sequence[Lane], first: Sequence[int], n: int) -> Array:
        order = np.zeros((len(lanes), SEGMENT, self._training.batch_size), np.int32)
        wanted = [(self._task_of(lane), lane.seed, begin) for lane, begin in zip(lanes, first, strict=True)]
        rows = {(task, seed, begin): batches[task].rows(seed, begin, n) for task, seed, begin in set(wanted)}
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

    def _compiled(self, each: int, *, own_data: bool = False) -> LanePrograms:
        """Returns the programs for so many lanes of each device."""
        width = each * self.devices
        programs = self._programs_of_own_data if own_data else self._programs
        if width not in programs:
            begin = time.perf_counter()
            with kept_programs():
                programs[width] = compile_lanes(self._training, self._mesh, width, own_data=own_data)
            self.compile_s += time.perf_counter() - begin
        return programs[width]


def _unmeasured_s(begin: float, curves: Sequence[Curve]) -> float:
    """Returns the seconds since a time, without those in which all lanes waited for measures of one after the other."""
    return time.perf_counter() - begin - sum(curve.measured_s for curve in curves)


def _of(scores: Scores, place: int) -> Scores:
    """Returns the scores of one lane."""
    return Scores(float(scores.loss[place]), float(scores.accuracy[place]))


def _weights(lanes: tuple[Any, Any], place: int) -> tuple[np.ndarray, Any]:
    """Returns flat parameters and running statistics of one lane, on the host."""
    found: tuple[np.ndarray, Any] = jax.device_get(jax.tree.map(lambda leaf: leaf[place], lanes))
    return found
