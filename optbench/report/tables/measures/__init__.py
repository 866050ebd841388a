"""The kinds of table of what was measured, for runs of every kind; a new one is one line here."""

from __future__ import annotations

from optbench.report.tables.kind import TableKind
from optbench.report.tables.measures import sharpness

TABLES = (
    TableKind("sharpness", "Sharp or flat: curvature and sharpness of the points that runs led to", sharpness.table),
)
