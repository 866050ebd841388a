"""How to cite the software, and a run of it as a data set."""

from __future__ import annotations

from optbench.report.citing.citation import Citation, of_run, of_software
from optbench.report.citing.formats import FORMATS, render

__all__ = ["FORMATS", "Citation", "of_run", "of_software", "render"]
