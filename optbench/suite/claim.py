"""A claim in a suite file, of whatever kind the suite is: stated before the run, and part of its identity."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, Strict

from optbench.suite.model import Model, Real, Text


class Claim(Model):
    """A claim that is stated before the run: the left side's measure is greater than the right side's.

    Attributes:
        name: Short name.
        claim: The claim in one sentence.
        refuted_by: What would refute it, in one sentence.
        margin: How much less than the right side's the left side's measure may be.
    """

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    claim: Text
    refuted_by: Text | None = None
    margin: Annotated[Real, Field(ge=0, allow_inf_nan=False)] = 0.0


def matching(patterns: str | None, labels: Iterable[str]) -> list[str]:
    """Returns the labels that some patterns with blanks between them match; all for ``None``.

    Example:
        >>> matching("sphere* ackley", ["ackley", "sphere-2d", "levy"])
        ['ackley', 'sphere-2d']
    """
    parts = None if patterns is None else patterns.split()
    return [label for label in labels if parts is None or label in parts or any(fnmatchcase(label, p) for p in parts)]
