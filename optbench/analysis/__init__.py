"""What was run, judged: scores, selection, intervals and the frames of tables and plots. Imports no JAX."""

from __future__ import annotations

from optbench.analysis.landscapes.evidence import Arranged, Reported, Tuning, arrange
from optbench.analysis.landscapes.integrity import Completeness, completeness
from optbench.analysis.landscapes.profiles import Profile, expected_running_time, performance_profile
from optbench.analysis.landscapes.selection import SETTINGS, Choice, select
from optbench.analysis.landscapes.summarize import Analysis, analyze
from optbench.analysis.networks.curves import network_curves, network_rates
from optbench.analysis.networks.effects import network_effects
from optbench.analysis.networks.ranking import network_ranking
from optbench.analysis.networks.summary import network_summary

__all__ = [
    "SETTINGS",
    "Analysis",
    "Arranged",
    "Choice",
    "Completeness",
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
