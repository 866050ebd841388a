"""What stands under every table: how to read it, and what could mislead if it were left unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optbench.records import DIVERGE_GAP, DIVERGE_WIDTHS, ESCAPE_WIDTHS, Scoring
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.tables import common_notes

#: The kind of interval in every table of one run.
INTERVALS = "95 %, these problems, new starts"

#: What a cost is where a gradient sees some terms of a finite sum alone.
BATCHES = "Costs on finite sums in batches are sample gradients over the number of terms."


def notes(evidence: Evidence, rows: Sequence[Mapping[str, Any]], facts: frozenset[str]) -> list[str]:
    """Returns the notes of a table.

    Args:
        evidence: The run.
        rows: The rows of its summary frame.
        facts: Names of the facts that the table shows, keys of ``facts.FACTS``.

    Returns:
        One or two sentences each, in a fixed order; only those that concern what is shown.
    """
    said = [
        common_notes.counted(evidence),
        "Settings: default, the rule's own defaults; one for all, one configuration for all problems, chosen for each "
        "problem with its family left out; tuned, chosen per problem. Choices use tuning starts only; all numbers "
        f"come from {_range(row['n_starts'] for row in rows)} other starts per problem and rule (n).",
        f"Brackets: intervals, {INTERVALS} (each problem stays, its starts are drawn anew); {_methods(facts)}",
    ]
    if "gap" in facts:
        said += [_gap(evidence), *_floor(rows), *_noisy(evidence)]
    if "rate" in facts:
        said += common_notes.rates(rows, f", in {evidence.manifest.get('units', 'unknown')} units")
    if facts & {"reach", "solved", "evals", "ert"}:
        said.append(targets(evidence))
    if facts & {"reach", "solved"}:
        said.append(
            "gap≤1e-3, solved: share of runs that reach a relative gap of 1e-3, or f_solved; starts that meet the "
            "target already are left out for every rule."
        )
    if "evals" in facts:
        budget = evidence.manifest.get("budget")
        within = "" if budget is None else f" of {budget} gradient evaluations"
        said.append(
            "evals: median gradient evaluations until a relative gap of 1e-3 is reached, runs that missed it counted "
            f"as inf; missed: how many did, within the budget{within}, of the starts that count (censored)."
        )
    if "ert" in facts:
        said += [_running_time(evidence), *_noisy(evidence)]
    if "diverged" in facts:
        said.append(_diverged())
    said.append("No entry is marked as best: that takes an interval of the difference, which this table does not show.")
    return said


def targets(evidence: Evidence) -> str:
    """Returns when a target counts as reached."""
    if evidence.lacks_settling_times:
        return (
            "This run was stored without settling times: a target counts as reached when it is touched once, even if "
            "the run leaves it again. Run the suite again for settled targets."
        )
    if evidence.scoring is Scoring.TOUCHED:
        return (
            "Touched targets: a target counts as reached when f is at or below it once, even if the run leaves it "
            "again; for those who keep the best iterate and pay for its value."
        )
    return "A target counts as reached when it is settled: from that cost on f stays at or below it to the end."


def _gap(evidence: Evidence) -> str:
    """Returns which gap is shown."""
    lost = "inf where half of the runs or more diverged or escaped."
    if evidence.scoring is Scoring.TOUCHED:
        return f"gap: median of (best f - f_star)/f_scale; {lost}"
    return (
        "gap: median of (last f - f_star)/f_scale; best: the median of the best f, where it is more than ten times "
        f"nearer: the runs were there and left. {lost}"
    )


def _floor(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns what a gap below the floor means, where one is shown."""
    if not any(row[name] < formatting.GAP_FLOOR for row in rows for name in ("gap_median", "gap_low")):
        return []
    return [f"{formatting.gap(0.0)}: not told from zero; f is rounded to 1e-16 of its size, f_star is known to 1e-14."]


def _methods(facts: frozenset[str]) -> str:
    """Returns how the intervals of what is shown are made."""
    if "ert" in facts:
        return (
            "those of the mean cost of a success (Student) and of the share of successes (Wilson, with Student's "
            "quantile) joined, widened by a bootstrap that chooses again wherever something was chosen."
        )
    return (
        "order statistics for medians, Wilson for shares, both widened by a bootstrap that chooses again wherever "
        "something was chosen."
    )


def _running_time(evidence: Evidence) -> str:
    budget = evidence.manifest.get("budget")
    full = "the full budget" if budget is None else f"the full budget of {budget} gradient evaluations"
    return (
        "ERT: expected running time, evaluations of all runs over the number that reached a relative gap of 1e-3, the "
        f"cost of a success if failed runs are restarted from new starts; a run that missed counts with {full}, "
        "however it ended; inf if none reached it. reached: how many did, of the runs whose start does not meet it "
        "already."
    )


def _noisy(evidence: Evidence) -> list[str]:
    """Returns what a table of problems under noise or in batches must say beside."""
    problems = evidence.manifest.get("problems", {}).values()
    if not any(problem.get("noise") for problem in problems):
        return []
    settled = evidence.scoring is Scoring.SETTLED
    reached = "median from which on all lie at or below it" if settled else "median at or below it"
    said = [
        "On problems under noise or in batches, the gap is that of the last iterate. Their curves are smoothed, by the "
        f"median of each point and the next two: a target is reached at the first {reached}. "
        "Scores are those of the function without noise. Noise seeds on one start are one cluster: medians and shares "
        "are over starts."
    ]
    if any(problem.get("batch_size") for problem in problems):
        said.append(BATCHES)
    return said


def _range(values: Iterable[Any]) -> str:
    found = sorted({int(value) for value in values})
    if not found:
        return "0"
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _diverged() -> str:
    return (
        f"div.: runs that diverged, that is became not finite, exceeded f_star by {DIVERGE_GAP:.0e} f_scale or went "
        f"{DIVERGE_WIDTHS:g} box widths away; esc: fell below f_star or went {ESCAPE_WIDTHS:g} box widths away; fail: "
        "error, timeout or oom. All three miss every target."
    )
