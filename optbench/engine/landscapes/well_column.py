"""The column ``wells``: where gradient flow leads from the start and from the judged iterates of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optbench.engine.landscapes.disturb import VALUE_STRIDE, Streams, sampled_terms
from optbench.engine.landscapes.record import Records
from optbench.measures.wells import drains_to
from optbench.problems.problem import Problem
from optbench.problems.units import Units
from optbench.records import NEITHER


def snapshot_trips(costs: Sequence[int], trip_cost: float, streams: Streams | None) -> tuple[int, ...]:
    """Returns the trips after which judged iterates are kept: the last ones at or before some costs.

    Under sampled terms not every value is worked out in full. There a snapshot stands at the last trip at
    or before the cost whose value is, so that it changes no bit of what is recorded.

    Args:
        costs: Costs of the snapshots.
        trip_cost: Cost of a trip.
        streams: The noise, of a problem that has some.

    Returns:
        Trips, as many as there are costs.
    """
    trips = [int(cost / trip_cost + 1e-9) for cost in costs]
    if streams is None or sampled_terms(streams.problem) is None:
        return tuple(trips)
    found = []
    for trip in trips:
        near = np.arange(max(trip - VALUE_STRIDE, 0), trip + 1)
        found.append(int(near[streams.is_due(near)].max()))
    return tuple(found)


def width(problem: Problem, snapshots: Sequence[int]) -> int:
    """Returns the entries of the column: the start and each snapshot, or none."""
    return len(snapshots) + 1 if snapshots and problem.wells is not None else 0


class WellColumn:
    """Names the wells of a group's lanes."""

    def __init__(self, problem: Problem, units: Units, starts: np.ndarray, trips: Sequence[int]) -> None:
        """Follows gradient flow from the starts, which all configurations and noise seeds share.

        Args:
            problem: The problem.
            units: How rules see it.
            starts: The starts in raw units, (n, dim).
            trips: Trips of the snapshots; none where nothing is to be named.
        """
        self._problem, self._units = problem, units
        named = width(problem, trips) > 0
        self.trips = tuple(trips) if named else ()
        self._at_start = drains_to(problem, starts)[:, None] if named else np.empty((len(starts), 0), np.int32)

    def column(self, kept: Sequence[Any], records: Records, starts: np.ndarray) -> np.ndarray:
        """Returns the column for a block.

        Args:
            kept: Judged iterates at the snapshots in the rules' units, each (lanes, dim).
            records: What was kept of the runs: one that has diverged or escaped is in neither well from then on.
            starts: The start of each lane that counts, (n,).

        Returns:
            Codes, (n, ``width``).
        """
        n = len(starts)
        codes = [self._at_start[starts]]
        for trip, params in zip(self.trips, kept, strict=True):
            gone = np.zeros(n, np.bool_)
            for at in (records.diverged_at[:n], records.escaped_at[:n]):
                gone |= (at >= 0) & (at <= trip)
            # What has gone need not be followed.
            points = np.where(gone[:, None], np.nan, self._units.outward(params[:n]))
            codes.append(drains_to(self._problem, points)[:, None])
        return np.concatenate(codes, axis=1).astype(np.int32)


def unknown(n: int, width: int) -> np.ndarray:
    """Returns the column of cells that could not be run."""
    return np.full((n, width), NEITHER, np.int32)
