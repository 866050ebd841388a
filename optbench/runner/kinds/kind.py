"""What each kind of suite offers: a plan, its description, and the rows of its cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from optbench.runner.kinds.compared import Compared
from optbench.runner.ledger import Ledger
from optbench.suite.measure import MeasureSpec
from optbench.suite.plan import Counted, Plan
from optbench.suite.suite import Suite

if TYPE_CHECKING:
    from optbench.core.objective import Params
    from optbench.engine.outcomes import Columns, EndPoint, Outcome, Point
    from optbench.measures.subject import Subject
    from optbench.runner.kinds.again import Again

#: Is told what a run is doing.
Tell = Callable[[str], None]

#: A row of a run, by column: what of it says which cell it is and how it ended.
Cell = Mapping[str, Any]


def cells_of(columns: Mapping[str, Any], names: Sequence[str]) -> list[Cell]:
    """Returns the cells of rows.

    Args:
        columns: The rows, by column.
        names: Which columns; ``Kind.cell_columns`` or more.

    Example:
        >>> cells_of({"cell_id": ["a", "b"], "seed": [0, 1], "loss": [0.5, 0.25]}, ("cell_id", "seed"))
        [{'cell_id': 'a', 'seed': 0}, {'cell_id': 'b', 'seed': 1}]
    """
    return [dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)]


@dataclass(frozen=True)
class Part:
    """What one shard will hold: cells of a group, all of them or those of one phase.

    Attributes:
        shard: Name of the shard.
        title: What it is, for a reader.
        n_cells: Number of cells, at most: a later phase may have fewer than planned.
        steps: Steps of all its runs together.
        work: How long it takes beside other parts of the run, in a unit of the kind's own.
    """

    shard: str
    title: str
    n_cells: int
    steps: int
    work: int


@dataclass(frozen=True)
class Shard:
    """A part whose cells were run.

    Attributes:
        part: Which part.
        outcome: What the engine handed back of its cells. End points live as long as it does.
        entries: What the run's manifest says from now on.
    """

    part: Part
    outcome: Outcome
    entries: Mapping[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """A planned suite of some kind. Making one plans the suite and computes nothing.

    Attributes:
        schema: ``IDENTITY`` of its rows' schema: what ids are hashed with.
        compared: What of a row is compared with the same row computed again elsewhere; ``None`` for its bits.
    """

    schema: int
    compared: Compared | None

    @property
    def plan(self) -> Plan[Suite, Counted]:
        """What is run."""

    @property
    def judged(self) -> Point:
        """The point of a run that is measured."""

    @property
    def cell_columns(self) -> Sequence[str]:
        """Columns of its rows that say which cell one is and how it ended."""

    @property
    def repeat_columns(self) -> Sequence[str]:
        """Columns, of ``cell_columns``, in which two runs agree that are compared pair by pair."""

    @property
    def threads(self) -> int:
        """Calls in flight."""

    @property
    def compile_s(self) -> float:
        """Seconds of the clock that were spent on compiling so far."""

    def describe(self) -> str:
        """Returns the plan as text, with what it is estimated to cost: what a dry run prints."""

    def check(self) -> None:
        """Raises a ``DataError`` where data are missing, or are not what they should be."""

    def manifest(self) -> dict[str, Any]:
        """Returns what the manifest says of a suite of this kind beside what it says of any."""

    def parts(self) -> list[Part]:
        """Returns what the shards of the run will hold."""

    def execute(self, missing: Collection[str], ledger: Ledger, tell: Tell, *, ends: bool) -> Generator[Shard]:
        """Computes rows, phase by phase.

        Each shard is committed before the next is asked for, so that a phase can read the rows of the one before it.

        Args:
            missing: Shards that are not there.
            ledger: What is there.
            tell: Is told what is being done.
            ends: Whether outcomes are to have the points that runs led to.

        Yields:
            The missing shards, in any order.
        """

    def n_params(self, shard: str) -> int:
        """Returns how many numbers the points of a shard's runs have."""

    def blank(self, shard: str) -> tuple[Params, Any]:
        """Returns parameters and statistics as the points of a shard's runs have them, whatever their numbers."""

    def subject(
        self,
        shard: str,
        cell: Cell,
        end: EndPoint,
        dtype: str,
        path: Sequence[EndPoint] = (),
        other: EndPoint | None = None,
    ) -> Subject:
        """Returns what is measured of a point.

        Args:
            shard: The shard of the cell's row.
            cell: The cell.
            end: The point.
            dtype: Precision in which the loss of a network is computed.
            path: Points on the way, where a measure is of them.
            other: The end of another run, where a measure is of two.
        """

    def again(
        self, shard: str, cells: Sequence[Cell], ledger: Ledger, tell: Tell, specs: Sequence[MeasureSpec] = ()
    ) -> Again:
        """Makes the runs of committed cells again, for the points that they led to.

        Args:
            shard: The shard of their rows.
            cells: The cells.
            ledger: What is stored, with which losses are compared.
            tell: Is told what is being done.
            specs: What is measured: of their way, where it is along the path or of the points there.

        Raises:
            DataError: The plan has no such cells: another version made the run.
        """

    def expected_ids(self, shard: str, folder: Path) -> list[str]:
        """Returns the ids of the cells that a shard must hold.

        Args:
            shard: A shard of the plan.
            folder: The run's folder: what was tuned there says which cells are reported.
        """

    def remake(self, shard: str, cells: Sequence[Cell], folder: Path, tell: Tell) -> Columns:
        """Computes the rows of some cells again and stores nothing.

        Args:
            shard: The shard of their rows, one of the plan.
            cells: The cells, with the columns of its schema that say which they are.
            folder: The run's folder.
            tell: Is told what is being done.

        Returns:
            Rows, of these cells and of all others without which their bits might differ.

        Raises:
            DataError: The plan has no such cells: another version made the run.
        """

    def finish(self, ledger: Ledger, tell: Tell) -> dict[str, Any]:
        """Makes what needs all rows, and returns what the manifest says of it."""
