"""What was run, judged: scores, selection, intervals and the frames of tables and plots. Imports no JAX."""

from __future__ import annotations

from optbench.analysis.evidence import Evidence, Reported, Tuning, arrange
from optbench.analysis.integrity import Completeness, completeness
from optbench.analysis.network_curves import network_curves, network_rates
from optbench.analysis.network_effects import network_effects
from optbench.analysis.network_ranking import network_ranking
from optbench.analysis.networks import network_summary
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
    "network_curves",
    "network_effects",
    "network_ranking",
    "network_rates",
    "network_summary",
    "performance_profile",
    "select",
]
