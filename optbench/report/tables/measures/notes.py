"""What stands under the table of measures: what was measured, how to read it, and what could mislead if left unsaid."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np

from optbench.analysis.measures.summary import WITHOUT
from optbench.records.measures import MeasureStatus
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.kinds.kind import Points
from optbench.report.measured import HOW
from optbench.report.tables.common_notes import absent, counted, rates, span
from optbench.report.tables.side_by_side import Row

#: Losses of one task that differ by more than this factor make a comparison of sharpness one of losses.
UNEQUAL = 2.0
#: Reasons that are printed for a measure without a number.
MOST_REASONS = 3
#: What a run is told whose measures are of other points.
ELSEWHERE = (
    "Pictures show what was measured along the path (`optbench plot RUN --kind edge`) or between two runs "
    "(`--kind interpolation`); `Run.measures` has the rows."
)
#: Fewest numbers of which a median has an interval at 95 %.
LEAST = 6


def intervals(evidence: Evidence) -> str:
    """Returns the kind of interval in the table."""
    points = evidence.of_kind.points
    return "none" if points is None else points.intervals


def notes(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    """Returns the notes of the table of measures.

    Args:
        evidence: The run.
        rows: The rows of the frame ``sharpness`` that are shown.

    Returns:
        One or two sentences each, in a fixed order; only those that concern what is shown.
    """
    said = [counted(evidence), *absent(evidence)]
    points = evidence.of_kind.points
    if points is not None and not rows and not evidence.measures.empty:
        return [*said, f"No measure of this run is of the ends of single runs. {ELSEWHERE}"]
    if points is None:
        return [*said, "Nothing is measured of the points of runs of this kind."]
    if not rows:
        return [*said, f"Nothing was measured in this run: {HOW}."]
    said += [
        where(evidence, rows, points),
        *named(evidence, rows),
        f"Medians over the {points.unit}s that have a number; brackets: intervals of the median, {points.intervals}, "
        f"by order statistics. {_few(rows, points)}",
    ]
    if any(row["standard_error"] > 0 for row in rows):
        said.append(
            f"±: the estimator's own standard error in one run, median; it is no spread over {points.unit}s, and more "
            f"{points.unit}s do not lower it. Without one it is 0 but for rounding, or not known."
        )
    said += _marked(rows)
    said.append(
        f"{points.loss}: {points.loss_means(evidence)}, median over the same runs. Curvature and sharpness hang on it: "
        f"compare at equal {points.loss} only{_unequal(evidence, rows, points)}."
    )
    if any(row["n_test"] for row in rows):
        said.append(
            "test, gap: accuracy on test examples, and training minus test accuracy in points, over all reported "
            "runs; intervals for new seeds and new test examples. A failed run counts as wrong on every example."
        )
    said += _lost(evidence, rows, points)
    said += rates(rows)
    return [*said, "No entry is marked as best: that takes an interval of the difference, which this table has not."]


def where(evidence: Evidence, rows: Sequence[Row], points: Points) -> str:
    """Returns which points were measured, of which loss, in which precision."""
    found = sorted({str(row["point"]) for row in rows})
    at = {"judged": "at the point at which the run is judged", "last": "at the last iterate"}
    places = " and ".join(at.get(point, point) for point in found)
    kept = {json.loads(text or "{}").get("dtype") for text in evidence.frame("measured")["settings"].unique()}
    dtypes = sorted(str(dtype) for dtype in kept if dtype)
    precision = f"; in {', '.join(dtypes)}" if dtypes else ""
    return f"Measured {places}, {points.subject(evidence)}{precision}."


def named(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    """Returns what each measure is: its name in the catalogue, its settings and its unit."""
    known = evidence.manifest.get("measures", {})
    first = evidence.frame("measured").drop_duplicates("measure").set_index("measure")
    parts = []
    for label in sorted({row["measure"] for row in rows}, key=lambda name: (_place(known, name), name)):
        row = first.loc[label]
        settings = _settings(str(row["settings"] or "{}"))
        inside = ", ".join(f"{name} {_value(value)}" for name, value in sorted(settings.items()))
        name = str(row["name"]) + (f" ({inside})" if inside else "")
        title = str(row["title"])
        shown = label if title == label else f"{title} ({label})"
        parts.append(f"{shown}: {name}" + (f", in {row['units']}" if row["units"] else ""))
    return [f"Measures. {'; '.join(parts)}."]


def _place(known: object, name: str) -> int:
    labels = list(known) if isinstance(known, dict) else []
    return labels.index(name) if name in labels else len(labels)


def _settings(text: str) -> dict[str, object]:
    """Returns the settings in a row, which names the measure beside them."""
    return {key: value for key, value in json.loads(text).items() if key not in ("name", "dtype")}


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


def _few(rows: Sequence[Row], points: Points) -> str:
    numbers = [int(row["n_numbers"]) for row in rows if row["n_numbers"]] or [0]
    each = f"They hold one at a time; each median is of {span(numbers)}."
    short = f"Fewer than {LEAST} {points.unit}s have none: of so few, not even the extremes hold a median at 95 %."
    return each if min(numbers) >= LEAST else short if max(numbers) < LEAST else f"{each} {short}"


def _marked(rows: Sequence[Row]) -> list[str]:
    """Returns which measures rescaling leaves as they are, and what that means."""
    invariant = sorted({str(row["title"]) for row in rows if row["is_invariant"]})
    if not invariant:
        return []
    others = len({row["measure"] for row in rows if not row["is_invariant"]})
    more = (
        "; it changes the others, although all predictions stay. So alone they say nothing of a network"
        if others
        else ""
    )
    return [
        f"Invariant under rescaling of weights that leaves a network's function as it is (Dinh et al. 2017): "
        f"{', '.join(invariant)}{more}."
    ]


def _unequal(evidence: Evidence, rows: Sequence[Row], points: Points) -> str:
    """Returns by how much the losses of one task differ at most, where that is too much to compare."""
    entry, worst, place = evidence.of_kind.entry, 1.0, ""
    for label in evidence.entries(row[entry] for row in rows):
        found = [row["loss"] for row in rows if row[entry] == label and math.isfinite(row["loss"])]
        if len(found) < 2 or max(found) <= 0:
            continue
        factor = math.inf if min(found) <= 0 else float(np.max(found) / np.min(found))
        if factor > worst:
            worst, place = factor, label
    if worst <= UNEQUAL:
        return ""
    size = "beyond all bounds" if math.isinf(worst) else f"by a factor of up to {formatting.significant(worst)}"
    return f"; here they differ {size} (on {place}), and differences of sharpness may be no more than that"


def _lost(evidence: Evidence, rows: Sequence[Row], points: Points) -> list[str]:
    """Returns how many runs have no number by which measure, and why."""
    said = []
    if any(row["no_point"] or row["n_runs"] < row["n_units"] for row in rows):
        said.append(
            f"n: reported {points.unit}s that have a point, of how many: a run that diverged or failed has none. "
            "Medians are of the others, so they say nothing of the lost ones."
        )
    measured = evidence.frame("measured")
    for status in WITHOUT:
        if status == MeasureStatus.NO_POINT:
            continue
        labels = sorted({row["measure"] for row in rows if row[status]})
        for label in labels:
            count = sum(int(row[status]) for row in rows if row["measure"] == label)
            mine = measured[(measured["measure"] == label) & (measured["status"] == status)]
            reasons = sorted({str(message) for message in mine["message"] if message})
            more = f"; and {len(reasons) - MOST_REASONS} other reasons" if len(reasons) > MOST_REASONS else ""
            why = f": {'; '.join(reasons[:MOST_REASONS])}{more}" if reasons else ""
            said.append(f"{label}: no number of {count} {_runs(count)}, {status.replace('_', ' ')}{why}.")
    return said


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"
