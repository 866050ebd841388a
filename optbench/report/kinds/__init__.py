"""What tables and figures must know of a kind of run: a module each, which bears the name of the kind."""

from __future__ import annotations

import importlib

from optbench.report.kinds.kind import Presentation


def named(kind: str) -> Presentation:
    """Returns what is known of a kind of run.

    Args:
        kind: A name among ``optbench.kinds.KINDS``.

    Returns:
        It.
    """
    found: Presentation = importlib.import_module(f"optbench.report.kinds.{kind}").KIND
    return found
