"""What tables and figures ask of a kind of run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence

#: Makes the frame of a name, and those that cost nothing more.
Frames = Callable[["Evidence", str], Mapping[str, "pd.DataFrame"]]


@dataclass(frozen=True)
class Points:
    """What the points of a kind's runs are, where something is measured of them.

    Attributes:
        unit: What is independent: the seed or the start.
        intervals: Which kind of interval is given over those.
        subject: What was measured in a run, in a sentence: of which loss, of which data, in which units.
        loss: Title of the column of losses at the points.
        loss_means: What stands there in a run, in a few words.
    """

    unit: str
    intervals: str
    subject: Callable[[Evidence], str]
    loss: str
    loss_means: Callable[[Evidence], str]


@dataclass(frozen=True)
class Presentation:
    """A kind of run, as a reader sees it.

    Attributes:
        costs: The clock of every table and figure; it stands in every footer.
        settings: The settings in which an optimizer is shown, in their order; ``tuned`` among them, which figures take
            by default.
        entry: What a run compares optimizers on, in the singular: the column of its rows, and with an ``s`` the key of
            its manifest.
        reads_in_parts: Whether a stored run is read entry by entry, since a large suite's rows would fill memory.
        frames: Makes the frame of a name.
        lacks_settling_times: Whether its targets have first passages alone; ``None`` where there are no targets.
        criterion: What scores and tuning go by, for the footer; empty if there are no scores.
        points: What is measured of its runs; ``None`` where nothing can be. Then ``frames`` makes ``measured`` and
            ``configurations``.
        check_rows: Raises a ``DataError`` where analysis would refuse the rows; ``None`` where it refuses none.
    """

    costs: str
    settings: tuple[str, ...]
    entry: str
    reads_in_parts: bool
    frames: Frames
    lacks_settling_times: Callable[[Evidence], bool] | None
    criterion: Callable[[Evidence], str]
    points: Points | None = None
    check_rows: Callable[[Evidence], None] | None = None
