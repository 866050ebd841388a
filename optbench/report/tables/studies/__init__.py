"""The kinds of table of runs of studies."""

from __future__ import annotations

from optbench.report.tables.kind import TableKind

TABLES: tuple[TableKind, ...] = ()
