"""What stands under every table of a run of networks: how to read it, and what could mislead if left unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optbench.report.evidence import Evidence, optimizers
from optbench.report.formats import escaping
from optbench.report.losses import told
from optbench.report.tables.common_notes import absent, counted, rates, seeds, span

#: The kind of interval in every table of one run of networks.
INTERVALS = "95 %, these tasks, new seeds and new test examples"

#: Below so many reported seeds nothing is ranked.
RANKED_FROM = 10

#: A row of a frame by column name.
Row = Mapping[str, Any]


def notes(evidence: Evidence, rows: Sequence[Row], facts: frozenset[str]) -> list[str]:
    """Returns the notes of a table of accuracies.

    Args:
        evidence: The run.
        rows: The rows of ``network_summary``.
        facts: Names of the facts that the table shows, keys of ``scores.FACTS``.

    Returns:
        One or two sentences each, in a fixed order; only those that concern what is shown.
    """
    said = [counted(evidence), *absent(evidence)]
    if not rows:
        return [*said, "No reported run has a row yet."]
    said += [settings(evidence, rows), judged(evidence), bracketed(rows)]
    if "gap" in facts:
        said.append(
            "gap: training accuracy minus test accuracy, in points, of weights as tested (no dropout, nothing "
            "augmented); over the seeds that have scores."
        )
    if "loss_gap" in facts:
        said.append(
            f"loss gap: test loss minus training loss, in {told(evidence, lambda loss: loss.unit)}; its brackets are "
            "for new seeds on this test set, since rows hold no loss of single examples."
        )
    if "stop" in facts:
        said.append(f"stop: passes over the training examples up to the judged point, median{_of_passes(rows)}.")
    said += lost(rows)
    if "rate" in facts:
        said += rates(rows)
    return [*said, *halved(evidence, (row["optimizer"] for row in rows)), unranked(rows)]


def settings(evidence: Evidence, rows: Sequence[Row]) -> str:
    """Returns what the settings are and what chose."""
    n = span(row["n_seeds"] for row in rows)
    default = "Settings: default, the rule's own defaults"
    if not any(row["setting"] == "tuned" for row in rows):
        return f"{default}; nothing was tuned. All numbers come from {seeds(n)} per task and rule (n)."
    tune = evidence.manifest.get("seeds", {}).get("tune")
    over = "the tuning seeds" if tune is None else seeds(tune, "tuning seed")
    what = "configuration" if evidence.manifest.get("tuning") == "random" else "value"
    return (
        f"{default}; tuned, for each task the {what} with the best mean validation accuracy over {over} (of equal ones "
        "the lower validation loss, then the smaller value; a run that diverged or failed scores 0). Choices see "
        f"neither test examples nor the {seeds(n, 'other seed')} from which all numbers come (n)."
    )


def judged(evidence: Evidence) -> str:
    """Returns at which point of a run its weights are judged."""
    tasks = evidence.manifest.get("tasks", {})
    early = [bool(task.get("early_stopping", True)) for task in tasks.values()]
    ends = {True: "where its validation accuracy is best", False: "at its end"}
    # Those of the rarer kind are named.
    usual = sum(early) * 2 >= len(early)
    where = ends[usual]
    if others := [label for (label, _), stops in zip(tasks.items(), early, strict=True) if stops is not usual]:
        where += f"; {ends[not usual]} on {', '.join(others)}"
    return f"A run is judged {where}. Test examples choose nothing."


def bracketed(rows: Sequence[Row]) -> str:
    """Returns what the brackets hold."""
    if all(row["n_seeds"] < 2 for row in rows):
        return "No intervals: of a single seed nothing is known about others."
    return (
        f"Brackets: intervals, {INTERVALS}: seeds (initialization, order, regularization) and test examples are drawn "
        "anew jointly; training and validation examples stay, and so does the chosen value."
    )


def lost(rows: Sequence[Row]) -> list[str]:
    """Returns how runs that diverged or failed enter."""
    said = "div.: runs that diverged; each keeps the point that was judged before, and enters with it"
    if any(row["failed"] > 0 for row in rows):
        said += (
            "; fail: error, timeout or oom: no scores, so that a failed run counts as wrong on every example and "
            "enters neither gap, losses nor stop"
        )
    return [f"{said}."]


def halved(evidence: Evidence, rules: Iterable[str]) -> list[str]:
    """Returns that a rule which asks for several gradients a step makes fewer steps."""
    entries = evidence.manifest.get("optimizers", {})
    found: dict[int, list[str]] = {}
    for rule in optimizers(rules):
        found.setdefault(int(entries.get(rule, {}).get("evals_per_step", 1)), []).append(rule)
    return [
        f"{', '.join(names)}: {n} gradients a step, so {'half' if n == 2 else f'1/{n} of'} the steps at equal cost."
        for n, names in sorted(found.items())
        if n > 1
    ]


def unranked(rows: Sequence[Row]) -> str:
    """Returns why no entry of a table is marked."""
    fewest = min(int(row["n_seeds"]) for row in rows)
    if fewest < RANKED_FROM:
        return f"At {seeds(fewest)} nothing is ranked: that takes {RANKED_FROM}."
    return (
        "No entry is marked as best: that takes an interval of the difference, which the table 'ranking' has and this "
        "one has not."
    )


def beside(evidence: Evidence, rules: Sequence[str]) -> list[str]:
    """Returns what stands under every figure: which rules make half the steps, and what is not there."""
    said = [*halved(evidence, rules), *absent(evidence)]
    return [escaping.figure(note, limit=1000) for note in said]


def effect_notes(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    """Returns the notes of the table of effects.

    Args:
        evidence: The run.
        rows: The rows of ``network_effects``.

    Returns:
        One or two sentences each.
    """
    said = [counted(evidence), *absent(evidence)]
    if not rows:
        return [*said, "No task of this run has a regularizer and a twin without one."]
    said += [
        "Differences in points of accuracy: with the regularizer minus without any, same data, model, rule and budget; "
        "paired on seeds and test examples. gap: training minus test accuracy, less is better.",
        "rate: the swept value with the regularizer, then the one without where they differ: in the setting tuned "
        "each side has its own, chosen on validation.",
        judged(evidence) + " Training accuracy is of weights as tested (no dropout, nothing augmented).",
        f"Brackets: test and gap, {INTERVALS}, jointly; train, new seeds. They hold one at a time: of twenty without "
        "any effect one excludes 0.",
        "pairs: seeds for which both sides have scores; the others enter nothing here.",
    ]
    return [*said, *halved(evidence, (row["optimizer"] for row in rows)), unranked(rows)]


def _of_passes(rows: Sequence[Row]) -> str:
    costs = sorted({round(float(row["cost"])) for row in rows})
    return f", of {span(costs)}" if costs else ""
