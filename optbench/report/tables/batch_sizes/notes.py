"""What stands under tables and figures of runs with arms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from optbench.analysis.batch_sizes.arms import ordered
from optbench.analysis.batch_sizes.points import NEAR
from optbench.analysis.statistics.sign_flip import smallest_p
from optbench.report import losses
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.tables.common_notes import absent, counted

#: What a run without arms is told.
NO_ARMS = "No arms: the suite compares no batch sizes. A suite with [[arms]] does, such as large-batch."
#: Fewest pairs of which a sign-flip test can come below 5 %.
FEWEST_PAIRS = 6
#: Below so many replicates nothing is ranked.
RANKED_FROM = 10
#: What replicates differ in, by whether each has data of its own.
DRAWN = {True: "data or split, initialization, order", False: "initialization, order"}


def has_arms(evidence: Evidence) -> bool:
    """Returns whether a run compares batch sizes."""
    return bool(evidence.manifest.get("arms"))


def begun(evidence: Evidence) -> list[str]:
    """Returns what stands first under every table."""
    return [counted(evidence), *absent(evidence)]


def place(level: float | None) -> str:
    """Returns where batch sizes are compared.

    Example:
        >>> place(0.003), place(float("nan"))
        ('training loss 0.003', 'end of the runs')
    """
    is_end = level is None or level != level
    return "end of the runs" if is_end else f"training loss {formatting.significant(float(level or 0), 3, trim=True)}"


def judged_at(evidence: Evidence) -> list[float]:
    """Returns the places at which arms are judged: the primary level, if there is one, and the end of runs as NaN."""
    primary = evidence.manifest.get("primary_level")
    return [*([] if primary is None else [float(primary)]), float("nan")]


def shares_test(evidence: Evidence, labels: Iterable[str]) -> bool:
    """Returns whether all replicates of some tasks are tested on the same examples."""
    same = not evidence.manifest.get("new_data", False)
    return same or any(evidence.task(label).get("shares_test", False) for label in labels)


def sharing(evidence: Evidence) -> dict[str, bool]:
    """Returns of each arm whether all its replicates are tested on the same examples."""
    return {
        arm["name"]: shares_test(evidence, (run["task"] for run in arm["runs"])) for arm in ordered(evidence.manifest)
    }


def intervals(evidence: Evidence) -> str:
    """Returns the kind of interval of a run with arms."""
    drawn = f"95 %, these tasks, new replicates ({DRAWN[bool(evidence.manifest.get('new_data', False))]})"
    shared = set(sharing(evidence).values())
    if shared == {True}:
        return f"{drawn}, this test set"
    return drawn if shared <= {False} else f"{drawn}; this test set where a note says so"


def of_test_set(evidence: Evidence) -> list[str]:
    """Returns for which arms intervals hold for this test set alone."""
    shared = sharing(evidence)
    names = [name for name, is_shared in shared.items() if is_shared]
    if not names:
        return []
    whose = "All arms" if len(names) == len(shared) else f"Arms {', '.join(names)}"
    return [
        f"{whose}: intervals of test accuracy and gap are for this test set. Replicates share its examples, so another "
        "test set would move all of them together."
    ]


def levels(evidence: Evidence) -> list[str]:
    """Returns what a level is."""
    if not evidence.manifest.get("levels"):
        end = "End of the runs: the point that is judged. The suite names no levels of the training loss."
        return [end, *losses.noted(evidence)]
    return [
        "Training loss: that of the whole training set, without dropout or augmentation, scored on one grid of "
        "processed examples for all batch sizes; a level is reached where the median of three of these first lies "
        f"below it, at the point whose loss is that median. {_near()} No run is stopped by its loss.",
        *losses.noted(evidence),
    ]


def _near() -> str:
    return f"A run enters a level if its loss there is within {100 * NEAR:.0f} % of it, a pair if both runs do."


def single(evidence: Evidence) -> list[str]:
    """Returns which arms have nothing to compare."""
    names = [arm["name"] for arm in ordered(evidence.manifest) if len(arm["runs"]) < 2]
    return [f"Of one batch size, so that there is nothing to compare: {', '.join(names)}."] if names else []


def few(rows: Sequence[tuple[str, int]]) -> list[str]:
    """Returns which comparisons have too few pairs for a p-value below 5 %, and that few replicates rank nothing.

    Args:
        rows: Name and number of pairs of each comparison.

    Example:
        >>> few([("adam", 5)])[0]
        'Fewer than 6 pairs, with which no sign-flip p below 0.05 is possible: adam (5 pairs, 0.062 at least).'
    """
    fewer = {name: n for name, n in rows if 0 < n < FEWEST_PAIRS}
    said = []
    if fewer:
        parts = [f"{name} ({n} pairs, {formatting.significant(smallest_p(n))} at least)" for name, n in fewer.items()]
        said.append(
            f"Fewer than {FEWEST_PAIRS} pairs, with which no sign-flip p below 0.05 is possible: {', '.join(parts)}."
        )
    most = max((n for _, n in rows), default=0)
    ranked = "No arm is ranked above another: that takes an interval of the difference between arms."
    return [*said, f"At {most} replicates nothing is ranked." if most < RANKED_FROM else ranked]


def missing(row: Any) -> str:
    """Returns what became of the pairs that do not enter, and how many diverged later; empty where there are none."""
    reasons = (("n_missing", "missing or failed"), ("n_unreached", "not reached"), ("n_left_out", "off the level"),
               ("n_diverged", "diverged"))  # fmt: skip
    return aside((row[name], words) for name, words in reasons)


def aside(counts: Iterable[tuple[float, str]]) -> str:
    """Returns counts in brackets, those that are 0 left out; empty where all are.

    Example:
        >>> aside([(1, "failed"), (0, "missing"), (2, "without")]), aside([(0, "missing")])
        ('(1 failed, 2 without)', '')
    """
    said = ", ".join(f"{int(count)} {words}" for count, words in counts if count > 0)
    return f"({said})" if said else ""


def p_value(p: float) -> str:
    """Returns a p-value with two digits.

    Example:
        >>> p_value(0.00048828125), p_value(1.2e-7), p_value(float("nan"))
        ('0.00049', '<1e-4', 'n/a')
    """
    if p != p:
        return formatting.MISSING
    return f"{p:.2g}" if p >= 1e-4 else "<1e-4"
