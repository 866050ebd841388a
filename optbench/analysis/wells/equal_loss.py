"""Equal final excess loss: at which rate each optimizer is compared with others on two wells.

At one learning rate two optimizers differ in how far noise carries them, and a comparison of wells would tell
little else. So each takes the rate at which, on a single well with the same noise, its final excess loss is a
given one. Tuning starts alone are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.statistics.arrays import Floats
from optbench.records import Split, Status

#: The common excess loss, in the units of the objective; the wells are about 1 deep.
LOSS = 0.1
#: An optimizer takes part if its excess loss is within this factor of the common one.
CLOSE = 2.0


@dataclass(frozen=True)
class Match:
    """The rate of one optimizer.

    Attributes:
        values: Rates of its grid, ascending, (c,).
        excess: Median final excess loss at each on the control, infinite where runs diverge, (c,).
        value: The chosen one.
        achieved: Its excess loss.
    """

    values: Floats
    excess: Floats
    value: float
    achieved: float

    @property
    def is_close(self) -> bool:
        """Whether the achieved loss is within the factor ``CLOSE`` of the common one."""
        return LOSS / CLOSE <= self.achieved <= LOSS * CLOSE

    def excess_at(self, value: float) -> float:
        """Returns the excess loss at a rate of the grid, NaN at any other."""
        same = np.isclose(self.values, value, rtol=1e-9)
        return float(self.excess[same][0]) if same.any() else np.nan


def nearest_rate(values: Floats, excess: Floats, loss: float = LOSS) -> int:
    """Returns the rate of a grid nearest to the one with a given excess loss, on the side of large rates.

    Excess loss falls with the rate as long as runs have not arrived, and rises where noise holds them up. The
    second branch counts: from the rate of the lowest loss upwards, where the loss crosses the given one,
    between two rates by a straight line in logarithms.

    Args:
        values: Rates, ascending, (c,).
        excess: Excess losses, (c,); infinite where runs diverge.
        loss: The loss that is wanted.

    Returns:
        Position of the rate; the lowest loss where all are above, the largest rate below where the next diverges.

    Example:
        >>> nearest_rate(np.array([0.001, 0.01, 0.1, 1.0]), np.array([5.0, 0.01, 0.1, np.inf]), 0.08)
        2
    """
    best = int(np.argmin(excess))
    above = np.flatnonzero(excess[best:] > loss)
    if not len(above) or above[0] == 0:
        return best if len(above) else len(excess) - 1
    high = best + int(above[0])
    low = high - 1
    if not np.isfinite(excess[high]):
        return low
    floor = max(excess[low], np.finfo(np.float64).tiny)
    share = np.log(loss / floor) / np.log(excess[high] / floor)
    return high if share > 0.5 else low


def control_of(label: str, problems: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Returns the control of a problem with wells: the flat well alone, with the same noise.

    Args:
        label: Label of the problem.
        problems: All problems of the manifest.

    Returns:
        Label of the single well of the same dimension, instance, noise and batches whose curvature is that of
        the flat well, or ``None`` where the run has none.
    """
    problem = problems[label]
    wanted = problem["wells"]["control"]
    shared = ("noise", "curvature_noise", "curvature")
    for other, candidate in problems.items():
        if (
            candidate["name"] == wanted
            and all(candidate[key] == problem[key] for key in ("dim", "instance", "noise"))
            and all(candidate["parameters"].get(key) == problem["parameters"].get(key) for key in shared)
        ):
            return other
    return None


def matches(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any]) -> dict[tuple[str, str], Match]:
    """Returns at which rate each optimizer is compared on each problem with wells.

    Args:
        runs: Rows with the columns of ``records.landscapes``: a frame, or what reads them problem by problem.
        manifest: The run's manifest.

    Returns:
        Matches by problem and optimizer, where the run holds the problem's control.
    """
    problems = manifest["problems"]
    by_control: dict[str, dict[str, Match]] = {}
    found: dict[tuple[str, str], Match] = {}
    for label, problem in problems.items():
        control = control_of(label, problems) if problem.get("wells") else None
        if control is None:
            continue
        if control not in by_control:
            rows = held(runs).of([control], ["optimizer", "split", "status", "swept_value", "f_tail"])
            rows = rows[rows["split"] == str(Split.TUNE)]
            star = problems[control]["f_star"]
            by_control[control] = {str(name): _match(part, star) for name, part in rows.groupby("optimizer")}
        found |= {(label, optimizer): match for optimizer, match in by_control[control].items()}
    return found


def _match(rows: pd.DataFrame, f_star: float) -> Match:
    """Returns the match of one optimizer from its rows on the control."""
    good = rows["status"].to_numpy() == str(Status.OK)
    excess = np.where(good, rows["f_tail"].to_numpy(np.float64, na_value=np.inf) - f_star, np.inf)
    of_value = pd.Series(excess).groupby(rows["swept_value"].to_numpy(np.float64)).median()
    values, losses = np.asarray(of_value.index, np.float64), np.asarray(of_value, np.float64)
    at = nearest_rate(values, losses)
    return Match(values, losses, float(values[at]), float(losses[at]))
