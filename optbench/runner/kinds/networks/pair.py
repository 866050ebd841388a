"""A task and a rule on their way through the cells of a group."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from optbench import catalog
from optbench.engine.fitting import Fitter
from optbench.engine.in_threads import InThreads
from optbench.engine.network_rows import failed_columns, lanes_of, network_columns
from optbench.errors import OptbenchError
from optbench.records import Split
from optbench.suite.networks.plan import NetworkGroup
from optbench.tasks import data
from optbench.tasks.task import Task


def task_of(group: NetworkGroup) -> Task:
    """Returns the task of a group, its data read and split."""
    task = group.task
    return Task.of(
        data.load(task.data),
        catalog.model(task.model),
        split_seed=group.split_seed,
        regularization=task.strengths(),
    )


class Pair:
    """A task and a rule; their programs are compiled when the first run needs them."""

    def __init__(self, group: NetworkGroup, task: Task) -> None:
        self.group, self.task = group, task
        #: Seconds of the last cells, added up over the threads that trained them; 0 where lanes ran side by side.
        self.thread_s = 0.0

    @cached_property
    def fitter(self) -> Fitter | Exception:
        """What trains the pair, or what kept it from being compiled."""
        try:
            return Fitter(
                self.task,
                self.group.optimizer.build(),
                batch_size=self.group.batch_size,
                dtype=self.group.dtype,
            )
        except OptbenchError:
            raise
        except Exception as error:  # whatever a rule's program raises becomes the message of its rows
            return error

    @property
    def facts(self) -> dict[str, Any]:
        """How the pair is trained, for the manifest; empty where it could not be compiled."""
        if not isinstance(self.fitter, Fitter):
            return {}
        return {key: value for key, value in self.fitter.facts.items() if key != "compile_s"}

    @property
    def compile_s(self) -> float:
        """Seconds of compiling."""
        return float(self.fitter.facts["compile_s"]) if isinstance(self.fitter, Fitter) else 0.0

    def columns(self, split: Split, cells: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """Trains some cells and returns their rows; tuning never sees the test examples."""
        if not isinstance(self.fitter, Fitter):
            self.thread_s = 0.0
            return failed_columns(self.group, split, cells, self.fitter)
        fits = self.fitter.fit(
            lanes_of(self.group, split, cells),
            epochs=self.group.epochs,
            stop_early=self.group.early_stopping,
            test=split is Split.REPORT,
        )
        self.thread_s = sum(fit.run_s for fit in fits) if self.facts["lanes"] == InThreads.name else 0.0
        return network_columns(self.group, split, cells, fits)
