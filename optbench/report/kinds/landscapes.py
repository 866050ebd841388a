"""Runs on test functions: their clock, settings and frames, and what they are scored by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.records import Scoring
from optbench.report.kinds.kind import Frames, Points, Presentation

if TYPE_CHECKING:
    import pandas as pd

    from optbench.report.evidence import Evidence

#: The settings in which a rule is shown, in their order.
SETTINGS = ("default", "one_for_all", "tuned")
#: Frames that only pages about tuning need.
TUNING_FRAMES = ("best_of_k", "cost", "gain", "matrix")
#: Frames of what theory predicts on quadratics beside what was measured.
THEORY_FRAMES = ("theory_rates", "theory_edges")


# Each function imports what makes its frames: a caller that hands over frames does not wait for the rest to load.
def _tuning(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.landscapes.tuning import judged_tuning

    tuned = judged_tuning(evidence.judged.evidence, evidence.manifest)
    return {key: getattr(tuned, key) for key in TUNING_FRAMES}


def _theory(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.quadratics.measured_rates import analyze_theory

    compared = analyze_theory(evidence.rows, evidence.manifest)
    return {key: getattr(compared, key) for key in THEORY_FRAMES}


def _stability(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.landscapes.stability import stability

    ways = [Scoring.TOUCHED] if evidence.lacks_settling_times else [*Scoring]
    return {name: stability(evidence.rows, evidence.manifest, ways)}


def _wells(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.wells.shares import wells

    return {name: wells(evidence.rows, evidence.manifest)}


def _dimension(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.landscapes.dimension import dimension

    return {name: dimension(evidence.frame("summary"))}


def _running_times(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.landscapes.running_time import running_times

    return {name: running_times(evidence.judged)}


def _measured(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.landscapes.measured import measured

    return {name: measured(evidence.rows, evidence.measures, evidence.manifest)}


def _configurations(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    from optbench.analysis.landscapes.measured import configurations

    return {name: configurations(evidence.frame("measured"), evidence.frame("summary"))}


def _judged(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    return {name: getattr(evidence.judged, name)}


FRAMES: dict[str, Frames] = {
    **dict.fromkeys(TUNING_FRAMES, _tuning),
    **dict.fromkeys(THEORY_FRAMES, _theory),
    "stability": _stability,
    "wells": _wells,
    "dimension": _dimension,
    "running_times": _running_times,
    "measured": _measured,
    "configurations": _configurations,
}


def frames(evidence: Evidence, name: str) -> Mapping[str, pd.DataFrame]:
    """Returns the frame of a name, a key of ``FRAMES`` or a field of ``analysis.Analysis``."""
    return FRAMES.get(name, _judged)(evidence, name)


def lacks_settling_times(evidence: Evidence) -> bool:
    """Returns whether a run was stored before settling times were."""
    from optbench.analysis.landscapes.evidence import has_settling_times

    return not has_settling_times(evidence.rows)


def criterion(evidence: Evidence) -> str:
    """Returns what scores and tuning go by."""
    from optbench.analysis.landscapes.sweep import beside_trials, tries_default

    said = f"score: log-time area over {evidence.scoring} targets"
    said += " (stored without settling times)" if evidence.lacks_settling_times else ""
    entries = evidence.manifest.get("optimizers", {})
    if not any(entry.get("grid") for entry in entries.values()):
        return said
    if tries_default(evidence.rows, evidence.manifest):
        return f"{said}, tuned for the same, defaults among the candidates"
    beside = beside_trials(evidence.rows, evidence.manifest).values()
    off = ", a default off its grid is no candidate" if any(beside) else ""
    return f"{said}, tuned for the same{off}"


def check_rows(evidence: Evidence) -> None:
    """Refuses rows that analysis would refuse; rows from before settling times are judged by touched targets."""
    from optbench.analysis.landscapes.evidence import arrange

    arrange(evidence.rows, evidence.manifest, evidence.scoring)


KIND = Presentation(
    costs="costs: gradient 1, value alone 1, Hessian-vector product 2, dense Hessian 2 dim",
    settings=SETTINGS,
    entry="problem",
    reads_in_parts=True,
    frames=frames,
    lacks_settling_times=lacks_settling_times,
    criterion=criterion,
    points=Points(
        unit="start",
        intervals="95 %, these problems, new starts",
        subject=lambda evidence: "of the function without noise, in the units in which rules see it",
        loss="gap",
        loss_means=lambda evidence: "relative gap of the point",
    ),
    check_rows=check_rows,
)
