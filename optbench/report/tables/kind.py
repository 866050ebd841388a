"""What a kind of table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from optbench.report.evidence import Evidence
from optbench.report.formats.layout import Table


@dataclass(frozen=True, slots=True)
class TableKind:
    """A kind of table.

    Attributes:
        name: What the user asks for.
        title: What it shows.
        build: Makes the table from evidence, name and title.
    """

    name: str
    title: str
    build: Callable[[Evidence, str, str], Table]
