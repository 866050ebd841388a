"""How the suite that is run differs from the one that its file describes: the manifest says so, and every table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from optbench.kinds import KINDS
from optbench.suite.suite import Suite


def part_of(whole: Suite, run: Suite, absent: Iterable[str] = ()) -> dict[str, Any]:
    """Returns how a run differs from its suite.

    Args:
        whole: The suite as its file has it.
        run: The suite that is run, after selection or in its quick size.
        absent: Labels of what is not run though nobody left it out; it has a note of its own.

    Returns:
        For each kind of entry that differs how many of how many are kept, and how many were added; for each setting
        that differs the one of the run. Empty for the whole suite.

    Example:
        >>> from optbench.suite.parse import load
        >>> from optbench.suite.selection import select
        >>> spec = load("quick").spec
        >>> part_of(spec, select(spec, optimizers=["sgd", "lion"], tuning="random", trials=8))
        {'optimizers': {'kept': 1, 'of': 7, 'added': 1}, 'tuning': 'random', 'trials': 8}
    """
    found: dict[str, Any] = {}
    for kind, entries, rest, left_out in (
        ("optimizers", whole.optimizers, run.optimizers, ()),
        (KINDS[whole.KIND], whole.subjects, run.subjects, absent),
    ):
        all_labels = [entry.label for entry in entries]
        here = [*(entry.label for entry in rest), *left_out]
        kept = len(set(all_labels) & set(here))
        if len(here) > kept and not whole.is_open:
            continue  # of a suite with arms, whose quick size trains other tasks
        if kept < len(all_labels) or len(here) > kept:
            found[kind] = {"kept": kept, "of": len(all_labels), "added": len(here) - kept}
    names, here = ([arm.name for arm in getattr(suite, "arms", ())] for suite in (whole, run))
    if len(here) < len(names):
        found["arms"] = {"kept": len(here), "of": len(names), "added": 0}
    for setting in ("tuning", "trials", "seed", "dtype"):
        value = getattr(run, setting, None)
        # Trials mean something where they are drawn.
        if value != getattr(whole, setting, None) and (setting != "trials" or run.tuning == "random"):
            found[setting] = value
    return found
