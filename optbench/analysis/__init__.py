"""What was run, judged: scores, selection, intervals and the frames of tables and plots. Imports no JAX."""

from __future__ import annotations

from optbench.analysis.evidence import Evidence, Reported, Tuning, arrange
from optbench.analysis.integrity import Completeness, completeness
from optbench.analysis.profiles import Profile, expected_running_time, performance_profile
from optbench.analysis.selection import SETTINGS, Choice, select
from optbench.analysis.summarize import Analysis, analyze

__all__ = [
    "SETTINGS",
    "Analysis",
    "Choice",
    "Completeness",
    "Evidence",
    "Profile",
    "Reported",
    "Tuning",
    "analyze",
    "arrange",
    "completeness",
    "expected_running_time",
    "performance_profile",
    "select",
]
