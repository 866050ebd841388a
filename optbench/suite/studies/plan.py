"""The cells of a suite of studies: each model that is trained, by study and replicate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, Unpack

from optbench.core.keys import digest, generator
from optbench.errors import UsageError
from optbench.records.studies import IDENTITY, Role
from optbench.suite.plan import Plan
from optbench.suite.selection import Selection, select
from optbench.suite.studies.setting import Setting
from optbench.suite.studies.study import StudySpec
from optbench.suite.studies.suite import StudySuite

#: A plan above this is refused: a cell is a training run.
MAX_CELLS = 1_000_000


class Cell(NamedTuple):
    """One model of a replicate.

    Attributes:
        role: What it is trained for.
        member: Index of the member or of the round; -1 for other roles.
        fold: Index of the fold; -1 for other roles.
        config: Index of the configuration; -1 where none are compared, or it is not known before.
        value: Index of the factor's value; 0 where nothing is varied.
    """

    role: Role
    member: int = -1
    fold: int = -1
    config: int = -1
    value: int = 0


@dataclass(frozen=True)
class StudyGroup:
    """All cells of a study.

    Attributes:
        study: The entry, every value filled in.
        settings: How its networks are trained, by configuration or by value of the factor; empty for regression.
        seeds: Number of replicates.
        seed: Seed of the suite.
    """

    study: StudySpec
    settings: tuple[Setting, ...]
    seeds: int
    seed: int

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The models of each replicate, in the order of its rows."""
        return tuple(_cells(self.study, len(self.settings)))

    @property
    def n_cells(self) -> int:
        """Number of models of all replicates."""
        return self.seeds * len(self.cells)

    def split_seed(self, replicate: int) -> int:
        """Returns the seed of a replicate's split, which all studies of the suite share."""
        return int(generator(self.seed, "studies", "split", replicate).integers(2**31))

    def run_seed(self, replicate: int, cell: Cell) -> int:
        """Returns the seed of initialization, order and regularization of a model.

        Configurations, folds and values of a factor share it, so that they differ in nothing else; a single model has
        that of the first member or round.
        """
        return int(generator(self.seed, "studies", "model", replicate, max(cell.member, 0)).integers(2**31))

    def cell_id(self, replicate: int, cell: Cell) -> str:
        """Returns the id of a model: the hash of all that decides what it is."""
        content = {key: value for key, value in self.study.identity().items() if key != "name"}
        return digest([IDENTITY, content, self.seed, replicate, [str(cell.role), *cell[1:]]])


StudyPlan: TypeAlias = Plan[StudySuite, StudyGroup]


def _cells(study: StudySpec, n_settings: int) -> Iterator[Cell]:
    """Yields the models of a replicate."""
    _, values = study.varied
    match study.method:
        case "cross_validation":
            assert study.folds is not None
            for config in range(n_settings):
                for fold in range(study.folds):
                    yield Cell(Role.FOLD, fold=fold, config=config)
            yield Cell(Role.REFIT)
        case "bootstrap":
            yield Cell(Role.SINGLE)
            yield from (Cell(Role.MEMBER, member) for member in range(study.members or 0))
        case "boosting":
            yield Cell(Role.SINGLE)
            yield from (Cell(Role.ROUND, member) for member in range(study.rounds or 0))
        case "bias_variance" | "regression":
            for value in range(len(values)):
                yield from (Cell(Role.MEMBER, member, value=value) for member in range(study.members or 0))
        case "curve":
            yield from (Cell(Role.SINGLE, value=value) for value in range(len(values)))


def plan(suite: StudySuite, **selection: Unpack[Selection]) -> StudyPlan:
    """Lays out the cells of a suite of studies.

    Args:
        suite: The suite.
        **selection: What of it is run.

    Returns:
        The plan, its groups sorted by name; equal for equal content, in whatever order the suite lists it.

    Raises:
        UsageError: What is selected is not there, or the plan is too large.
    """
    spec = select(suite, **selection)
    resolved = sorted(map(spec.resolved, spec.studies), key=lambda study: study.name)
    groups = tuple(StudyGroup(study, spec.settings_of(study), spec.seeds, spec.seed) for study in resolved)
    planned = Plan(spec, groups, selection.get("quick", False))
    if planned.n_cells > MAX_CELLS:
        ask = "lower seeds, members or rounds, or select fewer studies"
        raise UsageError(f"the plan has {planned.n_cells:,} models, at most {MAX_CELLS:,} are possible; {ask}")
    return planned
