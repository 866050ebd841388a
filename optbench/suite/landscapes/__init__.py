"""Suites of functions: problems at one dimension, starts, a budget in gradients."""

from optbench.suite.landscapes.suite import LandscapeSuite

SUITE = LandscapeSuite
