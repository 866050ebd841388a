"""Trains a task from start to end: what is compiled for it, and which way of running many at once suits the backend."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax

from optbench.core.optimizer import Optimizer
from optbench.engine.networks.batches import span
from optbench.engine.networks.in_threads import InThreads
from optbench.engine.networks.lane import Fit, Lane
from optbench.engine.networks.scoring import unshaped
from optbench.engine.networks.side_by_side import LanesAbreast
from optbench.engine.networks.training import DTYPES, Training
from optbench.errors import UsageError, unknown_name
from optbench.suite.measure import MeasureSpec
from optbench.tasks.models.convolution import WAYS as CONVOLUTIONS
from optbench.tasks.parts import EVALUATED, part_of
from optbench.tasks.task import PARTS, Task

__all__ = ["LANES", "Fit", "Fitter", "Lane", "fit"]

#: Ways of running many lanes at once.
LANES = {way.name: way for way in (InThreads, LanesAbreast)}


class Fitter:
    """A task and a rule, compiled once, for any number of runs of any length.

    On a CPU lanes run in threads, which train faster there than lanes of one program; on an accelerator side by side.
    The program that scores does not depend on the rule: in threads, fitters of one network share it. Fitters of one
    task share its examples on the device.
    """

    def __init__(
        self,
        task: Task,
        rule: Optimizer,
        *,
        batch_size: int,
        dtype: str = "float32",
        lanes: str | None = None,
        convolution: str | None = None,
        along: Sequence[MeasureSpec] = (),
    ) -> None:
        """Compiles; side by side, the programs wait for the first runs, which tell how wide they are to be.

        Args:
            task: The task.
            rule: The update rule.
            batch_size: Examples of a batch, from 1 to all.
            dtype: Precision of the forward and the backward pass, of ``training.DTYPES``; parameters, the rule's state
                and scores are float32.
            lanes: How many lanes are run at once, of ``LANES``; what suits the backend if ``None``.
            convolution: How convolutions are computed; what suits the backend if ``None``.
            along: Measures that are taken at each point of the curve of each run, which changes nothing else of it.

        Raises:
            UsageError: The batch does not fit the set or the regularization, or a name is unknown.
        """
        for kind, name, known in (
            ("dtype", dtype, DTYPES),
            ("way of running lanes", lanes, LANES),
            ("way of convolution", convolution, CONVOLUTIONS),
        ):
            if name is not None and name not in known:
                raise UsageError(unknown_name(kind, name, known))
        task.order(0, 0, batch_size)
        network, stats = task.start(0)
        if convolution is not None:
            network = dataclasses.replace(network, convolution=convolution)
        normalizes = bool(jax.tree.leaves(stats))
        task.regularization.fits(task.name, batch_size, normalizes=normalizes)
        way = LANES[lanes or ("in threads" if jax.default_backend() == "cpu" else "side by side")]
        self.task, self.rule = task, rule
        self._training = Training(
            network,
            stats,
            rule,
            task.regularization,
            batch_size=batch_size,
            n_classes=task.n_classes,
            n_rows=sum(span(task, "test")) + EVALUATED,
            part=part_of(batch_size, math.prod(network.input_shape), whole=normalizes or way is not InThreads),
            dtype=dtype,
            loss=task.loss,
        )
        self._way = way(task, self._training, along)

    @property
    def facts(self) -> dict[str, Any]:
        """How lanes are run, for the manifest; ready for JSON."""
        return {
            "lanes": self._way.name,
            "threads": self._way.threads,
            "devices": self._way.devices,
            "device_kind": jax.local_devices()[0].device_kind,
            "convolution": self._training.network.convolution,
            "part": self._training.part,
            "dtype": self._training.dtype,
            "compile_s": round(self._way.compile_s, 6),
        }

    def fit(
        self,
        lanes: Sequence[Lane],
        *,
        epochs: int,
        stop_early: bool = True,
        test: bool = True,
        measure: bool = True,
        keep: bool = False,
        keep_state: bool = False,
        levels: Sequence[float] = (),
    ) -> list[Fit]:
        """Trains the task once for each lane.

        Args:
            lanes: What to run; order matters only to the result.
            epochs: Passes over the training examples; those that fill no batch are left out of a pass. A rule of two
                gradients a step makes half of the steps.
            stop_early: Whether the point of the best validation accuracy is chosen (of equal ones the lowest loss, then
                the first), else the last.
            test: Whether the test examples are looked at; tuning does not.
            measure: Whether the measures along the path are taken; tuning does not.
            keep: Whether the network is kept at each point of the curve, for pictures of the path.
            keep_state: Whether the rule's state is kept at the chosen point, for its preconditioner.
            levels: Training losses at which the network is kept: runs are then scored on the grid of
                ``networks.levels``, on all training examples.

        Returns:
            One record for each lane, in their order; of one whose program failed as well, and the others go on.

        Raises:
            UsageError: A number is out of range, or the task or the start of a lane is not of the fitter's shapes.
        """
        if epochs < 1:
            raise UsageError(f"{self.task.name}: epochs must be at least 1; got {epochs}")
        if wrong := [
            f"levels must be finite and above 0; got {level:g}" for level in levels if not 0 < level < math.inf
        ]:
            raise UsageError([f"{self.task.name}: {said}" for said in wrong])
        if wrong := [said for place, lane in enumerate(lanes) for said in self._lane_faults(place, lane)]:
            raise UsageError(wrong)
        resolved = [dataclasses.replace(lane, hyper=self.rule.resolve(lane.hyper)) for lane in lanes]
        return self._way.fit(
            resolved,
            epochs=epochs,
            stop_early=stop_early,
            test=test,
            measure=measure,
            keep=keep,
            keep_state=keep_state,
            levels=sorted(set(levels), reverse=True),
        )

    def _lane_faults(self, place: int, lane: Lane) -> list[str]:
        """Returns why a lane cannot be run by the programs of the fitter."""
        wrong = []
        if lane.task is not None and lane.task is not self.task:
            mine, other = _described(self.task), _described(lane.task)
            wrong += [
                f"its task {lane.task.name} has {name} = {other[name]}, the fitter's {self.task.name} {mine[name]}"
                for name in mine
                if other[name] != mine[name]
            ]
        if lane.start is not None:
            shapes = unshaped(lane.start.params, lane.start.stats)
            if shapes[1] != unshaped(self._training.network, self._training.stats)[1]:
                wrong.append(f"its start is no network of {self.task.name}: the shapes of its arrays differ")
        return [f"lane {place}: {said}; all lanes of a fitter share its programs" for said in wrong]


def _described(task: Task) -> dict[str, Any]:
    """Returns what programs of a task depend on: all of it but its name and its numbers."""
    apart = ("name", "model", *PARTS)
    own = {field.name: getattr(task, field.name) for field in dataclasses.fields(task) if field.name not in apart}
    return {"model": task.model.name, **{part: getattr(task, part).x.shape for part in PARTS}, **own}


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
