"""The kinds of a suite: how each is planned, described and executed."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from optbench.runner.kinds.kind import Kind
from optbench.suite.selection import Selection
from optbench.suite.suite import Suite

__all__ = ["Kind", "planned"]


def planned(suite: Suite, selection: Selection) -> Kind:
    """Plans a suite; the modules of another kind are not imported, which would take a third of a second.

    Args:
        suite: The suite as its file has it.
        selection: What of it is run, and how tuned.

    Returns:
        The plan, and what executes it.

    Raises:
        UsageError: What is selected is not there or cannot be, or the plan is too large.
    """
    module = importlib.import_module(f"optbench.runner.kinds.{suite.KIND}.kind")
    plan: Callable[[Suite, Selection], Kind] = module.KIND
    return plan(suite, selection)
