"""A suite of studies: each replicate of a study is a shard."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from pathlib import Path
from typing import Any

import jax

from optbench import store
from optbench.engine.outcomes import Columns, Outcome
from optbench.engine.retraining.members import Trainer
from optbench.environment import visible_cores
from optbench.errors import DataError, UsageError
from optbench.records.studies import IDENTITY, ROWS
from optbench.runner.kinds.again import check_cells
from optbench.runner.kinds.compared import SCORES, Compared
from optbench.runner.kinds.kind import Cell, Part, Shard, Tell
from optbench.runner.kinds.studies import boosting, cross_validation, ensembles, regression
from optbench.runner.kinds.studies.cost import cost_of
from optbench.runner.kinds.studies.describing import describe
from optbench.runner.kinds.studies.facts import facts_of
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.runner.kinds.studies.rows import Row
from optbench.runner.ledger import Ledger
from optbench.suite.selection import Selection
from optbench.suite.studies.plan import StudyGroup, plan
from optbench.suite.studies.suite import StudySuite
from optbench.suite.suite import Suite
from optbench.tasks.data.surveying import Presence, survey

#: Runs replicates of a study; rows of each.
Method = Callable[[Sequence[Replicate], Trainer, Tell], list[list[Row]]]

METHODS: dict[str, Method] = {
    "cross_validation": cross_validation.run,
    "bootstrap": ensembles.run,
    "boosting": boosting.run,
    "bias_variance": ensembles.run,
    "regression": regression.run,
    "curve": ensembles.run,
}

#: Replicates that are run together on an accelerator, where many networks are trained side by side.
ABREAST = 8

#: What is compared of a row that is computed again elsewhere.
COMPARED = Compared(
    ("study", "method", "data", "replicate", "role", "member", "fold", "factor", "factor_value"),
    (),
    ("curve_train_loss", "curve_test_loss"),
    "curve_grads",
    SCORES,
    ("study", "role", "factor_value"),
)


class Studies:
    """A planned suite of studies.

    It has no points that could be kept or measured: ``Suite.MEASURED`` says so, and nobody asks for them.
    """

    compared: Compared | None = COMPARED
    schema = IDENTITY

    def __init__(self, suite: Suite, selection: Selection) -> None:
        """Plans the suite."""
        assert isinstance(suite, StudySuite)
        self.plan = plan(suite, **selection)
        self.threads = visible_cores()
        self.compile_s = 0.0

    def describe(self) -> str:
        """Returns the plan as text, with what it is estimated to cost."""
        return describe(self.plan)

    def check(self) -> None:
        """Refuses to begin where data are missing or have too few rows of a class for the folds.

        Raises:
            DataError: Data are missing, or are not what they should be.
            UsageError: Folds cannot be made; all studies at once.
        """
        for name in dict.fromkeys(group.study.data for group in self.plan.groups if group.study.data):
            found = survey(name, sums=False)
            if found.is_bad or found.state is Presence.ABSENT:
                raise DataError(found.explanation())
        wrong = []
        for group in self.plan.groups:
            if group.study.folds is not None:
                try:
                    _ = Replicate(group, 0).pool
                except UsageError as error:
                    wrong += [f"study {group.study.name!r}: {problem}" for problem in error.problems]
        if wrong:
            raise UsageError(wrong)

    def manifest(self) -> dict[str, Any]:
        """Returns what the manifest says of a suite of studies."""
        spec = self.plan.spec
        return {
            "kind": spec.KIND,
            "seeds": spec.seeds,
            "studies": {group.study.name: facts_of(group) for group in self.plan.groups},
            "optimizers": {},
            "shards": [part.shard for part in self.parts()],
            "training": {},
        }

    def parts(self) -> list[Part]:
        """Returns a part for each replicate of each study."""
        return [_part(group, replicate) for group in self.plan.groups for replicate in range(group.seeds)]

    def execute(self, missing: Collection[str], ledger: Ledger, tell: Tell, *, ends: bool) -> Generator[Shard]:
        """Runs study after study, some replicates of it at once."""
        abreast = self._abreast
        for group in self.plan.groups:
            left = [index for index in range(group.seeds) if _part(group, index).shard in missing]
            trainer = Trainer()
            for begin in range(0, len(left), abreast):
                indices = left[begin : begin + abreast]
                tell(group.study.name)
                before_s, thread_s = trainer.compile_s, trainer.thread_s
                replicates = [Replicate(group, index) for index in indices]
                rows = METHODS[group.study.method](replicates, trainer, tell)
                self.compile_s += trainer.compile_s - before_s
                # Threads train networks of several replicates together: each has its share of their seconds.
                share_s = (trainer.thread_s - thread_s) / len(indices)
                facts = {"thread_s": round(share_s, 6)} if trainer.thread_s else {}
                for index, made in zip(indices, rows, strict=True):
                    entries = {}
                    if trainer.facts:
                        entries = {"training": ledger.manifest["training"] | {group.study.name: trainer.facts}}
                    yield Shard(_part(group, index), Outcome(_columns(made), dict(facts)), entries)

    @property
    def _abreast(self) -> int:
        """Replicates that are run together."""
        return self.threads if jax.default_backend() == "cpu" else ABREAST

    def expected_ids(self, shard: str, folder: Path) -> list[str]:
        """Returns the ids of a replicate's models, which hang on nothing that was computed."""
        group, replicate = self._replicates()[shard]
        return [group.cell_id(replicate, cell) for cell in group.cells]

    def remake(self, shard: str, cells: Sequence[Cell], folder: Path, tell: Tell) -> Columns:
        """Trains all models of a replicate again, since rounds, refits and votes hang on the models before them."""
        group, index = self._replicates()[shard]
        check_cells(cells, self.expected_ids(shard, folder), folder)
        indices = [index]
        if jax.default_backend() != "cpu":
            # How many models are trained side by side changes bits there.
            begin = index - index % self._abreast
            indices = list(range(begin, min(begin + self._abreast, group.seeds)))
        tell(f"{group.study.name}: replicate {index} again")
        trainer = Trainer()
        rows = METHODS[group.study.method]([Replicate(group, one) for one in indices], trainer, tell)
        self.compile_s += trainer.compile_s
        return _columns(rows[indices.index(index)])

    def _replicates(self) -> dict[str, tuple[StudyGroup, int]]:
        """Returns the study and the replicate of each shard."""
        return {
            _part(group, replicate).shard: (group, replicate)
            for group in self.plan.groups
            for replicate in range(group.seeds)
        }

    def finish(self, ledger: Ledger, tell: Tell) -> dict[str, Any]:
        """Nothing is made of the rows."""
        return {}


def _part(group: StudyGroup, replicate: int) -> Part:
    """Returns what the shard of a replicate holds."""
    name, cost = group.study.name, cost_of(group)
    shard = store.shard_name(name, f"replicate-{replicate}")
    return Part(shard, f"{name}: replicate {replicate}", len(group.cells), cost.trips, cost.multiply_adds)


def _columns(rows: Sequence[Row]) -> Columns:
    """Returns rows by column."""
    return {name: [row[name] for row in rows] for name in ROWS.columns}


KIND = Studies
