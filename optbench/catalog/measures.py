"""The measures by name: one literal line each. A measure is a constant of its module, its name in capitals."""

from __future__ import annotations

from optbench.catalog.entry import Entry

MEASURES: tuple[Entry, ...] = ()
