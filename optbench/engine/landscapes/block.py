"""One block of lanes from start to budget: program and recorder called in turn."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.disturb import Disturbance, Streams
from optbench.engine.landscapes.operands import goal, operands
from optbench.engine.landscapes.program import Carry, Program, blank_values
from optbench.engine.landscapes.record import SEGMENT, Records
from optbench.engine.landscapes.recorder import Recorder, schedule
from optbench.engine.outcomes import Stopped
from optbench.problems.problem import Problem


class Block(NamedTuple):
    """A block of lanes, somewhere on its way.

    Attributes:
        carry: The lanes.
        records: What was kept of their iterates so far.
        kept: Judged iterates at the snapshots, each (lanes, dim); only of a finished block.
    """

    carry: Carry
    records: Records
    kept: tuple[Any, ...] = ()


class PreparedPair:
    """A problem and a rule on a program: all that blocks of lanes have in common."""

    def __init__(
        self,
        program: Program,
        recorder: Recorder,
        problem: Problem,
        rule: Optimizer,
        *,
        units: str,
        budget: int,
        streams: Streams | None = None,
    ) -> None:
        """Prepares the operands.

        Args:
            program: Compiled program that holds ``problem`` and ``rule``.
            recorder: Compiled recorder of the same width.
            problem: The problem.
            rule: The rule.
            units: ``"normalized"`` or ``"raw"``.
            budget: Largest number of trips of a run, which sets the steps that are kept.
            streams: The noise, of a problem that has some.
        """
        self.program, self.recorder, self.streams = program, recorder, streams
        self._rule = rule
        self._evals_per_step = None if rule.counts is not None else rule.evals_per_step
        with jax.enable_x64(True):
            # What all calls share goes to the device once.
            self._place = jax.device_put((np.int32(program.branch(problem)), np.int32(program.rule(rule))))
            self._operands = jax.device_put(operands(problem, units, program.n_theta))
            self._goal, self._schedule = jax.device_put((goal(problem), schedule(budget)))
        self._idle: list[Any] = []

    def hvps(self, block: Block) -> np.ndarray | None:
        """Returns the Hessian-vector products of each lane, ``None`` for a rule that asks for none."""
        if self._rule.counts is None or not self._rule.curved:
            return None
        states = self.program.states(self._rule, block.carry)
        return np.array([int(self._rule.counts(state).hvps) for state in states], np.int32)

    def start(self, z0: np.ndarray, hyper: np.ndarray) -> tuple[Block, Any]:
        """Returns a block that has not started and its hyperparameters; unused lanes repeat the first one."""
        lanes = self.program.spec.lanes
        params = np.concatenate([z0, np.tile(z0[:1], (lanes - len(z0), 1))])
        values = np.zeros((self.program.n_hyper, lanes))
        values[: hyper.shape[1]] = hyper[:1].T
        values[: hyper.shape[1], : len(hyper)] = hyper.T
        return Block(self.program.template._replace(params=params), self.recorder.blank), values

    def advance(self, block: Block, hyper: Any, first: int, n: int, lanes: np.ndarray | None = None) -> Block:
        """Makes ``n`` trips from step ``first`` on, one segment after the other; ``lanes`` are the lanes' streams."""
        for begin in range(first, first + n, SEGMENT):
            block = self._segment(block, hyper, begin, min(SEGMENT, first + n - begin), lanes)
        return block

    def _segment(self, block: Block, hyper: Any, first: int, n: int, lanes: np.ndarray | None) -> Block:
        noise: tuple[Disturbance, ...] = ()
        if self.streams is not None:
            assert lanes is not None
            noise = (self.streams.segment(first, self._evals_per_step)._replace(stream=lanes),)
        trips = np.int32(n)
        try:
            values = self._idle.pop()
        except IndexError:
            values = blank_values(self.program.spec.lanes)
        rows, carry = self.program.call(
            values, block.carry, np.bool_(first == 0), *self._place, hyper, self._operands, trips, *noise
        )
        # A call whose arguments are still being computed goes to the CPU client's one dispatch thread, where
        # blocks of different threads would run one after the other. A call that can begin runs in this thread.
        jax.block_until_ready(rows)
        records = self.recorder.call(block.records, rows, np.int32(first), trips, self._goal, self._schedule)
        jax.block_until_ready(records.best)
        self._idle.append(rows.values)
        return Block(carry, records)

    def run(
        self,
        z0: np.ndarray,
        hyper: np.ndarray,
        trips: int,
        stop: threading.Event,
        *,
        streams: np.ndarray | None = None,
        snapshots: Sequence[int] = (),
    ) -> Block:
        """Runs a block, segment by segment, so that an interruption is heard within one.

        Args:
            z0: Starts in the rule's units, (n, dim), at most a block's width.
            hyper: Hyperparameters in the rule's order, (n, h).
            trips: Gradient evaluations to make; trip ``t`` scores the iterate that ``t`` evaluations led to.
            stop: Set to abandon the block.
            streams: Each lane's stream of noise, (n,), where the problem has noise.
            snapshots: Trips after which the judged iterates are kept, ascending, at most ``trips``. Under
                sampled terms they must be trips whose value is worked out (``Streams.is_due``): a call of the
                program begins at each, and its first value always is.

        Returns:
            The block as NumPy arrays.

        Raises:
            Stopped: ``stop`` was set.
        """
        with jax.enable_x64(True):
            block, values = self.start(z0, hyper)
            lanes = None if streams is None else np.resize(streams, self.program.spec.lanes).astype(np.int32)
            kept = []
            ends = sorted({*range(0, trips, SEGMENT), *snapshots, trips})
            for first, end in itertools.pairwise(ends):
                if stop.is_set():
                    raise Stopped
                block = self.advance(block, values, first, end - first, lanes)
                if end in snapshots:
                    # A copy: the program may take over the memory of what it is given.
                    kept.append(np.array(block.carry.params))
            finished: Block = jax.tree.map(np.asarray, block._replace(kept=tuple(kept)))
            return finished
