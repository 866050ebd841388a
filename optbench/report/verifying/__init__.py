"""What can be checked of a stored run without computing it again: its rows, and what was rendered from them."""

from __future__ import annotations

from optbench.report.verifying.rendering import check_rendering
from optbench.report.verifying.rows import check_rows

__all__ = ["check_rendering", "check_rows"]
